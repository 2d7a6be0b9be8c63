/// Puts the trials of several files into one table.
struct TableMerger {
  private var table = TrialTable()
  private var originIndices: [TrialTable.Origin: Int] = [:]
  private var caseIndices: [CaseIdentity: Int] = [:]
  private var metricIndices: [String: Int] = [:]
  private var trialIndices: [Key: Int] = [:]
  /// The file in which each metric and each trial first came.
  private var (metricPaths, trialPaths): ([String], [String]) = ([], [])

  private struct Key: Hashable {
    var run: String
    var order: Int
  }

  var isEmpty: Bool { table.trials.isEmpty }

  /// - Parameter path: named in errors.
  /// - Returns: how many of the trials had come in an earlier file, and are kept once.
  /// - Throws: `malformed` when the files say different things of one trial, or of one metric.
  mutating func add(_ added: TrialTable, path: String) throws(ResultsError) -> Int {
    var metrics: [Int] = []
    for metric in added.metrics { metrics.append(try index(of: metric, path)) }
    let origins = added.origins.map { TrialTable.index(of: $0, in: &table.origins, &originIndices) }
    let cases = added.cases.map { TrialTable.index(of: $0, in: &table.cases, &caseIndices) }
    let earlier = table.trials.count
    var repeated = 0
    for var trial in added.trials {
      trial.origin = origins[trial.origin]
      trial.caseIndex = cases[trial.caseIndex]
      for index in trial.values.indices {
        trial.values[index].metric = metrics[trial.values[index].metric]
      }
      trial.values.sort { $0.metric < $1.metric }
      let key = Key(run: table.origins[trial.origin].runID, order: trial.orderInSession)
      if let known = trialIndices[key], known < earlier {
        guard table.trials[known] == trial else { throw contradiction(known, path) }
        repeated += 1
        continue
      }
      trialIndices[key] = table.trials.count
      table.trials.append(trial)
      trialPaths.append(path)
    }
    return repeated
  }

  consuming func finish() -> TrialTable {
    table.putInOrder()
    return table
  }

  private mutating func index(of metric: TrialTable.Metric, _ path: String) throws(ResultsError)
    -> Int
  {
    if let known = metricIndices[metric.name] {
      guard let (what, own, others) = metric.difference(from: table.metrics[known]) else {
        return known
      }
      throw ResultsError(
        .malformed, path: path,
        "\(path) and \(metricPaths[known]) cannot be taken together (\(metric.name) has the \(what) '\(own)' and '\(others)'): "
          + "take files that one version wrote.")
    }
    metricIndices[metric.name] = table.metrics.count
    table.metrics.append(metric)
    metricPaths.append(path)
    return table.metrics.count - 1
  }

  private func contradiction(_ trial: Int, _ path: String) -> ResultsError {
    let known = table.trials[trial]
    let run = table.origins[known.origin].runID
    return ResultsError(
      .malformed, path: path,
      "\(path) and \(trialPaths[trial]) say different things of one trial (order \(known.orderInSession) of run "
        + "\(run)): give one of them only.")
  }
}

extension TrialTable {
  /// All trials of several tables in one; a trial that is in several is there once.
  ///
  /// - Parameter paths: of the files that the tables come from; named in errors.
  /// - Throws: `malformed` when the tables say different things of one trial, or of one metric.
  public static func merging(_ tables: [TrialTable], paths: [String] = []) throws(ResultsError)
    -> TrialTable
  {
    var merger = TableMerger()
    for (index, table) in tables.enumerated() {
      _ = try merger.add(table, path: index < paths.count ? paths[index] : "table \(index + 1)")
    }
    return merger.finish()
  }
}
