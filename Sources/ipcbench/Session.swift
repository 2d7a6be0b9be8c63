import Foundation
import Glibc
import Harness
import IPCTransport
import LinuxIPC
import Logging
import Measurement
import Mechanisms
import Reporting
import Results

/// One invocation of `run`: from the flags to the files and the exit code.
struct Session {
  private let options: RunCommand
  private let suite: Suite
  private let topology: Topology
  private let scope: ResourceScope
  private let plan: Plan
  private let arguments: [String]

  /// - Parameter arguments: what was typed, or would have been, after the name of the program.
  init(_ options: RunCommand, arguments: [String] = Array(CommandLine.arguments.dropFirst())) throws {
    self.options = options
    self.arguments = arguments
    topology = Topology.detect()
    scope = ResourceScope()
    do {
      suite = try options.requestedSuite()
      let planner = Planner(entries: Registry.entries, topology: topology, scope: scope)
      let seed = options.seed ?? UInt64.random(in: 0..<1_000_000)
      var plan = try planner.plan(suite, pin: options.pin.request, memory: .local, seed: seed)
      plan.memory = try options.memory.policy(
        topology: topology, producer: plan.producerCPU, consumer: plan.consumerCPU)
      plan.echoSpinSteps = options.echoSpin
      plan.countsEvents =
        options.counts && suite.countsEvents && getenv(TrialProgram.noCountsVariable) == nil
      try plan.keep(options.filters)
      self.plan = plan
    } catch let error as UsageError {
      throw Problem(.usage, error.description)
    }
  }

  // MARK: Dry run

  var dryRunText: String {
    var lines = ["\(suite.name): \(suite.description)"]
    for planned in plan.cases {
      let identity = planned.identity
      let rate = identity.rateTargetPerSecond.map { " at \(Int($0))/s" } ?? ""
      lines.append(
        "  \(identity.id) \(identity.pattern)\(rate) \(Units.describe(byteCount: identity.messageBytes)) "
          + (planned.crew == .pair ? "" : "\(identity.producers):\(identity.consumers) ")
          + "\(identity.wait) \(identity.attach)\(planned.scope == .network ? " network" : "") × \(planned.trials)"
      )
    }
    for skip in plan.skips { lines.append("  skipped \(skip.identity.id): \(skip.reason)") }
    lines.append(
      "\(plan.cases.count) cases, \(plan.order.count) trials, \(plan.skips.count) skipped, "
        + "placement \(plan.placement.rawValue), seed \(plan.seed), about "
        + Units.describe(nanoseconds: plan.predictedNanoseconds))
    return lines.joined(separator: "\n")
  }

  // MARK: A new run

  func start(in parent: String) throws {
    let (run, summary) = try measure(in: parent)
    try conclude(run, summary)
  }

  /// Measures, and prints nothing.
  func measure(in parent: String) throws -> (Run, RunSummary) {
    guard !plan.cases.isEmpty else {
      throw Problem(.usage, "Nothing can be measured: \(plan.skips[0].reason)")
    }
    let command = reproducibleCommand
    let machine = Machine(command: command)
    let environment = machine.environment
    let runID = RunID.make()
    let record = RunPlan(
      runID: runID, suite: suite.name, command: command, seed: plan.seed, rounds: plan.rounds,
      order: plan.order.map { PlannedTrial(identity: $0.planned.identity, trial: $0.trial) },
      skips: plan.skips, gitCommit: environment.tool.gitCommit ?? "",
      startedAt: environment.time)
    do {
      let directory = try RunDirectory.create(
        at: "\(parent)/\(runID)", plan: record, environment: environment)
      return try measure(into: directory, machine, runID, finished: [], firstOrder: 0)
    } catch let error as ResultsError {
      throw Problem(.toolFailed, error.description)
    }
  }

  /// The command line that makes this run again: as typed, with the seed that was drawn.
  private var reproducibleCommand: [String] {
    var command = ["ipcbench"] + arguments
    if options.seed == nil { command += ["--seed", String(plan.seed)] }
    return command
  }

  // MARK: An interrupted run

  static func resume(_ path: String, format: OutputFormat, quiet: Bool) throws {
    do {
      let directory = try RunDirectory.open(path)
      let run = try directory.load()
      run.warnings.forEach { log.warning("\($0)") }
      // As it was typed, the seed included.
      guard
        var command = try IPCBench.parseAsRoot(Array(run.plan.command.dropFirst())) as? RunCommand
      else { throw Problem(.usage, "\(path) was not written by 'ipcbench run'.") }
      command.format = format
      command.quiet = quiet
      let session = try Session(command)
      let machine = Machine(command: run.plan.command)
      guard machine.environment.hash == run.environment.hash else {
        throw Problem(
          .usage, "\(path) was measured on another machine or kernel; a run can only go on where it began.")
      }
      let (measured, summary) = try session.measure(
        into: directory, machine, run.plan.runID, finished: run.finished,
        firstOrder: run.trials.count)
      try session.conclude(measured, summary)
    } catch let error as ResultsError {
      throw Problem(.toolFailed, error.description)
    }
  }

  // MARK: Measuring

  private func measure(
    into directory: RunDirectory, _ machine: Machine, _ runID: String, finished: Set<PlannedTrial>,
    firstOrder: Int
  ) throws -> (Run, RunSummary) {
    Preparation.run(quiet: options.quiet, topology: topology)
    let services = ServiceHost(
      scope: scope, logDirectory: "\(directory.path)/services", display: options.display)
    defer {
      services.stopAll()
      scope.removeAll()
    }
    let identity = RunIdentity(
      runID: runID, sessionID: RunID.make(), hostID: machine.environment.host.hostID,
      environmentHash: machine.environment.hash, gitCommit: machine.environment.tool.gitCommit ?? "")
    var loop = RunLoop(
      plan: plan, identity: identity, finished: finished, firstOrder: firstOrder, clock: machine.clock,
      timeBudgetNanoseconds: options.timeBudget?.nanoseconds, runner: try makeRunner(machine.clock, services))
    var progress = TerminalProgress(
      isQuiet: options.quiet, predictedNanoseconds: plan.predictedNanoseconds)
    var sink = DirectorySink(directory: directory)
    let summary = try loop.run(into: &sink, &progress)
    try sink.directory.finish()
    return (try sink.directory.load(), summary)
  }

  private func makeRunner(_ clock: Clock, _ services: ServiceHost) throws -> TrialRunner {
    do {
      return try TrialRunner(
        scope: scope, services: services, clock: clock, deadlineNanoseconds: options.deadline?.nanoseconds)
    } catch {
      throw Problem(.toolFailed, "Cannot map the control page: \(error).")
    }
  }

  private func conclude(_ run: Run, _ summary: RunSummary) throws {
    printResults(run, options.format)
    if summary.ranOutOfTime {
      log.notice("The time budget is used up; 'ipcbench run --resume \(run.path)' measures the rest.")
    }
    if summary.wasInterrupted {
      throw Problem(
        .toolFailed,
        "Interrupted; finished trials are kept. 'ipcbench run --resume \(run.path)' goes on with the rest.")
    }
    try summary.requireSuccess(run)
  }
}

/// What every command that measures ends with.
func printResults(_ run: Run, _ format: OutputFormat) {
  switch format {
  case .text:
    Terminal.data(textReport(run, style: Terminal.style, files: [run.path], ownCost: Registry.ownCost))
  case .json: Terminal.data(jsonText(run, ownCost: Registry.ownCost))
  case .csv: Terminal.data(csvText(run))
  case .md: Terminal.data(markdownReport(run, ownCost: Registry.ownCost))
  }
}

extension RunSummary {
  func requireSuccess(_ run: Run) throws {
    guard failed > 0 else { return }
    throw Problem(
      .caseFailed,
      "\(failed) of \(failed + measured) trials failed; the reasons are in \(run.path)/results.csv.")
  }
}

/// Appends trials to a run directory.
struct DirectorySink: TrialSink {
  var directory: RunDirectory

  mutating func append(_ record: TrialRecord) throws(ResultsError) { try directory.append(record) }
}
