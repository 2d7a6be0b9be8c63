/// What a verdict rests on, with the defaults of the method.
public struct Criteria: Sendable, Hashable, Codable {
  /// The largest relative difference that does not matter: 0.05 is 5 %. On ratios the band is
  /// 1/(1 + δ) … 1 + δ, so that exchanging the sides changes nothing.
  public var threshold = 0.05
  /// Of the whole displayed family, after Holm.
  public var alpha = 0.01
  public var confidence = 0.99
  /// Fewer usable trials a side than this are inconclusive.
  public var minimumTrials = 6
  /// The probability with which the minimum detectable effect would have been found.
  public var power = 0.8

  public init() {}
}
