import Comparing
import Results

/// A history for other programs: every series with its values, its change points and its verdict; plain numbers.
///
/// `results/schema/history.schema.json` describes it.
public func historyJSON(_ outcome: HistoryOutcome) -> String { prettyJSON(JSONHistory(outcome)) }

private struct JSONHistory: Encodable {
  var schemaVersion = 1
  var results: String
  var answer: HistoryOutcome.Answer
  var detector: String
  var criteria: Criteria
  var notes: [String]
  var series: [Series]

  init(_ outcome: HistoryOutcome) {
    results = outcome.history.label
    answer = outcome.answer
    detector = outcome.detector
    let (criteria, count) = (outcome.criteria, outcome.usableCount)
    self.criteria = Criteria(
      threshold: criteria.threshold, pValue: criteria.pValue,
      pValueOfEachSeries: criteria.pValue(forEachOf: count),
      minimumPoints: criteria.minimumPoints, minimumRuns: HistoryJudge(criteria).neededRuns)
    notes = outcome.simultaneousChanges + outcome.history.notes
    series = outcome.judgements.map(Series.init)
  }

  struct Criteria: Encodable {
    var threshold: Double
    var pValue: Double
    var pValueOfEachSeries: Double
    var minimumPoints: Int
    var minimumRuns: Int
  }

  struct Series: Encodable {
    var identity: CaseIdentity
    var hostID: String
    var environmentHash: String
    var metric: String
    var unit: String
    var better: Direction
    var verdict: HistoryVerdict
    var reason: String
    var decisive: Change?
    var changes: [Change]
    var points: [Point]

    enum CodingKeys: String, CodingKey {
      case identity = "case"
      case hostID = "hostId"
      case environmentHash, metric, unit, better, verdict, reason, decisive, changes, points
    }

    init(_ judgement: HistoryJudgement) {
      let series = judgement.series
      identity = series.identity
      hostID = series.machine.hostID
      environmentHash = series.machine.environmentHash
      (metric, unit, better) = (series.metric.name, series.metric.unit, series.metric.better)
      (verdict, reason) = (judgement.verdict, judgement.reason)
      decisive = judgement.decisive.map(Change.init)
      changes = judgement.changes.map(Change.init)
      points = series.points.map(Point.init)
    }
  }

  struct Change: Encodable {
    var index: Int
    var runID: String
    var gitCommit: String
    var previousRunID: String
    var previousGitCommit: String
    var before: Double
    var after: Double
    var ratio: Double?
    var runsBefore: Int
    var runsAfter: Int
    var pValue: Double
    var isWorse: Bool
    var isCertain: Bool

    enum CodingKeys: String, CodingKey {
      case runID = "runId", previousRunID = "previousRunId"
      case index, gitCommit, previousGitCommit, before, after, ratio, runsBefore, runsAfter, pValue, isWorse
      case isCertain
    }

    init(_ change: HistoryChange) {
      index = change.index
      (runID, gitCommit) = (change.run.runID, change.run.gitCommit)
      (previousRunID, previousGitCommit) = (change.previous.runID, change.previous.gitCommit)
      (before, after, ratio) = (change.before, change.after, change.ratio)
      (runsBefore, runsAfter) = (change.runsBefore, change.runsAfter)
      pValue = change.pValue
      (isWorse, isCertain) = (change.isWorse, change.isCertain)
    }
  }

  struct Point: Encodable {
    var runID: String
    var sessionID: String
    var gitCommit: String
    var startedAt: String
    var value: Double
    var trials: Int

    enum CodingKeys: String, CodingKey {
      case runID = "runId", sessionID = "sessionId"
      case gitCommit, startedAt, value, trials
    }

    init(_ point: History.Point) {
      (runID, sessionID, gitCommit) = (point.runID, point.sessionID, point.gitCommit)
      (startedAt, value, trials) = (point.startedAt, point.value, point.trialCount)
    }
  }
}
