import Analysis
import Comparing
import Foundation
import Harness
import LinuxIPC
import Measurement
import Reporting
import Results

/// One invocation of `aa`: checks of this program against itself, and between them one cell of the detection matrix
/// at a time, so that both can be ended at any moment and the machine is the same for both.
struct AASession {
  private let command: AACommand
  private let options: CheckOptions
  private let topology = Topology.detect()
  private let scope = ResourceScope()
  private let plan: Plan
  private let cells: [Cell]
  private var generator: SplitMix64
  private var tally = AATally()
  private var nextCell = 0
  private let began = Clock.monotonicNanoseconds()
  private let journal: String

  /// What is injected where.
  private struct Cell {
    var planned: PlannedCase
    var slowDown: Double
  }

  init(_ command: AACommand) throws {
    self.command = command
    options = command.options
    let seed = options.seed ?? UInt64.random(in: 0..<1_000_000)
    generator = SplitMix64(seed: seed)
    do {
      plan = try options.plan(try options.loadSuite("aa"), topology: topology, scope: scope, seed: seed)
    } catch let error as UsageError {
      throw Problem(.usage, error.description)
    }
    // Only an echo can be slowed down.
    let echoing = plan.cases.filter { $0.pattern == .roundTrip }
    cells = command.slowDowns.elements.flatMap { share in
      echoing.map { Cell(planned: $0, slowDown: share.value) }
    }
    journal = "\(command.directory)/aa-\(RunID.make()).jsonl"
  }

  mutating func run() throws -> AATally {
    Preparation.run(quiet: options.quiet, topology: topology)
    defer { scope.removeAll() }
    while !isOver {
      guard try checkIdentical() else { break }
      guard !isOver, !cells.isEmpty else { continue }
      guard try checkSlowed() else { break }
    }
    guard tally.checks > 0 else { throw Problem(.toolFailed, "Interrupted before the first check was done.") }
    return tally
  }

  private var isOver: Bool {
    let elapsed = Clock.monotonicNanoseconds() - began
    return tally.checks >= command.checks ?? .max || elapsed > command.timeBudget.nanoseconds
  }

  // MARK: One check

  /// Returns false when the user asked to stop.
  private mutating func checkIdentical() throws -> Bool {
    var notes = Notes()
    guard let cases = try check(plan.cases, slowedBy: nil, &notes, "A/A \(tally.checks + 1) ") else {
      return false
    }
    let outcome = CheckOutcome(
      baseline: "this program", candidate: "this program", criteria: options.criteria, cases: cases)
    tally.add(outcome)
    latest.merge(notes.medians) { $1 }
    try append(outcome, slowDown: 0)
    return true
  }

  private mutating func checkSlowed() throws -> Bool {
    let cell = cells[nextCell % cells.count]
    nextCell += 1
    guard let state = latest[cell.planned.identity] else { return true }
    let steps = max(1, (cell.slowDown * state.p50 / state.stepNanoseconds).rounded())
    var notes = Notes()
    let percent = Int((cell.slowDown * 100).rounded())
    guard
      let cases = try check([cell.planned], slowedBy: UInt64(steps), &notes, "+\(percent) % ")
    else { return false }
    cases.forEach { tally.add($0, slowDown: cell.slowDown) }
    try append(
      CheckOutcome(
        baseline: "this program", candidate: "this program, slowed down", criteria: options.criteria,
        cases: cases), slowDown: cell.slowDown)
    return true
  }

  private mutating func check(
    _ cases: [PlannedCase], slowedBy steps: UInt64?, _ notes: inout Notes, _ context: String
  ) throws(ResultsError) -> [CaseCheck]? {
    let own = TrialProgram(path: ReferenceBuild.ownPath, label: "this program")
    var slowed = own
    if let steps { slowed.extraArguments = ["--echo-spin", String(steps)] }
    var source = ProgramPair(baseline: own, candidate: slowed, plan: plan, scope: scope)
    let identity = RunIdentity(
      runID: "aa", sessionID: "aa", hostID: "", environmentHash: "", gitCommit: "")
    var loop = CheckLoop(
      cases: cases, criteria: options.criteria, identity: identity, seed: generator.next())
    var progress = CheckTerminalProgress(isQuiet: options.quiet, context: context)
    return try loop.run(&source, into: &notes, &progress)
  }

  // MARK: What the machine is like

  /// A case's median and the time of one step of the spin, from the last check of identical programs.
  private struct State {
    var p50: Double
    var stepNanoseconds: Double
  }

  private var latest: [CaseIdentity: State] = [:]

  /// Takes the trials of a check and keeps what the spin's length follows from.
  private struct Notes: CheckSink {
    private var values: [CaseIdentity: (p50: [Double], step: [Double])] = [:]

    mutating func append(_ record: TrialRecord, _ side: CheckSide) {
      guard side == .baseline, let p50 = record.value("latency_rtt_p50"),
        let probe = record.value("probe_arithmetic_consumer_before")
      else { return }
      values[record.identity, default: ([], [])].p50.append(p50)
      values[record.identity, default: ([], [])].step.append(probe / Double(ArithmeticChain.probeSteps))
    }

    var medians: [CaseIdentity: State] {
      values.compactMapValues { value in
        guard let p50 = Statistics.median(value.p50), let step = Statistics.median(value.step) else {
          return nil
        }
        return State(p50: p50, stepNanoseconds: step)
      }
    }
  }

  // MARK: Journal

  /// One line a check, at once: what was found stays even if the next check is killed.
  private func append(_ outcome: CheckOutcome, slowDown: Double) throws {
    try FileManager.default.createDirectory(atPath: command.directory, withIntermediateDirectories: true)
    try Output.append(aaJournalLine(outcome, slowDown: slowDown) + "\n", to: journal)
  }
}
