extension Statistics {
  /// The interval of Clopper and Pearson for the probability of something that happened in some of so many
  /// independent trials: its coverage is never less than the confidence.
  ///
  /// The bounds are the probabilities at which so many successes or more, and so many or fewer, have half of
  /// what the confidence leaves. (Clopper and Pearson, The use of confidence or fiducial limits illustrated
  /// in the case of the binomial, Biometrika 26, 1934.)
  ///
  /// - Parameter confidence: above 0 and below 1, such as 0.95.
  /// - Returns: nil when there is no trial, when the successes are not between 0 and the trials, or when the
  ///   confidence is out of range.
  public static func clopperPearson(
    successes: Int, of trials: Int, confidence: Double
  ) -> ClosedRange<Double>? {
    guard isValid(successes, trials, confidence) else { return nil }
    let tail = (1 - confidence) / 2
    let lower = lowerBound(successes, trials, tail: tail)
    return lower...max(lower, upperBound(successes, trials, tail: tail))
  }

  /// The one-sided upper bound of the same: below it the probability lies with the confidence asked for. 0 of
  /// 299 at 0.95 gives just under 1 %.
  ///
  /// - Returns: nil where `clopperPearson` is.
  public static func clopperPearsonUpper(successes: Int, of trials: Int, confidence: Double) -> Double? {
    guard isValid(successes, trials, confidence) else { return nil }
    return upperBound(successes, trials, tail: 1 - confidence)
  }

  private static func isValid(_ successes: Int, _ trials: Int, _ confidence: Double) -> Bool {
    trials > 0 && successes >= 0 && successes <= trials && confidence > 0 && confidence < 1
  }

  /// The p at which P(X ≥ successes) = I_p(successes, trials − successes + 1) is the tail.
  private static func lowerBound(_ successes: Int, _ trials: Int, tail: Double) -> Double {
    guard successes > 0 else { return 0 }
    let (a, b) = (Double(successes), Double(trials - successes + 1))
    return Bisection.smallest(from: 0, to: 1) {
      IncompleteBeta.tails(a: a, b: b, x: $0, complement: 1 - $0).lower >= tail
    }
  }

  /// The p at which P(X ≤ successes) = 1 − I_p(successes + 1, trials − successes) is the tail.
  private static func upperBound(_ successes: Int, _ trials: Int, tail: Double) -> Double {
    guard successes < trials else { return 1 }
    let (a, b) = (Double(successes + 1), Double(trials - successes))
    return Bisection.smallest(from: 0, to: 1) {
      IncompleteBeta.tails(a: a, b: b, x: $0, complement: 1 - $0).upper <= tail
    }
  }
}
