import Glibc

/// A confidence interval of a quantile, made of two of the values themselves.
public struct QuantileInterval: Sendable, Hashable, Codable {
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
  /// The order-statistic confidence interval of a quantile.
  ///
  /// How many of n independent values lie below the true quantile of probability p is binomial (n, p),
  /// whatever their distribution. So the k-th smallest value is above it with probability P(X ≤ k − 1), and
  /// the l-th largest below it with P(n − X ≤ l − 1), exactly for continuous values and at most that with
  /// ties. The largest k and l are used that leave no more than half of what the confidence leaves on either
  /// side. (David and Nagaraja, Order Statistics, 3rd ed., section 7.1.)
  ///
  /// - Parameters:
  ///   - probability: above 0 and below 1, such as 0.9.
  ///   - confidence: above 0 and below 1, such as 0.95.
  /// - Returns: nil when even smallest to largest does not reach the confidence, when any value is not a
  ///   number, or when the probability or the confidence is out of range.
  public static func quantileInterval(
    _ probability: Double, of values: [Double], confidence: Double
  ) -> QuantileInterval? {
    guard probability > 0, probability < 1, confidence > 0, confidence < 1,
      !values.contains(where: \.isNaN)
    else { return nil }
    let (n, limit) = (values.count, (1 - confidence) / 2)
    let below = binomialRank(of: n, probability, limit: limit)
    let above = binomialRank(of: n, 1 - probability, limit: limit)
    // The two ranks can only cross where a confidence near 0 is lost to rounding.
    guard below.rank > 0, above.rank > 0, below.rank + above.rank <= n + 1 else { return nil }
    let sorted = values.sorted()
    return QuantileInterval(
      lower: sorted[below.rank - 1], upper: sorted[n - above.rank],
      confidence: 1 - (below.tail + above.tail))
  }

  /// The order-statistic confidence interval of the median: the k-th smallest to the k-th largest value.
  ///
  /// - Parameter confidence: above 0 and below 1, such as 0.95.
  /// - Returns: nil when even smallest to largest does not reach the confidence (fewer than 6 values at 0.95,
  ///   fewer than 8 at 0.99), when any value is not a number, or when the confidence is out of range.
  public static func medianInterval(_ values: [Double], confidence: Double) -> QuantileInterval? {
    quantileInterval(0.5, of: values, confidence: confidence)
  }

  /// The largest k with P(X ≤ k − 1) ≤ `limit` for X binomial (n, p), and that probability.
  private static func binomialRank(
    of n: Int, _ probability: Double, limit: Double
  ) -> (rank: Int, tail: Double) {
    var (rank, tail) = (0, 0.0)
    while rank < n {
      let next = tail + binomial(rank, of: n, probability)
      if next > limit { break }
      (rank, tail) = (rank + 1, next)
    }
    return (rank, tail)
  }

  /// P(X = k) for X binomial (n, p); by logarithms, because ½ⁿ is zero from n = 1,075 on.
  static func binomial(_ k: Int, of n: Int, _ probability: Double) -> Double {
    let logChoices = logFactorial(n) - logFactorial(k) - logFactorial(n - k)
    let logOdds = log(probability / (1 - probability))
    return exp(logChoices + (Double(k) * logOdds + Double(n) * log1p(-probability)))
  }

  private static func logFactorial(_ n: Int) -> Double { IncompleteBeta.logGamma(Double(n) + 1) }
}
