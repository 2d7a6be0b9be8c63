import Analysis
import Foundation
import Testing

@testable import Comparing

@Suite("Contrasts")
struct ContrastTests {
  private func values(_ count: Int, around center: Double, noise: Double, seed: UInt64) -> [Double] {
    var numbers = SeededNumbers(state: seed)
    return (0..<count).map { _ in center * (1 + noise * (2 * numbers.uniform() - 1)) }
  }

  @Test func pairsThatDifferByATenthHaveThatRatioWhateverTheirDrift() throws {
    let baseline = (1...12).map { 1000.0 * Double($0) }
    let contrast = Contrast.paired(baseline: baseline, candidate: baseline.map { $0 * 1.1 }, better: .lower)
    let ratio = try #require(contrast.ratio)
    for value in [ratio.estimate, ratio.lower, ratio.upper] { #expect(abs(value - 1.1) < 1e-12) }
    #expect(contrast.pValue == 2.0 / 4096)
    #expect(contrast.isImprovement == false)
    #expect(contrast.baselineMedian == 6500)
  }

  @Test func whatIsBetterComesFromTheMetric() {
    let (low, high) = ([1.0, 1, 1, 1, 1, 1], [2.0, 2, 2, 2, 2, 2])
    #expect(Contrast.paired(baseline: low, candidate: high, better: .lower).isImprovement == false)
    #expect(Contrast.paired(baseline: low, candidate: high, better: .higher).isImprovement == true)
    #expect(Contrast.paired(baseline: low, candidate: low, better: .higher).isImprovement == nil)
    #expect(Contrast.unpaired(baseline: low, candidate: high, better: .none).isImprovement == nil)
  }

  @Test(
    "exchanging the sides negates the logarithm of the ratio to the last bit",
    arguments: 1...40 as ClosedRange<UInt64>)
  func exchangedSidesAreMirrored(seed: UInt64) throws {
    let first = values(6 + Int(seed % 20), around: 1000, noise: 0.3, seed: seed)
    let second = values(first.count, around: 1100, noise: 0.3, seed: seed + 100)
    let third = values(7 + Int(seed % 9), around: 900, noise: 0.3, seed: seed + 200)
    for (one, other) in [
      (
        Contrast.paired(baseline: first, candidate: second, better: .lower),
        Contrast.paired(baseline: second, candidate: first, better: .lower)
      ),
      (
        Contrast.unpaired(baseline: first, candidate: third, better: .lower),
        Contrast.unpaired(baseline: third, candidate: first, better: .lower)
      ),
    ] {
      let (a, b) = (try #require(one.logRatio), try #require(other.logRatio))
      #expect(a.estimate == -b.estimate && a.lower == -b.upper && a.upper == -b.lower)
      #expect(one.pValue == other.pValue)
      #expect(one.cliffsDelta == other.cliffsDelta.map { -$0 })
      #expect(one.minimumDetectableEffect(Criteria()) == other.minimumDetectableEffect(Criteria()))
    }
  }

  @Test("values compared with themselves have the ratio 1, however few", arguments: 1...3)
  func identicalValuesAreEqual(count: Int) throws {
    let contrast = Contrast.identical(Array([17.0, 0, 5].prefix(count)), better: .lower)
    let ratio = try #require(contrast.ratio)
    #expect([ratio.estimate, ratio.lower, ratio.upper] == [1, 1, 1])
    #expect(contrast.isWithin(0) && contrast.pValue == nil && contrast.obstacle == nil)
  }

  @Test func zerosHaveNoRatioAndSayHowManyTheyAre() {
    let some = Contrast.paired(baseline: [1, 0, 2, 0], candidate: [1, 1, 0, 1], better: .lower)
    #expect(some.obstacle == .notPositive(baseline: 2, candidate: 1))
    #expect(some.logRatio == nil && some.test == nil && some.cliffsDelta != nil)
    let all = Contrast.unpaired(baseline: [0, 0], candidate: [0, 0, 0], better: .lower)
    #expect(all.obstacle == .allZero && all.isWithin(0.05))
    #expect(Contrast.unpaired(baseline: [], candidate: [1], better: .lower).obstacle == .noValues)
    #expect(
      Contrast.unpaired(baseline: [-1], candidate: [1], better: .lower).obstacle
        == .notPositive(baseline: 1, candidate: 0))
  }

  @Test("the smallest p-value is the one of sides that lie wholly apart", arguments: 2...9)
  func theSmallestPValueIsReached(count: Int) {
    let low = (0..<count).map { 1 + Double($0) / 100 }
    let high = low.map { $0 * 3 }
    for contrast in [
      Contrast.paired(baseline: low, candidate: high, better: .lower),
      Contrast.unpaired(baseline: low, candidate: high, better: .lower),
    ] {
      let reached = contrast.pValue ?? .nan
      #expect(abs(reached / contrast.smallestPValue - 1) < 1e-9, "\(contrast.design)")
    }
  }

  @Test func moreTrialsDetectSmallerEffectsAndMoreComparisonsLargerOnes() {
    func effect(_ count: Int, comparisons: Int = 1) -> Double {
      let first = values(count, around: 1000, noise: 0.1, seed: 7)
      let second = values(count, around: 1000, noise: 0.1, seed: 8)
      return Contrast.paired(baseline: first, candidate: second, better: .lower)
        .minimumDetectableEffect(Criteria(), comparisons: comparisons)
    }
    #expect(effect(48) < effect(12))
    #expect(effect(48) < effect(48, comparisons: 100))
    // 6 pairs have 64 arrangements of their signs: no p-value is below 0.01.
    #expect(effect(6) == .infinity)
    #expect(effect(12).isFinite && effect(12, comparisons: 1000) == .infinity)
  }

  @Test("a true effect of the detectable size is found about as often as promised")
  func theDetectableEffectIsHonest() {
    // Gaussian log ratios of known spread: the effect computed from them must be found in 80 % of cases.
    var numbers = SeededNumbers(state: 99)
    func gaussian() -> Double {
      sqrt(-2 * log(1 - numbers.uniform())) * cos(2 * .pi * numbers.uniform())
    }
    let criteria = Criteria()
    let baseline = Array(repeating: 1000.0, count: 24)
    let typical = (0..<41).map { _ in
      Contrast.paired(
        baseline: baseline, candidate: baseline.map { $0 * exp(0.05 * gaussian()) }, better: .lower
      )
      .minimumDetectableEffect(criteria)
    }
    let effect = Statistics.median(typical) ?? .nan
    let found = (0..<400).count { _ in
      let candidate = baseline.map { $0 * (1 + effect) * exp(0.05 * gaussian()) }
      return Contrast.paired(baseline: baseline, candidate: candidate, better: .lower).pValue!
        < criteria.alpha
    }
    #expect((0.72...0.95).contains(Double(found) / 400), "\(found) of 400 at \(effect)")
  }

  @Test func theTrialsThatAreNeededAreTheFewestThatCanShowAnything() {
    let criteria = Criteria()
    #expect(criteria.trialsNeeded(comparisons: 1, design: .paired) == 8)
    #expect(criteria.trialsNeeded(comparisons: 1, design: .unpaired) == 6)
    #expect(criteria.trialsNeeded(comparisons: 100, design: .unpaired) == 9)
    #expect(criteria.trialsNeeded(comparisons: 100, design: .paired) == 15)
  }
}
