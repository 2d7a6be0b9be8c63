import Glibc
import Testing

@testable import Analysis

@Suite("Geometric mean of ratios")
struct GeometricMeanRatioTests {
  private func values(_ count: Int, around center: Double, noise: Double, seed: UInt64) -> [Double] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in
      center * exp(noise * (Double(generator.next() >> 11) * 0x1p-52 - 1))
    }
  }

  private func cases(_ count: Int, ratio: Double, seed: UInt64) -> [(first: [Double], second: [Double])] {
    (0..<count).map { index in
      let level = pow(10, Double(index % 4))
      let salt = seed &* 1000 &+ UInt64(index)
      return (
        first: values(5 + index % 3, around: level, noise: 0.1, seed: salt),
        second: values(7, around: level * ratio, noise: 0.1, seed: salt &+ 500)
      )
    }
  }

  @Test func everyCaseCountsTheSameHoweverManyValuesItHas() throws {
    let result = try #require(
      Statistics.geometricMeanRatioInterval(
        [(first: [2], second: [4, 4, 4, 4]), (first: [10, 10], second: [5])], confidence: 0.9, resamples: 100,
        seed: 1))
    // ×2 and ×½.
    #expect(abs(result.estimate) < 1e-15)
    #expect(abs(result.lower + log(2)) < 1e-15 && abs(result.upper - log(2)) < 1e-15)
  }

  @Test("exchanged sides have the negated result, to the last bit", arguments: 1...20 as ClosedRange<UInt64>)
  func exchangedSidesAreMirrored(seed: UInt64) throws {
    let cases = cases(6, ratio: 1.1, seed: seed)
    let exchanged = cases.map { (first: $0.second, second: $0.first) }
    let (one, other) = (interval(cases), interval(exchanged))
    #expect(try #require(one).estimate == -(try #require(other)).estimate)
    #expect(one?.lower == other.map { -$0.upper } && one?.upper == other.map { -$0.lower })
  }

  private func interval(
    _ cases: [(first: [Double], second: [Double])], confidence: Double = 0.95
  ) -> ShiftEstimate? {
    Statistics.geometricMeanRatioInterval(cases, confidence: confidence, resamples: 500, seed: 3)
  }

  @Test func theIntervalHoldsWhatVariesOnEitherSide() throws {
    func width(_ first: Double, _ second: Double) throws -> Double {
      let cases = (0..<12).map { index in
        (
          first: values(10, around: 100, noise: first, seed: UInt64(index)),
          second: values(10, around: 100, noise: second, seed: UInt64(index + 50))
        )
      }
      let result = try #require(interval(cases))
      return result.upper - result.lower
    }
    let (quiet, left, right) = (try width(0.01, 0.01), try width(0.3, 0.01), try width(0.01, 0.3))
    #expect(left > 5 * quiet && right > 5 * quiet && left / right > 0.5 && left / right < 2)
  }

  @Test func theTrueRatioIsCoveredAboutAsOftenAsPromised() {
    let covered = (0..<200).count { turn in
      guard let result = interval(cases(12, ratio: 1.2, seed: UInt64(turn + 7))) else { return false }
      return result.lower <= log(1.2) && log(1.2) <= result.upper
    }
    #expect((176...200).contains(covered), "\(covered) of 200 at 95 %")
  }

  @Test func whatHasNoLogarithmHasNoAnswer() {
    #expect(interval([]) == nil)
    #expect(interval([(first: [1], second: [])]) == nil)
    #expect(interval([(first: [0], second: [1])]) == nil)
    #expect(interval([(first: [1], second: [.infinity])]) == nil)
    #expect(interval([(first: [1], second: [1])], confidence: 1) == nil)
  }
}
