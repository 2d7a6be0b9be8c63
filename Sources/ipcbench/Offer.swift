import Harness
import IPCTransport
import LinuxIPC

/// What a server leaves under its name: what it serves, and where it is to be asked for it.
struct Offer: Codable {
  var header: Header
  var mechanism: String
  var variant: String

  /// What every version can read.
  struct Header: Codable {
    var protocolVersion = Greeting.currentProtocol
    var program = Version.text
    /// Names the server's pid and start time too.
    var scope: ResourceScope
    /// The path of the `Door`.
    var door: String

    /// Whether the server still runs. In another container its process cannot be seen, but its door is answered.
    var isAlive: Bool {
      Processes.isAlive(pid: scope.pid, startTime: scope.startTime) || Door.isAnswered(door)
    }
    /// A channel's layout may change with any version.
    var isOurs: Bool { protocolVersion == Greeting.currentProtocol && program == Version.text }
  }

  init(_ served: Served, scope: ResourceScope, door: String) {
    header = Header(scope: scope, door: door)
    mechanism = served.mechanism
    variant = served.variant
  }

  /// As it is typed.
  var id: String { variant.isEmpty ? mechanism : "\(mechanism):\(variant)" }
}
