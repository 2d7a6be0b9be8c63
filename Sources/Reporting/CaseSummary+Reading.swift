import Analysis
import Results

/// One number of a case as a table shows it: the value, or why there is none, and what the trials say of it.
struct Reading {
  var value: Double?
  /// Why a measured case has no such value; nil when it has one.
  var refusal: String?
  /// Lowest and highest of the per-trial values; nil with fewer than two of them.
  var range: ClosedRange<Double>?
}

extension CaseSummary {
  /// A percentile of all trials together, from their merged histogram.
  ///
  /// - Parameter histogram: `latency_rtt`, `latency_service`, `latency_response`.
  func percentile(_ percentile: Double, of histogram: String) -> Reading {
    let name = "\(histogram)_p" + shortestDecimal(percentile).replacing(".", with: "_")
    let trials = reading(name)
    guard let merged = histograms[histogram] else { return trials }
    if let value = merged.value(atPercentile: percentile) {
      return Reading(value: value, range: trials.range)
    }
    let required = Quantity.grouped(Statistics.requiredSamples(forPercentile: percentile))
    return Reading(refusal: "p\(shortestDecimal(percentile)) needs \(required) samples")
  }

  /// The largest sample of all trials.
  func maximum(of histogram: String) -> Reading {
    guard let merged = histograms[histogram] else {
      let metric = metric("\(histogram)_max")
      return Reading(value: metric?.maximum, refusal: metric?.reason)
    }
    return Reading(value: merged.maximum.map { Double($0) })
  }

  /// The median of the per-trial values of a metric.
  func reading(_ name: String) -> Reading {
    guard let metric = metric(name) else { return Reading() }
    var range: ClosedRange<Double>?
    if metric.trials > 1, let low = metric.minimum, let high = metric.maximum, low <= high {
      range = low...high
    }
    return Reading(value: metric.median, refusal: metric.median == nil ? metric.reason : nil, range: range)
  }

  /// CPU time that a message costs, user and system; of one side, or of both together.
  func cpuNanosecondsPerMessage(_ side: String? = nil) -> Reading {
    Reading(value: CPUTime.sum(of: side.map { [$0] } ?? CPUTime.sides) { metric($0)?.median })
  }
}
