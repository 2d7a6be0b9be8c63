import IPCTransport
import LinuxIPC
import Measurement

/// What a server tells its drivers: all it takes to attach to the other side of the same channel.
struct Offer: Codable {
  var header: Header
  var mechanism: String
  var variant: String
  var wait: WaitKind
  var attach: Attach
  var address: String
  var messageByteCount: Int
  var serial: Int
  /// The path of the `Door`.
  var door: String

  /// What every version can read.
  struct Header: Codable {
    var protocolVersion = Header.currentProtocol
    var program = Version.text
    /// Names the server's pid and start time too.
    var scope: ResourceScope

    /// Raised when this file, or what is said at the door, changes.
    static let currentProtocol = 1

    /// Whether the server still runs.
    var isAlive: Bool { Processes.isAlive(pid: scope.pid, startTime: scope.startTime) }
    /// A channel's layout may change with any version.
    var isOurs: Bool { protocolVersion == Self.currentProtocol && program == Version.text }
  }

  init(_ mechanism: Mechanism, _ spec: ChannelSpec, address: String, door: String) {
    header = Header(scope: spec.scope)
    self.mechanism = mechanism.id
    variant = spec.variant
    wait = spec.wait
    attach = spec.attach
    self.address = address
    messageByteCount = spec.messageByteCount
    serial = spec.serial
    self.door = door
  }

  /// The server's, on this side.
  var spec: ChannelSpec {
    ChannelSpec(
      variant: variant, wait: wait, attach: attach, messageByteCount: messageByteCount,
      topology: Topology.detect(), scope: header.scope, serial: serial)
  }

  /// As it is typed.
  var id: String { variant.isEmpty ? mechanism : "\(mechanism):\(variant)" }
}
