import Foundation
import IPCTransport
import LinuxIPC
import Measurement

/// All that a spawned worker is told: the arguments of a program that shares nothing else with the harness but
/// the control page's name.
public struct WorkerOrder: Codable, Sendable {
  var mechanism: String
  var variant: String
  var wait: WaitKind
  var attach: Attach
  var role: Role
  var address: String
  var messageByteCount: Int
  var messagesInFlight: Int?
  var memory: MemoryPolicy
  var scope: ResourceScope
  var serial: Int
  var hosts: Hosts
  var stallLimitNanoseconds: UInt64
  var settings: TrialSettings
  var controlPage: String
  /// Nil where a service starts the worker.
  var parent: Int32?
  /// Whether its peer has a control page of its own, and is met over descriptor 0.
  var isLinked = false

  init(
    _ id: String, _ role: Role, address: String, _ spec: ChannelSpec, _ settings: TrialSettings, page: String,
    isActivated: Bool
  ) {
    mechanism = id
    variant = spec.variant
    wait = spec.wait
    attach = spec.attach
    self.role = role
    self.address = address
    messageByteCount = spec.messageByteCount
    messagesInFlight = spec.messagesInFlight
    memory = spec.memory
    scope = spec.scope
    serial = spec.serial
    hosts = spec.hosts
    stallLimitNanoseconds = spec.stallLimitNanoseconds
    self.settings = settings
    controlPage = page
    parent = isActivated ? nil : getpid()
  }

  var text: String {
    (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// In the spawned worker: does the work; returns the exit code.
  ///
  /// - Parameter argument: `@` and the file that holds the order; it is removed.
  public static func carryOut(_ argument: String, _ entries: [MechanismEntry]) -> Int32 {
    let path = String(argument.dropFirst())
    let text = TextFile.read(path) ?? ""
    SharedObject.removeFile(path: path)
    guard argument.hasPrefix("@"),
      let order = try? JSONDecoder().decode(WorkerOrder.self, from: Data(text.utf8)),
      let entry = entries.first(where: { $0.mechanism.id == order.mechanism }),
      let form = entry.form(order.variant, order.wait, for: order.settings.pattern),
      var page = try? ControlPage(opening: order.controlPage)
    else { return 64 }
    // Who was started by a service has a parent that ends at once; it sees that the service has ended, and its peer.
    if let parent = order.parent { Processes.dieWithParent(parent) }
    StopSignal.ignoreBrokenPipes()
    if order.isLinked { page.link = PeerLink(descriptor: 0) }
    var spec = ChannelSpec(
      variant: order.variant, wait: order.wait, attach: order.attach,
      messageByteCount: order.messageByteCount, messagesInFlight: order.messagesInFlight,
      crew: order.settings.crew,
      memory: order.memory, topology: Topology.detect(), scope: order.scope, serial: order.serial,
      stallLimitNanoseconds: order.stallLimitNanoseconds, hosts: order.hosts)
    spec.batch = order.settings.batch
    return form.workAt(order.address, order.role, spec, order.settings, page)
  }
}
