import ArgumentParser
import Harness
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms
import Results

/// The receiving side of a mechanism, by hand.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "The consumer of a mechanism, for 'drive' to measure or to send texts to.",
    usage: """
      ipcbench serve ID NAME [options]
      ipcbench serve ID --listen HOST:PORT [options]
      """,
    discussion: """
      One side of a mechanism in one terminal, the other in another one:

        ipcbench serve unix-stream lab
        ipcbench drive unix-stream lab
        ipcbench drive unix-stream lab --text hello

      or on two machines, for mechanisms that meet by an address alone:

        ipcbench serve tcp --listen 10.0.0.1:7000
        ipcbench drive tcp --connect 10.0.0.1:7000

      Without a host --listen means the loopback interface. Who can reach the address can make this side measure and print \
      texts, and nothing else: use it in networks that you trust. Prints each text on a line of its own, with control characters \
      escaped. Serves one driver after the other, each over channels of its own, until ^C, and removes everything at the \
      end.
      """)

  @Argument(help: "A mechanism that can be attached by name; without a variant, the first that runs here.")
  var id: String
  @Argument(
    help:
      "By which drivers find it: up to 64 letters, digits, '.', '_' and '-'. With --listen, another one is refused."
  )
  var name: String?
  @Option(
    help: "Take drivers at this address, instead of by name: HOST:PORT, or PORT on the loopback interface.")
  var listen: HostAndPort?
  @Option(help: "How both sides wait; by default block, where the mechanism can.") var wait: WaitKind?
  @Option(help: "The largest message; by default 64KiB, or what the mechanism carries.") var size: ByteSize?
  @Option(help: "The CPU of the consumer of a trial: auto, none, or its number.")
  var pin: OwnPin = OwnPin(argument: "auto")!
  @Option(help: "own: a private X server, where one is needed; host: that of $DISPLAY.")
  var display: DisplayChoice = .own
  @Flag(help: "End when one driver has been served.") var once = false

  func run() throws {
    guard name != nil || listen != nil else {
      throw Problem(.usage, "Give a NAME by which drivers find this side, or --listen HOST:PORT.")
    }
    let rendezvous = try name.map(Rendezvous.init)
    let scope = ResourceScope()
    defer { scope.removeAll() }
    do {
      let services = ServiceHost(
        scope: scope, logDirectory: try scope.path("services"), display: display)
      defer { services.stopAll() }
      let (entry, variants) = try Registry.entries.named(id)
      Preparation.run(quiet: false)
      let (form, spec) = try choose(entry, variants, scope, services)
      try serve(entry, form, spec, rendezvous)
    } catch let error as UsageError {
      throw Problem(.usage, error.description)
    } catch let error as TransportError {
      throw Problem(.toolFailed, error.description)
    } catch let error as SystemError {
      throw Problem(.toolFailed, "\(error).")
    }
  }

  private func serve(
    _ entry: MechanismEntry, _ form: Form, _ spec: ChannelSpec, _ rendezvous: Rendezvous?
  ) throws {
    let cpu = try pin.cpu(spec.topology, isProducer: false)
    let served = Served(
      mechanism: entry.mechanism.id, variant: spec.variant, wait: form.wait,
      messageByteCount: spec.messageByteCount, machine: .capture(), cpu: cpu)
    let trials = try ServedTrials(
      entry, topology: spec.topology, scope: spec.scope, services: spec.services!, cpu: cpu)
    let door = try openDoor(spec.scope)
    defer { door.close() }
    // At an address a name is only compared.
    let published = listen == nil ? rendezvous : nil
    defer { published?.withdraw(spec.scope) }
    try published?.publish(Offer(served, scope: spec.scope, door: door.path ?? ""))
    let place = listen == nil ? "'\(rendezvous?.name ?? "")'" : "at \(try door.address())"
    Terminal.note("Serving \(served.id) \(place); ^C ends it.")
    let reception = Reception(Greeting(program: Version.text), served, name: rendezvous?.name)
    var server = Server(door, reception, form, spec, trials, isOnce: once)
    try server.serveAll()
  }

  private func openDoor(_ scope: ResourceScope) throws -> Door {
    guard let listen else { return try Door(path: try scope.path("door")) }
    let address = try listen.resolve()
    do {
      return try Door(at: address)
    } catch {
      throw Problem(
        .toolFailed, "Cannot listen at \(address) (\(error)): give an address of this machine that is free.")
    }
  }

  // MARK: What is served

  /// The first variant that is possible; else the reason against the first.
  private func choose(
    _ entry: MechanismEntry, _ variants: [String], _ scope: ResourceScope, _ services: ServiceHost
  ) throws -> (Form, ChannelSpec) {
    let topology = Topology.detect()
    var reason: (any Error)?
    for variant in variants {
      do {
        let (form, byteCount) = try offered(entry, variant)
        let spec = ChannelSpec(
          variant: variant, wait: form.wait, attach: .name, messageByteCount: byteCount, topology: topology,
          scope: scope, serial: 0, services: services)
        try form.probe(spec)
        return (form, spec)
      } catch {
        reason = reason ?? error
      }
    }
    throw reason!
  }

  private func offered(
    _ entry: MechanismEntry, _ variant: String
  ) throws(UsageError) -> (Form, byteCount: Int) {
    let mechanism = entry.mechanism
    let traits = mechanism.traits(of: variant)
    if let reason = mechanism.whyNot(variant, attach: .name) { throw UsageError(reason) }
    if listen != nil, let reason = mechanism.whyNotAcrossMachines(variant) { throw UsageError(reason) }
    if let wait, let reason = entry.whyNot(variant, wait: wait) { throw UsageError(reason) }
    if let size, let reason = mechanism.whyNot(variant, byteCount: size.byteCount) {
      throw UsageError(reason)
    }
    if let size, size.byteCount < max(1, traits.minimumMessageByteCount), traits.framing != .notification {
      throw UsageError("A message needs at least 1 byte: give a larger --size.")
    }
    // Nobody wants to see a CPU burn while a person types.
    let form = entry.form(variant, wait ?? .block) ?? entry.forms(of: variant)[0]
    return (form, size?.byteCount ?? min(64 << 10, mechanism.largestMessageByteCount(variant)))
  }
}
