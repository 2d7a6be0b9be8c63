import Glibc

extension Statistics {
  /// The geometric mean of the ratios of several cases, where the values of the two sides do not belong together:
  /// every case counts the same, and of each case the geometric mean of one side is divided by that of the other.
  /// With the percentile interval of a hierarchical bootstrap. **The result is on the logarithmic scale.**
  ///
  /// As `geometricMeanInterval`, which is for values in pairs; but from each drawn case both sides' values are
  /// drawn, so that the interval holds what varies on either side. Exchanged sides have the negated estimate and
  /// bounds, to the last bit: the draws are made for the direction in which the estimate is not negative.
  ///
  /// - Parameter cases: the values of both sides, above 0.
  /// - Returns: nil under the same conditions.
  public static func geometricMeanRatioInterval(
    _ cases: [(first: [Double], second: [Double])], confidence: Double, resamples: Int, seed: UInt64
  ) -> ShiftEstimate? {
    let values = cases.lazy.flatMap { [$0.first, $0.second] }
    guard !cases.isEmpty, resamples > 0, confidence > 0, confidence < 1,
      values.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0 > 0 && $0.isFinite } })
    else { return nil }
    let logs = cases.map {
      LogSamples(first: $0.first.map { log($0) }, second: $0.second.map { log($0) })
    }
    let estimate = logs.reduce(0) { $0 + $1.shift } / Double(logs.count)
    if estimate < 0 {
      let exchanged = cases.map { (first: $0.second, second: $0.first) }
      let mirrored = geometricMeanRatioInterval(
        exchanged, confidence: confidence, resamples: resamples, seed: seed)
      return mirrored.map {
        ShiftEstimate(
          estimate: -$0.estimate, lower: -$0.upper, upper: -$0.lower, confidence: $0.confidence)
      }
    }
    var generator = SplitMix64(seed: seed)
    let means = (0..<resamples).map { _ -> Double in
      let sum = logs.reduce(0) { sum, _ in
        sum + logs[generator.index(below: logs.count)].resampledShift(&generator)
      }
      return sum / Double(logs.count)
    }
    let tail = (1 - confidence) / 2
    guard let lower = quantile(tail, of: means), let upper = quantile(1 - tail, of: means) else {
      return nil
    }
    return ShiftEstimate(estimate: estimate, lower: lower, upper: upper, confidence: confidence)
  }

  private struct LogSamples {
    var first: [Double]
    var second: [Double]

    var shift: Double { mean(second) - mean(first) }

    func resampledShift(_ generator: inout SplitMix64) -> Double {
      let before = resampledMean(first, &generator)
      return resampledMean(second, &generator) - before
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    private func resampledMean(_ values: [Double], _ generator: inout SplitMix64) -> Double {
      var sum = 0.0
      for _ in values { sum += values[generator.index(below: values.count)] }
      return sum / Double(values.count)
    }
  }
}
