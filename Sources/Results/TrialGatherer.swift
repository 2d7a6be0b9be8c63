/// Gathers trials, from rows or from records, and makes sure that what they say can be and goes together.
///
/// - A trial is known by its run and its `order_in_session`, which goes on counting when a run is resumed.
/// - Lines are those of the file at `path`, for the sentence about two that do not go together.
struct TrialGatherer {
  /// What every row of a trial says alike.
  struct Head {
    var origin: TrialTable.Origin
    var identity: CaseIdentity
    /// With indices that mean nothing yet, and without values.
    var trial: TrialTable.Trial
  }

  let path: String
  private var table = TrialTable()
  private var originIndices: [TrialTable.Origin: Int] = [:]
  private var caseIndices: [CaseIdentity: Int] = [:]
  private var metricIndices: [String: Int] = [:]
  private var trialIndices: [Key: Int] = [:]
  /// Where each metric and each trial is first named.
  private var (metricLines, trialLines): ([Int], [Int]) = ([], [])
  /// Where each value of each trial stands.
  private var valueLines: [[Int]] = []

  private struct Key: Hashable {
    var run: String
    var order: Int
  }

  init(path: String) { self.path = path }

  // MARK: Trials

  /// - Returns: the trial, and the line that named it first.
  /// - Throws: `malformed` when it is impossible, or is not what an earlier line said of it.
  mutating func trial(_ head: Head, line: Int) throws(ResultsError) -> (index: Int, firstLine: Int) {
    if let defect = head.defect { throw .malformedLine(line, of: path, defect) }
    try checkVersion(head, line)
    let key = Key(run: head.origin.runID, order: head.trial.orderInSession)
    if let known = trialIndices[key] {
      if let (column, here, there) = head.difference(from: self.head(known)) {
        let text = "in the same trial, \(column) is '\(here.excerpt)' here and '\(there.excerpt)' there"
        throw .conflict(line, with: trialLines[known], of: path, text)
      }
      return (known, trialLines[known])
    }
    var trial = head.trial
    trial.origin = TrialTable.index(of: head.origin, in: &table.origins, &originIndices)
    trial.caseIndex = TrialTable.index(of: head.identity, in: &table.cases, &caseIndices)
    // The trials of a file are much alike.
    let expected = min(valueLines.last?.count ?? 0, 64)
    trial.values.reserveCapacity(expected)
    trialIndices[key] = table.trials.count
    table.trials.append(trial)
    trialLines.append(line)
    valueLines.append([])
    valueLines[table.trials.count - 1].reserveCapacity(expected)
    return (table.trials.count - 1, line)
  }

  mutating func setReason(_ reason: String, of trial: Int) { table.trials[trial].reason = reason }

  /// Of two versions, a reader cannot know that they mean the same by a column.
  private func checkVersion(_ head: Head, _ line: Int) throws(ResultsError) {
    let (version, first) = (head.origin.schemaVersion, table.origins.first?.schemaVersion)
    if let first, let firstLine = trialLines.first, version != first {
      let text = "schema_version is '\(version)' here and '\(first)' there"
      throw .conflict(line, with: firstLine, of: path, text)
    }
    if version > TrialRecord.currentSchemaVersion {
      throw .newer(
        version, current: TrialRecord.currentSchemaVersion, place: "line \(line) of \(path)",
        path: path)
    }
  }

  private func head(_ trial: Int) -> Head {
    let trial = table.trials[trial]
    return Head(
      origin: table.origins[trial.origin], identity: table.cases[trial.caseIndex], trial: trial)
  }

  // MARK: Values

  /// - Throws: `malformed` when the metric has another unit or direction than it had before, or than ipcbench
  ///   gives it.
  mutating func metric(_ metric: TrialTable.Metric, line: Int) throws(ResultsError) -> Int {
    for (column, text) in [("metric", metric.name), ("unit", metric.unit)]
    where text.isEmpty || !text.isPlainName {
      throw .malformedLine(line, of: path, "\(column) is '\(text.excerpt)'")
    }
    if let known = TrialTable.Metric.known(metric.name),
      let (what, here, there) = metric.difference(from: known)
    {
      let text = "\(metric.name) has the \(what) '\(here)' and not '\(there)'"
      throw .malformedLine(line, of: path, text)
    }
    if let index = metricIndices[metric.name] {
      if let (what, here, there) = metric.difference(from: table.metrics[index]) {
        let text = "\(metric.name) has the \(what) '\(here)' here and '\(there)' there"
        throw .conflict(line, with: metricLines[index], of: path, text)
      }
      return index
    }
    metricIndices[metric.name] = table.metrics.count
    table.metrics.append(metric)
    metricLines.append(line)
    return table.metrics.count - 1
  }

  /// - Parameters:
  ///   - value: not a number where it must not be given.
  ///   - metric: what `metric(_:line:)` returned; nil where the line only says that there was such a trial.
  mutating func add(
    _ value: Double, samples: Int?, metric: Int?, to trial: Int, line: Int
  ) throws(ResultsError) {
    if let metric, value < 0, !table.metrics[metric].mayBeNegative {
      let text =
        "\(table.metrics[metric].name) is \(shortestDecimal(value)), and cannot be negative"
      throw .malformedLine(line, of: path, text)
    }
    if let samples, samples < 0 { throw .malformedLine(line, of: path, "samples is '\(samples)'") }
    if metric != nil && table.trials[trial].status == .skipped {
      throw .malformedLine(line, of: path, "a skipped trial has a metric")
    }
    table.trials[trial].values.append(
      // Zero has one sign, so that equal tables are also alike to the last bit.
      TrialTable.Value(
        metric: metric ?? Self.noMetric, value: value == 0 ? 0 : value, samples: samples))
    valueLines[trial].append(line)
  }

  private static let noMetric = -1

  // MARK: The table

  /// - Throws: `malformed` when something is there twice; `empty`.
  consuming func finish() throws(ResultsError) -> TrialTable {
    guard !table.trials.isEmpty else { throw .noTrials(path) }
    for index in table.trials.indices { try checkLines(of: index) }
    try checkAttempts()
    for index in table.trials.indices { table.trials[index].values.removeAll { $0.value.isNaN } }
    table.putInOrder()
    return table
  }

  private func checkLines(of index: Int) throws(ResultsError) {
    let (values, lines) = (table.trials[index].values, valueLines[index])
    // As a rule they come in the same order in every trial.
    if zip(values, values.dropFirst()).allSatisfy({ $0.metric < $1.metric && $0.metric >= 0 }) {
      return
    }
    let order = values.indices.sorted {
      (values[$0].metric, lines[$0]) < (values[$1].metric, lines[$1])
    }
    for (first, second) in zip(order, order.dropFirst()) {
      if values[first].metric == values[second].metric {
        throw .repeats(lines[second], of: lines[first], in: path, "the same trial and metric")
      }
      if values[first].metric == Self.noMetric {
        throw .conflict(
          lines[first], with: lines[second], of: path, "one trial with and without metrics")
      }
    }
  }

  /// A second try has another number, and a trial that was done again belongs to another session.
  private func checkAttempts() throws(ResultsError) {
    struct Attempt: Hashable { var origin, caseIndex, trial, attempt: Int }
    var indices: [Attempt: Int] = [:]
    for (index, trial) in table.trials.enumerated() {
      let attempt = Attempt(
        origin: trial.origin, caseIndex: trial.caseIndex, trial: trial.trial, attempt: trial.attempt
      )
      if let known = indices.updateValue(index, forKey: attempt) {
        throw .repeats(
          trialLines[index], of: trialLines[known], in: path,
          "the same trial with another order_in_session")
      }
    }
  }
}

extension TrialGatherer.Head {
  /// What cannot be, in a few words.
  fileprivate var defect: String? {
    func below(_ limit: Int, _ column: String, _ value: Int?) -> String? {
      value.flatMap { $0 < limit ? "\(column) is '\($0)'" : nil }
    }
    let rate = identity.rateTargetPerSecond.flatMap { rate in
      rate > 0 && rate.isFinite ? nil : "rate_target_per_s is '\(shortestDecimal(rate))'"
    }
    return strangeName ?? below(1, "schema_version", origin.schemaVersion) ?? below(
      1, "producers", identity.producers)
      ?? below(1, "consumers", identity.consumers) ?? below(
        0, "message_bytes", identity.messageBytes)
      ?? rate ?? below(0, "trial", trial.trial) ?? below(0, "attempt", trial.attempt)
      ?? below(0, "pair_index", trial.pairIndex)
      ?? below(0, "order_in_session", trial.orderInSession)
  }

  /// Names are plain: what else stands there was not written by ipcbench, and might do things to a terminal.
  private var strangeName: String? {
    let needed = [
      ("run_id", origin.runID), ("session_id", origin.sessionID), ("mechanism", identity.mechanism),
      ("pattern", identity.pattern), ("wait", identity.wait), ("placement", identity.placement),
      ("attach", identity.attach), ("scope", identity.scope), ("touch", identity.touch),
    ]
    let others = [
      ("host_id", origin.hostID), ("environment_hash", origin.environmentHash),
      ("git_commit", origin.gitCommit), ("variant", identity.variant),
    ]
    let strange =
      needed.first { $0.1.isEmpty || !$0.1.isPlainName }
      ?? others.first { !$0.1.isPlainName }
    return strange.map { "\($0.0) is '\($0.1.excerpt)'" }
  }

  /// The first column in which the two differ, and what each has; nil where they are alike.
  fileprivate func difference(
    from other: TrialGatherer.Head
  ) -> (column: String, own: String, others: String)? {
    zip(columns, other.columns).first { $0.1 != $1.1 }.map { ($0.0, $0.1, $1.1) }
  }

  private var columns: [(String, String)] {
    [
      ("session_id", origin.sessionID), ("host_id", origin.hostID),
      ("environment_hash", origin.environmentHash), ("git_commit", origin.gitCommit),
      ("mechanism", identity.mechanism), ("variant", identity.variant),
      ("pattern", identity.pattern),
      ("wait", identity.wait), ("placement", identity.placement), ("attach", identity.attach),
      ("scope", identity.scope), ("producers", "\(identity.producers)"),
      ("consumers", "\(identity.consumers)"), ("message_bytes", "\(identity.messageBytes)"),
      ("rate_target_per_s", identity.rateTargetPerSecond.map(shortestDecimal) ?? ""),
      ("touch", identity.touch), ("trial", "\(trial.trial)"), ("attempt", "\(trial.attempt)"),
      ("pair_index", trial.pairIndex.map(String.init) ?? ""), ("status", trial.status.rawValue),
      ("probes_agree", "\(trial.probesAgree)"),
    ]
  }
}

extension TrialTable.Metric {
  /// What the two differ in, and what each has; nil where they are alike.
  func difference(from other: TrialTable.Metric) -> (what: String, own: String, others: String)? {
    if unit != other.unit { return ("unit", unit, other.unit) }
    return better == other.better ? nil : ("direction", better.rawValue, other.better.rawValue)
  }
}
