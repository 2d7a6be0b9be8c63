import Results

extension RunView {
  /// A column: a number, and which case of a series it is read from.
  typealias Source = (figure: Figure, pick: (Series) -> CaseSummary?)

  /// One row per series, the best first, the tool itself last.
  func table(_ title: String, _ series: [Series], _ sources: [Source]) -> Table {
    var notes = Notes()
    let rows = ordered(series, by: sources).map { series in
      Self.nameCells(series)
        + sources.map { source in
          guard let summary = source.pick(series) else { return Table.Cell("") }
          return notes.cell(source.figure, of: summary)
        }
    }
    let columns = sources.map { Table.Column($0.figure.title, group: $0.figure.group, rank: $0.figure.rank) }
    let table = Table(title, columns: Self.nameColumns + columns, rows: rows, notes: notes.sentences)
    return table.withoutEmptyColumns
  }

  /// The same number at every size.
  func tableOverSize(_ title: String, _ pattern: String, _ figure: Figure) -> Table {
    table(title, series(pattern), overSize(pattern) { _ in figure })
  }

  func overSize(_ pattern: String, _ figure: (Int) -> Figure) -> [Source] {
    let sizes = sizes(pattern)
    let ranks = Self.ranks(sizes)
    return sizes.map { size in
      let titled = figure(size).titled(Quantity.size(bytes: Double(size)), rank: ranks[size] ?? 0)
      return (titled, { $0.at(size) })
    }
  }

  /// Several numbers at one size and offered load; series that lack that case are left out.
  func table(
    _ title: String, _ pattern: String, size: Int, rate: Double? = nil, _ figures: [Figure]
  ) -> Table {
    let series = series(pattern).filter { $0.at(size, rate: rate) != nil }
    return table(title, series, figures.map { ($0, { $0.at(size, rate: rate) }) })
  }

  /// One row per case, in the order of series, sizes and loads.
  func everyCase(_ pattern: String, _ figures: [Figure]) -> Table {
    var notes = Notes()
    let isPaced = measured.contains {
      $0.identity.family == pattern && $0.identity.rateTargetPerSecond != nil
    }
    let (hasGaps, hasBatches) = (!gaps(pattern).isEmpty, !batches(pattern).isEmpty)
    var columns = Self.nameColumns + [Table.Column("size")]
    if isPaced { columns.append(Table.Column("load")) }
    if hasGaps { columns.append(Table.Column("gap")) }
    if hasBatches { columns.append(Table.Column("batch")) }
    columns.append(Table.Column("trials"))
    columns += figures.map { Table.Column($0.title, group: $0.group, rank: $0.rank) }
    var rows: [[Table.Cell]] = []
    for series in series(pattern) {
      for summary in series.cases.sorted(by: Self.precedes) {
        var row = Self.nameCells(series)
        row.append(Table.Cell(Quantity.size(bytes: Double(summary.identity.messageBytes))))
        if isPaced {
          row.append(Table.Cell(summary.identity.rateTargetPerSecond.map(Quantity.load(perSecond:)) ?? ""))
        }
        if hasGaps { row.append(Table.Cell(summary.identity.gapNanoseconds.map(Quantity.gap) ?? "")) }
        if hasBatches { row.append(Table.Cell(summary.identity.batch.map { "\($0)" } ?? "")) }
        row.append(Table.Cell("\(summary.okTrials)"))
        rows.append(row + figures.map { notes.cell($0, of: summary) })
      }
    }
    let table = Table("Every case", columns: columns, rows: rows, notes: notes.sentences, isFolded: true)
    return table.withoutEmptyColumns
  }

  private static func precedes(_ one: CaseSummary, _ other: CaseSummary) -> Bool {
    let steps = [one, other].map { $0.identity.gapNanoseconds ?? UInt64($0.identity.batch ?? 0) }
    return steps[0] == steps[1] ? one.identity < other.identity : steps[0] < steps[1]
  }

  /// The first cells of every row: the mechanism and how it waits.
  static let nameColumns = [Table.Column("mechanism", .left), Table.Column("wait", .left)]

  static func nameCells(_ series: Series) -> [Table.Cell] {
    let emphasis: Table.Emphasis = series.isOwnCost ? .faint : .plain
    // The one word that makes tables too wide for a terminal.
    let short = series.identity.wait.replacing("-then-", with: "+")
    return [
      Table.Cell(series.label, emphasis: emphasis),
      Table.Cell(series.identity.wait, short: short, emphasis: emphasis),
    ]
  }

  /// By the first of the columns that most series have a number in; series without one follow.
  private func ordered(_ series: [Series], by sources: [Source]) -> [Series] {
    let counts = sources.map { source in series.count { source.pick($0) != nil } }
    let mostCommon = zip(sources, counts).filter { $0.1 == counts.max() } + zip(sources, counts)
    let keyed = series.map { series in
      (
        series: series,
        keys: mostCommon.map { source, _ -> Double in
          guard let value = source.pick(series).flatMap({ source.figure.read($0).value }) else {
            return .infinity
          }
          return source.figure.better == .higher ? -value : value
        }
      )
    }
    return keyed.sorted { left, right in
      if left.series.isOwnCost != right.series.isOwnCost { return right.series.isOwnCost }
      return left.keys.lexicographicallyPrecedes(right.keys)
    }.map(\.series)
  }

  /// Which sizes may go first where a line has no room for all: the extremes stay, then 64 B, then whatever
  /// is furthest, in powers of two, from those already chosen.
  static func ranks(_ sizes: [Int]) -> [Int: Int] {
    guard let first = sizes.first, let last = sizes.last else { return [:] }
    var ranks = [first: 0]
    ranks[last] = 0
    if sizes.contains(64), ranks[64] == nil { ranks[64] = 1 }
    let exponent = { (size: Int) in size.bitWidth - size.leadingZeroBitCount }
    while let next = sizes.filter({ ranks[$0] == nil }).max(by: { isolation($0) < isolation($1) }) {
      ranks[next] = ranks.count
    }
    return ranks

    func isolation(_ size: Int) -> Int { ranks.keys.map { abs(exponent(size) - exponent($0)) }.min() ?? 0 }
  }
}
