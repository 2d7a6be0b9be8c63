extension Statistics {
  /// The smallest true shift that a two-sided test at level `alpha` finds with probability `power`:
  /// (z_{1−α/2} + z_{power}) · SE. (Bloom, Minimum detectable effects, Evaluation Review 19, 1995.)
  ///
  /// - Parameter standardError: of the estimated shift; for an infinite one the result is infinite.
  /// - Returns: NaN when α or the power is not between 0 and 1, or the standard error is negative or not a
  ///   number. 0 where even no shift is found so often.
  public static func minimumDetectableShift(standardError: Double, alpha: Double, power: Double) -> Double {
    guard alpha > 0, alpha < 1, power > 0, power < 1, standardError >= 0 else { return .nan }
    let distance = normalQuantile(power) - normalQuantile(alpha / 2)
    return distance > 0 ? distance * standardError : 0
  }

  /// The standard error for which a normal interval would be as wide as this one: half the width over z. For
  /// few values it errs to the large side, as their rank intervals are wider than normal ones.
  ///
  /// - Returns: infinity where a bound is infinite.
  public static func standardError(ofInterval shift: ShiftEstimate) -> Double {
    (shift.upper / 2 - shift.lower / 2) / -normalQuantile((1 - shift.confidence) / 2)
  }
}
