import Analysis
import Glibc
import Results

/// How one metric of a case differs between two sides: everything a verdict rests on, and no verdict yet, because
/// that depends on how many other contrasts are looked at.
///
/// Everything is done on logarithms: times are skewed, what people ask for is a ratio, and exchanging the sides
/// then only changes signs.
public struct Contrast: Sendable, Hashable {
  /// How the values of the two sides belong together.
  public enum Design: String, Sendable, Codable {
    /// Value i of one side was measured beside value i of the other.
    case paired
    case unpaired
    /// Both sides are the very same values.
    case identical
  }

  /// Why there is no ratio.
  public enum Obstacle: Sendable, Hashable {
    /// A side has no value at all.
    case noValues
    /// Every value of both sides is zero, so they are the same without having a ratio.
    case allZero
    /// Some values are zero or below and have no logarithm: how many of each side.
    case notPositive(baseline: Int, candidate: Int)
  }

  public var design: Design
  /// Which way the metric improves.
  public var better: Direction
  /// How many values each side has; pairs, where they are paired.
  public var baselineCount: Int
  public var candidateCount: Int
  public var baselineMedian: Double?
  public var candidateMedian: Double?
  /// The logarithm of candidate over baseline: the Hodges–Lehmann estimate with its interval. Nil with an obstacle.
  public var logRatio: ShiftEstimate?
  /// Signed-rank over pairs, rank-sum otherwise. Nil with an obstacle, and for identical values.
  public var test: RankTest?
  /// From −1 (every value of the candidate is below every one of the baseline) to 1. Nil without values.
  public var cliffsDelta: Double?
  public var obstacle: Obstacle?
}

extension Contrast {
  /// Compares values that were measured in pairs: Wilcoxon's signed-rank test on the logarithms of the ratios, and
  /// the Hodges–Lehmann ratio with the interval of that test.
  ///
  /// - Precondition: both sides have the same number of values.
  public static func paired(
    baseline: [Double], candidate: [Double], better: Direction, criteria: Criteria = Criteria()
  ) -> Contrast {
    precondition(baseline.count == candidate.count, "pairs have two values each")
    var contrast = Contrast(.paired, baseline, candidate, better)
    guard contrast.obstacle == nil else { return contrast }
    let differences = zip(baseline, candidate).map { log($1) - log($0) }
    contrast.test = Statistics.signedRankTest(differences)
    contrast.logRatio = Statistics.hodgesLehmann(differences, confidence: criteria.confidence)
    return contrast
  }

  /// Compares values that do not belong together: Mann and Whitney's U test, and the Hodges–Lehmann ratio (the
  /// median of all ratios between the sides) with the interval of that test.
  public static func unpaired(
    baseline: [Double], candidate: [Double], better: Direction, criteria: Criteria = Criteria()
  ) -> Contrast {
    var contrast = Contrast(.unpaired, baseline, candidate, better)
    guard contrast.obstacle == nil else { return contrast }
    let (first, second) = (baseline.map { log($0) }, candidate.map { log($0) })
    contrast.test = Statistics.rankSumTest(first, second)
    contrast.logRatio = Statistics.hodgesLehmannShift(
      from: first, to: second, confidence: criteria.confidence)
    return contrast
  }

  /// Compares values with themselves: the ratio is exactly 1, whatever they are and however few.
  public static func identical(
    _ values: [Double], better: Direction, criteria: Criteria = Criteria()
  ) -> Contrast {
    var contrast = Contrast(.identical, values, values, better)
    guard !values.isEmpty else { return contrast }
    contrast.obstacle = nil
    contrast.logRatio = ShiftEstimate(
      estimate: 0, lower: 0, upper: 0, confidence: criteria.confidence)
    return contrast
  }

  private init(_ design: Design, _ baseline: [Double], _ candidate: [Double], _ better: Direction) {
    self.design = design
    self.better = better
    baselineCount = baseline.count
    candidateCount = candidate.count
    baselineMedian = Statistics.median(baseline)
    candidateMedian = Statistics.median(candidate)
    cliffsDelta = Statistics.cliffsDelta(baseline, candidate)
    obstacle = Self.obstacle(baseline, candidate)
  }

  private static func obstacle(_ baseline: [Double], _ candidate: [Double]) -> Obstacle? {
    if baseline.isEmpty || candidate.isEmpty { return .noValues }
    if baseline.allSatisfy({ $0 == 0 }) && candidate.allSatisfy({ $0 == 0 }) { return .allZero }
    let counts = [baseline, candidate].map { values in values.count { !($0 > 0) } }
    return counts == [0, 0] ? nil : .notPositive(baseline: counts[0], candidate: counts[1])
  }
}

extension Contrast {
  /// Candidate over baseline, with its interval; bounds of 0 and infinity mean that the values are too few.
  public var ratio: ShiftEstimate? {
    logRatio.map {
      ShiftEstimate(
        estimate: exp($0.estimate), lower: exp($0.lower), upper: exp($0.upper),
        confidence: $0.confidence)
    }
  }

  public var pValue: Double? { test?.pValue }

  /// Whether the candidate's values are the better ones; nil where neither side's are, or the metric has no better.
  public var isImprovement: Bool? {
    guard let estimate = logRatio?.estimate, estimate != 0 else { return nil }
    switch better {
    case .lower: return estimate < 0
    case .higher: return estimate > 0
    case .none: return nil
    }
  }

  /// Whether the interval of the ratio lies within 1/(1 + δ) … 1 + δ.
  public func isWithin(_ threshold: Double) -> Bool {
    guard let logRatio else { return obstacle == .allZero }
    let limit = log1p(threshold)
    return -limit <= logRatio.lower && logRatio.upper <= limit
  }

  /// Whether the whole interval of the ratio lies beyond 1/(1 + floor) … 1 + floor, on either side of it.
  func isBeyond(_ floor: Double) -> Bool {
    guard let logRatio else { return false }
    let limit = log1p(floor)
    return logRatio.lower > limit || logRatio.upper < -limit
  }

  /// The smallest p-value that this many values can give, however far apart the sides are.
  public var smallestPValue: Double {
    Self.smallestPValue(design, baseline: baselineCount, candidate: candidateCount)
  }

  /// One arrangement of n signs, or of n + m ranks, is the most extreme of all, and its mirror image as well.
  static func smallestPValue(_ design: Design, baseline: Int, candidate: Int) -> Double {
    switch design {
    case .paired: return min(1, 2 * pow(0.5, Double(baseline)))
    case .unpaired:
      let ways = logFactorial(baseline + candidate) - logFactorial(baseline) - logFactorial(candidate)
      return min(1, 2 * exp(-ways))
    case .identical: return 1
    }
  }

  private static func logFactorial(_ n: Int) -> Double {
    // `lgamma` also writes the global `signgam`; the re-entrant form does not.
    var sign: Int32 = 0
    return lgamma_r(Double(n) + 1, &sign)
  }

  /// The smallest relative change (0.12 is 12 %) that this many values, as noisy as these, would have shown with
  /// the wanted power; infinite where no change could have been shown.
  ///
  /// - Parameter comparisons: how many contrasts are looked at. Holm's procedure asks the first of them for a
  ///   p-value below α divided by their number; the answer is for that worst case.
  public func minimumDetectableEffect(_ criteria: Criteria, comparisons: Int = 1) -> Double {
    let alpha = criteria.alpha / Double(max(1, comparisons))
    guard let logRatio, smallestPValue < alpha else { return .infinity }
    let error = Statistics.standardError(ofInterval: logRatio)
    return expm1(
      Statistics.minimumDetectableShift(standardError: error, alpha: alpha, power: criteria.power))
  }
}

extension Criteria {
  /// How many trials a side, or pairs, are the fewest that can show a difference at all among so many comparisons.
  public func trialsNeeded(comparisons: Int, design: Contrast.Design) -> Int {
    let limit = alpha / Double(max(1, comparisons))
    let count = (1...1000).first { Contrast.smallestPValue(design, baseline: $0, candidate: $0) < limit }
    return max(minimumTrials, count ?? minimumTrials)
  }
}
