import Results

/// The trials of one side that count, by case.
struct SideTrials: Sendable {
  /// What became of a case on this side.
  struct Case: Sendable {
    /// Measured, and the machine stayed the same meanwhile. In the order of the table.
    var usable: [TrialTable.Trial] = []
    /// Measured, but the probes before and after disagree.
    var unsteady: [TrialTable.Trial] = []
    var failed: [TrialTable.Trial] = []
    var skipped: [TrialTable.Trial] = []

    var measuredCount: Int { usable.count + unsteady.count }
    var trialCount: Int { measuredCount + failed.count + skipped.count }
  }

  let label: String
  let table: TrialTable
  let environments: [String: Environment]
  let consumers: Set<String>
  /// The cases that the filter lets through.
  private(set) var cases: [CaseIdentity: Case] = [:]
  /// The origins that these cases' trials have.
  private(set) var origins: [TrialTable.Origin] = []

  init(_ side: ResultsSet, _ filter: CaseFilter) {
    label = side.label
    table = side.table
    environments = side.environments
    consumers = side.consumers
    let included = side.table.cases.map(filter.includes)
    var found = Array(repeating: Case(), count: included.count)
    var used = Set<Int>()
    for trial in side.table.finalTrials where included[trial.caseIndex] {
      used.insert(trial.origin)
      found[trial.caseIndex].add(trial)
    }
    origins = used.sorted().map { side.table.origins[$0] }
    for (identity, trials) in zip(side.table.cases, found) where trials.trialCount > 0 {
      cases[identity] = trials
    }
  }

  /// - Throws: `usage` when the filter lets no case through.
  init(checking side: ResultsSet, _ filter: CaseFilter) throws(ComparisonError) {
    if let none = filter.whyNone(of: side.table.cases) {
      throw ComparisonError(.usage, "\(side.label): \(none.description)")
    }
    self.init(side, filter)
  }

  /// Every trial that was measured, in the order of the cases.
  var measured: [TrialTable.Trial] {
    cases.keys.sorted().flatMap { identity in
      (cases[identity]?.usable ?? []) + (cases[identity]?.unsteady ?? [])
    }
  }

  func origin(of trial: TrialTable.Trial) -> TrialTable.Origin { table.origins[trial.origin] }
}

extension SideTrials.Case {
  fileprivate mutating func add(_ trial: TrialTable.Trial) {
    switch trial.status {
    case .ok where trial.probesAgree: usable.append(trial)
    case .ok: unsteady.append(trial)
    case .failed: failed.append(trial)
    case .skipped: skipped.append(trial)
    }
  }
}
