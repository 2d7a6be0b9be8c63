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
    commandName: "serve", abstract: "Receives texts from 'drive' over a mechanism, and prints them.",
    usage: "ipcbench serve ID NAME [options]",
    discussion: """
      One side of a mechanism in one terminal, the other in another one:

        ipcbench serve mailslot letters
        ipcbench drive mailslot letters --text hello

      Prints each text on a line of its own, with control characters escaped. Serves one driver after the other, each \
      over a channel of its own, until ^C, and removes everything at the end.
      """)

  @Argument(help: "A mechanism that can be attached by name; without a variant, the first that runs here.")
  var id: String
  @Argument(help: "By which drivers find it: up to 64 letters, digits, '.', '_' and '-'.") var name: String
  @Option(help: "How it waits; by default block, where the mechanism can.") var wait: WaitKind?
  @Option(help: "The largest text; by default 64KiB, or what the mechanism carries.") var size: ByteSize?
  @Option(help: "own: a private X server, where one is needed; host: that of $DISPLAY.")
  var display: DisplayChoice = .own
  @Flag(help: "End when one driver has been served.") var once = false

  func run() throws {
    let rendezvous = try Rendezvous(name)
    let scope = ResourceScope()
    defer { scope.removeAll() }
    do {
      let services = ServiceHost(
        scope: scope, logDirectory: try scope.path("services"), display: display)
      defer { services.stopAll() }
      let (entry, variants) = try Registry.entries.named(id)
      Preparation.run(quiet: false)
      let (form, spec) = try choose(entry, variants, scope, services)
      let server = try Server(rendezvous, spec, isOnce: once)
      form.visit(server)
      try server.outcome.get()
    } catch let error as UsageError {
      throw Problem(.usage, error.description)
    } catch let error as TransportError {
      throw Problem(.toolFailed, error.description)
    } catch let error as SystemError {
      throw Problem(.toolFailed, "\(error).")
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
    if mechanism.traits(of: variant).framing == .notification {
      throw UsageError("\(mechanism.id(of: variant)) is a notification: it carries no text.")
    }
    if let reason = mechanism.whyNot(variant, attach: .name) { throw UsageError(reason) }
    if let wait, let reason = entry.whyNot(variant, wait: wait) { throw UsageError(reason) }
    if let size, let reason = mechanism.whyNot(variant, byteCount: size.byteCount) {
      throw UsageError(reason)
    }
    if let size, size.byteCount < 1 {
      throw UsageError("A text needs at least 1 byte: give a larger --size.")
    }
    // Nobody wants to see a CPU burn while a person types.
    let form = entry.form(variant, wait ?? .block) ?? entry.forms(of: variant)[0]
    return (form, size?.byteCount ?? min(64 << 10, mechanism.largestMessageByteCount(variant)))
  }
}
