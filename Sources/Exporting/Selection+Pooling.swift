import Results

extension Selection {
  /// A case of one machine over all its runs: for formats in which a name can occur only once.
  struct PooledCase {
    var chosen: Case
    /// Position among the cases.
    var index: Int
    /// The runs it was measured in.
    var runIDs: [String]
  }

  /// The cases of all runs, each once, in the order in which people compare.
  var pooledCases: [PooledCase] {
    var pooled: [CaseIdentity: PooledCase] = [:]
    for run in runs {
      for chosen in run.cases {
        if pooled[chosen.identity] == nil {
          pooled[chosen.identity] = PooledCase(chosen: chosen, index: 0, runIDs: [run.origin.runID])
        } else {
          pooled[chosen.identity]!.add(chosen, run.origin.runID)
        }
      }
    }
    let sorted = pooled.values.sorted { $0.chosen.identity < $1.chosen.identity }
    return sorted.enumerated().map { index, element in
      var element = element
      element.index = index
      return element
    }
  }
}

extension Selection.PooledCase {
  fileprivate mutating func add(_ other: Selection.Case, _ runID: String) {
    runIDs.append(runID)
    chosen.trials += other.trials
    chosen.disturbedTrials += other.disturbedTrials
    if let loss = other.loss {
      chosen.loss =
        chosen.loss.map { Selection.Loss(status: $0.status, reason: "\($0.reason); \(loss.reason)") } ?? loss
    }
  }
}
