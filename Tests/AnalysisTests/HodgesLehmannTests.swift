import Testing

@testable import Analysis

@Suite struct HodgesLehmannTests {
  @Test func theEstimateAndBoundsAreThoseOfAllWalshAverages() throws {
    for expected in Reference.scipy.hodgesLehmann {
      let shift = try #require(
        Statistics.hodgesLehmann(expected.differences, confidence: expected.confidence))
      #expect(agree(shift.estimate, expected.estimate), "\(expected)")
      #expect(agree(shift.lower, expected.lower ?? -.infinity), "\(expected)")
      #expect(agree(shift.upper, expected.upper ?? .infinity), "\(expected)")
    }
  }

  @Test func theIntervalAgreesWithR() throws {
    for expected in Reference.r.paired {
      let shift = try #require(
        Statistics.hodgesLehmann(expected.differences, confidence: expected.confidence))
      #expect(agree(shift.estimate, expected.estimate, within: 1e-10), "\(expected)")
      #expect(agree(shift.lower, expected.lower ?? -.infinity), "\(expected)")
      #expect(agree(shift.upper, expected.upper ?? .infinity), "\(expected)")
    }
  }

  /// Hollander and Wolfe, 1973, pages 35 and 36: −0.46.
  @Test func theDepressionScaleOfHollanderAndWolfe() throws {
    let differences = [-0.952, 0.147, -1.022, -0.43, -0.62, -0.59, -0.49, 0.08, -0.01]
    let shift = try #require(Statistics.hodgesLehmann(differences, confidence: 0.96))
    #expect(agree(shift.estimate, -0.46))
    #expect(agree(shift.lower, -0.786) && agree(shift.upper, -0.01))
  }

  @Test func negatedDifferencesHaveTheNegatedEstimateAndBounds() throws {
    var draws = Draws(seed: 10)
    for n in Array(1...55) + [400] {
      for differences in [draws.normal(n), draws.tied(n), draws.skewed(n)] {
        let shift = try #require(Statistics.hodgesLehmann(differences, confidence: 0.95))
        let negated = try #require(Statistics.hodgesLehmann(differences.map { -$0 }, confidence: 0.95))
        #expect(negated.estimate == -shift.estimate)
        #expect(negated.lower == -shift.upper && negated.upper == -shift.lower)
        #expect(shift.lower <= shift.estimate && shift.estimate <= shift.upper)
      }
    }
  }

  @Test func shiftedDifferencesHaveTheShiftedEstimateAndBounds() throws {
    var draws = Draws(seed: 11)
    for n in [1, 2, 7, 24, 50, 120] {
      let differences = draws.dyadic(n)
      let shift = try #require(Statistics.hodgesLehmann(differences, confidence: 0.99))
      let shifted = try #require(Statistics.hodgesLehmann(differences.map { $0 + 2.5 }, confidence: 0.99))
      #expect(shifted.estimate == shift.estimate + 2.5)
      #expect(shifted.lower == shift.lower + 2.5 && shifted.upper == shift.upper + 2.5)
      #expect(
        Statistics.hodgesLehmann(differences.shuffled(using: &draws), confidence: 0.99) == shift)
    }
  }

  @Test func onlyZerosGiveExactlyZero() throws {
    for n in [8, 24, 50, 51, 1_000] {
      let zeros = (0..<n).map { $0.isMultiple(of: 3) ? -0.0 : 0.0 }
      let shift = try #require(Statistics.hodgesLehmann(zeros, confidence: 0.99))
      #expect(shift == ShiftEstimate(estimate: 0, lower: 0, upper: 0, confidence: 0.99))
    }
  }

  @Test(arguments: [(5, 0.95, false), (6, 0.95, true), (7, 0.99, false), (8, 0.99, true)])
  func tooFewDifferencesHaveInfiniteBounds(n: Int, confidence: Double, isBounded: Bool) throws {
    let shift = try #require(
      Statistics.hodgesLehmann((1...n).map(Double.init), confidence: confidence))
    #expect(shift.lower.isFinite == isBounded && shift.upper.isFinite == isBounded)
    #expect(shift.estimate == Double(n + 1) / 2)
  }

  /// The interval leaves zero out exactly where the test rejects it, for differences without ties.
  @Test func theIntervalAndTheTestAgree() throws {
    var draws = Draws(seed: 12)
    var rejections = 0
    for n in Array(5...50) + [51, 60, 200] {
      for confidence in [0.9, 0.95, 0.99] {
        let differences = draws.normal(n).map { $0 + 0.45 }
        let shift = try #require(Statistics.hodgesLehmann(differences, confidence: confidence))
        let test = try #require(Statistics.signedRankTest(differences))
        let rejects = test.pValue <= 1 - confidence
        #expect((shift.lower > 0 || shift.upper < 0) == rejects)
        rejections += rejects ? 1 : 0
      }
    }
    #expect((20...130).contains(rejections))
  }

  @Test func extremeDifferencesNeitherOverflowNorVanish() throws {
    let large = Double.greatestFiniteMagnitude
    let huge = try #require(Statistics.hodgesLehmann(Array(repeating: large, count: 9), confidence: 0.95))
    #expect(huge.estimate == large && huge.lower == large && huge.upper == large)
    let tiny = Double.leastNonzeroMagnitude
    #expect(Statistics.hodgesLehmann([tiny], confidence: 0.5)?.estimate == tiny)
    #expect(Statistics.hodgesLehmann([-large, large], confidence: 0.5)?.estimate == 0)
    #expect(Statistics.hodgesLehmann([large * 0.75, large], confidence: 0.5)?.estimate == large * 0.875)
  }

  @Test func whatHasNoAnswerIsNil() {
    for confidence in [0, 1, -1, 2, Double.nan] {
      #expect(Statistics.hodgesLehmann([1, 2], confidence: confidence) == nil)
    }
    for differences in [[], [1, .nan], [1, .infinity], [-Double.infinity]] {
      #expect(Statistics.hodgesLehmann(differences, confidence: 0.95) == nil)
    }
  }
}

/// Beyond the exact distributions.
@Suite struct ApproximateCriticalRankTests {
  /// The exact ranks were counted by `signed_rank_ways` and `rank_sum_ways` of `Fixtures/make-reference.py`.
  @Test func theRanksAreTheExactOnesOrALittleWiderAndSoSafer() {
    for (n, at95, at99) in [(51, 454, 391), (60, 649, 568), (100, 1_956, 1_780), (200, 8_445, 7_945)] {
      #expect((at95 - 1...at95).contains(Statistics.signedRankCriticalRank(count: n, confidence: 0.95)))
      #expect((at99 - 6...at99).contains(Statistics.signedRankCriticalRank(count: n, confidence: 0.99)))
    }
    for (n, m, at95, at99) in [(40, 40, 597, 534), (30, 60, 671, 601), (100, 80, 3_320, 3_108)] {
      #expect((at95 - 1...at95).contains(Statistics.rankSumCriticalRank(n, m, confidence: 0.95)))
      #expect((at99 - 3...at99).contains(Statistics.rankSumCriticalRank(n, m, confidence: 0.99)))
    }
  }

  @Test func theyAreTheLastThatTheApproximateTestRejects() {
    for n in 51...400 {
      let (count, critical) = (Double(n), Statistics.signedRankCriticalRank(count: n, confidence: 0.95))
      let mean = count * (count + 1) / 4
      expectLastRejected(critical, mean: mean, variance: mean * (2 * count + 1) / 6)
    }
    for n in 29...120 {
      let critical = Statistics.rankSumCriticalRank(n, n + 5, confidence: 0.95)
      let mean = Double(n * (n + 5)) / 2
      expectLastRejected(critical, mean: mean, variance: mean * Double(2 * n + 6) / 6)
    }
  }

  private func expectLastRejected(_ critical: Int, mean: Double, variance: Double) {
    let pValue = { (statistic: Int) in
      Statistics.twoSidedPValue(
        deviation: Double(statistic) - mean, standardDeviation: variance.squareRoot())
    }
    #expect(pValue(critical - 1) <= 0.05 && pValue(critical) > 0.05)
  }
}

@Suite struct HodgesLehmannShiftTests {
  @Test func theEstimateAndBoundsAreThoseOfAllDifferences() throws {
    for expected in Reference.scipy.hodgesLehmannShift {
      let shift = try #require(
        Statistics.hodgesLehmannShift(
          from: expected.first, to: expected.second, confidence: expected.confidence))
      #expect(agree(shift.estimate, expected.estimate), "\(expected)")
      #expect(agree(shift.lower, expected.lower ?? -.infinity), "\(expected)")
      #expect(agree(shift.upper, expected.upper ?? .infinity), "\(expected)")
    }
  }

  @Test func theIntervalAgreesWithR() throws {
    for expected in Reference.r.unpaired {
      let shift = try #require(
        Statistics.hodgesLehmannShift(
          from: expected.second, to: expected.first, confidence: expected.confidence))
      #expect(agree(shift.estimate, expected.estimate, within: 1e-10), "\(expected)")
      #expect(agree(shift.lower, expected.lower ?? -.infinity), "\(expected)")
      #expect(agree(shift.upper, expected.upper ?? .infinity), "\(expected)")
    }
  }

  @Test func exchangedSamplesHaveTheNegatedEstimateAndBounds() throws {
    var draws = Draws(seed: 20)
    for (n, m) in [(1, 1), (2, 5), (5, 2), (12, 12), (24, 24), (28, 28), (3, 90), (40, 60), (300, 200)] {
      for (first, second) in [
        (draws.normal(n), draws.normal(m)), (draws.tied(n), draws.tied(m)),
        (draws.skewed(n), draws.skewed(m)),
      ] {
        let shift = try #require(
          Statistics.hodgesLehmannShift(from: first, to: second, confidence: 0.95))
        let exchanged = try #require(
          Statistics.hodgesLehmannShift(from: second, to: first, confidence: 0.95))
        #expect(exchanged.estimate == -shift.estimate)
        #expect(exchanged.lower == -shift.upper && exchanged.upper == -shift.lower)
        #expect(shift.lower <= shift.estimate && shift.estimate <= shift.upper)
      }
    }
  }

  @Test func aShiftedSecondSampleShiftsTheEstimateAndBounds() throws {
    var draws = Draws(seed: 21)
    for (n, m) in [(1, 2), (6, 6), (24, 24), (70, 50)] {
      let (first, second) = (draws.dyadic(n), draws.dyadic(m))
      let shift = try #require(Statistics.hodgesLehmannShift(from: first, to: second, confidence: 0.95))
      let shifted = try #require(
        Statistics.hodgesLehmannShift(from: first, to: second.map { $0 + 3.25 }, confidence: 0.95))
      #expect(shifted.estimate == shift.estimate + 3.25)
      #expect(shifted.lower == shift.lower + 3.25 && shifted.upper == shift.upper + 3.25)
      #expect(
        Statistics.hodgesLehmannShift(
          from: first.shuffled(using: &draws), to: second.shuffled(using: &draws), confidence: 0.95)
          == shift)
    }
  }

  @Test(arguments: [
    (3, 0.9, true), (2, 0.9, false), (3, 0.95, false), (4, 0.95, true), (4, 0.99, false), (5, 0.99, true),
  ])
  func tooFewValuesHaveInfiniteBounds(n: Int, confidence: Double, isBounded: Bool) throws {
    let values = (1...n).map(Double.init)
    let shift = try #require(
      Statistics.hodgesLehmannShift(from: values, to: values, confidence: confidence))
    #expect(shift.lower.isFinite == isBounded && shift.upper.isFinite == isBounded)
    #expect(shift.estimate == 0)
  }

  @Test func theIntervalAndTheTestAgree() throws {
    var draws = Draws(seed: 22)
    var rejections = 0
    for n in Array(4...20) + [27, 40, 100] {
      for confidence in [0.9, 0.95, 0.99] {
        let (first, second) = (draws.normal(n), draws.normal(n + 3).map { $0 + 0.8 })
        let shift = try #require(
          Statistics.hodgesLehmannShift(from: first, to: second, confidence: confidence))
        let test = try #require(Statistics.rankSumTest(first, second))
        let rejects = test.pValue <= 1 - confidence
        #expect((shift.lower > 0 || shift.upper < 0) == rejects)
        rejections += rejects ? 1 : 0
      }
    }
    #expect((10...50).contains(rejections))
  }

  /// 1.6 · 10⁹ differences would take 13 GB.
  @Test func differencesAreCountedAndNotListed() throws {
    let first = (0..<40_000).map(Double.init)
    let shift = try #require(
      Statistics.hodgesLehmannShift(from: first, to: first.map { $0 + 1_234 }, confidence: 0.99))
    #expect(shift.estimate == 1_234)
    #expect(shift.lower + shift.upper == 2 * 1_234 && shift.lower < shift.estimate)
  }

  @Test func whatHasNoAnswerIsNil() {
    for confidence in [0, 1, Double.nan] {
      #expect(Statistics.hodgesLehmannShift(from: [1], to: [2], confidence: confidence) == nil)
    }
    for values in [[], [1, .nan], [.infinity]] {
      #expect(Statistics.hodgesLehmannShift(from: values, to: [1], confidence: 0.95) == nil)
      #expect(Statistics.hodgesLehmannShift(from: [1], to: values, confidence: 0.95) == nil)
    }
  }
}
