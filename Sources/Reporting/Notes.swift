import Results

/// Gathers the footnotes of a table while its cells are written.
struct Notes {
  private var refusals: [String] = []
  private var hasFailures = false

  /// A number, `–` where it must not be given, or nothing where there is none.
  mutating func cell(_ figure: Figure, of summary: CaseSummary) -> Table.Cell {
    let reading = figure.read(summary)
    guard let value = reading.value else {
      guard let refusal = reading.refusal else { return "" }
      if !refusals.contains(refusal) { refusals.append(refusal) }
      return Table.Cell(Quantity.refused, emphasis: .faint)
    }
    let text = figure.show(value)
    let range = reading.range.flatMap { Self.text($0, show: figure.show) }
    guard summary.failedTrials > 0 else { return Table.Cell(text, detail: range) }
    hasFailures = true
    return Table.Cell(text + "!", detail: range, emphasis: .bad)
  }

  /// `239 – 250 ns`; nothing where both ends read the same.
  static func text(_ range: ClosedRange<Double>, show: (Double) -> String) -> String? {
    let (low, high) = (show(range.lowerBound), show(range.upperBound))
    if low == high { return nil }
    let parts = low.split(separator: " ")
    let unit = high.split(separator: " ").last
    return "\(parts.count == 2 && parts[1] == unit ? String(parts[0]) : low) – \(high)"
  }

  var sentences: [String] {
    var sentences: [String] = []
    if !refusals.isEmpty { sentences.append("\(Quantity.refused) \(refusals.joined(separator: "; ")).") }
    if hasFailures { sentences.append("! Some trials of this case failed; the number is from the others.") }
    return sentences
  }
}
