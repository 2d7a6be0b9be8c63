import Analysis
import Results

/// Whether two machines put the mechanisms of a contest into the same order.
public struct RankingAgreement: Sendable {
  public var contest: Contest
  public var metric: ComparedMetric
  /// Best first.
  public var baseline: [String]
  public var candidate: [String]
  /// Kendall's τ-b of the medians; nil where all of them are equal.
  public var tau: Double?
}

extension RankingAgreement {
  /// With two mechanisms τ is 1 or −1 and says little.
  static let requiredMechanisms = 3

  static func all(_ contests: Contests) -> [RankingAgreement] {
    contests.sorted.compactMap { contest, entries in
      guard let metric = entries.first?.metric else { return nil }
      let entries = entries.filter { $0.metric == metric }
      guard entries.count >= requiredMechanisms else { return nil }
      return RankingAgreement(
        contest: contest, metric: metric, baseline: order(entries, metric, \.baseline),
        candidate: order(entries, metric, \.candidate),
        tau: Statistics.kendallTau(entries.map(\.baseline), entries.map(\.candidate)))
    }
  }

  private static func order(
    _ entries: [Contests.Entry], _ metric: ComparedMetric, _ value: (Contests.Entry) -> Double
  ) -> [String] {
    entries.sorted { first, second in
      let (a, b) = (value(first), value(second))
      return a == b ? first.name < second.name : metric.better == .higher ? a > b : a < b
    }.map(\.name)
  }
}
