/// One line of `results.csv`: one metric of one trial. The names of the columns are those of the record.
public struct TidyRow: Sendable, Hashable {
  public var schemaVersion: Int
  public var runID: String
  public var sessionID: String
  public var hostID: String
  public var environmentHash: String
  public var gitCommit: String
  public var identity: CaseIdentity
  public var trial: Int
  public var pairIndex: Int?
  public var orderInSession: Int
  /// Empty in the one row of a trial without metrics, as a skipped one is.
  public var metric: String
  public var value: Double?
  public var unit: String
  /// Nil where there is no metric.
  public var better: Direction?
  public var samples: Int?
  public var status: Status
  /// The metric's reason, or else the trial's.
  public var reason: String
  public var attempt: Int
  public var probesAgree: Bool

  public init(_ record: TrialRecord, _ measure: Measure?) {
    schemaVersion = record.schemaVersion
    runID = record.runID
    sessionID = record.sessionID
    hostID = record.hostID
    environmentHash = record.environmentHash
    gitCommit = record.gitCommit
    identity = record.identity
    trial = record.trial
    pairIndex = record.pairIndex
    orderInSession = record.orderInSession
    metric = measure?.metric ?? ""
    value = measure?.value.flatMap { $0.isFinite ? $0 : nil }
    unit = measure?.unit ?? ""
    better = measure?.better
    samples = measure?.samples
    status = record.status
    reason = measure?.reason ?? record.reason
    attempt = record.attempt
    probesAgree = record.probesAgree
  }

  /// The rows of a trial: one for each metric, and one without a metric where it has none.
  public static func rows(of record: TrialRecord) -> [TidyRow] {
    record.measures.isEmpty
      ? [TidyRow(record, nil)] : record.measures.map { TidyRow(record, $0) }
  }

  /// The columns in order. The order never changes, and columns are only ever added, at the end.
  public static let columns = Column.allCases.map(\.rawValue)

  enum Column: String, CaseIterable {
    case schemaVersion = "schema_version"
    case runID = "run_id"
    case sessionID = "session_id"
    case hostID = "host_id"
    case environmentHash = "environment_hash"
    case gitCommit = "git_commit"
    case mechanism, variant, pattern, wait, placement, attach, scope, producers, consumers
    case messageBytes = "message_bytes"
    case rateTarget = "rate_target_per_s"
    case trial
    case pairIndex = "pair_index"
    case orderInSession = "order_in_session"
    case metric, value, unit, better, samples, status, reason
    // `touch` labels the numbers of cases that do not write and read every byte; `attempt` and `probes_agree`
    // tell a reader of the CSV alone which of several attempts at a trial counts.
    case touch, attempt
    case probesAgree = "probes_agree"

    /// Whether a file that was written before the column was added is read all the same.
    var isAdded: Bool { [.touch, .attempt, .probesAgree].contains(self) }

    /// Whether it differs between the rows of one trial.
    var isOfMetric: Bool { [.metric, .value, .unit, .better, .samples, .reason].contains(self) }

    /// Whether a value that lost its end can never be taken for another one.
    var tellsItsEnd: Bool { [.status, .better, .probesAgree].contains(self) }
  }
}

extension TidyRow {
  /// The fields in the order of `columns`.
  var fields: [String] {
    [
      "\(schemaVersion)", runID, sessionID, hostID, environmentHash, gitCommit, identity.mechanism,
      identity.variant, identity.pattern, identity.wait, identity.placement, identity.attach, identity.scope,
      "\(identity.producers)", "\(identity.consumers)", "\(identity.messageBytes)",
      identity.rateTargetPerSecond.map(shortestDecimal) ?? "", "\(trial)",
      pairIndex.map(String.init) ?? "", "\(orderInSession)", metric, value.map(shortestDecimal) ?? "", unit,
      better?.rawValue ?? "", samples.map(String.init) ?? "", status.rawValue, reason, identity.touch,
      "\(attempt)", "\(probesAgree)",
    ]
  }
}
