import Comparing

/// The same as the text, as Markdown (GitHub's dialect), with every result; what is long is folded away.
public func markdownReport(_ comparison: Comparison) -> String {
  var parts = ["**\(markdown(comparison.headline))**"]
  parts.append(
    comparison.sideFacts.enumerated().map { "- \(ComparisonView.letter($0.offset)): \(markdown($0.element))" }
      .joined(separator: "\n"))
  parts += comparison.sides.flatMap { side in
    side.warnings.map { "> \(markdown("\(side.label): \($0)"))" }
  }
  for pair in comparison.comparisons {
    if comparison.comparisons.count > 1 {
      let heading = "\(ComparisonView.letter(0)) and \(ComparisonView.letter(pair.candidateIndex))"
      parts += ["# \(heading)", markdown(pair.kind.sentence)]
    }
    parts += ComparisonView(comparison: comparison, pair: pair, showsAll: true).blocks.map(text)
  }
  return parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
}

/// A table with more rows than this is folded.
private let mostRows = 25

private func text(_ block: ComparisonView.Block) -> String {
  switch block {
  case .heading(let heading): return "## \(markdown(heading))"
  case .paragraph(let sentence), .legend(let sentence): return markdown(sentence)
  case .warning(let sentence): return "> \(markdown(sentence))"
  case .items(let items): return items.map { "- \(markdown($0))" }.joined(separator: "\n")
  case .table(var table):
    table.isFolded = table.rows.count > mostRows
    if table.isFolded && table.title.isEmpty { table.title = "\(table.rows.count) rows" }
    return table.markdown
  }
}
