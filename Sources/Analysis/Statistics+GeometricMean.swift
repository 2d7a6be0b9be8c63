import Glibc

extension Statistics {
  /// The geometric mean of groups of values, such as the ratios of several cases, every group counting the
  /// same, with the percentile interval of a hierarchical bootstrap. **The result is on the logarithmic
  /// scale**: `exp` of the estimate is the geometric mean.
  ///
  /// For each resample as many groups as there are are drawn with replacement, and from each drawn group as
  /// many values as it has: so the interval speaks of groups like these and not only of these groups.
  /// (Davison and Hinkley, Bootstrap Methods and their Application, section 3.8, and 5.3 for the interval;
  /// Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13.) With few groups it is too narrow,
  /// by about √(1 − 1/g). The draws come from SplitMix64, so they are the same on every machine.
  ///
  /// - Parameters:
  ///   - groups: of values above 0.
  ///   - confidence: above 0 and below 1, such as 0.95.
  ///   - resamples: thousands, so that the tails hold enough of them.
  /// - Returns: nil when there is no group or an empty one, when a value is not above 0 and finite, without a
  ///   resample, or when the confidence is out of range.
  public static func geometricMeanInterval(
    _ groups: [[Double]], confidence: Double, resamples: Int, seed: UInt64
  ) -> ShiftEstimate? {
    guard !groups.isEmpty, resamples > 0, confidence > 0, confidence < 1,
      groups.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0 > 0 && $0.isFinite } })
    else { return nil }
    let logs = groups.map { $0.map { log($0) } }
    var generator = SplitMix64(seed: seed)
    let means = (0..<resamples).map { _ in resampledMean(logs, &generator) }
    let tail = (1 - confidence) / 2
    guard let lower = quantile(tail, of: means), let upper = quantile(1 - tail, of: means) else { return nil }
    let estimate = logs.reduce(0) { $0 + $1.reduce(0, +) / Double($1.count) } / Double(logs.count)
    return ShiftEstimate(estimate: estimate, lower: lower, upper: upper, confidence: confidence)
  }

  private static func resampledMean(_ groups: [[Double]], _ generator: inout SplitMix64) -> Double {
    var sum = 0.0
    for _ in groups {
      let group = groups[generator.index(below: groups.count)]
      var groupSum = 0.0
      for _ in group { groupSum += group[generator.index(below: group.count)] }
      sum += groupSum / Double(group.count)
    }
    return sum / Double(groups.count)
  }
}
