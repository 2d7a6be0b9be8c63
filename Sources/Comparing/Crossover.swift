import Glibc
import Results

/// The message sizes at which one of two mechanisms overtakes the other, on each side.
public struct Crossover: Sendable {
  /// The last size at which the one is clearly better and the first at which the other is.
  public struct Crossing: Sendable, Hashable {
    public var lastBytes: Int
    public var firstBytes: Int
    /// Where the line between the two, on logarithmic axes, crosses; 0 bytes count as 1.
    public var bytes: Double
    /// The mechanism that is better for larger messages.
    public var betterAbove: String
  }

  /// Without a size.
  public var contest: Contest
  public var metric: ComparedMetric
  /// In the order of their names.
  public var first: String
  public var second: String
  public var baseline: [Crossing]
  public var candidate: [Crossing]
  /// The one that is better at the smallest size at which they differ; nil where they never do.
  public var baselineBetterBelow: String?
  public var candidateBetterBelow: String?

  /// Whether both sides overtake between the same sizes.
  public var isAgreed: Bool {
    baseline.map { [$0.lastBytes, $0.firstBytes] }
      == candidate.map { [$0.lastBytes, $0.firstBytes] }
      && baseline.map(\.betterAbove) == candidate.map(\.betterAbove)
  }
}

extension Crossover {
  /// Every two mechanisms that cross on at least one side.
  ///
  /// - Parameter threshold: sizes at which two mechanisms differ by no more than this are on neither's side; without
  ///   it, two equal mechanisms would overtake each other at every size.
  static func all(_ contests: Contests, threshold: Double) -> [Crossover] {
    let families = Dictionary(grouping: contests.sorted, by: \.contest.overSizes)
    return families.sorted { $0.key < $1.key }.flatMap { family, sizes -> [Crossover] in
      guard sizes.count > 1, let metric = sizes.first?.entries.first?.metric else { return [] }
      let curves = Curves(sizes, metric)
      let names = curves.names
      return names.indices.flatMap { i in
        names[(i + 1)...].compactMap { second in
          let first = names[i]
          let before = curves.course(first, second, \.baseline, threshold)
          let after = curves.course(first, second, \.candidate, threshold)
          if before.crossings.isEmpty && after.crossings.isEmpty { return nil }
          return Crossover(
            contest: family, metric: metric, first: first, second: second, baseline: before.crossings,
            candidate: after.crossings, baselineBetterBelow: before.start, candidateBetterBelow: after.start)
        }
      }
    }
  }
}

/// The values of several mechanisms over the message size.
private struct Curves {
  private var points: [String: [(bytes: Int, entry: Contests.Entry)]] = [:]
  private let metric: ComparedMetric

  var names: [String] { points.keys.sorted() }

  init(_ sizes: [(contest: Contest, entries: [Contests.Entry])], _ metric: ComparedMetric) {
    self.metric = metric
    for (contest, entries) in sizes.sorted(by: { $0.contest.messageBytes < $1.contest.messageBytes }
    ) {
      for entry in entries where entry.metric == metric {
        points[entry.name, default: []].append((contest.messageBytes, entry))
      }
    }
  }

  /// Walks up the sizes that both have and notes which one is better first, and where that changes.
  func course(
    _ first: String, _ second: String, _ value: (Contests.Entry) -> Double, _ threshold: Double
  ) -> (start: String?, crossings: [Crossover.Crossing]) {
    let others = Dictionary(
      (points[second] ?? []).map { ($0.bytes, value($0.entry)) }, uniquingKeysWith: { first, _ in first })
    var start: String?
    var crossings: [Crossover.Crossing] = []
    var last: (bytes: Int, advantage: Double)?
    for (bytes, entry) in points[first] ?? [] {
      guard let other = others[bytes], other > 0, value(entry) > 0 else { continue }
      let advantage = log(other / value(entry)) * (metric.better == .higher ? -1 : 1)
      guard abs(advantage) > log1p(threshold) else { continue }
      let better = advantage > 0 ? first : second
      start = start ?? better
      if let last, last.advantage.sign != advantage.sign {
        let (low, high) = (log(Double(max(1, last.bytes))), log(Double(max(1, bytes))))
        let share = last.advantage / (last.advantage - advantage)
        crossings.append(
          Crossover.Crossing(
            lastBytes: last.bytes, firstBytes: bytes, bytes: exp(low + share * (high - low)),
            betterAbove: better))
      }
      last = (bytes, advantage)
    }
    return (start, crossings)
  }
}
