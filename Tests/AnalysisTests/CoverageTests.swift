import Foundation
import Testing

@testable import Analysis

/// Simulations with fixed seeds: how often the intervals hold the truth and the tests reject it. The limits are
/// five standard errors of the simulation away from what is promised.
@Suite struct CoverageTests {
  private static let repetitions = 1_000

  private func share(where holds: () throws -> Bool) rethrows -> Double {
    var count = 0
    for _ in 0..<Self.repetitions where try holds() { count += 1 }
    return Double(count) / Double(Self.repetitions)
  }

  private func margin(_ probability: Double) -> Double {
    5 * (probability * (1 - probability) / Double(Self.repetitions)).squareRoot()
  }

  @Test(arguments: [(12, 0.95), (24, 0.99)])
  func thePairedIntervalHoldsTheShift(n: Int, confidence: Double) throws {
    var draws = Draws(seed: 40)
    let coverage = try share {
      let differences = draws.normal(n).map { $0 + 3 }
      let shift = try #require(Statistics.hodgesLehmann(differences, confidence: confidence))
      return shift.lower <= 3 && 3 <= shift.upper
    }
    #expect(coverage >= confidence - margin(confidence))
    // Steps of the exact distribution make it cover somewhat more, but not much.
    #expect(coverage <= confidence + (1 - confidence) / 2)
  }

  @Test(arguments: [(8, 12, 0.95), (12, 12, 0.99)])
  func theUnpairedIntervalHoldsTheShiftOfSkewedTimes(n: Int, m: Int, confidence: Double) throws {
    var draws = Draws(seed: 41)
    let coverage = try share {
      let (first, second) = (draws.skewed(n), draws.skewed(m).map { $0 + 2 })
      let shift = try #require(
        Statistics.hodgesLehmannShift(from: first, to: second, confidence: confidence))
      return shift.lower <= 2 && 2 <= shift.upper
    }
    #expect(coverage >= confidence - margin(confidence))
    #expect(coverage <= confidence + (1 - confidence) / 2)
  }

  @Test func theTestsRejectNoMoreOftenThanTheyMay() throws {
    var draws = Draws(seed: 42)
    let alpha = 0.05
    for tied in [false, true] {
      let signedRank = try share {
        let differences = tied ? draws.tied(12) : draws.normal(12)
        return try #require(Statistics.signedRankTest(differences)).pValue <= alpha
      }
      let rankSum = try share {
        let (first, second) = tied ? (draws.tied(9), draws.tied(7)) : (draws.normal(9), draws.normal(7))
        return try #require(Statistics.rankSumTest(first, second)).pValue <= alpha
      }
      #expect(signedRank <= alpha + margin(alpha) && signedRank >= alpha / 2)
      #expect(rankSum <= alpha + margin(alpha) && rankSum >= alpha / 2)
    }
  }

  @Test func aFamilyAdjustedByHolmHasAFalseRejectionNoMoreOftenThanItMay() {
    var draws = Draws(seed: 43)
    let wrong = share {
      let pValues = (0..<20).map { _ in Double.random(in: 0..<1, using: &draws) }
      return Statistics.holm(pValues).contains { $0 <= 0.05 }
    }
    #expect(wrong <= 0.05 + margin(0.05) && wrong >= 0.05 - margin(0.05))
  }

  @Test func thePredictionIntervalHoldsTheNextValue() throws {
    var draws = Draws(seed: 44)
    let coverage = try share {
      let values = draws.normal(9)
      return try #require(Statistics.predictionInterval(Array(values[..<8]), confidence: 0.9))
        .contains(values[8])
    }
    #expect(abs(coverage - 0.9) <= margin(0.9))
  }

  @Test func theQuantileIntervalHoldsTheQuantile() throws {
    var draws = Draws(seed: 45)
    let truth = Statistics.normalQuantile(0.9)
    let coverage = try share {
      let interval = try #require(
        Statistics.quantileInterval(0.9, of: draws.normal(60), confidence: 0.9))
      return interval.lower <= truth && truth <= interval.upper
    }
    #expect(coverage >= 0.9 - margin(0.9) && coverage <= 0.97)
  }

  /// Groups that differ among themselves more than their values do, as cases do.
  @Test func theBootstrapIntervalHoldsTheGeometricMean() throws {
    var draws = Draws(seed: 46)
    var held = 0
    for seed in 0..<UInt64(100) {
      let groups = draws.normal(20).map { centre in
        draws.normal(6).map { exp(0.5 + 0.3 * centre + 0.1 * $0) }
      }
      let shift = try #require(
        Statistics.geometricMeanInterval(groups, confidence: 0.95, resamples: 300, seed: seed))
      if shift.lower <= 0.5 && 0.5 <= shift.upper { held += 1 }
    }
    #expect((82...99).contains(held))
  }

  /// A shift as large as the detectable one is found about as often as the power says.
  @Test func theDetectableShiftIsDetected() throws {
    var draws = Draws(seed: 47)
    // The signed-rank test needs 3/π as many values as there are for the same error as a mean.
    let error = (Double.pi / 3 / 24).squareRoot()
    let shift = Statistics.minimumDetectableShift(standardError: error, alpha: 0.05, power: 0.8)
    let power = try share {
      let differences = draws.normal(24).map { $0 + shift }
      return try #require(Statistics.signedRankTest(differences)).pValue <= 0.05
    }
    #expect(abs(power - 0.8) <= 0.06)
  }
}
