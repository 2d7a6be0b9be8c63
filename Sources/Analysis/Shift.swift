/// An estimate of a location with the interval of its rank test. On logarithms of times, `exp` of it is a ratio.
public struct ShiftEstimate: Sendable, Hashable, Codable {
  public var estimate: Double
  public var lower: Double
  public var upper: Double
  /// The coverage asked for, such as 0.99; where the values are too few to reach it, the bounds are infinite.
  public var confidence: Double

  public init(estimate: Double, lower: Double, upper: Double, confidence: Double) {
    self.estimate = estimate
    self.lower = lower
    self.upper = upper
    self.confidence = confidence
  }
}

/// The result of a two-sided rank test.
public struct RankTest: Sendable, Hashable, Codable {
  /// W⁺ of the signed-rank test, U of the first sample of the rank-sum test.
  public var statistic: Double
  public var pValue: Double
  /// Whether the p-value comes from the exact (permutation) distribution or from a normal approximation.
  public var isExact: Bool

  public init(statistic: Double, pValue: Double, isExact: Bool) {
    self.statistic = statistic
    self.pValue = pValue
    self.isExact = isExact
  }
}
