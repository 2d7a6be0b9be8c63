extension Statistics {
  /// How many samples a percentile needs before it may be given: 10 / (1 − X), so that about ten samples lie
  /// beyond it. 20 for the median, 1,000 for p99, 10,000 for p99.9.
  ///
  /// - Parameter percentile: in per cent, such as 99.9.
  /// - Returns: `Int.max` where no number of samples is enough: at 100 and above, and for what is not a
  ///   number. Percentiles of 0 and below are treated as 0.
  public static func requiredSamples(forPercentile percentile: Double) -> Int {
    guard percentile < 100 else { return .max }
    let exact = 1000 / (100 - max(percentile, 0))
    // 100 − 99.9 is not 0.1 in binary: without this, p99.9 would ask for 10,001 samples.
    let nearest = exact.rounded()
    let whole = abs(exact - nearest) <= nearest * 1e-9 ? nearest : exact.rounded(.up)
    return whole < 9e18 ? Int(whole) : .max
  }
}
