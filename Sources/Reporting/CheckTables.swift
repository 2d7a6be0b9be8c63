import Comparing
import Results

/// The tables of a check, the same for the terminal and for Markdown.
extension CheckView {
  /// What the two stages say of each metric; the cases' names stand at their first rows only.
  ///
  /// - Parameter metrics: chooses the metrics of a case.
  func changes(
    _ title: String, _ cases: [CaseCheck], _ metrics: (CaseCheck) -> [MetricCheck] = { $0.gates }
  ) -> Table {
    var table = Table(title, columns: changeColumns)
    for check in cases {
      for (index, metric) in metrics(check).enumerated() {
        table.rows.append(row(index == 0 ? names.name(check.identity) : "", metric))
      }
    }
    return table.withoutEmptyColumns
  }

  private var changeColumns: [Table.Column] {
    let interval =
      isStored ? "sessions lie within" : "\(CheckNumbers.share(outcome.criteria.confidence)) interval"
    return [
      Table.Column("case", .left), Table.Column("metric", .left), Table.Column("change"),
      Table.Column(interval, rank: 1), Table.Column("medians"), Table.Column(observations, rank: 2),
      Table.Column("verdict", .left),
    ]
  }

  private func row(_ name: String, _ check: MetricCheck) -> [Table.Cell] {
    let result = check.decisive
    let emphasis: Table.Emphasis =
      switch check.verdict {
      case .regression: .bad
      case .improvement: .strong
      case .unchanged, nil: .faint
      case .inconclusive: .plain
      }
    return [
      Table.Cell(name), Table.Cell(check.metric.inWords),
      Table.Cell(CheckNumbers.change(result.ratio), emphasis: emphasis),
      Table.Cell(CheckNumbers.interval(result)),
      Table.Cell(CheckNumbers.medians(result, unit: check.metric.unit)), Table.Cell(counts(check)),
      Table.Cell(check.verdict?.rawValue ?? "", emphasis: emphasis),
    ]
  }

  /// `12`, or `12+24` where the numbers are from stage 2.
  private func counts(_ check: MetricCheck) -> String {
    guard check.isFlagged, let second = check.second else { return "\(check.first.count)" }
    return "\(check.first.count)+\(second.count)"
  }

  /// Title of the numbers of inconclusive cases, which their own tables leave out.
  static let undecided = "Numbers of the inconclusive cases"

  /// Cases whose pairs scatter too much: what each gate would have seen, and what it did see.
  func tooNoisy(_ title: String) -> Table {
    let gates = Self.unique(Self.inOrder(noisy.flatMap(\.gates)).map(\.column))
    var table = Table(title, columns: [Table.Column("case", .left)])
    table.columns += gates.map { Table.Column($0, group: "seen from") }
    table.columns += gates.map { Table.Column($0, group: "change", rank: 2) }
    table.columns.append(Table.Column(observations, rank: 1))
    for check in noisy {
      let own = gates.map { name in check.gates.first { $0.metric.column == name } }
      var row = [Table.Cell(names.name(check.identity))]
      row += own.map { gate in gate.map(Self.smallest) ?? "" }
      row += own.map { gate in gate.map { Table.Cell(CheckNumbers.change($0.decisive.ratio)) } ?? "" }
      row.append(Table.Cell((check.gates.first(where: \.isFlagged) ?? check.gates.first).map(counts) ?? ""))
      table.rows.append(row)
    }
    let smallest = noisy.flatMap(\.gates).map(\.decisive.smallestDetectableChange)
    if smallest.contains(.infinity) {
      table.notes.append("\(Quantity.refused) too few \(observations) to show any change.")
    }
    if !isStored && noisy.contains(where: { $0.smallestVisibleChange.isFinite }) {
      table.notes.append("With four times as many pairs (--pairs) the smallest change is half as large.")
    }
    return table.withoutEmptyColumns
  }

  private static func smallest(_ gate: MetricCheck) -> Table.Cell {
    let isEnough = gate.verdict != .inconclusive
    return Table.Cell(
      CheckNumbers.smallest(gate.decisive.smallestDetectableChange), emphasis: isEnough ? .faint : .plain)
  }

  /// Cases that have a sentence instead of numbers.
  func reasons(_ title: String, _ cases: [CaseCheck]) -> Table {
    Table(
      title, columns: [Table.Column("case", .left), Table.Column("why", .left)],
      rows: cases.map { [Table.Cell(names.name($0.identity)), Table.Cell($0.why)] })
  }
}
