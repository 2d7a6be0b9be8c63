extension Statistics {
  /// The interval that holds one further value with the confidence asked for, if the values are independent
  /// and normal: mean ± t_{n−1} · s · √(1 + 1/n).
  ///
  /// (Meeker, Hahn and Escobar, Statistical Intervals, 2nd ed., section 4.7.) Times are closer to normal on a
  /// logarithmic scale.
  ///
  /// - Parameter confidence: above 0 and below 1, such as 0.99.
  /// - Returns: nil for fewer than two values, when any is infinite or not a number, when the bounds are
  ///   beyond the largest number, or when the confidence is out of range.
  public static func predictionInterval(_ values: [Double], confidence: Double) -> ClosedRange<Double>? {
    guard values.count >= 2, confidence > 0, confidence < 1, values.allSatisfy(\.isFinite) else { return nil }
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let t = -studentQuantile((1 - confidence) / 2, degreesOfFreedom: n - 1)
    let reach = t * (variance * (1 + 1 / n)).squareRoot()
    guard (mean - reach).isFinite, (mean + reach).isFinite else { return nil }
    return (mean - reach)...(mean + reach)
  }
}
