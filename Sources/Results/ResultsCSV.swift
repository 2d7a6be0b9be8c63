/// The two CSV files of a run.
public enum ResultsCSV {
  /// The text of `results.csv`: one row per trial and metric, in the order in which the trials ran.
  public static func tidy(_ trials: [TrialRecord]) -> String {
    var text = CSV.line(TidyRow.columns)
    for record in trials {
      for row in TidyRow.rows(of: record) { text += CSV.line(row.fields) }
    }
    return text
  }

  /// The text of `summary.csv`: one row per case, with the median over trials of every metric in a column of
  /// its own. A case without the metric has an empty field.
  public static func summary(_ run: Run) -> String { summary(run.summaries, runID: run.plan.runID) }

  static func summary(_ cases: [CaseSummary], runID: String) -> String {
    var metricColumns: [String] = []
    for column in cases.flatMap(\.metrics).map(columnName) where !metricColumns.contains(column) {
      metricColumns.append(column)
    }
    var text = CSV.line(fixedSummaryColumns + metricColumns)
    for summary in cases {
      let medians = Dictionary(
        summary.metrics.map { (columnName($0), $0.median) }, uniquingKeysWith: { first, _ in first })
      text += CSV.line(
        fixedFields(summary, runID)
          + metricColumns.map { column in
            (medians[column] ?? nil).map(shortestDecimal) ?? ""
          })
    }
    return text
  }

  /// The columns before the metrics'.
  static let fixedSummaryColumns = [
    "schema_version", "run_id", "mechanism", "variant", "pattern", "wait", "placement", "attach", "scope",
    "producers", "consumers", "message_bytes", "rate_target_per_s", "touch", "status", "reason", "trials_ok",
    "trials_failed", "trials_skipped", "trials_repeated",
  ]

  private static func fixedFields(_ summary: CaseSummary, _ runID: String) -> [String] {
    let identity = summary.identity
    return [
      "\(TrialRecord.currentSchemaVersion)", runID, identity.mechanism, identity.variant, identity.pattern,
      identity.wait, identity.placement, identity.attach, identity.scope, "\(identity.producers)",
      "\(identity.consumers)", "\(identity.messageBytes)",
      identity.rateTargetPerSecond.map(shortestDecimal) ?? "", identity.touch, summary.status.rawValue,
      summary.reason, "\(summary.okTrials)", "\(summary.failedTrials)", "\(summary.skippedTrials)",
      "\(summary.repeatedTrials)",
    ]
  }

  private static func columnName(_ metric: MetricSummary) -> String {
    columnName(metric: metric.metric, unit: metric.unit)
  }

  /// The metric with its unit, last: `latency_rtt_p50_ns`, `message_rate_per_s`, `goodput_bytes_per_s`,
  /// `cpu_user_producer_ns_per_message`. Plain counts have no suffix.
  public static func columnName(metric: String, unit: String) -> String {
    let words = unit.split(separator: "/", omittingEmptySubsequences: false)
      .map { $0 == "1" ? "" : $0 == "B" ? "bytes" : String($0) }
    let suffix = words.joined(separator: "_per_").drop { $0 == "_" }
      .map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
    return suffix.isEmpty ? metric : metric + "_" + String(suffix)
  }
}
