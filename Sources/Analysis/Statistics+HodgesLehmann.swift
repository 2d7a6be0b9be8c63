extension Statistics {
  /// The Hodges–Lehmann estimate of where differences of pairs are centred, with the distribution-free
  /// interval of the signed-rank test.
  ///
  /// The estimate is the median of the Walsh averages, the means of all pairs of differences, each with
  /// itself too. The bounds are the k-th smallest and the k-th largest of them, for the largest k that keeps
  /// the confidence: from the exact distribution up to 50 differences, from the normal approximation beyond.
  /// (Hodges and Lehmann, Estimates of location based on rank tests, Annals of Mathematical Statistics 34,
  /// 1963; Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3rd ed., sections 3.2 and 3.3.)
  /// Negated differences have the negated estimate and bounds, to the last bit.
  ///
  /// - Parameter confidence: above 0 and below 1, such as 0.99.
  /// - Returns: infinite bounds where the differences are too few for the confidence (fewer than 6 at 0.95,
  ///   fewer than 8 at 0.99). nil when there is no difference, when any is infinite or not a number, or when
  ///   the confidence is out of range.
  public static func hodgesLehmann(_ differences: [Double], confidence: Double) -> ShiftEstimate? {
    guard !differences.isEmpty, differences.allSatisfy(\.isFinite), confidence > 0, confidence < 1 else {
      return nil
    }
    let averages = WalshAverages(sorted: differences.sorted())
    return averages.estimate(
      criticalRank: signedRankCriticalRank(count: differences.count, confidence: confidence),
      confidence: confidence)
  }

  /// The Hodges–Lehmann estimate of how far the second sample lies above the first, with the
  /// distribution-free interval of the rank-sum test.
  ///
  /// The estimate is the median of all differences of a value of the second sample and one of the first; the
  /// bounds are the k-th smallest and the k-th largest of them, for the largest k that keeps the confidence:
  /// from the exact distribution for small samples, such as 28 and 28, from the normal approximation beyond.
  /// (Hodges and Lehmann, as above; Hollander, Wolfe and Chicken, sections 4.2 and 4.3.) Exchanged samples
  /// have the negated estimate and bounds, to the last bit.
  ///
  /// - Parameter confidence: above 0 and below 1, such as 0.99.
  /// - Returns: infinite bounds where the values are too few for the confidence (fewer than 4 and 4 at 0.95,
  ///   fewer than 5 and 5 at 0.99). nil when either sample is empty, when any value is infinite or not a
  ///   number, or when the confidence is out of range.
  public static func hodgesLehmannShift(
    from first: [Double], to second: [Double], confidence: Double
  ) -> ShiftEstimate? {
    guard !first.isEmpty, !second.isEmpty, confidence > 0, confidence < 1,
      first.allSatisfy(\.isFinite), second.allSatisfy(\.isFinite)
    else { return nil }
    let differences = PairwiseDifferences(from: first.sorted(), to: second.sorted())
    return differences.estimate(
      criticalRank: rankSumCriticalRank(first.count, second.count, confidence: confidence),
      confidence: confidence)
  }

  static func signedRankCriticalRank(count: Int, confidence: Double) -> Int {
    if count <= SignedRankDistribution.largestCount {
      return SignedRankDistribution(ranks: Array(1...count)).criticalRank(tail: tail(beyond: confidence))
    }
    let n = Double(count)
    let variance = n * (n + 1) * (2 * n + 1) / 24
    return approximateCriticalRank(mean: n * (n + 1) / 4, variance: variance, confidence: confidence)
  }

  static func rankSumCriticalRank(_ first: Int, _ second: Int, confidence: Double) -> Int {
    if RankSumDistribution.isExact(first, second) {
      let ranks = Array(1...first + second)
      return RankSumDistribution(ranks: ranks, choosing: min(first, second))
        .criticalRank(tail: tail(beyond: confidence))
    }
    let (n, pairs) = (Double(first + second), Double(first * second))
    return approximateCriticalRank(mean: pairs / 2, variance: pairs * (n + 1) / 12, confidence: confidence)
  }

  /// What lies outside an interval on either side. A little more than that, so that 0.9 is reached by 3
  /// values against 3 although the tail, 1 choice in 20, is above what the rounded 0.9 leaves.
  private static func tail(beyond confidence: Double) -> Double { (1 - confidence) / 2 * (1 + 0x1p-40) }

  /// The largest k for which a normal variable is below k − ½ with at most the probability of the tail.
  private static func approximateCriticalRank(mean: Double, variance: Double, confidence: Double) -> Int {
    let distance = -normalQuantile((1 - confidence) / 2) * variance.squareRoot()
    return max(0, Int((mean + 0.5 - distance).rounded(.down)))
  }
}
