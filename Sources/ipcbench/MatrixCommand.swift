import ArgumentParser
import Foundation
import Harness
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms
import Reporting
import Results
import Services

/// Round trips between every two CPUs of the machine.
struct MatrixCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "matrix",
    abstract: "Measures round trips between every two CPUs: of a bare cache line, or of any mechanism.",
    discussion:
      "Writes a table, and NAME.csv, NAME.json and what a heat map is drawn from into --out; 'make matrix' draws it."
  )

  @Option(name: [.customShort("m"), .customLong("mechanism")], help: "cache-line, or a mechanism's id.")
  var mechanism = CoreMatrix.bareCacheLine
  @Option(name: [.customShort("s"), .customLong("size")], help: "Message size of a mechanism.")
  var size: ByteSize?
  @Option(help: "How the mechanism waits; by default as it does first of all.") var wait: WaitKind?
  @Option(help: "Which CPUs: 0,2,8-15; by default all that this process may use.") var cpus: CPUList?
  @Option(help: "Rounds; each is a fresh pair of processes for every pair of CPUs.") var trials = 3
  @Option(help: "Measured time of a trial: 20ms.") var duration: TimeSpan = TimeSpan(argument: "20ms")!
  @Option(help: "Order of the pairs.") var seed: UInt64?
  @Option(name: .customLong("out"), help: "Where the files are written.") var directory = "results/matrix"
  @Option(help: "What to print: text, json, csv.") var format: OutputFormat = .text
  @Flag(help: "No progress.") var quiet = false

  func run() throws {
    guard trials > 0 else { throw Problem(.usage, "--trials must be at least 1.") }
    guard format != .md else { throw Problem(.usage, "'matrix' prints text, json or csv.") }
    let topology = Topology.detect()
    let machine = Machine(command: ["ipcbench"] + CommandLine.arguments.dropFirst())
    Preparation.run(quiet: quiet)
    let scope = ResourceScope()
    let services = ServiceHost(scope: scope, logDirectory: directory + "/services", display: .own)
    defer {
      services.stopAll()
      scope.removeAll()
    }
    var (matrix, runner) = try prepare(topology, machine, scope, services)
    guard matrix.cpus.count > 1 else {
      throw Problem(.usage, "A matrix needs two CPUs; this process may use \(topology.cpus.count).")
    }
    var progress = ProgressLine(isQuiet: quiet)
    let measured = runner.run {
      progress.show("[\($0 + 1)/\($1)] core to core: \(mechanism)", always: $0 == 0)
    }
    progress.clear()
    guard let measured else { throw Problem(.toolFailed, "Interrupted: nothing was written.") }
    matrix = measured
    try write(MatrixReport(matrix, machine.environment), failed: matrix.hasFailures)
  }

  private func prepare(
    _ topology: Topology, _ machine: Machine, _ scope: ResourceScope, _ services: ServiceHost
  ) throws -> (CoreMatrix, MatrixRunner) {
    let clock = machine.clock
    let cpus = try chosen(topology).map {
      CoreMatrix.CPU(
        id: $0.id, core: $0.core, socket: $0.socket, node: $0.node, lastLevelCache: $0.lastLevelCache)
    }
    var matrix = CoreMatrix(
      machine.environment, cpus: cpus, trials: trials, trialNanoseconds: duration.nanoseconds,
      seed: seed ?? UInt64.random(in: 0..<1_000_000))
    if mechanism == CoreMatrix.bareCacheLine {
      guard size == nil, wait == nil else {
        throw Problem(.usage, "A bare cache line has no size and spins: leave -s and --wait out.")
      }
      return (
        matrix,
        MatrixRunner(matrix, topology, diagonal: false) { first, second, _ in
          do throws(SystemError) {
            return .success(
              try CacheLine.roundTrip(
                between: first, and: second, nanoseconds: duration.nanoseconds, clock))
          } catch {
            return .failure(UsageError("\(error)."))
          }
        }
      )
    }
    let plan = try plan(topology, scope)
    matrix.metric = "latency_rtt_p50"
    matrix.mechanism = plan.cases[0].identity.id
    matrix.wait = plan.cases[0].identity.wait
    matrix.messageBytes = plan.cases[0].identity.messageBytes
    let trialRunner: TrialRunner
    do {
      trialRunner = try TrialRunner(
        scope: scope, services: services, clock: clock, deadlineNanoseconds: nil)
    } catch {
      throw Problem(.toolFailed, "Cannot map the control page: \(error).")
    }
    var pairs = TrialPairs(runner: trialRunner, plan: plan, clock: clock)
    // One that spins and the one that it waits for cannot share a CPU for long.
    let sleeps = plan.cases[0].form.wait == .block
    return (
      matrix,
      MatrixRunner(matrix, topology, diagonal: sleeps) { pairs.median(of: $0, $1, trial: $2) }
    )
  }

  private func chosen(_ topology: Topology) throws -> [Topology.CPU] {
    guard let cpus else { return topology.cpus }
    return try cpus.numbers.map { number in
      guard let cpu = topology.cpu(number) else {
        let known = topology.cpus.map { String($0.id) }.joined(separator: ", ")
        throw Problem(.usage, "There is no CPU \(number) that this process may use; there are \(known).")
      }
      return cpu
    }
  }

  private func plan(_ topology: Topology, _ scope: ResourceScope) throws -> Plan {
    let block = Suite.Block(
      mechanisms: [mechanism], patterns: [.roundTrip], sizes: size.map { [$0.byteCount] },
      waits: wait.map { [$0] }, trials: trials, durationNanoseconds: duration.nanoseconds)
    do {
      let planner = Planner(entries: Registry.entries, topology: topology, scope: scope)
      var plan = try planner.plan(
        Suite(name: "matrix", description: "", blocks: [block]), pin: .auto, memory: .local, seed: 0)
      plan.countsEvents = false
      guard plan.cases.count == 1 else {
        if let skip = plan.skips.first { throw Problem(.usage, "Nothing can be measured: \(skip.reason)") }
        throw Problem(
          .usage,
          "'\(mechanism)' has several forms: name one, such as \(plan.cases.map(\.identity.id).first ?? "")."
        )
      }
      return plan
    } catch let error as UsageError {
      throw Problem(.usage, error.description)
    }
  }

  private func write(_ report: MatrixReport, failed: Bool) throws {
    let name = mechanism.replacing(":", with: "-")
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw Problem(.toolFailed, "Cannot make \(directory): \(error.localizedDescription)")
    }
    try Output.write(report.csv, to: "\(directory)/\(name).csv")
    try Output.write(report.json, to: "\(directory)/\(name).json")
    try Output.write(report.plotData, to: "\(directory)/\(name).tsv")
    try Output.write(report.plotFacts, to: "\(directory)/\(name).gp")
    switch format {
    case .text:
      Terminal.data(report.text(Terminal.style))
      Terminal.data("\n  files  \(directory)/\(name).csv, \(name).json")
    case .json: Terminal.data(report.json)
    case .csv: Terminal.data(report.csv)
    case .md: break
    }
    if failed {
      throw Problem(.caseFailed, "Not every pair could be measured; the reasons are in the files.")
    }
  }
}

/// Trials of one case between changing CPUs.
private struct TrialPairs {
  var runner: TrialRunner
  var plan: Plan
  let clock: Clock

  mutating func median(of first: Int, _ second: Int, trial: Int) -> Result<Double, UsageError> {
    (plan.producerCPU, plan.consumerCPU) = (first, second)
    switch runner.run(plan.cases[0], plan, trial: trial) {
    case .interrupted: return .failure(UsageError("Interrupted."))
    case .failed(let reason): return .failure(UsageError(reason))
    case .measured(let measurement):
      guard let median = measurement.median else {
        return .failure(UsageError("Too few round trips for a median; give it a longer --duration."))
      }
      return .success(median)
    }
  }
}

/// CPU numbers: `0,2,8-15`.
struct CPUList: ExpressibleByArgument {
  var numbers: [Int]

  init?(argument: String) {
    var found: [Int] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last,
        last - first < 4096
      else { return nil }
      found += Array(first...last)
    }
    numbers = Array(Set(found)).sorted()
  }
}
