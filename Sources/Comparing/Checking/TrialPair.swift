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
    let (before, after) = (MachineProbes.readings(of: baseline), MachineProbes.readings(of: candidate))
    return MachineProbes.firstDisagreement(before, after, tolerance: criteria.probeTolerance).map { found in
      "the \(found.probe) took \(time(found.first)) around the baseline's trial and "
        + "\(time(found.second)) around the candidate's"
    }
  }

  /// Nanoseconds that the host gave to others while the two trials ran, and how long they ran.
  var stealNanoseconds: Double { (baseline.value("steal") ?? 0) + (candidate.value("steal") ?? 0) }
  var durationNanoseconds: Double { (baseline.durationSeconds + candidate.durationSeconds) * 1e9 }
}

/// What a check looks at, as one number of a trial.
public struct CheckedMetric: Sendable, Hashable {
  /// As results name it, or `cpu` and `cpu_consumer`: what both sides, or one, spent on a message.
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
    CheckedMetric(name: "cpu_consumer", unit: "ns/message", better: .lower, isGate: true),
    CheckedMetric(name: "latency_rtt_p99", unit: "ns", better: .lower, isGate: false),
    CheckedMetric(name: "latency_service_p99", unit: "ns", better: .lower, isGate: false),
    CheckedMetric(name: "message_rate", unit: "1/s", better: .higher, isGate: false),
  ]

  /// Whether cases of this pattern have it. Of a paced load the consumer's CPU time only: its producer spins until a
  /// message is due, as that of a wake-up does.
  func applies(in pattern: String) -> Bool {
    let spins = CaseIdentity.producerAwaitsDueTimes(in: pattern)
    switch name {
    case "cpu_consumer": return spins
    case _ where name.hasPrefix("latency_service"): return pattern.hasPrefix("paced")
    case _ where name.hasPrefix("latency_rtt"): return pattern.hasPrefix("round-trip")
    default: return !spins
    }
  }

  static func all(in pattern: String) -> [CheckedMetric] { all.filter { $0.applies(in: pattern) } }

  /// Nil where the trial has no such figure, or one whose logarithm does not exist.
  public func value(in record: TrialRecord) -> Double? { value(record.value) }

  /// - Parameter figure: gives a recorded metric of the trial by its name.
  func value(_ figure: (String) -> Double?) -> Double? {
    let value =
      switch name {
      case "cpu": CPUTime.sum(figure)
      case "cpu_consumer": CPUTime.sum(of: ["consumer"], figure)
      default: figure(name)
      }
    return value.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
  }
}
