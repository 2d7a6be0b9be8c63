import Glibc

extension Statistics {
  /// Wilcoxon's signed-rank test, two-sided: are the differences of pairs symmetric about zero?
  ///
  /// Zeros are dropped and equal magnitudes share their mean rank. (Wilcoxon, Individual comparisons by
  /// ranking methods, Biometrics Bulletin 1, 1945; Hollander, Wolfe and Chicken, Nonparametric Statistical
  /// Methods, 3rd ed., section 3.1.) Up to 50 differences the p-value is that of the permutation distribution
  /// of the ranks at hand, so it is exact with ties too; beyond, the normal approximation with the
  /// corrections for ties and continuity. Negated differences have the same p-value to the last bit.
  ///
  /// - Returns: W⁺, the sum of the ranks of the positive differences, and its p-value: 0 and 1 when all
  ///   differences are zero. nil when there is no difference, or when any is not a number.
  public static func signedRankTest(_ differences: [Double]) -> RankTest? {
    guard !differences.isEmpty, !differences.contains(where: \.isNaN) else { return nil }
    let signed = differences.filter { $0 != 0 }
    let ranks = Midranks(signed.map(\.magnitude))
    let positive = zip(signed, ranks.doubled).reduce(0) { $1.0 > 0 ? $0 + $1.1 : $0 }
    let isExact = signed.count <= SignedRankDistribution.largestCount
    let pValue =
      isExact
      ? exactPValue(positive, ranks.doubled) : approximatePValue(positive, ranks, count: signed.count)
    return RankTest(statistic: Double(positive) / 2, pValue: pValue, isExact: isExact)
  }

  /// Twice the smaller tail; the distribution is symmetric, so that is the tail of the smaller sum.
  private static func exactPValue(_ positive: Int, _ doubledRanks: [Int]) -> Double {
    let smaller = min(positive, doubledRanks.reduce(0, +) - positive)
    return min(1, 2 * SignedRankDistribution(ranks: doubledRanks).probability(ofAtMost: smaller))
  }

  private static func approximatePValue(_ positive: Int, _ ranks: Midranks, count: Int) -> Double {
    let n = Double(count)
    let variance = n * (n + 1) * (2 * n + 1) / 24 - ranks.tieTerm / 48
    return twoSidedPValue(
      deviation: Double(positive) / 2 - n * (n + 1) / 4, standardDeviation: variance.squareRoot())
  }

  /// The normal approximation for a statistic in steps of one, so half a step is taken off (the correction
  /// for continuity).
  static func twoSidedPValue(deviation: Double, standardDeviation: Double) -> Double {
    let steps = max(0, abs(deviation) - 0.5)
    return steps == 0 ? 1 : erfc(steps / standardDeviation / 2.0.squareRoot())
  }
}

/// The distribution of the signed-rank statistic where every sign is as likely as its opposite: how many of
/// the 2ⁿ ways to choose the positive ranks have which sum.
struct SignedRankDistribution {
  /// All counts are whole numbers below 2⁵³, so nothing is rounded.
  static let largestCount = 50

  /// By sum.
  private let ways: [Double]
  private let total: Double

  /// - Parameter ranks: at most `largestCount`, in any unit in which they are whole numbers.
  init(ranks: [Int]) {
    var ways = Array(repeating: 0.0, count: ranks.reduce(0, +) + 1)
    ways[0] = 1
    var largest = 0
    for rank in ranks {
      largest += rank
      for sum in stride(from: largest, through: rank, by: -1) { ways[sum] += ways[sum - rank] }
    }
    self.ways = ways
    total = Double(UInt64(1) << UInt64(ranks.count))
  }

  func probability(ofAtMost sum: Int) -> Double { ways[...sum].reduce(0, +) / total }

  /// The largest k with P(W ≤ k − 1) ≤ `tail`; 0 where there is none.
  func criticalRank(tail: Double) -> Int {
    var sum = 0.0
    return ways.firstIndex {
      sum += $0; return sum > tail * total
    } ?? ways.count
  }
}
