import Analysis
import Results

/// What a check says of one metric of one case.
public enum GateVerdict: String, Sendable, Codable, CaseIterable {
  /// Worse by more than the threshold, twice.
  case regression
  /// Better by more than the threshold, in stage 1: good news needs no second look.
  case improvement
  /// No change beyond the threshold, and one would have been seen.
  case unchanged
  /// Whatever happened, these pairs cannot tell.
  case inconclusive
}

/// One metric of a case: both stages, and what follows from them.
public struct MetricCheck: Sendable {
  public var metric: CheckedMetric
  public var first: StageResult
  /// Only where stage 1 flagged the case, be it for this metric or for another one.
  public var second: StageResult?
  /// Whether stage 1 flagged this metric.
  public var isFlagged: Bool
  /// Nil for a metric that is shown and does not decide.
  public var verdict: GateVerdict?
  /// One sentence for a verdict that needs one; empty otherwise.
  public var reason: String

  public init(
    metric: CheckedMetric, first: StageResult, second: StageResult? = nil, isFlagged: Bool = false,
    verdict: GateVerdict?, reason: String = ""
  ) {
    self.metric = metric
    self.first = first
    self.second = second
    self.isFlagged = isFlagged
    self.verdict = verdict
    self.reason = reason
  }

  /// The stage that decided.
  public var decisive: StageResult { isFlagged ? second ?? first : first }
}

/// A case in a check.
public struct CaseCheck: Sendable {
  public var identity: CaseIdentity
  /// As for a trial: `failed` when either side could not be measured.
  public var status: Status
  /// Why it failed, was skipped, or decided nothing; empty otherwise.
  public var reason: String
  public var metrics: [MetricCheck]
  /// Pairs that were measured, and those of them that could be used.
  public var pairs: Int
  public var usablePairs: Int

  public init(
    identity: CaseIdentity, status: Status, reason: String = "", metrics: [MetricCheck] = [], pairs: Int = 0,
    usablePairs: Int = 0
  ) {
    self.identity = identity
    self.status = status
    self.reason = reason
    self.metrics = metrics
    self.pairs = pairs
    self.usablePairs = usablePairs
  }

  public var gates: [MetricCheck] { metrics.filter { $0.verdict != nil } }

  /// The worst of its gates; nil for a case that was not measured.
  public var verdict: GateVerdict? {
    guard status == .ok else { return nil }
    let verdicts = Set(gates.compactMap(\.verdict))
    if verdicts.contains(.regression) { return .regression }
    if verdicts.isEmpty || verdicts.contains(.inconclusive) { return .inconclusive }
    return verdicts.contains(.improvement) ? .improvement : .unchanged
  }
}
