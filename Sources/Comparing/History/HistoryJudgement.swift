import Analysis
import Results

/// What a history says of one series.
public enum HistoryVerdict: String, Sendable, Codable, CaseIterable {
  /// What it is now is worse than the best it has been, for long enough to be certain.
  case regression
  case improvement
  case unchanged
  /// A worsening that is too fresh, or one that came with a change of the machine itself.
  case inconclusive
  /// Fewer runs than can be looked at.
  case tooShort = "too_short"
  /// The host has gone on in another environment; nothing that can be done now would change what it ended with.
  case superseded
}

/// A place where a series goes from one level to another.
public struct HistoryChange: Sendable, Hashable {
  /// Of the first run at the new level.
  public var index: Int
  public var run: History.Point
  /// The last run at the old level.
  public var previous: History.Point
  /// Means of the two levels.
  public var before: Double
  public var after: Double
  /// How many runs held each.
  public var runsBefore: Int
  public var runsAfter: Int
  /// As Apache Otava gives it: the smaller, the less a coincidence.
  public var pValue: Double
  public var isWorse: Bool
  /// Whether both levels were held long enough.
  public var isCertain: Bool

  /// Nil where the old level is zero.
  public var ratio: Double? { before > 0 ? after / before : nil }

  /// Whether the tool's own source was the same on both sides, so that something else must have changed.
  public var isSameCommit: Bool { !run.gitCommit.isEmpty && run.gitCommit == previous.gitCommit }
}

/// A series with its change points and what follows from them.
public struct HistoryJudgement: Sendable {
  public var series: History.Series
  /// In the order of the runs.
  public var changes: [HistoryChange]
  public var verdict: HistoryVerdict
  /// For a regression, an improvement or a worsening that is not yet certain: from the level it is measured by to the
  /// level it is about.
  public var decisive: HistoryChange?
  /// One sentence for a verdict that needs one; empty otherwise.
  public var reason: String

  public init(
    series: History.Series, changes: [HistoryChange] = [], verdict: HistoryVerdict,
    decisive: HistoryChange? = nil, reason: String = ""
  ) {
    self.series = series
    self.changes = changes
    self.verdict = verdict
    self.decisive = decisive
    self.reason = reason
  }
}

/// A whole history: every series with what is said of it, and the answer.
public struct HistoryOutcome: Sendable {
  public var history: History
  public var criteria: HistoryCriteria
  /// In the order of `history.series`.
  public var judgements: [HistoryJudgement]
  /// What was handed to look for change points, such as `Apache Otava 0.8.0`.
  public var detector: String

  public init(
    history: History, criteria: HistoryCriteria, judgements: [HistoryJudgement], detector: String = ""
  ) {
    self.history = history
    self.criteria = criteria
    self.judgements = judgements
    self.detector = detector
  }

  public enum Answer: String, Sendable, Codable {
    case ok, regression, inconclusive
    /// No series is long enough.
    case unusable
  }

  /// One answer for all series. What is known to be bad comes before what is not known.
  public var answer: Answer {
    let verdicts = Set(judgements.map(\.verdict))
    if verdicts.contains(.regression) { return .regression }
    if verdicts.contains(.inconclusive) { return .inconclusive }
    return verdicts.isDisjoint(with: [.unchanged, .improvement]) ? .unusable : .ok
  }

  public func judgements(_ verdict: HistoryVerdict) -> [HistoryJudgement] {
    judgements.filter { $0.verdict == verdict }
  }

  /// How many series were looked at.
  public var usableCount: Int { judgements.count { $0.verdict != .tooShort } }

  /// Runs at which at least half of a machine's series, and three, changed together: a sentence for each, because a
  /// change of one mechanism does not do that.
  public var simultaneousChanges: [String] {
    history.machines.flatMap { machine -> [String] in
      let usable = judgements.filter { $0.series.machine == machine && $0.verdict != .tooShort }
      let changed = usable.flatMap { $0.changes.map(\.run.runID) }
      let counts = Dictionary(changed.map { ($0, 1) }, uniquingKeysWith: +)
      return counts.sorted { $0.key < $1.key }.filter { $0.value >= 3 && 2 * $0.value >= usable.count }.map {
        "\($0.value) of \(usable.count) series changed together at run \($0.key): look at the machine and what "
          + "all of them share before looking at single mechanisms."
      }
    }
  }
}
