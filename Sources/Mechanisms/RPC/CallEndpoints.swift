import IPCTransport
import LinuxIPC

/// Where the two sides of a channel of calls listen: each is a server, so that either may be called.
public struct CallEndpoints: Sendable {
  /// The producer's and the consumer's; 0 over Unix sockets.
  private var ports: [UInt16] = [0, 0]
  /// Keep the ports ours until the workers have bound them.
  private var reservations: [Socket] = []
  /// Begins the paths of the sides' sockets; empty where there are none.
  let path: String

  /// - Parameter path: names what lies in the run's directory; nil where nothing does.
  init(_ spec: ChannelSpec, isTCP: Bool, path: String?) throws(TransportError) {
    self.path = try explaining("name the endpoints") { () throws(SystemError) in
      try path.map { name throws(SystemError) in try spec.scope.path(spec.name(name)) } ?? ""
    }
    guard isTCP else { return }
    let first = try InternetConnection.reserve(spec, Socket.tcp)
    let second = try InternetConnection.reserve(spec, index: 1, Socket.tcp)
    ports = [first.port, second.port]
    reservations = [first, second].compactMap(\.reservation)
  }

  var address: String { "\(ports[0]) \(ports[1]) \(path)" }

  init(address: String) throws(TransportError) {
    let parts = address.split(separator: " ", maxSplits: 2).map(String.init)
    ports = parts.prefix(2).compactMap { UInt16($0) }
    guard ports.count == 2 else {
      throw TransportError(.unsupported, "'\(address)' is not two ports and a path.")
    }
    path = parts.count == 3 ? parts[2] : ""
  }

  func port(of role: Role) -> UInt16 { ports[role == .producer ? 0 : 1] }
  func socketPath(of role: Role) -> String { "\(path)-\(role.rawValue)" }

  func close() {
    reservations.forEach { $0.close() }
    guard !path.isEmpty else { return }
    for role in Role.allCases { SharedObject.removeFile(path: socketPath(of: role)) }
    SharedObject.removeFile(path: path)
  }
}

extension ChannelProvider where Channel == CallEndpoints {
  public static func address(of endpoints: CallEndpoints) -> String { endpoints.address }
  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> CallEndpoints {
    try CallEndpoints(address: address)
  }
  public static func close(_ endpoints: CallEndpoints) { endpoints.close() }
}
