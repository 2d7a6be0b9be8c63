import Analysis
import Comparing
import Results

/// A comparison as people read it, before it is known where: blocks that text and Markdown write in their own ways.
struct ComparisonView {
  enum Block {
    case heading(String)
    case paragraph(String)
    /// What the signs in the tables mean.
    case legend(String)
    /// What must be known before a number is believed.
    case warning(String)
    case items([String])
    case table(Table)
  }

  let comparison: Comparison
  /// Which of the comparisons.
  let pair: SideComparison
  /// Whether every case is listed.
  let showsAll: Bool

  /// `A`, `B`: sides are called by letters, because paths fit no column.
  static func letter(_ index: Int) -> String {
    index < 26 ? String(UnicodeScalar(UInt8(65 + index))) : "\(index + 1)"
  }

  var baselineLetter: String { Self.letter(0) }
  var candidateLetter: String { Self.letter(pair.candidateIndex) }
  var criteria: Criteria { comparison.criteria }
  var confidence: String { chosen(criteria.confidence) }

  /// `5 %`: a share that somebody chose.
  func chosen(_ share: Double) -> String { "\(shortestDecimal((share * 1000).rounded() / 10)) %" }

  /// A verdict with few cases is listed without being asked.
  static let few = 4

  var blocks: [Block] {
    common + warnings.map(Block.warning) + environment
      + (pair.kind == .crossMachine ? crossMachine : verdicts)
      + uncompared + [.heading("Summary"), .table(summary)]
  }

  private var common: [Block] {
    let common = CaseLabels.common(pair.cases.map(\.identity))
    return common.isEmpty ? [] : [.paragraph("All cases: \(common).")]
  }

  /// One row for each metric, with the geometric mean of all its ratios: the last lines, where the eye rests.
  private var summary: Table {
    var metrics: [ComparedMetric] = []
    for metric in pair.cases.map(\.metric) where !metrics.contains(metric) { metrics.append(metric) }
    metrics.sort { ($0.title.lowercased(), $0.name) < ($1.title.lowercased(), $1.name) }
    let mean = "\(candidateLetter)/\(baselineLetter), geomean"
    let isJudged = pair.kind != .crossMachine
    var columns = [Table.Column("metric", .left)] + (isJudged ? [] : [Table.Column("results")])
    let verdicts: [Verdict] =
      isJudged ? [.slower, .faster, .equivalent, .inconclusive] : []
    columns += verdicts.map { Table.Column($0.rawValue) }
    columns += [
      Table.Column("ratio", group: mean), Table.Column(confidence + " interval", group: mean, rank: 1),
    ]
    let rows = metrics.map { metric -> [Table.Cell] in
      let cases = pair.cases.filter { $0.metric == metric }
      let overall = pair.overall.first { $0.metric == metric }
      return [Table.Cell(metric.title)] + (isJudged ? [] : [Table.Cell(Quantity.grouped(cases.count))])
        + verdicts.map { verdict in
          let count = cases.count { $0.verdict == verdict }
          let emphasis: Table.Emphasis =
            count == 0 ? .faint : verdict == .slower ? .bad : verdict == .faster ? .strong : .plain
          return Table.Cell(Quantity.grouped(count), emphasis: emphasis)
        } + [
          Table.Cell(overall.map { Quantity.ratio($0.ratio.estimate) } ?? Quantity.refused),
          Table.Cell(overall.map { Quantity.interval($0.ratio) } ?? Quantity.refused),
        ]
    }
    return Table("", columns: columns, rows: rows, notes: summaryNotes(metrics))
  }

  private func summaryNotes(_ metrics: [ComparedMetric]) -> [String] {
    var notes: [String] = []
    if Set(metrics.map(\.better)).count > 1 {
      notes.append("Above 1 is worse for times, and better for rates.")
    }
    if !pair.noiseFloors.isEmpty {
      notes.append(
        "The interval is about cases and trials; how much sessions differ on their own is not in it.")
    }
    return notes
  }
}
