/// The trials of one or several runs as `results.csv` holds them: every metric, no histograms.
///
/// Names are kept once and referred to by index, so that half a million rows fit into little memory.
public struct TrialTable: Sendable, Equatable {
  /// A metric as its rows describe it; one unit and one direction for each name, whatever the file.
  public struct Metric: Sendable, Hashable {
    public var name: String
    /// As in `Measure.unit`.
    public var unit: String
    public var better: Direction

    public init(name: String, unit: String, better: Direction) {
      self.name = name
      self.unit = unit
      self.better = better
    }
  }

  /// What the trials of one session of one run have in common.
  public struct Origin: Sendable, Hashable {
    public var schemaVersion: Int
    public var runID: String
    public var sessionID: String
    public var hostID: String
    public var environmentHash: String
    public var gitCommit: String

    public init(
      schemaVersion: Int, runID: String, sessionID: String, hostID: String, environmentHash: String,
      gitCommit: String
    ) {
      self.schemaVersion = schemaVersion
      self.runID = runID
      self.sessionID = sessionID
      self.hostID = hostID
      self.environmentHash = environmentHash
      self.gitCommit = gitCommit
    }
  }

  public struct Value: Sendable, Hashable {
    /// Index into `metrics`.
    public var metric: Int
    public var value: Double
    /// How many samples it rests on; nil where that has no meaning.
    public var samples: Int?

    public init(metric: Int, value: Double, samples: Int? = nil) {
      self.metric = metric
      self.value = value
      self.samples = samples
    }
  }

  public struct Trial: Sendable, Hashable {
    /// Index into `origins`.
    public var origin: Int
    /// Index into `cases`.
    public var caseIndex: Int
    /// Round number, from 0.
    public var trial: Int
    public var attempt: Int
    public var pairIndex: Int?
    public var orderInSession: Int
    public var status: Status
    /// The trial's own reason; empty when there is nothing to say.
    public var reason: String
    public var probesAgree: Bool
    /// By metric, ascending; a metric whose value must not be given is absent.
    public var values: [Value]

    public init(
      origin: Int, caseIndex: Int, trial: Int, attempt: Int = 0, pairIndex: Int? = nil, orderInSession: Int,
      status: Status, reason: String = "", probesAgree: Bool = true, values: [Value] = []
    ) {
      self.origin = origin
      self.caseIndex = caseIndex
      self.trial = trial
      self.attempt = attempt
      self.pairIndex = pairIndex
      self.orderInSession = orderInSession
      self.status = status
      self.reason = reason
      self.probesAgree = probesAgree
      self.values = values
    }
  }

  public internal(set) var metrics: [Metric] = []
  public internal(set) var origins: [Origin] = []
  public internal(set) var cases: [CaseIdentity] = []
  /// Every trial and attempt, in the order of origin, case, round, and order in the session: a file whose rows
  /// were shuffled gives the same table.
  public internal(set) var trials: [Trial] = []

  public init() {}
}

extension TrialTable {
  public func metric(_ name: String) -> Int? { metrics.firstIndex { $0.name == name } }

  /// The trials that count: of each case, run and round the last record (the highest order in its session),
  /// whatever became of it. In the order of `trials`.
  public var finalTrials: [Trial] {
    struct Key: Hashable { var run: String, caseIndex: Int, trial: Int }
    var last: [Key: Int] = [:]
    for (index, trial) in trials.enumerated() {
      let key = Key(run: origins[trial.origin].runID, caseIndex: trial.caseIndex, trial: trial.trial)
      if let known = last[key], trials[known].orderInSession > trial.orderInSession { continue }
      last[key] = index
    }
    return last.values.sorted().map { trials[$0] }
  }
}

extension TrialTable.Trial {
  /// - Parameter metric: index into the table's `metrics`.
  public func value(_ metric: Int) -> Double? { values.first { $0.metric == metric }?.value }
}
