import Comparing

/// What a person reads in a terminal: the kind of comparison first, then what differs, the counts at the end.
///
/// - Parameter showsAll: lists equivalent and inconclusive results too, and every row of long tables.
public func textReport(
  _ comparison: Comparison, style: TextStyle = TextStyle(), showsAll: Bool = false
) -> String {
  var lines = style.wrapped(comparison.headline, rest: "  ").map { style.coloured($0, .strong) }
  lines += comparison.sideFacts.enumerated().flatMap { index, fact in
    style.wrapped(fact, first: "  \(ComparisonView.letter(index))  ", rest: "     ")
  }
  for side in comparison.sides {
    lines += side.warnings.flatMap { style.wrapped("\(side.label): \($0)", first: "! ", rest: "  ") }
  }
  for pair in comparison.comparisons {
    if comparison.comparisons.count > 1 {
      let heading = "\(ComparisonView.letter(0)) and \(ComparisonView.letter(pair.candidateIndex)): "
      lines += [""]
      lines += style.wrapped(heading + pair.kind.sentence).map { style.coloured($0, .strong) }
    }
    var endsWithHeading = false
    let view = ComparisonView(comparison: comparison, pair: pair, showsAll: showsAll)
    for block in view.blocks {
      // What follows a table is about another one.
      if case .items = block, lines.last?.isEmpty == false, !endsWithHeading { lines.append("") }
      lines += text(block, style)
      if case .heading = block { endsWithHeading = true } else { endsWithHeading = false }
    }
  }
  return lines.joined(separator: "\n") + "\n"
}

private func text(_ block: ComparisonView.Block, _ style: TextStyle) -> [String] {
  switch block {
  case .heading(let heading): return ["", style.coloured(style.encoded(heading), .strong)]
  case .paragraph(let sentence):
    return style.wrapped(sentence, first: "  ", rest: "  ").map { style.coloured($0, .faint) }
  case .legend(let sentence): return [""] + text(.paragraph(sentence), style)
  case .warning(let sentence): return [""] + style.wrapped(sentence, first: "! ", rest: "  ")
  case .items(let items): return items.flatMap { style.wrapped($0, first: "  ", rest: "    ") }
  case .table(let table):
    let title = table.title.isEmpty ? [] : [""] + style.wrapped(table.title, first: "  ", rest: "    ")
    return title + table.text(style)
  }
}

extension Comparison {
  /// The first line of every output: the kind in words; with several sides, of each.
  var headline: String {
    guard comparisons.count > 1 else { return comparisons.first?.kind.sentence ?? "" }
    let kinds = comparisons.map { "\(ComparisonView.letter($0.candidateIndex)) \($0.kind.word)" }
    return "Compared with \(ComparisonView.letter(0)): \(kinds.joined(separator: ", "))."
  }

  /// `results/x: 240 cases, 720 trials, 2 sessions, commit 38336a4a1c16`
  var sideFacts: [String] {
    sides.map { side in
      var facts = [counted(side.cases, "case"), counted(side.trials, "trial")]
      if side.sessions.count > 1 { facts.append(counted(side.sessions.count, "session")) }
      if side.gitCommits.count == 1 { facts.append("commit \(side.gitCommits[0].prefix(12))") }
      if side.gitCommits.count > 1 { facts.append(counted(side.gitCommits.count, "commit")) }
      return "\(side.label): \(facts.joined(separator: ", "))"
    }
  }
}
