extension Statistics {
  /// The rank-sum test of Mann and Whitney, and of Wilcoxon, two-sided: do values of one sample tend to be
  /// larger than those of the other?
  ///
  /// (Mann and Whitney, On a test of whether one of two random variables is stochastically larger than the
  /// other, Annals of Mathematical Statistics 18, 1947; Hollander, Wolfe and Chicken, Nonparametric
  /// Statistical Methods, 3rd ed., section 4.1.) For small samples, such as 28 against 28 or 5 against 280,
  /// the p-value is twice the smaller tail of the permutation distribution of the midranks at hand, so it is
  /// exact with ties too; beyond, the normal approximation with the corrections for ties and continuity.
  /// Exchanged samples have the same p-value to the last bit.
  ///
  /// - Returns: U of the first sample, which is the number of pairs in which its value is the larger, ties
  ///   counting half. nil when either sample is empty or any value is not a number.
  public static func rankSumTest(_ first: [Double], _ second: [Double]) -> RankTest? {
    let pooled = first + second
    guard !first.isEmpty, !second.isEmpty, !pooled.contains(where: \.isNaN) else { return nil }
    let ranks = Midranks(pooled)
    // Twice U: the doubled rank sum less the smallest one that so many values can have.
    let doubled = ranks.doubled[..<first.count].reduce(0, +) - first.count * (first.count + 1)
    let isExact = RankSumDistribution.isExact(first.count, second.count)
    let pValue =
      isExact
      ? exactPValue(ranks.doubled, of: first.count)
      : approximatePValue(doubled, first.count, second.count, tieTerm: ranks.tieTerm)
    return RankTest(statistic: Double(doubled) / 2, pValue: pValue, isExact: isExact)
  }

  /// Twice the smaller tail. With ties the distribution is not symmetric, so both tails are counted: as whole
  /// numbers, which makes the result the same whichever sample is looked at.
  private static func exactPValue(_ doubledRanks: [Int], of firstCount: Int) -> Double {
    let (first, second) = (doubledRanks[..<firstCount], doubledRanks[firstCount...])
    let smaller = first.count <= second.count ? first : second
    let distribution = RankSumDistribution(ranks: doubledRanks.sorted(), choosing: smaller.count)
    return distribution.twoSidedPValue(sum: smaller.reduce(0, +))
  }

  private static func approximatePValue(
    _ doubledU: Int, _ firstCount: Int, _ secondCount: Int, tieTerm: Double
  ) -> Double {
    let (n, pairs) = (Double(firstCount + secondCount), Double(firstCount * secondCount))
    let variance = pairs / 12 * (n + 1 - tieTerm / (n * (n - 1)))
    return twoSidedPValue(
      deviation: (Double(doubledU) - pairs) / 2, standardDeviation: variance.squareRoot())
  }
}

/// The distribution of a rank sum where every choice of so many ranks is as likely as any other: how many
/// choices have which sum.
struct RankSumDistribution {
  /// By how far the sum is above the smallest possible one.
  private let ways: [Double]
  private let smallestSum: Int
  private let total: Double

  /// Whether all counts are whole numbers below 2⁵³, so that nothing is rounded, and the work is a few
  /// milliseconds.
  static func isExact(_ first: Int, _ second: Int) -> Bool {
    first * second <= 1_400 && choices(min(first, second), of: first + second) < 0x1p53
  }

  /// - Parameters:
  ///   - ranks: ascending, in any unit in which they are whole numbers.
  ///   - size: how many of them are chosen, at most half; `isExact` for it and the rest.
  init(ranks: [Int], choosing size: Int) {
    smallestSum = ranks.prefix(size).reduce(0, +)
    total = Self.choices(size, of: ranks.count)
    let length = ranks.suffix(size).reduce(0, +) - smallestSum + 1
    ways = Self.count(ranks, size, length)
  }

  /// Rank by rank: chosen as number k from below, a rank adds its distance from the k-th smallest rank to how
  /// far the sum is above the smallest one.
  private static func count(_ ranks: [Int], _ size: Int, _ length: Int) -> [Double] {
    // Row k holds the ways to have chosen k ranks so far.
    var ways = Array(repeating: 0.0, count: (size + 1) * length)
    ways[0] = 1
    // By row: the largest sum that has any.
    var reach = Array(repeating: 0, count: size + 1)
    ways.withUnsafeMutableBufferPointer { ways in
      for (index, rank) in ranks.enumerated() {
        // Downwards, so that no rank is chosen twice; and only where enough ranks remain.
        for k in (max(0, size - (ranks.count - index))...size - 1).reversed() where k <= index {
          let (above, from, to) = (rank - ranks[k], k * length, (k + 1) * length)
          for sum in 0...reach[k] { ways[to + above + sum] += ways[from + sum] }
          reach[k + 1] = max(reach[k + 1], reach[k] + above)
        }
      }
    }
    return Array(ways[(size * length)...])
  }

  func twoSidedPValue(sum: Int) -> Double {
    let above = sum - smallestSum
    let (atMost, atLeast) = (ways[...above].reduce(0, +), ways[above...].reduce(0, +))
    return min(1, 2 * min(atMost, atLeast) / total)
  }

  /// The largest k for which the sum is at most k − 1 above the smallest one with a probability of at most
  /// `tail`; 0 where there is none.
  func criticalRank(tail: Double) -> Int {
    var sum = 0.0
    return ways.firstIndex {
      sum += $0; return sum > tail * total
    } ?? ways.count
  }

  /// n over k, exact while it is below 2⁵³, infinity where it surely is not.
  private static func choices(_ k: Int, of n: Int) -> Double {
    var choices = 1
    for step in 0..<k {
      let (product, overflows) = choices.multipliedReportingOverflow(by: n - step)
      if overflows { return .infinity }
      choices = product / (step + 1)
    }
    return Double(choices)
  }
}
