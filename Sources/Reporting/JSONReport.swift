import Foundation
import Results

/// The summary of a run for other programs: every case with its metrics, plain numbers with their units.
///
/// Individual trials are in `trials.jsonl` and, as a table, in `results.csv`.
public func jsonText(_ run: Run, ownCost: String = "") -> String {
  let cases = run.summaries.map { summary in
    JSONCase(
      identity: summary.identity, status: summary.status, reason: summary.reason, okTrials: summary.okTrials,
      failedTrials: summary.failedTrials, skippedTrials: summary.skippedTrials,
      metrics: summary.metrics.map { metric in
        JSONMetric(
          metric: metric.metric, unit: metric.unit, better: metric.better, median: metric.median?.ifFinite,
          minimum: metric.minimum?.ifFinite, maximum: metric.maximum?.ifFinite, trials: metric.trials,
          samples: metric.samples,
          reason: metric.reason)
      })
  }
  let view = RunView(run, ownCost: ownCost).trust
  let trust = JSONTrust(level: view.level, reasons: view.reasons, spreadMedian: view.spread?.middle)
  let report = JSONReport(
    schemaVersion: 1, runID: run.plan.runID, suite: run.plan.suite, command: run.plan.command,
    seed: run.plan.seed,
    startedAt: run.plan.startedAt, environmentHash: run.environment.hash, trust: trust,
    warnings: run.warnings, cases: cases)
  return prettyJSON(report)
}

/// The trials of a run as tidy CSV: one row per trial and metric, the columns of `results.csv`.
public func csvText(_ run: Run) -> String { ResultsCSV.tidy(run.trials) }

/// JSON of a value that holds nothing that JSON has no word for.
func prettyJSON(_ value: some Encodable) -> String {
  do {
    return String(decoding: try ResultsJSON.encode(value, pretty: true), as: UTF8.self) + "\n"
  } catch {
    preconditionFailure("a report holds a number that is not finite: \(error)")
  }
}

extension Double {
  var ifFinite: Double? { isFinite ? self : nil }
}

private struct JSONReport: Encodable {
  var schemaVersion: Int
  var runID: String
  var suite: String
  var command: [String]
  var seed: UInt64
  var startedAt: String
  var environmentHash: String
  var trust: JSONTrust
  var warnings: [String]
  var cases: [JSONCase]

  enum CodingKeys: String, CodingKey {
    case schemaVersion, runID = "runId", suite, command, seed, startedAt, environmentHash, trust, warnings,
      cases
  }
}

private struct JSONTrust: Encodable {
  /// `high`, `fair`, `low`, `none`.
  var level: Trust.Level
  /// What keeps it from being higher.
  var reasons: [String]
  /// Of the cases: distance between the extreme trials as a share of the median one.
  var spreadMedian: Double?
}

private struct JSONCase: Encodable {
  var identity: CaseIdentity
  var status: Status
  var reason: String
  var okTrials: Int
  var failedTrials: Int
  var skippedTrials: Int
  var metrics: [JSONMetric]

  enum CodingKeys: String, CodingKey {
    case identity = "case"
    case status, reason, okTrials, failedTrials, skippedTrials, metrics
  }
}

private struct JSONMetric: Encodable {
  var metric: String
  var unit: String
  var better: Direction
  /// Of the per-trial values.
  var median: Double?
  var minimum: Double?
  var maximum: Double?
  var trials: Int
  var samples: Int
  var reason: String?
}
