import Analysis
import Results

extension RunView {
  /// How long a round trip of the reference size takes over the CPU time that it costs: a line joins the ways in which
  /// a mechanism waits.
  var overCPU: Drawing {
    let pattern = "round-trip"
    let size = referenceSize(pattern) ?? 64
    let waits = PlotStyles.ordered(Set(series(pattern).map(\.identity.wait)))
    let mechanisms = Dictionary(grouping: plotted(pattern).filter { !$0.isOwnCost }, by: \.identity.id)
      .sorted { $0.key < $1.key }
    let lines = mechanisms.compactMap { _, kin -> Drawing.Line? in
      let rows = waits.compactMap { wait -> [Double]? in
        guard let summary = kin.first(where: { $0.identity.wait == wait })?.at(size),
          let cpu = Figure.cpu().read(summary).value, cpu > 0
        else { return nil }
        return row(at: cpu, Figure.medianRoundTrip.read(summary))
      }
      guard var series = kin.first, !rows.isEmpty else { return nil }
      series.identity.wait = waits.joined(separator: ", ")
      return Drawing.Line(series: series, rows: rows)
    }
    return Drawing(
      name: "latency-over-cpu", x: 0, y: 1, columns: ["cpu_ns", "", "minimum", "maximum"], lines: lines,
      leftOut: leftOut(pattern), facts: ["size_text = \(gnuplotString(Quantity.size(bytes: Double(size))))"])
  }

  /// Every trial of the reference size as a multiple of its case's median, in the order in which they ran.
  var strips: Drawing {
    let pattern = "round-trip"
    let size = referenceSize(pattern) ?? 64
    let metric = "latency_rtt_p50"
    let trials = Dictionary(grouping: run.trials.filter { $0.value(metric) != nil }, by: \.identity)
    /// By wait strategy and round.
    var rounds: [String: [Int: [(order: Double, ratio: Double)]]] = [:]
    let lines = plotted(pattern).compactMap { series -> Drawing.Line? in
      guard let summary = series.at(size), let trials = trials[summary.identity], trials.count > 1,
        let median = Statistics.median(trials.compactMap { $0.value(metric) }), median > 0
      else { return nil }
      let rows = trials.sorted { $0.orderInSession < $1.orderInSession }.map { trial -> [Double] in
        let (order, ratio) = (Double(trial.orderInSession), (trial.value(metric) ?? 0) / median)
        rounds[series.identity.wait, default: [:]][trial.trial, default: []].append((order, ratio))
        return [order, ratio]
      }
      return Drawing.Line(series: series, rows: rows.filter { $0[1] > 0 })
    }
    let drifts = rounds.sorted { $0.key < $1.key }.compactMap { wait, rounds -> Drawing.Line? in
      guard var series = lines.first(where: { $0.series.identity.wait == wait })?.series else { return nil }
      series.label = "median of a round,"
      let rows = rounds.sorted { $0.key < $1.key }.compactMap { _, trials -> [Double]? in
        guard let order = Statistics.median(trials.map(\.order)),
          let ratio = Statistics.median(trials.map(\.ratio))
        else { return nil }
        return [order, ratio]
      }
      return Drawing.Line(series: series, rows: rows)
    }
    return Drawing(
      name: "trial-strips", x: 0, y: 1, columns: ["order", ""], lines: lines, leftOut: leftOut(pattern),
      facts: ["size_text = \(gnuplotString(Quantity.size(bytes: Double(size))))"], points: drifts)
  }
}
