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
    front(a: a, b: b, x: x, complement: complement)
      / continuedFraction(a: a, b: b, x: x, complement: complement)
  }

  /// xᵃ(1 − x)ᵇ / B(a, b), written as a distance from its peak and Stirling's formula, so that large
  /// parameters cost no figures: the logarithms of the gamma functions are large and nearly cancel. (Loader,
  /// Fast and accurate computation of binomial probabilities, 2000.)
  private static func front(a: Double, b: Double, x: Double, complement: Double) -> Double {
    let distance = x * b - complement * a
    let exponent =
      a * logRatio(x * (a + b) / a, lessOne: distance / a)
      + b * logRatio(complement * (a + b) / b, lessOne: -distance / b)
    let remainder = stirlingRemainder(a + b) - stirlingRemainder(a) - stirlingRemainder(b)
    return exp(exponent + remainder) * (a / (a + b) * b / (2 * .pi)).squareRoot()
  }

  /// The logarithm of a ratio; near 1 what is more exactly known is by how much it differs.
  private static func logRatio(_ ratio: Double, lessOne: Double) -> Double {
    abs(lessOne) < 0.5 ? log1p(lessOne) : log(ratio)
  }

  /// ln Γ(x) − ((x − ½) ln x − x + ½ ln 2π), from x = 15 on by the series 5.11.1 of the NIST Digital Library.
  private static func stirlingRemainder(_ x: Double) -> Double {
    if x < 15 { return logGamma(x) - ((x - 0.5) * log(x) - x + 0.5 * log(2 * .pi)) }
    let y = 1 / (x * x)
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - y / 1188) * y) * y) * y) / x
  }

  /// The continued fraction of DiDonato and Morris (Algorithm 708: significant digit computation of the
  /// incomplete beta function ratios, ACM Transactions on Mathematical Software 18, 1992, routine BFRAC),
  /// which subtracts nothing from nearly the same also where one parameter is large and the other small;
  /// evaluated by Lentz's method (Press and others, Numerical Recipes, 3rd ed., section 5.2). It takes about
  /// √max(a, b) steps.
  private static func continuedFraction(a: Double, b: Double, x: Double, complement: Double) -> Double {
    let distance = a * complement - b * x
    // What a vanishing denominator is replaced with.
    let tiny = 0x1p-1000
    var value = a * (distance + 1) / (a + 1)
    var (numerators, denominators) = (value, 0.0)
    for step in 1...100_000 {
      let m = Double(step)
      let scale = x / (a + 2 * m - 1)
      let over = (a + m - 1) * scale * ((a + b + m - 1) * scale) * m * (b - m)
      let under =
        m + m * (b - m) * scale + (a + m) * (distance + 1 + m * (1 + complement)) / (a + 2 * m + 1)
      denominators = under + over * denominators
      if abs(denominators) < tiny { denominators = tiny }
      denominators = 1 / denominators
      numerators = under + over / numerators
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
