import Comparing

/// A history for a terminal: the answer first, then what led to it, then how it came about.
///
/// - Parameter showAll: whether every change point is listed, also those that decide nothing any more.
public func historyText(_ outcome: HistoryOutcome, style: TextStyle, showAll: Bool) -> String {
  let view = HistoryView(outcome)
  let emphasis: Table.Emphasis = outcome.answer == .regression ? .bad : .strong
  var lines = style.wrapped(view.headline, rest: "  ").map { style.coloured($0, emphasis) }
  func add(_ section: [String]) { if !section.isEmpty { lines += [""] + section } }
  func section(_ title: String, _ judgements: [HistoryJudgement]) -> [String] {
    guard !judgements.isEmpty else { return [] }
    return [style.coloured(title, .strong)]
      + view.sentences(judgements).flatMap { style.wrapped($0, first: "  ", rest: "    ") }
  }
  add(section("Worse", view.regressions))
  add(section("Inconclusive", view.inconclusive))
  add(section("Better", view.improvements))
  if showAll, !view.everyChange.rows.isEmpty {
    add([style.coloured(view.everyChange.title, .strong)] + view.everyChange.listing(style))
  }
  add(view.folded(showAll: showAll).flatMap { style.wrapped($0, first: "  ", rest: "  ") })
  add(
    (outcome.simultaneousChanges + outcome.history.notes).flatMap {
      style.wrapped($0, first: "! ", rest: "  ")
    })
  add(view.circumstances.flatMap { style.wrapped($0, first: "  ", rest: "  ") })
  return lines.joined(separator: "\n") + "\n"
}

/// A history as Markdown (GitHub's dialect), for the summary of a CI step.
public func historyMarkdown(_ outcome: HistoryOutcome) -> String {
  let view = HistoryView(outcome)
  func bullets(_ sentences: [String]) -> String {
    sentences.map { "- \(markdown($0))" }.joined(separator: "\n")
  }
  var everyChange = view.everyChange
  everyChange.isFolded = true
  var parts = ["## \(markdown(view.headline))", view.decisive("Worse", view.regressions).markdownIfAny]
  parts.append(bullets(view.sentences(view.doubtful)))
  if !view.inconclusive.isEmpty {
    parts += ["**Inconclusive**", bullets(view.sentences(view.inconclusive))]
  }
  parts += [view.decisive("Better", view.improvements).markdownIfAny, everyChange.markdownIfAny]
  parts.append(bullets(outcome.simultaneousChanges + outcome.history.notes + view.circumstances))
  return parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
}

/// The answer with what it rests on, in one line and without a full stop, for standard error.
public func historyReason(_ outcome: HistoryOutcome) -> String {
  let view = HistoryView(outcome)
  func first(_ judgements: [HistoryJudgement]) -> String {
    let more = judgements.count > 1 ? ", and \(judgements.count - 1) more" : ""
    return "\(judgements.first.map(view.brief) ?? "")\(more)"
  }
  switch outcome.answer {
  case .regression: return "regression: \(first(view.regressions))"
  case .inconclusive:
    return "inconclusive: \(first(view.inconclusive)): "
      + (view.inconclusive.first?.reason.oneLine.withoutFullStop ?? "")
  case .ok, .unusable:
    return view.headline.withoutFullStop.prefix(1).lowercased() + view.headline.withoutFullStop.dropFirst()
  }
}

extension HistoryView {
  /// Regressions that something has to be said about.
  fileprivate var doubtful: [HistoryJudgement] { regressions.filter { !$0.reason.isEmpty } }

  /// What is not listed, as sentences.
  fileprivate func folded(showAll: Bool) -> [String] {
    var sentences: [String] = []
    if !unchanged.isEmpty { sentences.append("\(Quantity.grouped(unchanged.count)) series unchanged.") }
    let weak = unchanged.count { !$0.reason.isEmpty }
    if weak > 0 { sentences.append("\(weak) of them have a step that can be chance among so many series.") }
    let changes = outcome.judgements.flatMap(\.changes).count
    if !showAll && changes > 0 { sentences.append("--all lists all \(counted(changes, "change point")).") }
    return sentences.isEmpty ? [] : [sentences.joined(separator: " ")]
  }
}

extension Table {
  fileprivate var markdownIfAny: String { rows.isEmpty ? "" : markdown }
}
