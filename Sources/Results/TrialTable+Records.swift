extension TrialTable {
  /// The table that the `results.csv` of these records gives. What they say is taken as it is: it is for
  /// records that were made here, and those of a file go through `checking(_:path:)`.
  public init(_ records: [TrialRecord]) {
    var (metricIndices, originIndices, caseIndices): ([String: Int], [Origin: Int], [CaseIdentity: Int]) =
      ([:], [:], [:])
    for record in records {
      let head = TrialGatherer.Head(record)
      var trial = head.trial
      trial.origin = Self.index(of: head.origin, in: &origins, &originIndices)
      trial.caseIndex = Self.index(of: head.identity, in: &cases, &caseIndices)
      for measure in record.measures {
        let metric = Self.index(of: measure.metric, metrics.count, &metricIndices)
        if metric == metrics.count { metrics.append(Metric(measure)) }
        guard let value = measure.value, value.isFinite else { continue }
        trial.values.append(Value(metric: metric, value: value, samples: measure.samples))
      }
      trials.append(trial)
    }
    putInOrder()
  }

  /// The table of a run's `trials.jsonl`.
  ///
  /// - Parameter path: of the file that the records are the lines of; named in errors.
  /// - Throws: `malformed` or `empty`.
  static func checking(_ records: [TrialRecord], path: String) throws(ResultsError) -> TrialTable {
    var gatherer = TrialGatherer(path: path)
    for (index, record) in records.enumerated() {
      let line = index + 1
      let (trial, firstLine) = try gatherer.trial(TrialGatherer.Head(record), line: line)
      if firstLine != line { throw .repeats(line, of: firstLine, in: path, "the same trial") }
      for measure in record.measures {
        let metric = try gatherer.metric(Metric(measure), line: line)
        try gatherer.add(
          measure.value ?? .nan, samples: measure.samples, metric: metric, to: trial, line: line)
      }
    }
    return try gatherer.finish()
  }

  static func index<Name: Hashable>(
    of name: Name, in names: inout [Name], _ indices: inout [Name: Int]
  ) -> Int {
    let index = index(of: name, names.count, &indices)
    if index == names.count { names.append(name) }
    return index
  }

  /// The index of a name, which is the next one for a name that is new.
  private static func index<Name: Hashable>(
    of name: Name, _ next: Int, _ indices: inout [Name: Int]
  ) -> Int {
    if let known = indices[name] { return known }
    indices[name] = next
    return next
  }
}

extension TrialTable.Metric {
  fileprivate init(_ measure: Measure) {
    self.init(name: measure.metric, unit: measure.unit, better: measure.better)
  }
}

extension TrialGatherer.Head {
  fileprivate init(_ record: TrialRecord) {
    self.init(
      origin: TrialTable.Origin(
        schemaVersion: record.schemaVersion, runID: record.runID, sessionID: record.sessionID,
        hostID: record.hostID, environmentHash: record.environmentHash, gitCommit: record.gitCommit),
      identity: record.identity,
      trial: TrialTable.Trial(
        origin: 0, caseIndex: 0, trial: record.trial, attempt: record.attempt,
        pairIndex: record.pairIndex,
        orderInSession: record.orderInSession, status: record.status, reason: record.reason,
        probesAgree: record.probesAgree))
  }
}
