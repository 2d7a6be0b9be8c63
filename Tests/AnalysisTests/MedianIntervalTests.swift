import Testing

@testable import Analysis

@Suite struct MedianIntervalTests {
  /// Ranks and coverage as tabulated for the sign test; coverage is 1 − 2·P(X ≤ k − 1) for binomial (n, ½).
  @Test(arguments: [
    (6, 0.95, 1, 0.96875), (10, 0.95, 2, 0.978515625), (20, 0.95, 6, 0.958610534667968750),
    (8, 0.99, 1, 0.9921875), (12, 0.99, 2, 0.99365234375),
  ])
  func theIntervalTakesTheRanksOfTheExactBinomial(n: Int, confidence: Double, rank: Int, coverage: Double)
    throws
  {
    let values = (1...n).map(Double.init).shuffled()
    let interval = try #require(Statistics.medianInterval(values, confidence: confidence))
    #expect(interval.lower == Double(rank))
    #expect(interval.upper == Double(n + 1 - rank))
    #expect(abs(interval.confidence - coverage) < 1e-9)
  }

  @Test(arguments: [(5, 0.95), (7, 0.99), (0, 0.95), (1, 0.5)])
  func tooFewValuesHaveNoInterval(n: Int, confidence: Double) {
    #expect(Statistics.medianInterval((0..<n).map(Double.init), confidence: confidence) == nil)
  }

  @Test func theIntervalNeverCoversLessThanWasAsked() throws {
    for n in [6, 17, 100, 1_001, 5_000] {
      let values = (1...n).map(Double.init)
      let interval = try #require(Statistics.medianInterval(values, confidence: 0.95))
      #expect(interval.confidence >= 0.95)
      #expect(interval.lower <= Statistics.median(values)! && Statistics.median(values)! <= interval.upper)
    }
  }

  @Test func theNextNarrowerIntervalWouldCoverLessThanWasAsked() throws {
    let values = (1...1_001).map(Double.init)
    let interval = try #require(Statistics.medianInterval(values, confidence: 0.95))
    let narrower = interval.confidence - 2 * Statistics.binomial(Int(interval.lower), of: 1_001, 0.5)
    #expect(narrower < 0.95)
  }

  @Test func binomialProbabilitiesSumToOneEvenWherePowersOfTwoUnderflow() {
    let sum = (0...2_000).reduce(0) { $0 + Statistics.binomial($1, of: 2_000, 0.5) }
    #expect(abs(sum - 1) < 1e-9)
  }

  @Test func aConfidenceOutsideZeroToOneHasNoInterval() {
    let values = (1...50).map(Double.init)
    for confidence in [0, 1, -1, 2, Double.nan] {
      #expect(Statistics.medianInterval(values, confidence: confidence) == nil)
    }
    #expect(Statistics.medianInterval(values + [.nan], confidence: 0.95) == nil)
  }
}
