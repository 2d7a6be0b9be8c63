import Testing

@testable import Analysis

@Suite struct RankSumTests {
  @Test func itAgreesWithSciPyAndWithListingAllChoices() throws {
    for expected in Reference.scipy.rankSum {
      let test = try #require(Statistics.rankSumTest(expected.first, expected.second))
      #expect(test.statistic == expected.statistic, "\(expected)")
      #expect(agree(test.pValue, expected.pValue, within: 1e-11), "\(test.pValue): \(expected)")
      #expect(test.isExact == expected.isExact, "\(expected)")
    }
  }

  @Test func itAgreesWithR() throws {
    for expected in Reference.r.unpaired {
      let test = try #require(Statistics.rankSumTest(expected.first, expected.second))
      #expect(test.statistic == expected.statistic)
      #expect(agree(test.pValue, expected.pValue), "\(expected)")
    }
  }

  /// Hollander and Wolfe, Nonparametric Statistical Methods, 1973, page 69: permeability constants of a
  /// membrane at term and at 12 to 26 weeks. U = 35, one-sided p = 0.1272.
  @Test func thePermeabilityConstantsOfHollanderAndWolfe() throws {
    let atTerm = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    let early = [1.15, 0.88, 0.90, 0.74, 1.21]
    let test = try #require(Statistics.rankSumTest(atTerm, early))
    #expect(test.statistic == 35)
    #expect(abs(test.pValue - 0.2544) < 0.00005)
  }

  /// Critical values as tabulated since Mann and Whitney and Auble, 1953: the largest U whose two-sided
  /// p-value is at most 0.05 or 0.01.
  @Test(arguments: [
    (5, 5, 0.05, 2), (5, 6, 0.05, 3), (5, 7, 0.05, 5), (5, 8, 0.05, 6), (5, 9, 0.05, 7), (5, 10, 0.05, 8),
    (5, 15, 0.05, 14), (5, 20, 0.05, 20), (8, 8, 0.05, 13), (8, 10, 0.05, 17), (8, 15, 0.05, 29),
    (8, 20, 0.05, 41), (10, 10, 0.05, 23), (10, 12, 0.05, 29), (10, 15, 0.05, 39), (10, 20, 0.05, 55),
    (12, 12, 0.05, 37), (15, 15, 0.05, 64), (20, 20, 0.05, 127), (5, 5, 0.01, 0), (8, 8, 0.01, 7),
    (10, 10, 0.01, 16), (12, 12, 0.01, 27), (15, 15, 0.01, 51), (20, 20, 0.01, 105),
  ])
  func theCriticalValuesAreThePublishedOnes(first: Int, second: Int, alpha: Double, critical: Int) throws {
    #expect(try pValue(ofU: critical, first, second) <= alpha)
    #expect(try pValue(ofU: critical + 1, first, second) > alpha)
  }

  /// Of samples without ties, where so many pairs have the larger value in the first one.
  private func pValue(ofU u: Int, _ firstCount: Int, _ secondCount: Int) throws -> Double {
    let first = (0..<firstCount).map { index -> Double in
      let below = min(secondCount, max(0, u - index * secondCount))
      return Double(below) + 0.5 - Double(index) / 1_000
    }
    let test = try #require(Statistics.rankSumTest(first, (1...secondCount).map(Double.init)))
    #expect(test.statistic == Double(u))
    return test.pValue
  }

  @Test func exchangedSamplesHaveTheSamePValueToTheLastBit() throws {
    var draws = Draws(seed: 4)
    for (n, m) in [
      (1, 1), (1, 9), (4, 7), (7, 4), (12, 12), (24, 24), (28, 28), (5, 200), (29, 50), (80, 80),
    ] {
      for (first, second) in [
        (draws.normal(n), draws.normal(m)), (draws.tied(n), draws.tied(m)),
        (draws.dyadic(n), draws.dyadic(m).map { $0 + 2 }),
      ] {
        let test = try #require(Statistics.rankSumTest(first, second))
        let exchanged = try #require(Statistics.rankSumTest(second, first))
        #expect(test.pValue == exchanged.pValue)
        #expect(test.statistic + exchanged.statistic == Double(n * m))
        #expect(test.isExact == exchanged.isExact)
      }
    }
  }

  @Test func neitherOrderNorScaleMatters() throws {
    var draws = Draws(seed: 5)
    for (n, m) in [(6, 6), (24, 24), (40, 60)] {
      let (first, second) = (draws.tied(n), draws.tied(m))
      let test = try #require(Statistics.rankSumTest(first, second))
      let stretched = { (value: Double) in value * 3 + 100 }
      #expect(
        Statistics.rankSumTest(first.shuffled(using: &draws), second.shuffled(using: &draws)) == test)
      #expect(Statistics.rankSumTest(first.map(stretched), second.map(stretched)) == test)
    }
  }

  @Test func equalValuesSayNothing() {
    for (n, m) in [(1, 1), (5, 3), (24, 24), (300, 400)] {
      let test = Statistics.rankSumTest(
        Array(repeating: 7, count: n), Array(repeating: 7, count: m))
      #expect(test?.pValue == 1)
      #expect(test?.statistic == Double(n * m) / 2)
    }
  }

  @Test func samplesApartHaveTheSmallestPValueThereIs() throws {
    let test = try #require(Statistics.rankSumTest([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]))
    #expect(test == RankTest(statistic: 0, pValue: 2.0 / 252, isExact: true))
  }

  /// 1,400 pairs, and fewer than 2⁵³ choices.
  @Test(arguments: [
    (28, 28, true), (28, 50, false), (29, 29, false), (5, 280, true), (5, 281, false), (1, 1_400, true),
    (1, 1_401, false),
  ])
  func theExactDistributionIsUsedWhileItIsCheap(first: Int, second: Int, isExact: Bool) {
    #expect(RankSumDistribution.isExact(first, second) == isExact)
  }

  @Test func theApproximationTakesOverWithoutAStep() throws {
    var draws = Draws(seed: 6)
    for _ in 0..<20 {
      let (first, second) = (draws.normal(28), draws.normal(28).map { $0 + 0.4 })
      let exact = try #require(Statistics.rankSumTest(first, second))
      let approximate = Statistics.twoSidedPValue(
        deviation: exact.statistic - 392, standardDeviation: (784.0 * 57 / 12).squareRoot())
      // Small p-values come out too large, which is the safe side.
      if exact.pValue > 0.05 { #expect(agree(approximate, exact.pValue, within: 0.02)) }
      if exact.pValue > 0.001 { #expect(agree(approximate, exact.pValue, within: 0.3)) }
    }
  }

  @Test func anEmptySampleOrWhatIsNotANumberHasNoTest() {
    #expect(Statistics.rankSumTest([], [1]) == nil)
    #expect(Statistics.rankSumTest([1], []) == nil)
    #expect(Statistics.rankSumTest([1, .nan], [1]) == nil)
    #expect(Statistics.rankSumTest([1, 2], [.infinity])?.statistic == 0)
  }
}
