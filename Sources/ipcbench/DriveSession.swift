import Foundation
import Harness
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms
import Results

/// One invocation of `drive` that measures: from the flags to the files and the exit code.
struct DriveSession {
  private let options: DriveCommand
  private let served: Served
  private let hosts: Hosts
  private let scope = ResourceScope()
  private let plan: Plan

  init(_ options: DriveCommand, _ entry: MechanismEntry, _ served: Served, _ hosts: Hosts) throws {
    self.options = options
    self.served = served
    self.hosts = hosts
    let topology = Topology.detect()
    let planner = Planner(entries: [entry], topology: topology, scope: scope)
    let seed = options.seed ?? UInt64.random(in: 0..<1_000_000)
    var plan = try planner.plan(options.suite(served), pin: .none, memory: .local, seed: seed)
    let bootID = PeerMachine.capture().bootID
    plan.setSides(
      producerCPU: try options.pin.cpu(topology, isProducer: true), consumerCPU: served.cpu,
      sharesKernel: bootID != nil && bootID == served.machine.bootID, scope: hosts.scope)
    self.plan = plan
  }

  // MARK: Measuring

  /// - Parameter connection: a greeted one; it is closed at the end.
  func measure(_ call: ServerCall, _ connection: ControlConnection) throws {
    guard !plan.cases.isEmpty else {
      connection.close()
      throw Problem(.usage, "Nothing can be measured: \(plan.skips[0].reason)")
    }
    try StopSignal.install()
    defer { scope.removeAll() }
    let machine = Machine(command: command)
    let record = makeRecord(machine.environment)
    do {
      let directory = try RunDirectory.create(
        at: "\(options.directory)/\(record.runID)", plan: record, environment: machine.environment)
      try measure(into: directory, machine, record, call, connection)
    } catch let error as ResultsError {
      throw Problem(.toolFailed, error.description)
    }
  }

  private func measure(
    into directory: RunDirectory, _ machine: Machine, _ record: RunPlan, _ call: ServerCall,
    _ connection: ControlConnection
  ) throws {
    let runner = try DrivenTrials(
      call, connection, hosts: hosts, scope: scope, clock: machine.clock,
      deadlineNanoseconds: options.deadline?.nanoseconds)
    let identity = RunIdentity(
      runID: record.runID, sessionID: record.runID, hostID: machine.environment.host.hostID,
      environmentHash: machine.environment.hash, gitCommit: record.gitCommit)
    var loop = RunLoop(
      plan: plan, identity: identity, finished: [], firstOrder: 0, clock: machine.clock,
      timeBudgetNanoseconds: nil, runner: runner)
    var progress = TerminalProgress(
      isQuiet: options.quiet, predictedNanoseconds: plan.predictedNanoseconds)
    var sink = DirectorySink(directory: directory)
    let summary = try loop.run(into: &sink, &progress)
    try sink.directory.finish()
    let run = try sink.directory.load()
    printResults(run, options.format)
    if summary.wasInterrupted {
      throw Problem(.toolFailed, "Interrupted; finished trials are kept in \(run.path).")
    }
    try summary.requireSuccess(run)
  }

  private var command: [String] {
    var command = ["ipcbench"] + CommandLine.arguments.dropFirst()
    if options.seed == nil { command += ["--seed", String(plan.seed)] }
    return command
  }

  private func makeRecord(_ environment: Environment) -> RunPlan {
    RunPlan(
      runID: RunID.make(), suite: plan.suite, command: command, seed: plan.seed, rounds: plan.rounds,
      order: plan.order.map { PlannedTrial(identity: $0.planned.identity, trial: $0.trial) },
      skips: plan.skips, gitCommit: environment.tool.gitCommit ?? "", startedAt: environment.time,
      peer: served.machine)
  }
}

extension DriveCommand {
  /// What is asked for, of what is served.
  func suite(_ served: Served) throws -> Suite {
    for size in sizes?.elements ?? [] where size.byteCount > served.messageByteCount {
      throw Problem(
        .usage,
        "The server takes messages of at most \(Units.describe(byteCount: served.messageByteCount)), "
          + "\(Units.describe(byteCount: size.byteCount)) were asked for: serve with a larger --size where "
          + "\(served.id) allows it.")
    }
    var block = Suite.Block(
      mechanisms: [served.id], sizes: sizes?.elements.map(\.byteCount), waits: [served.wait], attach: [.name],
      touch: touch, trials: trials, messages: messages)
    if let duration { block.durationNanoseconds = duration.nanoseconds }
    return Suite(name: "by-hand", description: "Two sides by hand.", blocks: [block])
  }
}
