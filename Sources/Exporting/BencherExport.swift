import Analysis
import Results

extension Export {
  /// Bencher Metric Format (https://bencher.dev/docs/reference/bencher-metric-format/): benchmark → measure →
  /// value. The bounds are those of the 95 % interval of the median, where there are enough trials for one.
  static let bencher = Export(
    name: "bmf", summary: "Bencher Metric Format, for 'bencher run --adapter json'",
    maker: .trials { selection throws(ExportError) in
      try selection.requireOneMachine("bmf")
      var document: [String: [String: BencherMetric]] = [:]
      for pooled in selection.pooledCases {
        let latency = selection.latency(of: pooled.chosen)
        for metric in selection.metrics(of: pooled.chosen) {
          let values = selection.values(metric.name, of: pooled.chosen)
          guard let median = Statistics.median(values) else { continue }
          let interval = Statistics.medianInterval(values, confidence: 0.95)
          document[pooled.chosen.identity.benchmarkName, default: [:]][measure(metric, latency: latency)] =
            BencherMetric(value: median, lowerValue: interval?.lower, upperValue: interval?.upper)
        }
      }
      guard !document.isEmpty else { throw selection.nothingMeasured }
      return Exported([Exported.File(name: "bmf.json", text: jsonText(document))], notes: selection.notes)
    })

  /// Every project on Bencher has the measures `latency`, in nanoseconds, and `throughput`, in operations per
  /// second; others come into being when they are first named, and the unit is in the name.
  private static func measure(_ metric: TrialTable.Metric, latency: String?) -> String {
    if metric.name == "message_rate" { return "throughput" }
    if let latency, metric.name == "\(latency)_p50" { return "latency" }
    return ResultsCSV.columnName(metric: metric.name, unit: metric.unit)
  }
}

private struct BencherMetric: Encodable {
  var value: Double
  var lowerValue: Double?
  var upperValue: Double?
}
