/// A run as it was read from its directory.
public struct Run: Sendable {
  public var plan: RunPlan
  public var environment: Environment
  /// In the order in which they were written.
  public var trials: [TrialRecord]
  /// What was tolerated while reading, one sentence each.
  public var warnings: [String]
  /// The directory.
  public var path: String

  public init(
    plan: RunPlan, environment: Environment, trials: [TrialRecord], warnings: [String] = [], path: String
  ) {
    self.plan = plan
    self.environment = environment
    self.trials = trials
    self.warnings = warnings
    self.path = path
  }

  /// The trials that a resumed run need not do again: those whose last record is ok or skipped. A failed
  /// trial is not among them, so it gets another chance.
  public var finished: Set<PlannedTrial> {
    var done = Set<PlannedTrial>()
    for record in trials {
      let key = PlannedTrial(identity: record.identity, trial: record.trial)
      if record.status == .failed { done.remove(key) } else { done.insert(key) }
    }
    return done
  }

  /// One summary per case that has a record, in the order in which the plan first names the cases.
  public var summaries: [CaseSummary] { summarise(trials, order: plan.cases) }
}
