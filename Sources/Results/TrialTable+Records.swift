extension TrialTable {
  /// The table that the run's `results.csv` would give.
  public init(_ records: [TrialRecord]) {
    var (metricIndices, originIndices, caseIndices): ([String: Int], [Origin: Int], [CaseIdentity: Int]) =
      ([:], [:], [:])
    for record in records {
      let origin = Origin(
        schemaVersion: record.schemaVersion, runID: record.runID, sessionID: record.sessionID,
        hostID: record.hostID, environmentHash: record.environmentHash, gitCommit: record.gitCommit)
      var trial = Trial(
        origin: Self.index(of: origin, in: &origins, &originIndices),
        caseIndex: Self.index(of: record.identity, in: &cases, &caseIndices), trial: record.trial,
        attempt: record.attempt, pairIndex: record.pairIndex, orderInSession: record.orderInSession,
        status: record.status, reason: record.reason, probesAgree: record.probesAgree)
      for measure in record.measures {
        let metric = metricIndices[measure.metric] ?? metrics.count
        if metric == metrics.count {
          metricIndices[measure.metric] = metric
          metrics.append(Metric(name: measure.metric, unit: measure.unit, better: measure.better))
        }
        guard let value = measure.value, value.isFinite else { continue }
        trial.values.append(Value(metric: metric, value: value, samples: measure.samples))
      }
      trials.append(trial)
    }
    putInOrder()
  }

  static func index<Name: Hashable>(
    of name: Name, in names: inout [Name], _ indices: inout [Name: Int]
  ) -> Int {
    if let known = indices[name] { return known }
    indices[name] = names.count
    names.append(name)
    return names.count - 1
  }

  /// All trials of several tables in one.
  ///
  /// - Parameter tables: of different runs, or of different parts of one.
  public static func merging(_ tables: [TrialTable]) -> TrialTable {
    var all = TrialTable()
    var (metricIndices, originIndices, caseIndices): ([Metric: Int], [Origin: Int], [CaseIdentity: Int]) =
      ([:], [:], [:])
    for table in tables {
      let metrics = table.metrics.map { index(of: $0, in: &all.metrics, &metricIndices) }
      let origins = table.origins.map { index(of: $0, in: &all.origins, &originIndices) }
      let cases = table.cases.map { index(of: $0, in: &all.cases, &caseIndices) }
      for var trial in table.trials {
        trial.origin = origins[trial.origin]
        trial.caseIndex = cases[trial.caseIndex]
        for index in trial.values.indices { trial.values[index].metric = metrics[trial.values[index].metric] }
        all.trials.append(trial)
      }
    }
    all.putInOrder()
    return all
  }
}
