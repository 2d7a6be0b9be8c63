import Foundation
import IPCTransport
import LinuxIPC
import Measurement
import Results

/// Where a run keeps its records; the file system in the command, an array in tests.
public protocol TrialSink {
  mutating func append(_ record: TrialRecord) throws(ResultsError)
}

/// What is shown while a run goes on.
public protocol ProgressReporter {
  mutating func willRun(_ planned: PlannedCase, trial: Int, done: Int, of total: Int)
  mutating func didRun(_ record: TrialRecord)
  mutating func finish()
}

/// What every record of a run has in common.
public struct RunIdentity: Sendable {
  public var runID: String
  public var sessionID: String
  public var hostID: String
  public var environmentHash: String
  public var gitCommit: String

  public init(
    runID: String, sessionID: String, hostID: String, environmentHash: String, gitCommit: String
  ) {
    self.runID = runID
    self.sessionID = sessionID
    self.hostID = hostID
    self.environmentHash = environmentHash
    self.gitCommit = gitCommit
  }
}

/// How a run ended.
public struct RunSummary: Sendable {
  public var measured = 0
  public var failed = 0
  public var repeated = 0
  public var wasInterrupted = false
  public var ranOutOfTime = false
}

/// Goes through a plan round by round and appends each trial to the sink before the next one starts.
public struct RunLoop<Runner: PairRunner> {
  private let plan: Plan
  private let identity: RunIdentity
  private let finished: Set<PlannedTrial>
  private let clock: Clock
  private let timeBudgetNanoseconds: UInt64?
  private var runner: Runner
  private var order: Int
  private var summary = RunSummary()

  /// - Parameters:
  ///   - finished: trials that an earlier session of this run has done.
  ///   - firstOrder: how many records that session wrote.
  public init(
    plan: Plan, identity: RunIdentity, finished: Set<PlannedTrial>, firstOrder: Int, clock: Clock,
    timeBudgetNanoseconds: UInt64?, runner: Runner
  ) {
    self.plan = plan
    self.identity = identity
    self.finished = finished
    self.clock = clock
    self.timeBudgetNanoseconds = timeBudgetNanoseconds
    self.runner = runner
    order = firstOrder
  }

  public mutating func run(
    into sink: inout some TrialSink, _ progress: inout some ProgressReporter
  ) throws(ResultsError) -> RunSummary {
    defer { progress.finish() }
    for skip in plan.skips where !isFinished(skip.identity, 0) {
      try sink.append(record(skip.identity, trial: 0, status: .skipped, reason: skip.reason))
    }
    let began = Clock.monotonicNanoseconds()
    let todo = plan.order.filter { !isFinished($0.planned.identity, $0.trial) }
    for (done, next) in todo.enumerated() {
      if let budget = timeBudgetNanoseconds, Clock.monotonicNanoseconds() - began > budget {
        summary.ranOutOfTime = true
        break
      }
      progress.willRun(next.planned, trial: next.trial, done: done, of: todo.count)
      guard try runTrial(next.planned, next.trial, &sink, &progress) else {
        summary.wasInterrupted = true
        break
      }
    }
    return summary
  }

  private func isFinished(_ identity: CaseIdentity, _ trial: Int) -> Bool {
    finished.contains(PlannedTrial(identity: identity, trial: trial))
  }

  /// A trial under which the machine changed is tried again, twice at most; every attempt stays in the results.
  private static var attempts: Int { 3 }

  /// Returns false when the user asked to stop.
  private mutating func runTrial(
    _ planned: PlannedCase, _ trial: Int, _ sink: inout some TrialSink,
    _ progress: inout some ProgressReporter
  ) throws(ResultsError) -> Bool {
    for attempt in 0..<Self.attempts {
      let (startedAt, began) = (Date().formatted(.iso8601), Clock.monotonicNanoseconds())
      let outcome = runner.run(planned, plan, trial: trial)
      var record = record(planned.identity, trial: trial, status: .ok, reason: "", planned.crew)
      record.attempt = attempt
      record.startedAt = startedAt
      record.durationSeconds = Double(Clock.monotonicNanoseconds() - began) / 1e9
      switch outcome {
      case .interrupted: return false
      case .failed(let reason):
        record.status = .failed
        record.reason = reason
        summary.failed += 1
      case .measured(let measurement):
        let measures = Measures(
          measurement: measurement, planned: planned, echoSpinSteps: plan.echoSpinSteps, clock: clock)
        record.measures = measures.all
        record.histograms = measures.histograms
        record.reason = measures.disagreement ?? ""
        record.probesAgree = record.reason.isEmpty
        summary.measured += 1
      }
      try sink.append(record)
      progress.didRun(record)
      if record.probesAgree { return !StopSignal.isRequested }
      summary.repeated += attempt + 1 < Self.attempts ? 1 : 0
      if StopSignal.isRequested { return false }
    }
    return true
  }

  private mutating func record(
    _ identity: CaseIdentity, trial: Int, status: Status, reason: String, _ crew: Crew = .pair
  ) -> TrialRecord {
    defer { order += 1 }
    let further = plan.furtherCPUs(crew)
    let (producers, consumers) = crew.manyRole == .producer ? (further, []) : ([], further)
    let cpus = ([plan.producerCPU] + producers + [plan.consumerCPU] + consumers).compactMap(\.self)
      .map(String.init)
    return TrialRecord(
      runID: self.identity.runID, sessionID: self.identity.sessionID, hostID: self.identity.hostID,
      environmentHash: self.identity.environmentHash, gitCommit: self.identity.gitCommit,
      identity: identity, trial: trial, orderInSession: order, status: status, reason: reason,
      cpus: cpus.joined(separator: ","), startedAt: Date().formatted(.iso8601))
  }
}
