import Analysis
import Glibc

/// What the pairs of one stage say of one metric.
public struct StageResult: Sendable, Hashable, Codable {
  /// Pairs that could be used; stored sessions where the baseline is stored.
  public var count: Int
  public var baselineMedian: Double
  public var candidateMedian: Double
  /// Candidate over baseline: the Hodges–Lehmann ratio and the bounds of its interval.
  public var ratio: Double
  public var lower: Double
  public var upper: Double
  /// Of the Wilcoxon signed-rank test on the logarithms of the ratios, two-sided; nil where the baseline is stored,
  /// and a prediction interval decides.
  public var pValue: Double?
  /// The smallest relative change that this many pairs, as noisy as these, would have shown with the wanted power;
  /// infinite where there are too few to say.
  public var smallestDetectableChange: Double

  /// - Parameter values: baseline and candidate of each pair, all above zero.
  /// - Returns: nil without any pair.
  public init?(
    _ values: [(baseline: Double, candidate: Double)], alpha: Double, confidence: Double, power: Double
  ) {
    let differences = values.map { log($0.candidate / $0.baseline) }
    guard let test = Statistics.signedRankTest(differences),
      let shift = Statistics.hodgesLehmann(differences, confidence: confidence),
      let baseline = Statistics.median(values.map(\.baseline)),
      let candidate = Statistics.median(values.map(\.candidate))
    else { return nil }
    count = values.count
    baselineMedian = baseline
    candidateMedian = candidate
    (ratio, lower, upper) = (exp(shift.estimate), exp(shift.lower), exp(shift.upper))
    pValue = test.pValue
    let error = Statistics.standardError(ofInterval: shift)
    smallestDetectableChange = expm1(
      Statistics.minimumDetectableShift(standardError: error, alpha: alpha, power: power))
  }

  /// - Parameters:
  ///   - medians: of each stored session, all above zero.
  ///   - candidate: the median of the session that is checked.
  ///   - confidence: with which one further session would lie inside the interval.
  ///   - leastDeviation: standard deviation of logarithms that is assumed where the sessions agree by luck.
  /// - Returns: nil with fewer than two sessions.
  public init?(
    sessionMedians medians: [Double], candidate: Double, confidence: Double, leastDeviation: Double = 0
  ) {
    let logs = medians.map { log($0) }
    guard let baseline = Statistics.median(medians), logs.count >= 2,
      let interval = Statistics.predictionInterval(logs, confidence: confidence)
    else { return nil }
    let centre = logs.reduce(0, +) / Double(logs.count)
    count = medians.count
    baselineMedian = baseline
    candidateMedian = candidate
    ratio = exp(log(candidate) - centre)
    // Around 1: where a further session of the baseline itself would lie.
    let quantile = Statistics.studentQuantile((1 + confidence) / 2, degreesOfFreedom: Double(logs.count - 1))
    let least = quantile * leastDeviation * (1 + 1 / Double(logs.count)).squareRoot()
    let reach = max((interval.upperBound - interval.lowerBound) / 2, least)
    (lower, upper) = (exp(-reach), exp(reach))
    pValue = nil
    smallestDetectableChange = upper - 1
  }

  /// Whether the change is beyond the threshold and no accident.
  func shows(_ direction: Change, threshold: Double, alpha: Double) -> Bool {
    guard let pValue, pValue < alpha else { return false }
    switch direction {
    case .up: return ratio > 1 + threshold
    case .down: return ratio < 1 / (1 + threshold)
    }
  }

  enum Change { case up, down }
}
