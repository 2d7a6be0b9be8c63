/// The records a run appends to `trials.jsonl`, and from which every other file is made.

/// How a trial or a case ended.
public enum Status: String, Codable, Sendable, CaseIterable {
  case ok, failed, skipped
}

/// Which way a metric improves; written beside every value so that nobody has to guess.
public enum Direction: String, Codable, Sendable {
  case lower, higher, none
}

/// One cell of the matrix: everything that makes two measurements comparable.
public struct CaseIdentity: Codable, Hashable, Sendable {
  /// The mechanism's id without its variant: `shared-memory`.
  public var mechanism: String
  /// What follows the colon of the id: `posix`; empty where a mechanism has one form only.
  public var variant: String
  /// `round-trip`, `stream`, `paced`.
  public var pattern: String
  /// `spin`, `yield`, `block`, `spin-then-block`, `poll`, `epoll`, `io-uring`.
  public var wait: String
  /// `same-core`, `smt-sibling`, `same-l3`, `same-socket`, `cross-node`, `cross-host`, `unpinned`.
  public var placement: String
  /// `inherit`, `name`.
  public var attach: String
  /// `host` or `network`.
  public var scope: String
  public var producers: Int
  public var consumers: Int
  /// Payload bytes of each message, stamp included.
  public var messageBytes: Int
  /// Offered load of a paced case, messages per second; nil in every other pattern.
  public var rateTargetPerSecond: Double?
  /// `all` (every payload byte written and read) or `header`.
  public var touch: String

  public init(
    mechanism: String, variant: String, pattern: String, wait: String, placement: String, attach: String,
    scope: String = "host", producers: Int = 1, consumers: Int = 1, messageBytes: Int,
    rateTargetPerSecond: Double? = nil, touch: String = "all"
  ) {
    self.mechanism = mechanism
    self.variant = variant
    self.pattern = pattern
    self.wait = wait
    self.placement = placement
    self.attach = attach
    self.scope = scope
    self.producers = producers
    self.consumers = consumers
    self.messageBytes = messageBytes
    self.rateTargetPerSecond = rateTargetPerSecond
    self.touch = touch
  }

  /// The id as it is typed: `shared-memory:posix`.
  public var id: String { variant.isEmpty ? mechanism : "\(mechanism):\(variant)" }
}

/// One number of a trial.
public struct Measure: Codable, Sendable, Hashable {
  /// Name in snake case without the unit: `latency_rtt_p50`, `message_rate`, `goodput`.
  public var metric: String
  /// Nil when the number must not be given; `reason` then says why.
  public var value: Double?
  /// `ns`, `1/s`, `B/s`, `1`, `ns/message`, `1/message`, `J/message`.
  public var unit: String
  public var better: Direction
  /// How many samples the value rests on; nil where that has no meaning.
  public var samples: Int?
  public var reason: String?

  public init(
    _ metric: String, _ value: Double?, unit: String, better: Direction, samples: Int? = nil,
    reason: String? = nil
  ) {
    self.metric = metric
    self.value = value
    self.unit = unit
    self.better = better
    self.samples = samples
    self.reason = reason
  }
}

/// A histogram as it is stored with its trial: only the values that occurred.
///
/// `values[i]` is the lowest nanosecond value of an HDR bucket (three significant digits, 1 ns to 60 s) and
/// `counts[i]` how many samples fell into it.
public struct StoredHistogram: Codable, Sendable, Hashable {
  /// `latency_rtt`, `latency_service`, `latency_wake_up`, …
  public var name: String
  public var values: [UInt64]
  public var counts: [UInt64]
  /// Exact extremes and sum of what was recorded, in nanoseconds.
  public var minimum: UInt64
  public var maximum: UInt64
  public var sum: Double

  public init(
    name: String, values: [UInt64], counts: [UInt64], minimum: UInt64, maximum: UInt64, sum: Double
  ) {
    self.name = name
    self.values = values
    self.counts = counts
    self.minimum = minimum
    self.maximum = maximum
    self.sum = sum
  }

  public var totalCount: UInt64 { counts.reduce(0, +) }
}

/// One trial: a fresh pair of processes that measured one case, or the reason why it did not.
public struct TrialRecord: Codable, Sendable {
  public var schemaVersion: Int
  public var runID: String
  public var sessionID: String
  public var hostID: String
  public var environmentHash: String
  public var gitCommit: String
  public var identity: CaseIdentity
  /// Round number, from 0; the same in every case of a round. A skipped case has one record, of round 0.
  public var trial: Int
  /// 0 for the first try; a trial whose probes disagreed is repeated under the next number.
  public var attempt: Int
  /// Set where trials were run in pairs for a comparison; nil otherwise.
  public var pairIndex: Int?
  /// Position in the order in which the session ran its trials, from 0.
  public var orderInSession: Int
  public var status: Status
  /// One sentence; empty when there is nothing to say.
  public var reason: String
  /// The CPUs of producer and consumer, `0,1`; empty when unpinned.
  public var cpus: String
  /// ISO 8601, UTC.
  public var startedAt: String
  public var durationSeconds: Double
  /// False when the probes before and after the trial disagreed: the machine changed under it.
  public var probesAgree: Bool
  public var measures: [Measure]
  public var histograms: [StoredHistogram]

  public init(
    schemaVersion: Int = TrialRecord.currentSchemaVersion, runID: String, sessionID: String, hostID: String,
    environmentHash: String, gitCommit: String, identity: CaseIdentity, trial: Int, attempt: Int = 0,
    pairIndex: Int? = nil, orderInSession: Int, status: Status, reason: String = "", cpus: String = "",
    startedAt: String, durationSeconds: Double = 0, probesAgree: Bool = true, measures: [Measure] = [],
    histograms: [StoredHistogram] = []
  ) {
    self.schemaVersion = schemaVersion
    self.runID = runID
    self.sessionID = sessionID
    self.hostID = hostID
    self.environmentHash = environmentHash
    self.gitCommit = gitCommit
    self.identity = identity
    self.trial = trial
    self.attempt = attempt
    self.pairIndex = pairIndex
    self.orderInSession = orderInSession
    self.status = status
    self.reason = reason
    self.cpus = cpus
    self.startedAt = startedAt
    self.durationSeconds = durationSeconds
    self.probesAgree = probesAgree
    self.measures = measures
    self.histograms = histograms
  }

  private enum CodingKeys: String, CodingKey {
    case schemaVersion, runID = "runId", sessionID = "sessionId", hostID = "hostId", environmentHash
    case gitCommit, identity = "case"
    case trial, attempt, pairIndex, orderInSession, status, reason, cpus, startedAt, durationSeconds
    case probesAgree, measures, histograms
  }

  /// Raised when a column or a record field changes its meaning; columns are only ever added.
  public static let currentSchemaVersion = 1

  /// The value of a metric, where the trial has one.
  public func value(_ metric: String) -> Double? { measures.first { $0.metric == metric }?.value }
}
