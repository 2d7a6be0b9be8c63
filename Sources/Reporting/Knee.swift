import Results

/// Up to which offered load a series keeps up.
///
/// A load is carried when at least 99 % of it were achieved and the p99 of its response time is no more than ten times
/// that of the lowest load with enough samples for a p99. Sought from the lowest load upwards, so that a lucky load beyond one that was not carried
/// does not count.
struct Knee {
  /// The highest load that was carried.
  var carried: CaseSummary
  /// The next one; nil where all that were offered were carried.
  var notCarried: CaseSummary?

  static let leastAchieved = 0.99
  static let mostResponse = 10.0
  /// Fewer loads are no sweep.
  static let leastLoads = 4

  /// Nil where too few loads were measured, or not even the lowest one was carried.
  init?(_ series: Series, size: Int) {
    let cases = series.cases.filter {
      $0.identity.messageBytes == size && $0.identity.rateTargetPerSecond != nil
    }.sorted { ($0.identity.rateTargetPerSecond ?? 0) < ($1.identity.rateTargetPerSecond ?? 0) }
    guard cases.count >= Self.leastLoads, let calm = cases.lazy.compactMap({ Self.response($0).value }).first
    else { return nil }
    let kept = cases.prefix { summary in
      guard let share = Figure.achieved.read(summary).value, share >= Self.leastAchieved else { return false }
      return Self.response(summary).value.map { $0 <= Self.mostResponse * calm } ?? true
    }
    guard let last = kept.last else { return nil }
    carried = last
    notCarried = cases.dropFirst(kept.count).first
  }

  static func response(_ summary: CaseSummary) -> Reading { summary.percentile(99, of: "latency_response") }

  /// `200 k/s`, or `≥ 2 M/s` where no higher load was offered.
  var load: String {
    let load = Quantity.load(perSecond: carried.identity.rateTargetPerSecond ?? 0)
    return notCarried == nil ? "≥ \(load)" : load
  }
}

extension RunView {
  /// One line per series: how much it carries, what that takes, and how much arrived at most. Nil where no series has a
  /// sweep of loads.
  func saturation(_ pattern: String, size: Int) -> Table? {
    guard loads(pattern, size: size).count >= Knee.leastLoads else { return nil }
    let rows = series(pattern).compactMap { series -> (load: Double, cells: [Table.Cell])? in
      let achieved = series.cases.filter { $0.identity.messageBytes == size }
        .compactMap { $0.reading("achieved_rate").value }.max()
      guard let achieved else { return nil }
      let knee = Knee(series, size: size)
      let latency = { (percentile: Double, name: String) in
        Table.Cell(
          knee?.carried.percentile(percentile, of: name).value.map(Quantity.time(nanoseconds:))
            ?? Quantity.refused)
      }
      let cells =
        Self.nameCells(series) + [
          Table.Cell(knee?.load ?? Quantity.refused, emphasis: .strong), latency(50, "latency_response"),
          latency(99, "latency_response"), Table.Cell(Quantity.rate(perSecond: achieved)),
        ]
      let load = knee?.carried.identity.rateTargetPerSecond ?? 0
      return (series.isOwnCost ? -1 : load, cells)
    }
    let columns =
      Self.nameColumns + [
        Table.Column("carries"), Table.Column("p50", group: "response there", rank: 1),
        Table.Column("p99", group: "response there", rank: 1), Table.Column("achieved at most", rank: 2),
      ]
    return Table(
      "Saturation, \(Quantity.size(bytes: Double(size)))", columns: columns,
      rows: rows.sorted { $0.load > $1.load }.map(\.cells),
      notes: [
        "A load is carried when 99 % of it arrive and its response time p99 is at most ten times that of the lowest load "
          + "with enough samples."
      ])
  }
}
