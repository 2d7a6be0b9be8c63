import Testing

@testable import Analysis

@Suite struct CliffsDeltaTests {
  @Test func itIsTheMeanSignOfAllDifferences() {
    for expected in Reference.scipy.cliffsDelta {
      #expect(agree(Statistics.cliffsDelta(expected.first, expected.second), expected.delta))
    }
  }

  @Test func samplesApartHaveOneAndExchangedSamplesTheNegatedDelta() {
    #expect(Statistics.cliffsDelta([1, 2], [3, 4, 5]) == 1)
    #expect(Statistics.cliffsDelta([3, 4, 5], [1, 2]) == -1)
    #expect(Statistics.cliffsDelta([1, 1], [1]) == 0)
    var draws = Draws(seed: 30)
    for n in 1...40 {
      let (first, second) = (draws.tied(n), draws.tied(n + 2))
      #expect(Statistics.cliffsDelta(first, second) == -Statistics.cliffsDelta(second, first)!)
    }
  }

  @Test func itIsTwiceTheShareOfUBeyondAHalf() throws {
    var draws = Draws(seed: 31)
    let (first, second) = (draws.tied(20), draws.tied(16))
    let u = try #require(Statistics.rankSumTest(second, first)).statistic
    #expect(agree(Statistics.cliffsDelta(first, second), 2 * u / 320 - 1))
  }

  @Test func whatHasNoAnswerIsNil() {
    #expect(Statistics.cliffsDelta([], [1]) == nil)
    #expect(Statistics.cliffsDelta([1], []) == nil)
    #expect(Statistics.cliffsDelta([.nan], [1]) == nil)
    #expect(Statistics.cliffsDelta([1], [1, .nan]) == nil)
  }
}

@Suite struct HolmTests {
  @Test func itAgreesWithStatsmodels() {
    for expected in Reference.scipy.holm {
      let adjusted = Statistics.holm(expected.pValues)
      #expect(adjusted.count == expected.adjusted.count)
      #expect(zip(adjusted, expected.adjusted).allSatisfy { agree($0, $1) }, "\(expected)")
    }
  }

  @Test func theAdjustmentKeepsTheOrderOfTheValuesAndOfTheInput() {
    var draws = Draws(seed: 32)
    let pValues = (0..<60).map { _ in Double.random(in: 0...0.2, using: &draws) }
    let adjusted = Statistics.holm(pValues)
    for (p, a) in zip(pValues, adjusted) {
      #expect(a >= p && a <= 1)
      for (q, b) in zip(pValues, adjusted) where p <= q { #expect(a <= b) }
    }
    #expect(Statistics.holm(pValues.reversed()) == adjusted.reversed())
  }

  @Test func aTestThatFailedCountsInTheFamilyAndStaysWhatItIs() {
    let adjusted = Statistics.holm([.nan, 0.01, .nan, 0.02])
    #expect(adjusted[0].isNaN && adjusted[2].isNaN)
    #expect(adjusted[1] == 0.04 && adjusted[3] == 0.06)
    #expect(Statistics.holm([]) == [])
  }
}

@Suite struct KendallTauTests {
  @Test func itAgreesWithSciPy() {
    for expected in Reference.scipy.kendallTau {
      #expect(agree(Statistics.kendallTau(expected.first, expected.second), expected.tau), "\(expected)")
    }
  }

  @Test func aRankingAgreesWithItselfExactlyAndWithItsReverseNotAtAll() {
    var draws = Draws(seed: 33)
    for n in 8...40 {
      let values = draws.tied(n)
      #expect(Statistics.kendallTau(values, values) == 1)
      #expect(Statistics.kendallTau(values, values.map { -$0 }) == -1)
      let others = draws.tied(n)
      #expect(Statistics.kendallTau(values, others) == Statistics.kendallTau(others, values))
    }
  }

  @Test func whatHasNoAnswerIsNil() {
    #expect(Statistics.kendallTau([], []) == nil)
    #expect(Statistics.kendallTau([1], [1]) == nil)
    #expect(Statistics.kendallTau([1, 2], [1, 2, 3]) == nil)
    #expect(Statistics.kendallTau([1, 1], [1, 2]) == nil)
    #expect(Statistics.kendallTau([1, .nan], [1, 2]) == nil)
  }
}

@Suite struct JainIndexTests {
  /// The example of Jain, Chiu and Hawe: of n parties, k get the same and the others nothing: k / n.
  @Test func itIsTheShareOfThePartiesThatAreServed() {
    for (served, parties) in [(1, 1), (1, 8), (3, 8), (8, 8), (7, 1_000)] {
      let values = (0..<parties).map { $0 < served ? 5.0 : 0 }
      #expect(agree(Statistics.jainIndex(values), Double(served) / Double(parties)))
    }
    #expect(agree(Statistics.jainIndex([1, 2, 3]), 36.0 / 42))
  }

  @Test func scaleDoesNotMatterEvenWhereSquaresOverflowOrVanish() throws {
    let expected = try #require(Statistics.jainIndex([1, 2, 4]))
    for scale in [0x1p-1070, 0x1p-600, 0x1p10, 0x1p1020] {
      #expect(Statistics.jainIndex([1, 2, 4].map { $0 * scale }) == expected)
    }
  }

  @Test func whatHasNoAnswerIsNil() {
    for values in [[], [0, 0], [1, -1], [1, .nan], [.nan, 1], [1, .infinity]] {
      #expect(Statistics.jainIndex(values) == nil, "\(values)")
    }
  }
}
