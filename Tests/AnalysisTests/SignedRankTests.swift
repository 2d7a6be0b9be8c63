import Testing

@testable import Analysis

@Suite struct SignedRankTests {
  @Test func itAgreesWithSciPyAndWithListingAllSigns() throws {
    for expected in Reference.scipy.signedRank {
      let test = try #require(Statistics.signedRankTest(expected.differences))
      #expect(test.statistic == expected.statistic, "\(expected)")
      #expect(agree(test.pValue, expected.pValue, within: 1e-11), "\(test.pValue): \(expected)")
      #expect(test.isExact == expected.isExact, "\(expected)")
    }
  }

  @Test func itAgreesWithR() throws {
    for expected in Reference.r.paired {
      let test = try #require(Statistics.signedRankTest(expected.differences))
      #expect(test.statistic == expected.statistic)
      #expect(agree(test.pValue, expected.pValue), "\(expected)")
    }
  }

  /// Hollander and Wolfe, Nonparametric Statistical Methods, 1973, page 29: the Hamilton depression scale
  /// before and after treatment. T⁺ = 5, one-sided p = 0.020.
  @Test func theDepressionScaleOfHollanderAndWolfe() throws {
    let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    let test = try #require(Statistics.signedRankTest(zip(before, after).map { $1 - $0 }))
    #expect(test.statistic == 5)
    #expect(test.pValue == 20.0 / 512)
  }

  /// Critical values as tabulated since Wilcoxon and Wilcox, Some Rapid Approximate Statistical Procedures,
  /// 1964: the largest sum whose two-sided p-value is at most 0.05 or 0.01. (Tables that take the nearest
  /// probability instead of the next smaller one have up to one more.)
  @Test func theCriticalValuesAreThePublishedOnes() throws {
    let atFivePercent = [0, 2, 3, 5, 8, 10, 13, 17, 21, 25, 29, 34, 40, 46, 52, 58, 65, 73, 81, 89]
    let atOnePercent = [0, 1, 3, 5, 7, 9, 12, 15, 19, 23, 27, 32, 37, 42, 48, 54, 61, 68]
    for (n, critical) in zip(6...25, atFivePercent) {
      #expect(try pValue(ofSum: critical, count: n) <= 0.05, "n = \(n)")
      #expect(try pValue(ofSum: critical + 1, count: n) > 0.05, "n = \(n)")
    }
    for (n, critical) in zip(8...25, atOnePercent) {
      #expect(try pValue(ofSum: critical, count: n) <= 0.01, "n = \(n)")
      #expect(try pValue(ofSum: critical + 1, count: n) > 0.01, "n = \(n)")
    }
    #expect(try pValue(ofSum: 0, count: 5) > 0.05)
    #expect(try pValue(ofSum: 0, count: 7) > 0.01)
  }

  /// Of n differences without ties, with the positive ones chosen greedily so that W⁺ is the sum.
  private func pValue(ofSum sum: Int, count: Int) throws -> Double {
    var rest = sum
    let differences = (1...count).reversed().map { rank -> Double in
      if rank > rest { return -Double(rank) }
      rest -= rank
      return Double(rank)
    }
    let test = try #require(Statistics.signedRankTest(differences))
    #expect(test.statistic == Double(sum))
    return test.pValue
  }

  @Test func allPositiveHasTheSmallestPValueThereIs() throws {
    for n in [1, 6, 12, 24, 50] {
      let test = try #require(Statistics.signedRankTest((1...n).map(Double.init)))
      #expect(test.pValue == min(1, 0x1p1 / Double(UInt64(1) << UInt64(n))))
    }
  }

  @Test func onlyZerosSayNothing() {
    let nothing = RankTest(statistic: 0, pValue: 1, isExact: true)
    #expect(Statistics.signedRankTest([0]) == nothing)
    #expect(Statistics.signedRankTest(Array(repeating: -0.0, count: 80)) == nothing)
  }

  @Test func zerosAreDropped() {
    let differences = [0.3, -0.1, 0.7, 0.9, -0.2, 1.1]
    #expect(
      Statistics.signedRankTest(differences + [0, -0.0, 0]) == Statistics.signedRankTest(differences))
  }

  @Test func negatedDifferencesHaveTheSamePValueToTheLastBit() throws {
    var draws = Draws(seed: 1)
    for n in Array(1...60) + [200] {
      for differences in [draws.normal(n), draws.tied(n), draws.dyadic(n).map { $0 + 1 }] {
        let test = try #require(Statistics.signedRankTest(differences))
        let negated = try #require(Statistics.signedRankTest(differences.map { -$0 }))
        #expect(test.pValue == negated.pValue)
        let count = Double(differences.count { $0 != 0 })
        #expect(test.statistic + negated.statistic == count * (count + 1) / 2)
      }
    }
  }

  @Test func theOrderOfTheDifferencesDoesNotMatter() {
    var draws = Draws(seed: 2)
    for n in [5, 24, 50, 51, 300] {
      let differences = draws.tied(n)
      #expect(
        Statistics.signedRankTest(differences.shuffled(using: &draws))
          == Statistics.signedRankTest(differences))
    }
  }

  @Test func theApproximationTakesOverWithoutAStep() throws {
    var draws = Draws(seed: 3)
    for _ in 0..<50 {
      let differences = draws.normal(50).map { $0 + 0.25 }
      let exact = try #require(Statistics.signedRankTest(differences))
      let ranks = Midranks(differences.map(\.magnitude))
      let (n, tieTerm) = (50.0, ranks.tieTerm)
      let approximate = Statistics.twoSidedPValue(
        deviation: exact.statistic - n * (n + 1) / 4,
        standardDeviation: (n * (n + 1) * (2 * n + 1) / 24 - tieTerm / 48).squareRoot())
      #expect(exact.isExact)
      // Small p-values come out too large, which is the safe side.
      if exact.pValue > 0.05 { #expect(agree(approximate, exact.pValue, within: 0.02)) }
      if exact.pValue > 0.001 { #expect(agree(approximate, exact.pValue, within: 0.3)) }
    }
    #expect(try #require(Statistics.signedRankTest(draws.normal(51))).isExact == false)
  }

  @Test func whatIsNotANumberHasNoTestAndInfinityIsTheLargestDifference() throws {
    #expect(Statistics.signedRankTest([]) == nil)
    #expect(Statistics.signedRankTest([1, .nan]) == nil)
    #expect(Statistics.signedRankTest([1, -2, .infinity]) == Statistics.signedRankTest([1, -2, 3]))
  }
}
