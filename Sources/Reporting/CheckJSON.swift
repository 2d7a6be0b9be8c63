import Comparing
import Results

/// A check for other programs, as results/schema/check.schema.json describes it: the answer, every case with all its
/// metrics and both stages, and what was decided by. Numbers are plain; one that is not finite is null.
public func checkJSON(_ outcome: CheckOutcome) -> String { prettyJSON(JSONCheck(outcome)) }

private struct JSONCheck: Encodable {
  var schemaVersion = 1
  var answer: CheckOutcome.Answer
  var baseline: String
  var candidate: String
  /// Of the first metric there is, as all metrics of a check are of one kind; absent where nothing was measured.
  var design: Design?
  var criteria: CheckCriteria
  var counts: Counts
  var cases: [JSONCase]
  var notes: [String]

  init(_ outcome: CheckOutcome) {
    answer = outcome.answer
    (baseline, candidate) = (outcome.baseline, outcome.candidate)
    let stages = outcome.cases.lazy.flatMap(\.metrics).map(\.first)
    design = stages.first.map { $0.pValue == nil ? .storedSessions : .pairs }
    criteria = outcome.criteria
    counts = Counts(outcome)
    cases = outcome.cases.sorted { $0.identity < $1.identity }.map(JSONCase.init)
    notes = outcome.notes
  }

  enum Design: String, Encodable {
    case pairs
    case storedSessions = "stored_sessions"
  }
}

private struct Counts: Encodable {
  var cases: Int
  var regression: Int
  var improvement: Int
  var unchanged: Int
  var inconclusive: Int
  var failed: Int
  var skipped: Int

  init(_ outcome: CheckOutcome) {
    cases = outcome.cases.count
    regression = outcome.cases(.regression).count
    improvement = outcome.cases(.improvement).count
    unchanged = outcome.cases(.unchanged).count
    inconclusive = outcome.cases(.inconclusive).count
    failed = outcome.cases.count { $0.status == .failed }
    skipped = outcome.cases.count { $0.status == .skipped }
  }
}

private struct JSONCase: Encodable {
  var identity: CaseIdentity
  var status: Status
  var verdict: GateVerdict?
  var reason: String
  var pairs: Int
  var usablePairs: Int
  var metrics: [JSONMetric]

  init(_ check: CaseCheck) {
    identity = check.identity
    (status, verdict, reason) = (check.status, check.verdict, check.reason)
    (pairs, usablePairs) = (check.pairs, check.usablePairs)
    metrics = check.metrics.map(JSONMetric.init)
  }

  enum CodingKeys: String, CodingKey {
    case identity = "case"
    case status, verdict, reason, pairs, usablePairs, metrics
  }
}

private struct JSONMetric: Encodable {
  var metric: String
  var unit: String
  var better: Direction
  var isGate: Bool
  var isFlagged: Bool
  var verdict: GateVerdict?
  var reason: String
  var first: JSONStage
  var second: JSONStage?

  init(_ check: MetricCheck) {
    (metric, unit, better) = (check.metric.name, check.metric.unit, check.metric.better)
    (isGate, isFlagged) = (check.metric.isGate, check.isFlagged)
    (verdict, reason) = (check.verdict, check.reason)
    first = JSONStage(stage: check.first)
    second = check.second.map(JSONStage.init)
  }
}

/// A stage with the numbers that JSON has no word for as null: there is such a number, and it is not finite.
private struct JSONStage: Encodable {
  var stage: StageResult

  enum CodingKeys: String, CodingKey {
    case count, baselineMedian, candidateMedian, ratio, lower, upper, pValue, smallestDetectableChange
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(stage.count, forKey: .count)
    try container.encode(stage.baselineMedian.ifFinite, forKey: .baselineMedian)
    try container.encode(stage.candidateMedian.ifFinite, forKey: .candidateMedian)
    try container.encode(stage.ratio.ifFinite, forKey: .ratio)
    try container.encode(stage.lower.ifFinite, forKey: .lower)
    try container.encode(stage.upper.ifFinite, forKey: .upper)
    try container.encodeIfPresent(stage.pValue, forKey: .pValue)
    try container.encode(stage.smallestDetectableChange.ifFinite, forKey: .smallestDetectableChange)
  }
}
