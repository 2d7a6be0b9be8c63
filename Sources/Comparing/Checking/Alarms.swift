import Analysis

/// How often something happened in a number of independent repetitions, and how often it may happen in truth.
public struct Rate: Sendable, Hashable, Codable {
  public var count: Int
  public var of: Int

  public init(count: Int = 0, of: Int = 0) {
    self.count = count
    self.of = of
  }

  public mutating func add(_ happened: Bool) {
    of += 1
    if happened { count += 1 }
  }

  /// Nil without repetitions.
  public var share: Double? { of > 0 ? Double(count) / Double(of) : nil }

  /// With 95 % confidence the true rate is not above this (Clopper–Pearson, one-sided); nil without repetitions.
  public var upperBound: Double? {
    Statistics.clopperPearsonUpper(successes: count, of: of, confidence: 0.95)
  }

  /// The two-sided 95 % interval (Clopper–Pearson).
  public var interval: ClosedRange<Double>? {
    Statistics.clopperPearson(successes: count, of: of, confidence: 0.95)
  }
}
