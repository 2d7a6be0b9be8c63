import Glibc

/// The regularised incomplete beta function, the distribution function of the beta distribution; those of the
/// binomial and of Student's t follow from it.
enum IncompleteBeta {
  /// I_x(a, b) and 1 − I_x(a, b), each without the loss of figures that subtracting the other would bring.
  ///
  /// - Parameters:
  ///   - a: above 0; and so is b.
  ///   - x: from 0 to 1.
  ///   - complement: 1 − x, from a caller who knows it more exactly than the subtraction does.
  static func tails(
    a: Double, b: Double, x: Double, complement: Double
  ) -> (lower: Double, upper: Double) {
    if x <= 0 { return (0, 1) }
    if complement <= 0 { return (1, 0) }
    // The fraction converges fast below the mean; above it, I_x(a, b) = 1 − I_{1−x}(b, a) is used.
    if x <= (a + 1) / (a + b + 2) {
      let lower = min(1, belowMean(a: a, b: b, x: x, complement: complement))
      return (lower, 1 - lower)
    }
    let upper = min(1, belowMean(a: b, b: a, x: complement, complement: x))
    return (1 - upper, upper)
  }

  private static func belowMean(a: Double, b: Double, x: Double, complement: Double) -> Double {
    let logFront = a * log(x) + b * log(complement) + logGamma(a + b) - logGamma(a) - logGamma(b)
    return exp(logFront) / (a * continuedFraction(a: a, b: b, x: x))
  }

  /// Continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, without its first
  /// numerator, evaluated by Lentz's method (Press and others, Numerical Recipes, 3rd ed., sections 5.2 and
  /// 6.4). It takes about √max(a, b) steps.
  private static func continuedFraction(a: Double, b: Double, x: Double) -> Double {
    // What a vanishing denominator is replaced with.
    let tiny = 0x1p-1000
    var value = 1.0
    var (numerators, denominators) = (1.0, 0.0)
    for step in 1...100_000 {
      let m = Double(step / 2)
      let coefficient =
        step.isMultiple(of: 2)
        ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      denominators = 1 + coefficient * denominators
      if abs(denominators) < tiny { denominators = tiny }
      denominators = 1 / denominators
      numerators = 1 + coefficient / numerators
      if abs(numerators) < tiny { numerators = tiny }
      let change = numerators * denominators
      value *= change
      if abs(change - 1) <= .ulpOfOne { break }
    }
    return value
  }

  /// ln Γ(x); `lgamma` also writes the global `signgam`, the re-entrant form does not.
  static func logGamma(_ x: Double) -> Double {
    var sign: Int32 = 0
    return lgamma_r(x, &sign)
  }
}
