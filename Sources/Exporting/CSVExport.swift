import Results

extension Export {
  /// A part of `results.csv`, with the same columns.
  ///
  /// Every trial of the chosen cases is kept, also repeated, failed and skipped ones: the rule that says which
  /// ones count is the reader's, so that comparing the part gives the verdicts of the whole. A number that must
  /// not be given has no row.
  static let csv = Export(
    name: "csv", summary: "tidy rows with the columns of results.csv: a part to mail",
    maker: .trials { selection throws(ExportError) in
      Exported([Exported.File(name: "results.csv", text: csvText(selection))])
    })

  private static func csvText(_ selection: Selection) -> String {
    let table = selection.table
    // A derived metric is kept as what it is derived from.
    let names = selection.metrics?.flatMap { $0 == DerivedMetric.cpu.name ? DerivedMetric.cpuParts : [$0] }
    let wanted = names.map(Set.init)
    let records = selection.allTrials.map { trial in
      let origin = table.origins[trial.origin]
      let measures = trial.values.compactMap { value -> Measure? in
        let metric = table.metrics[value.metric]
        guard wanted?.contains(metric.name) ?? true else { return nil }
        return Measure(
          metric.name, value.value, unit: metric.unit, better: metric.better, samples: value.samples)
      }
      return TrialRecord(
        schemaVersion: origin.schemaVersion, runID: origin.runID, sessionID: origin.sessionID,
        hostID: origin.hostID, environmentHash: origin.environmentHash, gitCommit: origin.gitCommit,
        identity: table.cases[trial.caseIndex], trial: trial.trial, attempt: trial.attempt,
        pairIndex: trial.pairIndex, orderInSession: trial.orderInSession, status: trial.status,
        reason: trial.reason, startedAt: "", probesAgree: trial.probesAgree, measures: measures)
    }
    return ResultsCSV.tidy(records)
  }
}
