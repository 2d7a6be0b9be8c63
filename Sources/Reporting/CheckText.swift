import Comparing

/// A check for a terminal: the answer first, then what led to it, then what was done.
///
/// - Parameters:
///   - files: where the trials are, named at the end.
///   - showAll: whether unchanged cases and metrics that do not decide are listed too.
public func checkText(_ outcome: CheckOutcome, style: TextStyle, files: [String], showAll: Bool) -> String {
  let text = CheckText(view: CheckView(outcome), style: style, showAll: showAll)
  var lines = text.headline
  for section in text.sections where !section.isEmpty { lines += [""] + section }
  if !files.isEmpty { lines += [""] + files.map { "  \(style.encoded($0))" } }
  return lines.joined(separator: "\n") + "\n"
}

private struct CheckText {
  let view: CheckView
  let style: TextStyle
  let showAll: Bool

  var headline: [String] {
    let answer = view.outcome.answer
    let emphasis: Table.Emphasis = answer == .regression || answer == .failed ? .bad : .strong
    return style.wrapped(view.headline, rest: "  ").map { style.coloured($0, emphasis) }
  }

  /// Worst first; one that has nothing to say is empty.
  var sections: [[String]] {
    let metrics = { (check: CaseCheck) in showAll ? check.metrics : check.gates }
    return [
      listing(view.changes("Worse", view.regressions, metrics)), reasons("Failed", view.failed),
      listing(view.tooNoisy("Inconclusive: a change of \(view.threshold) would not have been seen")),
      reasons(view.noisy.isEmpty ? "Inconclusive" : "Inconclusive for other reasons", view.disturbed),
      listing(view.changes("Better", view.improvements, metrics)),
      unchanged(metrics), undecided(metrics), reasons("Skipped", view.skipped), notes, circumstances,
    ]
  }

  private func unchanged(_ metrics: (CaseCheck) -> [MetricCheck]) -> [String] {
    let cases = view.unchanged
    guard !cases.isEmpty else { return [] }
    if showAll { return listing(view.changes("Unchanged", cases, metrics)) }
    let sentence =
      "\(counted(cases.count, "case")) unchanged: a change of \(view.threshold) would have been seen. --all lists "
      + "\(cases.count == 1 ? "it" : "them")."
    return style.wrapped(sentence, first: "  ", rest: "  ")
  }

  /// The numbers of cases that no verdict is about.
  private func undecided(_ metrics: (CaseCheck) -> [MetricCheck]) -> [String] {
    showAll ? listing(view.changes(CheckView.undecided, view.noisy + view.disturbed, metrics)) : []
  }

  private var notes: [String] {
    view.outcome.notes.flatMap { style.wrapped($0.oneLine, first: "! ", rest: "  ") }
  }

  private var circumstances: [String] {
    view.circumstances.flatMap { style.wrapped($0, first: "  ", rest: "  ") }
  }

  private func listing(_ table: Table) -> [String] {
    guard !table.rows.isEmpty else { return [] }
    return [title(table.title)] + table.listing(style)
  }

  /// One entry per reason, wrapped: reasons are sentences and fit no column. Cases with the same reason share it.
  private func reasons(_ name: String, _ cases: [CaseCheck]) -> [String] {
    guard !cases.isEmpty else { return [] }
    let reasons = CheckView.unique(cases.map(\.why))
    return [title(name)]
      + reasons.flatMap { reason in
        let names = cases.filter { $0.why == reason }.map { view.names.name($0.identity) }
        return style.wrapped("\(names.joined(separator: ", ")): \(reason)", first: "  ", rest: "    ")
      }
  }

  private func title(_ text: String) -> String { style.coloured(style.encoded(text), .strong) }
}

extension Table {
  /// As `text`; a name in the first column that leaves no room for the other columns has a line of its own. Where
  /// most names do, all do.
  func listing(_ style: TextStyle) -> [String] {
    let room = style.width - width(withoutNames: style)
    let fitting = rows.count { !$0[0].text.isEmpty && style.encoded($0[0].text).count <= room }
    let named = rows.count { !$0[0].text.isEmpty }
    let longest = fitting == named ? room : 2 * fitting > named ? room : 0
    var table = self
    for row in rows.indices where style.encoded(rows[row][0].text).count > longest {
      table.rows[row][0].text = ""
    }
    if longest == 0 { table.columns[0].title = "" }
    var lines = table.text(style)
    let heads = columns.contains { !$0.group.isEmpty } ? 2 : 1
    for row in rows.indices.reversed() where table.rows[row][0].text != rows[row][0].text {
      lines.insert(contentsOf: style.wrapped(rows[row][0].text, first: "  ", rest: "    "), at: heads + row)
    }
    return lines
  }

  /// Columns that the table takes when its first column has nothing but its title.
  private func width(withoutNames style: TextStyle) -> Int {
    var table = self
    table.notes = []
    for row in table.rows.indices { table.rows[row][0].text = "" }
    let title = columns[0].title.count
    let lines = table.text(TextStyle(width: .max, isUnicode: style.isUnicode))
    return (lines.map(\.count).max() ?? 0) - title
  }
}
