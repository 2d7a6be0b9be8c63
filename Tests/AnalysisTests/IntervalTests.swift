import Foundation
import Testing

@testable import Analysis

@Suite struct PredictionIntervalTests {
  @Test func itAgreesWithSciPy() throws {
    for expected in Reference.scipy.predictionInterval {
      let interval = try #require(
        Statistics.predictionInterval(expected.values, confidence: expected.confidence))
      #expect(agree(interval.lowerBound, expected.lower, within: 1e-12), "\(expected)")
      #expect(agree(interval.upperBound, expected.upper, within: 1e-12), "\(expected)")
    }
  }

  @Test func equalValuesPredictThemselves() {
    #expect(Statistics.predictionInterval([4, 4, 4], confidence: 0.99) == 4...4)
  }

  @Test func whatHasNoAnswerIsNil() {
    let large = Double.greatestFiniteMagnitude
    for values in [[], [1], [1, .nan], [1, .infinity], [large, large], [large, -large]] {
      #expect(Statistics.predictionInterval(values, confidence: 0.99) == nil, "\(values)")
    }
    for confidence in [0, 1, Double.nan] {
      #expect(Statistics.predictionInterval([1, 2], confidence: confidence) == nil)
    }
  }
}

@Suite struct QuantileIntervalTests {
  @Test func theRanksAreThoseOfExactBinomialFractions() throws {
    for expected in Reference.scipy.quantileInterval {
      let values = (0..<expected.count).map { Double($0 + 1) }.shuffled()
      let interval = Statistics.quantileInterval(
        expected.probability, of: values, confidence: expected.confidence)
      #expect(interval?.lower == expected.lowerRank.map(Double.init), "\(expected)")
      #expect(interval?.upper == expected.upperRank.map(Double.init), "\(expected)")
      if let interval { #expect(agree(interval.confidence, expected.coverage)) }
    }
  }

  @Test func theIntervalOfTheMedianIsThatOfTheMiddleQuantile() {
    let values = (0..<33).map { Double($0 * $0 % 37) }
    #expect(
      Statistics.medianInterval(values, confidence: 0.95)
        == Statistics.quantileInterval(0.5, of: values, confidence: 0.95))
  }

  @Test func mirroredValuesHaveTheMirroredInterval() throws {
    let values = (0..<60).map(Double.init)
    let upper = try #require(Statistics.quantileInterval(0.875, of: values, confidence: 0.95))
    let lower = try #require(
      Statistics.quantileInterval(0.125, of: values.map { -$0 }, confidence: 0.95))
    #expect(lower.lower == -upper.upper && lower.upper == -upper.lower)
  }

  @Test func whatHasNoAnswerIsNil() {
    let values = (0..<500).map(Double.init)
    for probability in [0, 1, -0.1, 1.1, Double.nan] {
      #expect(Statistics.quantileInterval(probability, of: values, confidence: 0.95) == nil)
    }
    for confidence in [0, 1, Double.nan] {
      #expect(Statistics.quantileInterval(0.9, of: values, confidence: confidence) == nil)
    }
    #expect(Statistics.quantileInterval(0.9, of: values + [.nan], confidence: 0.95) == nil)
    #expect(Statistics.quantileInterval(0.9, of: [], confidence: 0.95) == nil)
  }
}

@Suite struct GeometricMeanIntervalTests {
  /// The same draws, made in Python.
  @Test func itAgreesWithAnImplementationInAnotherLanguage() throws {
    for expected in Reference.scipy.geometricMean {
      let seed = try #require(UInt64(expected.seed))
      let shift = try #require(
        Statistics.geometricMeanInterval(
          expected.groups, confidence: expected.confidence, resamples: expected.resamples, seed: seed))
      #expect(agree(shift.estimate, expected.estimate))
      #expect(agree(shift.lower, expected.lower))
      #expect(agree(shift.upper, expected.upper))
    }
  }

  @Test func everyGroupCountsTheSameHoweverManyValuesItHas() throws {
    let groups = [[2.0, 2, 2, 2], [8.0]]
    let shift = try #require(
      Statistics.geometricMeanInterval(groups, confidence: 0.95, resamples: 1_000, seed: 1))
    #expect(agree(exp(shift.estimate), 4))
    #expect(agree(exp(shift.lower), 2) && agree(exp(shift.upper), 8))
  }

  @Test func theSeedDecidesTheInterval() {
    let groups = [[1.1, 0.9, 1.3], [0.7, 1.2, 1.0], [1.5, 1.4, 0.8]]
    let interval = { (seed: UInt64) in
      Statistics.geometricMeanInterval(groups, confidence: 0.95, resamples: 200, seed: seed)
    }
    #expect(interval(7) == interval(7))
    #expect(interval(7) != interval(8))
  }

  @Test func equalValuesHaveNoWidth() throws {
    let shift = try #require(
      Statistics.geometricMeanInterval([[1, 1], [1]], confidence: 0.99, resamples: 100, seed: 1))
    #expect(shift == ShiftEstimate(estimate: 0, lower: 0, upper: 0, confidence: 0.99))
  }

  @Test func whatHasNoAnswerIsNil() {
    for groups in [[], [[]], [[1], []], [[0]], [[-1]], [[.nan]], [[.infinity]]] as [[[Double]]] {
      #expect(
        Statistics.geometricMeanInterval(groups, confidence: 0.95, resamples: 10, seed: 1) == nil)
    }
    #expect(Statistics.geometricMeanInterval([[1]], confidence: 0.95, resamples: 0, seed: 1) == nil)
    #expect(Statistics.geometricMeanInterval([[1]], confidence: 1, resamples: 10, seed: 1) == nil)
  }
}
