import Analysis
import Results

/// One trial of the baseline and one of the candidate, measured one right after the other.
public struct TrialPair: Sendable {
  /// Within the case, from 0; stage 2 goes on counting.
  public var index: Int
  public var baseline: TrialRecord
  public var candidate: TrialRecord

  public init(index: Int, baseline: TrialRecord, candidate: TrialRecord) {
    self.index = index
    self.baseline = baseline
    self.candidate = candidate
  }

  public var identity: CaseIdentity { baseline.identity }

  /// Why the pair cannot be used for a decision; nil when it can. It stays in the results either way.
  public func defect(_ criteria: CheckCriteria) -> String? {
    for (side, record) in [("baseline", baseline), ("candidate", candidate)] where !record.probesAgree {
      return "the machine changed during the \(side)'s trial"
    }
    for probe in Self.probes {
      guard let before = probe.value(in: baseline), let after = probe.value(in: candidate) else { continue }
      guard !Statistics.probesAgree(before: before, after: after, tolerance: criteria.probeTolerance) else {
        continue
      }
      return "the \(probe.name) took \(time(before)) around the baseline's trial and "
        + "\(time(after)) around the candidate's"
    }
    return nil
  }

  /// A figure of the machine, taken before and after every trial.
  private struct Probe {
    var name: String
    var metrics: [String]

    /// The mean of the readings; they agree, or the trial itself would be defective.
    func value(in record: TrialRecord) -> Double? {
      let values = metrics.compactMap(record.value)
      return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
  }

  private static let probes = [
    Probe(name: "cache-line round trip", metrics: ["probe_cache_line_before", "probe_cache_line_after"]),
    Probe(
      name: "producer's arithmetic loop",
      metrics: ["probe_arithmetic_producer_before", "probe_arithmetic_producer_after"]),
    Probe(
      name: "consumer's arithmetic loop",
      metrics: ["probe_arithmetic_consumer_before", "probe_arithmetic_consumer_after"]),
  ]

  /// Nanoseconds that the host gave to others while the two trials ran, and how long they ran.
  var stealNanoseconds: Double { (baseline.value("steal") ?? 0) + (candidate.value("steal") ?? 0) }
  var durationNanoseconds: Double { (baseline.durationSeconds + candidate.durationSeconds) * 1e9 }
}

/// What a check looks at, as one number of a trial.
public struct CheckedMetric: Sendable, Hashable {
  /// As results name it, or `cpu`: what both sides together spent on a message, user and system.
  public var name: String
  public var unit: String
  public var better: Direction
  /// Whether it decides; others are shown.
  public var isGate: Bool

  public init(name: String, unit: String, better: Direction, isGate: Bool) {
    self.name = name
    self.unit = unit
    self.better = better
    self.isGate = isGate
  }

  /// The median and the CPU time decide; tails and rates are too noisy to.
  ///
  /// For a paced load the median is that of the service time: the response time follows the load.
  public static let all = [
    CheckedMetric(name: "latency_rtt_p50", unit: "ns", better: .lower, isGate: true),
    CheckedMetric(name: "latency_service_p50", unit: "ns", better: .lower, isGate: true),
    CheckedMetric(name: "cpu", unit: "ns/message", better: .lower, isGate: true),
    CheckedMetric(name: "latency_rtt_p99", unit: "ns", better: .lower, isGate: false),
    CheckedMetric(name: "latency_service_p99", unit: "ns", better: .lower, isGate: false),
    CheckedMetric(name: "message_rate", unit: "1/s", better: .higher, isGate: false),
  ]

  /// Nil where the trial has no such figure, or one whose logarithm does not exist.
  public func value(in record: TrialRecord) -> Double? { value(record.value) }

  /// - Parameter figure: gives a recorded metric of the trial by its name.
  func value(_ figure: (String) -> Double?) -> Double? {
    let value: Double?
    if name == "cpu" {
      let parts = Self.cpuParts.compactMap(figure)
      value = parts.count == Self.cpuParts.count ? parts.reduce(0, +) : nil
    } else {
      value = figure(name)
    }
    return value.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
  }

  private static let cpuParts = [
    "cpu_user_producer", "cpu_system_producer", "cpu_user_consumer", "cpu_system_consumer",
  ]
}
