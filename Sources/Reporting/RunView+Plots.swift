import Foundation
import Results

extension RunView {
  /// The series of a plot: one per mechanism and wait strategy. Where a mechanism was used in several other
  /// ways (attached by name too, say), the one with the most cases stands for it.
  func plotted(_ pattern: String) -> [Series] {
    let shown = shownMechanisms(pattern)
    let groups = Dictionary(grouping: series(pattern).filter { shown.contains($0.identity.id) }) {
      [$0.identity.id, $0.identity.wait]
    }
    let chosen = groups.values.compactMap { group in group.max { $0.cases.count < $1.cases.count } }
    return chosen.sorted { ($0.isOwnCost ? 1 : 0, $0.name) < ($1.isOwnCost ? 1 : 0, $1.name) }
  }

  /// A picture has room for as many mechanisms.
  private static let roomForMechanisms = 16

  /// The mechanisms that a picture shows: all, or those that were measured in most cases where they are too many.
  private func shownMechanisms(_ pattern: String) -> Set<String> {
    let counts = Dictionary(series(pattern).map { ($0.identity.id, $0.cases.count) }, uniquingKeysWith: +)
    // Never a part of those that were measured alike.
    for least in Set(counts.values).sorted() {
      let ids = counts.filter { $0.value >= least || $0.key == ownCostMechanism }.keys
      if ids.count <= Self.roomForMechanisms { return Set(ids) }
    }
    return Set(counts.keys)
  }

  /// What a picture leaves to the tables.
  func leftOut(_ pattern: String) -> Int {
    Set(series(pattern).map(\.identity.id)).subtracting(shownMechanisms(pattern)).count
  }

  /// A number over the message size, with the lowest and highest trial, and where another mechanism begins to lead.
  func overSize(_ name: String, _ pattern: String, _ figure: Figure) -> Drawing {
    let lines = plotted(pattern).map { series in
      Drawing.Line(
        series: series,
        rows: series.cases.sorted { $0.identity.messageBytes < $1.identity.messageBytes }.compactMap {
          summary in
          row(at: Double(summary.identity.messageBytes), figure.read(summary))
        })
    }
    let marks = Set(lines.map(\.series.identity.wait)).sorted().flatMap { wait in
      leadChanges(pattern, figure, wait: wait).map { Drawing.Mark(wait: wait, x: $0.bytes, text: $0.label) }
    }
    return Drawing(
      name: name, x: 0, y: 1, columns: ["bytes", "", "minimum", "maximum"],
      lines: lines.filter { !$0.rows.isEmpty }, leftOut: leftOut(pattern), marks: marks)
  }

  /// A row of a logarithmic plot; nothing where there is no positive number to draw.
  func row(at x: Double, _ reading: Reading) -> [Double]? {
    guard let value = reading.value, value > 0 else { return nil }
    let low = reading.range?.lowerBound ?? value
    return [x, value, low > 0 ? low : value, reading.range?.upperBound ?? value]
  }

  /// The round trip of the reference size by percentile: eight steps for every further nine, as far as the
  /// number of samples carries.
  var spectrum: Drawing {
    let pattern = "round-trip"
    let size = referenceSize(pattern) ?? 64
    let lines = plotted(pattern).compactMap { series -> Drawing.Line? in
      guard let histogram = series.at(size)?.histograms["latency_rtt"] else { return nil }
      let rows = (0...64).compactMap { step -> [Double]? in
        let inverse = pow(10, Double(step) / 8)
        let percentile = 100 * (1 - 1 / inverse)
        guard let value = histogram.value(atPercentile: percentile), value > 0 else { return nil }
        return [percentile, inverse, value]
      }
      return rows.isEmpty ? nil : Drawing.Line(series: series, rows: rows)
    }
    return Drawing(
      name: "percentile-spectrum", x: 1, y: 2, columns: ["percentile", "inverse", ""], lines: lines,
      leftOut: leftOut(pattern),
      facts: ["size_text = \(gnuplotString(Quantity.size(bytes: Double(size))))"])
  }

  /// How long a wake-up takes over how long the consumer was idle.
  var overGap: Drawing {
    let pattern = "wake-up"
    let lines = plotted(pattern).map { series in
      Drawing.Line(
        series: series,
        rows: gaps(pattern).compactMap { gap in
          series.at(gap: gap).flatMap { row(at: Double(gap), $0.percentile(50, of: "latency_wake_up")) }
        })
    }
    return Drawing(
      name: "wake-up-over-gap", x: 0, y: 1, columns: ["gap_ns", "", "minimum", "maximum"],
      lines: lines.filter { !$0.rows.isEmpty }, leftOut: leftOut(pattern))
  }

  /// What a batch costs over what it gains.
  var overBatch: Drawing {
    let pattern = "stream:batch"
    let size = referenceSize(pattern) ?? 64
    let lines = plotted(pattern).map { series in
      Drawing.Line(
        series: series,
        rows: batches(pattern).compactMap { batch -> [Double]? in
          guard let summary = series.at(size, batch: batch),
            let rate = summary.reading("message_rate").value,
            let row = row(at: rate, summary.percentile(50, of: "latency_batch"))
          else { return nil }
          return row + [Double(batch)]
        })
    }
    return Drawing(
      name: "batch-latency-and-rate", x: 0, y: 1,
      columns: ["message_rate", "", "minimum", "maximum", "batch"],
      lines: lines.filter { !$0.rows.isEmpty }, leftOut: leftOut(pattern),
      facts: ["size_text = \(gnuplotString(Quantity.size(bytes: Double(size))))"])
  }

  /// The one-way latency of the reference size over the offered load: p99 of the response time, and beside
  /// it what else a reader of the file may want to draw.
  var overLoad: Drawing {
    let pattern = "paced"
    let size = referenceSize(pattern) ?? 64
    let lines = plotted(pattern).map { series in
      let cases = series.cases.filter {
        $0.identity.messageBytes == size && $0.identity.rateTargetPerSecond != nil
      }
      let rows = cases.compactMap { summary -> [Double]? in
        let response = summary.percentile(99, of: "latency_response")
        guard let row = row(at: summary.identity.rateTargetPerSecond ?? 0, response) else { return nil }
        let others = [(50.0, "latency_service"), (99.0, "latency_service"), (50.0, "latency_response")]
        return row + others.map { summary.percentile($0.0, of: $0.1).value ?? .nan }
      }
      return Drawing.Line(series: series, rows: rows.sorted { $0[0] < $1[0] })
    }
    let knees = lines.map { line -> [Double]? in
      // Where every load was carried, none was found.
      guard let knee = Knee(line.series, size: size), knee.notCarried != nil else { return nil }
      return line.rows.first { $0[0] == knee.carried.identity.rateTargetPerSecond }
    }
    return Drawing(
      name: "paced-latency-over-rate", x: 0, y: 1,
      columns: ["per_second", "", "minimum", "maximum", "service_p50", "service_p99", "response_p50"],
      lines: lines.filter { !$0.rows.isEmpty }, leftOut: leftOut(pattern),
      facts: ["size_text = \(gnuplotString(Quantity.size(bytes: Double(size))))"],
      points: zip(lines, knees).compactMap { line, knee in
        knee.map { Drawing.Line(series: line.series, rows: [$0]) }
      })
  }
}
