extension Statistics {
  /// The quantile of Student's t distribution: the t at which 1 − ½ · I_{ν/(ν+t²)}(ν/2, ½) is the
  /// probability. (Press and others, Numerical Recipes, 3rd ed., section 6.14.)
  ///
  /// - Parameter degreesOfFreedom: above 0, and not necessarily whole; infinitely many make it the normal
  ///   distribution.
  /// - Returns: minus infinity and infinity for 0 and 1, and where t is beyond 10¹⁵⁰; NaN for what is not a
  ///   probability, or when the degrees of freedom are not above 0.
  public static func studentQuantile(_ probability: Double, degreesOfFreedom: Double) -> Double {
    guard probability >= 0, probability <= 1, degreesOfFreedom > 0 else { return .nan }
    if degreesOfFreedom == .infinity { return normalQuantile(probability) }
    let tail = min(probability, 1 - probability)
    let isBeyond = { (t: Double) in Statistics.isBeyond(t, tail: tail, degreesOfFreedom: degreesOfFreedom) }
    // The largest power whose square can be divided by the degrees of freedom.
    let farthest = 0x1p500
    let t =
      tail == 0 || !isBeyond(farthest)
      ? .infinity : Bisection.smallest(from: 0, to: farthest, where: isBeyond)
    return probability < 0.5 ? -t : t
  }

  /// Whether no more than the tail lies above t. Near the middle, what lies between 0 and t is compared,
  /// which is the smaller figure there and so the more exact one.
  private static func isBeyond(_ t: Double, tail: Double, degreesOfFreedom: Double) -> Bool {
    let ratio = t / degreesOfFreedom * t
    let outside = IncompleteBeta.tails(
      a: degreesOfFreedom / 2, b: 0.5, x: 1 / (1 + ratio), complement: 1 / (1 + 1 / ratio))
    return tail < 0.25 ? outside.lower / 2 <= tail : outside.upper / 2 >= 0.5 - tail
  }
}
