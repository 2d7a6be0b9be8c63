import Results

/// One number of a trial that is compared: a metric of the results, or a sum of several.
public struct ComparedMetric: Sendable, Hashable {
  /// As results name it, or `cpu`, `cpu_producer`, `cpu_consumer`: user and system time that a message costs.
  public var name: String
  /// As in `Measure.unit`.
  public var unit: String
  public var better: Direction
  /// The metrics whose sum it is; its own name where it is not made of others.
  public var parts: [String]

  public init(name: String, unit: String, better: Direction, parts: [String]? = nil) {
    self.name = name
    self.unit = unit
    self.better = better
    self.parts = parts ?? [name]
  }

  /// What no row holds as such: the system time alone says little, because mechanisms differ in where they spend it.
  public static let derived = [
    cpu("cpu", sides: CPUTime.sides), cpu("cpu_producer", sides: ["producer"]),
    cpu("cpu_consumer", sides: ["consumer"]),
  ]

  private static func cpu(_ name: String, sides: [String]) -> ComparedMetric {
    ComparedMetric(
      name: name, unit: "ns/message", better: .lower,
      parts: CPUTime.parts(of: sides))
  }

  /// Whether a case of this pattern shows the metric unless somebody asks for others.
  ///
  /// - Every median latency.
  /// - CPU time of both sides. Of a paced load and a wake-up the consumer's only: its producer spins until a message
  ///   is due.
  /// - The rate, where it is what the pattern measures. A closed loop's rate is its mean round trip upside down.
  func isDefault(in pattern: String) -> Bool {
    let spins = CaseIdentity.producerAwaitsDueTimes(in: pattern)
    switch name {
    case "cpu": return !spins
    case "cpu_consumer": return spins
    case "message_rate": return !pattern.hasPrefix("round-trip")
    case "achieved_rate": return true
    default: return name.hasPrefix("latency_") && name.hasSuffix("_p50")
    }
  }
}

/// Which metrics a comparison looks at.
public struct MetricSelection: Sendable {
  /// As asked for; nil where each case shows its own defaults.
  private var names: [String]?

  /// - Parameter names: names of metrics, or `p99` for that percentile of every latency; empty for the defaults.
  public init(_ names: [String] = []) { self.names = names.isEmpty ? nil : names }

  /// The metrics to look at, in the order they were asked for, otherwise latencies first.
  ///
  /// - Throws: `usage` for a name that no side has, or that has no better direction; `contradictory` where the sides
  ///   disagree about what a metric is.
  func metrics(of tables: [TrialTable]) throws(ComparisonError) -> [ComparedMetric] {
    let known = try Self.known(tables)
    guard let names else {
      return known.filter { $0.better != .none }
    }
    var chosen: [ComparedMetric] = []
    for name in names {
      let found = known.filter { $0.name == name || Self.isPercentile(name, of: $0.name) }
      guard !found.isEmpty else { throw .noSuchMetric(name, among: known) }
      for metric in found where !chosen.contains(metric) {
        guard metric.better != .none else { throw .noDirection(metric.name, among: known) }
        chosen.append(metric)
      }
    }
    return chosen
  }

  /// Whether a case of this pattern shows the metric.
  func includes(_ metric: ComparedMetric, in pattern: String) -> Bool {
    names != nil || metric.isDefault(in: pattern)
  }

  /// `p99` of `latency_rtt_p99`.
  private static func isPercentile(_ name: String, of metric: String) -> Bool {
    name.hasPrefix("p") && metric.hasPrefix("latency_") && metric.hasSuffix("_\(name)")
  }

  private static func rank(_ metric: ComparedMetric) -> (Int, String) {
    let order = ["latency_", "cpu", "message_rate", "goodput", "achieved_rate"]
    return (order.firstIndex { metric.name.hasPrefix($0) } ?? order.count, metric.name)
  }

  /// Every metric of any side, and what can be made of them; what is most asked for first.
  private static func known(_ tables: [TrialTable]) throws(ComparisonError) -> [ComparedMetric] {
    var metrics: [String: ComparedMetric] = [:]
    for metric in tables.lazy.flatMap(\.metrics) {
      let own = ComparedMetric(name: metric.name, unit: metric.unit, better: metric.better)
      if let other = metrics.updateValue(own, forKey: metric.name), other != own {
        throw .contradictory(other, own)
      }
    }
    for derived in ComparedMetric.derived
    where metrics[derived.name] == nil && derived.parts.allSatisfy({ metrics[$0] != nil }) {
      metrics[derived.name] = derived
    }
    return metrics.values.sorted { rank($0) < rank($1) }
  }
}

/// Reads a metric from the trials of one table.
struct MetricReader {
  /// Indices into the table's metrics; nil where the table lacks one of them.
  private let parts: [Int]?

  init(_ metric: ComparedMetric, in table: TrialTable) {
    let parts = metric.parts.compactMap(table.metric)
    self.parts = parts.count == metric.parts.count ? parts : nil
  }

  /// Nil where the trial has no such figure, or lacks a part of it: a sum with a missing part would pass for a
  /// cheap mechanism.
  func value(in trial: TrialTable.Trial) -> Double? {
    guard let parts else { return nil }
    var sum = 0.0
    for part in parts {
      guard let value = trial.value(part) else { return nil }
      sum += value
    }
    return sum.isFinite ? sum : nil
  }
}
