extension Statistics {
  /// By how much the larger value exceeds the smaller, as a fraction of the smaller: 0.25 when one of them is
  /// 25 % above the other. Symmetric, so it does not matter which one came first.
  ///
  /// - Returns: 0 when the values are equal; infinity when one of them is not positive and they differ; NaN
  ///   when either is not a number.
  public static func relativeDifference(_ first: Double, _ second: Double) -> Double {
    if first.isNaN || second.isNaN { return .nan }
    if first == second { return 0 }
    let (low, high) = (min(first, second), max(first, second))
    return low > 0 ? high / low - 1 : .infinity
  }

  /// Identical probes on an undisturbed machine stay within this share of each other.
  public static let probeTolerance = 0.25

  /// Whether a probe gave the same figure before and after a trial, so that the machine can be taken to have
  /// been the same throughout.
  ///
  /// - Parameter tolerance: the largest relative difference that counts as agreement, such as 0.25.
  /// - Returns: false when either figure is not a number: a probe that failed vouches for nothing.
  public static func probesAgree(before: Double, after: Double, tolerance: Double) -> Bool {
    relativeDifference(before, after) <= tolerance
  }

  /// Whether every one of several probes agrees with its partner.
  ///
  /// - Returns: false when the two lists differ in length.
  public static func probesAgree(before: [Double], after: [Double], tolerance: Double) -> Bool {
    before.count == after.count
      && zip(before, after).allSatisfy { probesAgree(before: $0, after: $1, tolerance: tolerance) }
  }
}
