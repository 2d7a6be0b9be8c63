import Glibc

/// A confidence interval of the median, made of two of the values themselves.
public struct MedianInterval: Sendable, Hashable, Codable {
  /// The smaller and the larger bound, in the unit of the values.
  public var lower: Double
  public var upper: Double
  /// The coverage the interval really has, which is at least what was asked for.
  public var confidence: Double

  public init(lower: Double, upper: Double, confidence: Double) {
    self.lower = lower
    self.upper = upper
    self.confidence = confidence
  }
}

extension Statistics {
  /// The order-statistic confidence interval of the median.
  ///
  /// How many of n independent values lie below the true median is binomial (n, ½), whatever their
  /// distribution. So the k-th smallest and the k-th largest value enclose the median with probability
  /// 1 − 2·P(X ≤ k − 1), exactly for continuous values and at least that with ties. The largest k that still
  /// gives the wanted confidence is used. (David and Nagaraja, Order Statistics, 3rd ed., section 7.1.)
  ///
  /// - Parameter confidence: above 0 and below 1, such as 0.95.
  /// - Returns: nil when even smallest to largest does not reach the confidence (fewer than 6 values at 0.95,
  ///   fewer than 8 at 0.99), when any value is not a number, or when the confidence is out of range.
  public static func medianInterval(_ values: [Double], confidence: Double) -> MedianInterval? {
    guard confidence > 0, confidence < 1, !values.contains(where: \.isNaN) else { return nil }
    let limit = (1 - confidence) / 2
    var tail = 0.0  // P(X ≤ k − 1)
    var k = 0
    while 2 * k < values.count {
      let next = tail + binomialHalf(k, of: values.count)
      if next > limit { break }
      tail = next
      k += 1
    }
    guard k > 0 else { return nil }
    let sorted = values.sorted()
    return MedianInterval(
      lower: sorted[k - 1], upper: sorted[sorted.count - k], confidence: 1 - 2 * tail)
  }

  /// P(X = k) for X binomial (n, ½); by logarithms, because 2⁻ⁿ is zero from n = 1,075 on.
  static func binomialHalf(_ k: Int, of n: Int) -> Double {
    let logChoices = logFactorial(n) - logFactorial(k) - logFactorial(n - k)
    return exp(logChoices - Double(n) * M_LN2)
  }

  private static func logFactorial(_ n: Int) -> Double {
    // `lgamma` also writes the global `signgam`; the re-entrant form does not.
    var sign: Int32 = 0
    return lgamma_r(Double(n) + 1, &sign)
  }
}
