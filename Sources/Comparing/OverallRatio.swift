import Analysis
import Glibc
import Results

/// The geometric mean of the ratios of all cases that have a metric: one figure for the whole, and no verdict.
public struct OverallRatio: Sendable, Hashable {
  public var metric: ComparedMetric
  /// How many cases it is made of.
  public var cases: Int
  /// Candidate over baseline, with the interval of a hierarchical bootstrap: cases like these, trials like these.
  public var ratio: ShiftEstimate
}

extension OverallRatio {
  /// Enough for the tails of a 99 % interval, and few enough for half a million rows.
  static let resamples = 2000
  /// Any number would do; that it is always the same makes the output the same.
  static let seed: UInt64 = 1

  /// The values of one case and metric, as they were compared.
  struct Values {
    var design: Contrast.Design
    var baseline: [Double]
    var candidate: [Double]
  }

  /// - Parameter values: of the cases with a ratio, all of one metric.
  /// - Returns: nil without a case.
  init?(_ metric: ComparedMetric, _ values: [Values], confidence: Double) {
    let isPaired = values.allSatisfy { $0.design != .unpaired }
    let logs =
      isPaired
      ? Self.paired(values, confidence)
      : Statistics.geometricMeanRatioInterval(
        values.map { ($0.baseline, $0.candidate) }, confidence: confidence,
        resamples: Self.resamples,
        seed: Self.seed)
    guard let logs else { return nil }
    self.init(
      metric: metric, cases: values.count,
      ratio: ShiftEstimate(
        estimate: exp(logs.estimate), lower: exp(logs.lower), upper: exp(logs.upper),
        confidence: confidence))
  }

  private static func paired(_ values: [Values], _ confidence: Double) -> ShiftEstimate? {
    Statistics.geometricMeanInterval(
      values.map { zip($0.baseline, $0.candidate).map { $1 / $0 } }, confidence: confidence,
      resamples: resamples, seed: seed)
  }
}
