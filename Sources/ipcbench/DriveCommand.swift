import ArgumentParser
import Harness
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms
import Results

/// The sending side of a mechanism, by hand.
struct DriveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drive",
    abstract: "Measures a mechanism with the consumer that 'serve' has started, or sends it texts.",
    usage: """
      ipcbench drive ID NAME [options]
      ipcbench drive ID --connect HOST:PORT [options]
      ipcbench drive ID NAME --text TEXT...
      """,
    discussion: """
      The other side of 'ipcbench serve', in another terminal, container, network namespace, or on another machine. \
      Writes a run directory as 'run' does. Only round trips are measured: they begin and end on this side's clock.

      With --text it sends texts instead, which the server prints, and ends when all have been received. An empty text is \
      sent as "\(NotifiedText.placeholder)".
      """)

  @Argument(help: "The mechanism that is served; without a variant, whichever is.") var id: String
  @Argument(help: "The name under which it is served.") var name: String?
  @Option(help: "The address at which it is served: HOST:PORT, or PORT on the loopback interface.")
  var connect: HostAndPort?
  @Option(
    name: .customLong("text"), parsing: .unconditionalSingleValue,
    help: "A text to send; may be given several times.")
  var texts: [String] = []
  @Option(name: [.customShort("s"), .customLong("size")], help: "Payload sizes: 64,4KiB,1MiB.")
  var sizes: CommaList<ByteSize>?
  @Option(name: [.customShort("p"), .customLong("pattern")], help: "round-trip, and no other.")
  var patterns: CommaList<PatternKind>?
  @Option(help: "How both sides wait; by default as the server does.") var wait: WaitKind?
  @Option(help: "The CPU of the producer: auto, none, or its number.")
  var pin: OwnPin = OwnPin(argument: "auto")!
  @Option(help: "Fresh pairs of processes for each size.") var trials = 3
  @Option(help: "Measured time of a trial; by default 250ms.") var duration: TimeSpan?
  @Option(help: "Messages of a trial, instead of a duration.") var messages: UInt64?
  @Option(help: "Upper bound for one trial; a worker that hangs is stopped then.") var deadline: TimeSpan?
  @Option(help: "all: write and read every payload byte; header: the stamp only.") var touch: Touch = .all
  @Option(help: "Order of the trials.") var seed: UInt64?
  @Option(name: .customLong("out"), help: "Where run directories are made.") var directory = "results"
  @Option(help: "What to print at the end: text, json, csv, md.") var format: OutputFormat = .text
  @Flag(help: "No progress.") var quiet = false

  func run() throws {
    guard name != nil || connect != nil else {
      throw Problem(.usage, "Give the NAME that is served, or --connect HOST:PORT.")
    }
    try validateNumbers()
    let rendezvous = try name.map(Rendezvous.init)
    StopSignal.ignoreBrokenPipes()
    do {
      let (entry, variants) = try Registry.entries.named(id)
      try requireReach(entry, variants)
      try drive(entry, variants, rendezvous)
    } catch let error as UsageError {
      throw Problem(.usage, error.description)
    } catch let error as TransportError {
      throw Problem(.toolFailed, error.description)
    } catch let error as ControlError {
      throw Problem(.toolFailed, "The exchange with the server broke off: \(error).")
    } catch let error as SystemError {
      throw Problem(.toolFailed, "\(error).")
    }
  }

  private func validateNumbers() throws {
    let scope = connect == nil ? ChannelScope.host : .network
    for pattern in patterns?.elements ?? [] {
      if let reason = TrialRequest.whyNot(pattern, id, across: scope) { throw Problem(.usage, reason) }
    }
    if !texts.isEmpty && (sizes != nil || patterns != nil || duration != nil || messages != nil) {
      throw Problem(
        .usage,
        "--text sends texts and measures nothing: leave --size, --pattern, --duration and --messages out.")
    }
    if trials < 1 { throw Problem(.usage, "--trials must be at least 1.") }
    if let messages, messages < 1 { throw Problem(.usage, "--messages must be at least 1.") }
  }

  private func requireReach(_ entry: MechanismEntry, _ variants: [String]) throws(UsageError) {
    guard connect != nil else { return }
    let reasons = variants.map { entry.mechanism.whyNotAcrossMachines($0) }
    if let reason = reasons[0], !reasons.contains(nil) { throw UsageError(reason) }
  }

  private func drive(_ entry: MechanismEntry, _ variants: [String], _ rendezvous: Rendezvous?) throws {
    let target = try Target(id, variants, connect: connect, rendezvous)
    let hello = DriverHello(
      Greeting(program: Version.text), mechanism: entry.mechanism.id, variants: variants, wait: wait,
      name: name, machine: .capture())
    let call = ServerCall(hello, place: target.place, onWaiting: target.noteWaiting)
    let (connection, served) = try target.greeted { () throws(ControlError) in try call.connect() }
    let hosts = try target.hosts(connection)
    guard texts.isEmpty else {
      defer { connection.close() }
      return try TextDrive(entry, served, connection, hosts).send(texts)
    }
    try DriveSession(self, entry, served, hosts).measure(call, connection)
  }
}
