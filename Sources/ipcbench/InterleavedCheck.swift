import Comparing
import Foundation
import Harness
import LinuxIPC
import Results

/// `check --against`: two programs, their trials in turn, in one session.
struct InterleavedCheck {
  private let options: CheckOptions
  private let reference: ReferenceBuild.Program
  private let directory: String
  private let topology = Topology.detect()
  private let scope = ResourceScope()
  private let suite: Suite
  private let plan: Plan
  private let seed: UInt64

  init(_ options: CheckOptions, against name: String, directory: String) throws {
    self.options = options
    self.directory = directory
    seed = options.seed ?? UInt64.random(in: 0..<1_000_000)
    do {
      suite = try options.loadSuite("check")
    } catch let error as UsageError {
      throw Problem(.usage, error.description)
    }
    plan = try options.plan(suite, topology: topology, scope: scope, seed: seed)
    // What probing made; building the other side may take minutes.
    scope.removeAll()
    reference = try ReferenceBuild.program(name)
  }

  func run() throws -> (CheckOutcome, files: [String]) {
    Preparation.run(quiet: options.quiet, topology: topology)
    defer { scope.removeAll() }
    let machine = Machine(command: CommandLine.arguments)
    let session = RunID.make()
    let identity = RunIdentity(
      runID: session, sessionID: session, hostID: machine.environment.host.hostID,
      environmentHash: machine.environment.hash, gitCommit: "")
    let own = TrialProgram(path: ReferenceBuild.ownPath, label: "this program")
    var source = ProgramPair(
      baseline: TrialProgram(path: reference.path, label: reference.label), candidate: own, plan: plan,
      scope: scope)
    let environments = try probe(source)
    var sink = try PairedDirectories("\(directory)/\(session)", plan: runPlan(machine, session), environments)
    var loop = CheckLoop(cases: plan.cases, criteria: options.criteria, identity: identity, seed: seed)
    var progress = CheckTerminalProgress(isQuiet: options.quiet)
    guard var cases = try loop.run(&source, into: &sink, &progress) else {
      throw Problem(
        .toolFailed, "Interrupted; nothing was decided. Finished trials are in \(directory)/\(session).")
    }
    try sink.finish()
    cases += plan.skips.map { CaseCheck(identity: $0.identity, status: .skipped, reason: $0.reason) }
    let outcome = CheckOutcome(
      baseline: reference.label, candidate: Self.describe(environments.candidate), criteria: options.criteria,
      cases: cases, notes: notes(environments))
    return (outcome, ["\(directory)/\(session)/baseline", "\(directory)/\(session)/candidate"])
  }

  // MARK: Both programs

  private typealias Environments = (baseline: Environment, candidate: Environment)

  /// Asks each program for one trial of the first case: whether it can do its work, and what it says it is.
  private func probe(_ source: ProgramPair) throws -> Environments {
    func environment(_ side: CheckSide, _ label: String) throws -> Environment {
      switch source.measure(side, plan.cases[0], seed: seed) {
      case .measured(_, let environment): return environment
      case .failed(let reason): throw Problem(.toolFailed, "\(label) cannot measure: \(reason)")
      case .interrupted: throw Problem(.toolFailed, "Interrupted; nothing was measured.")
      }
    }
    return (
      try environment(.baseline, "The baseline (\(reference.label))"),
      try environment(.candidate, "This program")
    )
  }

  private static func describe(_ environment: Environment) -> String {
    let commit = environment.tool.gitCommit.map { " (\($0.prefix(12)))" } ?? ""
    return "this program\(commit)"
  }

  /// What differs between the two builds beside what is asked about.
  private func notes(_ environments: Environments) -> [String] {
    let (first, second) = (environments.baseline.toolchain, environments.candidate.toolchain)
    let facts = [
      ("compiler", first.swift, second.swift), ("configuration", first.configuration, second.configuration),
      ("C library", first.libc, second.libc),
    ]
    return facts.filter { $0.1 != $0.2 }.map { name, before, after in
      "The two programs differ in their \(name): \(before ?? "not known") and \(after ?? "not known")."
    }
  }

  private func runPlan(_ machine: Machine, _ session: String) -> RunPlan {
    RunPlan(
      runID: session, suite: suite.name, command: ["ipcbench"] + CommandLine.arguments.dropFirst(),
      seed: seed,
      rounds: options.pairs,
      order: plan.cases.flatMap { planned in
        (0..<options.pairs).map { PlannedTrial(identity: planned.identity, trial: $0) }
      }, skips: plan.skips, startedAt: machine.environment.time)
  }
}

/// A run directory for each side, so that everything that reads runs reads these too.
struct PairedDirectories: CheckSink {
  private var baseline: RunDirectory
  private var candidate: RunDirectory

  init(
    _ path: String, plan: RunPlan, _ environments: (baseline: Environment, candidate: Environment)
  ) throws(ResultsError) {
    func create(_ side: CheckSide, _ environment: Environment) throws(ResultsError) -> RunDirectory {
      var plan = plan
      // Two runs of one session.
      plan.runID += "-\(side.rawValue)"
      plan.gitCommit = environment.tool.gitCommit ?? ""
      return try RunDirectory.create(at: "\(path)/\(side.rawValue)", plan: plan, environment: environment)
    }
    baseline = try create(.baseline, environments.baseline)
    candidate = try create(.candidate, environments.candidate)
  }

  mutating func append(_ record: TrialRecord, _ side: CheckSide) throws(ResultsError) {
    var record = record
    record.runID += "-\(side.rawValue)"
    try (side == .baseline ? baseline : candidate).append(record)
  }

  func finish() throws(ResultsError) {
    try baseline.finish()
    try candidate.finish()
  }
}
