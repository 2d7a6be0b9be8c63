extension Statistics {
  // Signatures others build against; each moves to a file of its own with its implementation.

  public static func signedRankTest(_ differences: [Double]) -> RankTest? { nil }
  public static func rankSumTest(_ first: [Double], _ second: [Double]) -> RankTest? { nil }
  public static func hodgesLehmann(_ differences: [Double], confidence: Double) -> ShiftEstimate? { nil }
  public static func hodgesLehmannShift(
    from first: [Double], to second: [Double], confidence: Double
  ) -> ShiftEstimate? { nil }
  public static func cliffsDelta(_ first: [Double], _ second: [Double]) -> Double? { nil }
  public static func holm(_ pValues: [Double]) -> [Double] { pValues }
  public static func kendallTau(_ first: [Double], _ second: [Double]) -> Double? { nil }
  public static func clopperPearson(
    successes: Int, of trials: Int, confidence: Double
  ) -> ClosedRange<Double>? { nil }
  public static func minimumDetectableShift(standardError: Double, alpha: Double, power: Double) -> Double {
    .infinity
  }
  public static func jainIndex(_ values: [Double]) -> Double? { nil }
  public static func normalQuantile(_ probability: Double) -> Double { .nan }
  public static func studentQuantile(_ probability: Double, degreesOfFreedom: Double) -> Double { .nan }
  public static func predictionInterval(_ values: [Double], confidence: Double) -> ClosedRange<Double>? {
    nil
  }
  public static func geometricMeanInterval(
    _ groups: [[Double]], confidence: Double, resamples: Int, seed: UInt64
  ) -> ShiftEstimate? { nil }
}
