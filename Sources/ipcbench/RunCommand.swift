import ArgumentParser
import Foundation
import Harness
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms
import Reporting
import Results

/// Measures, and writes a run directory.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Measures a suite, or the cases that the flags describe.")

  @Argument(help: "Only the cases that match: mechanism:pipe size:64,4KiB wait:!spin.")
  var filters: [String] = []
  @Option(help: "smoke, quick, standard, full, or a suite file. Flags below override its blocks.")
  var suite: String?
  @Option(
    name: [.customShort("m"), .customLong("mechanism")], help: "Ids, comma-separated; see 'ipcbench list'.")
  var mechanisms: CommaList<MechanismName>?
  @Option(name: [.customShort("s"), .customLong("size")], help: "Payload sizes: 64,4KiB,1MiB.")
  var sizes: CommaList<ByteSize>?
  @Option(
    name: [.customShort("p"), .customLong("pattern")],
    help: "round-trip, stream, paced, wake-up, fan-in, fan-out, connect.")
  var patterns: CommaList<PatternKind>?
  @Option(name: .customLong("wait"), help: "spin, yield, block, spin-then-block, poll, epoll, io-uring.")
  var waits: CommaList<WaitKind>?
  @Option(
    help: "auto, none, the CPUs of producer and consumer: 0,1, or how near they are: same-core, same-l3, …")
  var pin: PinOption = PinOption(argument: "auto")!
  @Option(help: "How workers get the channel: inherit, name, handle, scm-rights.")
  var attach: CommaList<Attach>?
  @Option(help: "own: a private X server; host: that of $DISPLAY, whose clipboard is overwritten.")
  var display: DisplayChoice = .own
  @Option(
    name: .customLong("scope"),
    help: "host: both workers on this one; network: each in a network namespace, joined by a virtual cable.")
  var scopes: CommaList<ChannelScope>?
  @Option(help: "Pages of shared mappings: local, producer, consumer, interleave, node:N.")
  var memory: MemoryOption = .local
  @Option(
    name: .customLong("rate"),
    help: "Offered load of 'paced', messages per second: 10k,100k, or sweep: 1k to 5M.")
  var rates: CommaList<MessageRate>?
  @Option(
    name: .customLong("gap"), help: "How long the consumer of a 'wake-up' is idle: 1us,10us,100us,1ms,10ms.")
  var gaps: CommaList<Gap>?
  @Option(
    name: .customLong("batch"), help: "Messages of a 'stream' that leave together, up to 256: 1,4,16,64.")
  var batches: CommaList<BatchSize>?
  @Option(help: "Producers of a 'fan-in', up to 16: 2,4.") var producers: CommaList<WorkerCount>?
  @Option(help: "Consumers of a 'fan-out', up to 16: 2,4.") var consumers: CommaList<WorkerCount>?
  @Option(name: .customLong("arrival"), help: "When paced messages are due: constant, poisson.")
  var arrivals: CommaList<Arrival>?
  @Option(help: "Rounds; each is a fresh pair of processes per case.") var trials: Int?
  @Option(help: "Measured time of a trial: 250ms.") var duration: TimeSpan?
  @Option(help: "Messages of a trial, instead of a duration.") var messages: UInt64?
  @Option(help: "Start no further trial after this time: 10min.") var timeBudget: TimeSpan?
  @Option(help: "Upper bound for one trial; a worker that hangs is stopped then.") var deadline: TimeSpan?
  @Option(help: "Order of the trials and times of Poisson loads.") var seed: UInt64?
  @Option(help: "all: write and read every payload byte; header: the stamp only.") var touch: Touch?
  @Flag(
    inversion: .prefixedNo,
    help: "Count system calls, cycles and instructions: a phase of its own in each case's first trial.")
  var counts = true
  @Option(name: .customLong("out"), help: "Where run directories are made.") var directory = "results"
  @Option(help: "Go on with an interrupted run, given its directory.") var resume: String?
  @Flag(help: "Show the cases and the predicted time; measure nothing.") var dryRun = false
  @Option(help: "What to print at the end: text, json, csv, md.") var format: OutputFormat = .text
  @Flag(help: "No progress.") var quiet = false
  @Option(help: ArgumentHelp("Steps the echo of a round trip is slowed down by.", visibility: .hidden))
  var echoSpin: UInt64 = 0

  mutating func run() throws {
    if let resume { return try Session.resume(resume, format: format, quiet: quiet) }
    try validateNumbers()
    let session = try Session(self)
    if dryRun { return Terminal.data(session.dryRunText) }
    try session.start(in: directory)
  }

  private func validateNumbers() throws {
    if let trials, trials < 1 { throw Problem(.usage, "--trials must be at least 1.") }
    if let messages, messages < 1 { throw Problem(.usage, "--messages must be at least 1.") }
    if sizes?.elements.contains(where: { $0.byteCount < 1 }) == true {
      throw Problem(.usage, "A message needs at least 1 byte: -s 0 cannot be measured.")
    }
  }

  /// The suite asked for, or one block made of the flags.
  func requestedSuite() throws -> Suite {
    var suite: Suite
    if let name = self.suite {
      suite = try Suite.load(path: try SuiteFiles.path(of: name))
    } else if mechanisms == nil && sizes == nil && patterns == nil {
      suite = try Suite.load(path: try SuiteFiles.path(of: "quick"))
    } else {
      suite = Suite(name: "custom", description: "From the command line.", blocks: [Suite.Block()])
    }
    for index in suite.blocks.indices { override(&suite.blocks[index]) }
    return suite
  }

  private func override(_ block: inout Suite.Block) {
    if let mechanisms { block.mechanisms = mechanisms.elements.map(\.text) }
    if let sizes { block.sizes = sizes.elements.map(\.byteCount) }
    if let patterns { block.patterns = patterns.elements }
    if let waits { block.waits = waits.elements }
    if let attach { block.attach = attach.elements }
    if let scopes { block.scopes = scopes.elements }
    if let rates { block.rates = rates.elements.flatMap(\.perSecond) }
    if let gaps { block.gaps = gaps.elements.map(\.nanoseconds) }
    if let batches { block.batches = batches.elements.map(\.count) }
    if let producers { block.producers = producers.elements.map(\.count) }
    if let consumers { block.consumers = consumers.elements.map(\.count) }
    if let arrivals { block.arrivals = arrivals.elements }
    if let trials { block.trials = trials }
    if let duration { block.durationNanoseconds = duration.nanoseconds }
    if let messages { block.messages = messages }
    if let touch { block.touch = touch }
  }
}

/// Where suites are found by name.
enum SuiteFiles {
  static let names = ["smoke", "quick", "standard", "full", "check", "aa"]

  static func path(of name: String) throws -> String {
    if name.hasSuffix(".json") { return name }
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    var bases = ["."]
    // A build lies a few folders below the package that it was built from.
    var folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
    for _ in 0..<5 {
      bases.append(folder.path)
      folder.deleteLastPathComponent()
    }
    let candidates = bases.map { "\($0)/Benchmarks/Suites/\(name).json" }
    if let found = candidates.first(where: FileManager.default.fileExists(atPath:)) { return found }
    guard names.contains(name) else {
      throw UsageError(
        "Unknown suite '\(name)'; did you mean '\(nearest(to: name, in: names))'? "
          + "A suite file of your own needs its path and '.json'.")
    }
    throw UsageError(
      "The suite '\(name)' was not found: run ipcbench in its source folder, or give --suite PATH.json.")
  }
}
