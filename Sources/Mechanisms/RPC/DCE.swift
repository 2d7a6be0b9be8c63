import DCERPC
import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// DCE/RPC, connection-oriented (C706, "DCE 1.1: Remote Procedure Call"), over the local endpoint, a Unix socket, and over
/// TCP, where a client finds its server by the endpoint mapper. The protocol itself is in the module DCERPC.
public enum DCE: ChannelProvider {
  /// Its forms are variants of another mechanism's.
  public static var mechanism: Mechanism { RPC.mechanism }

  static var variants: [Mechanism.Variant] {
    var remote = RPC.traits(reach: .network, copies: 2, maximum: largestMessage)
    // Ports are all that the sides share.
    remote.meetsByAddressAlone = true
    return [
      .init(
        "dce", "DCE/RPC (PDUs and NDR in Swift) over the local endpoint, a Unix socket",
        traits: RPC.traits(reach: .host, copies: 2, maximum: largestMessage),
        explanation: explanation(isTCP: false)),
      .init(
        "dce-tcp", "DCE/RPC over TCP, with an endpoint mapper",
        traits: remote,
        explanation: explanation(isTCP: true)),
    ]
  }

  static var largestMessage: Int { 16 << 20 }

  public typealias Channel = CallEndpoints

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> CallEndpoints {
    try CallEndpoints(spec, isTCP: spec.variant == "dce-tcp", path: spec.variant == "dce-tcp" ? nil : "dce")
  }

  /// Each side is bound to the other one's interface before either returns: the producer calls first.
  public static func attach(
    _ channel: CallEndpoints, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> DCESide {
    let server = try DCEListener(channel, role, spec)
    defer { server.close() }
    guard role == .producer else {
      let served = try server.acceptClient()
      return DCESide(calls: try connect(channel, to: role.peer, spec), served: served)
    }
    let calls = try connect(channel, to: role.peer, spec)
    return DCESide(calls: calls, served: try server.acceptClient())
  }

  private static func connect(
    _ channel: CallEndpoints, to peer: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> DCEConnection {
    guard spec.variant == "dce-tcp" else {
      return try DCEConnection(bindingTo: MessagesInterface.id, at: .path(channel.socketPath(of: peer)))
    }
    let host = spec.hosts.address(of: peer)
    let port = try DCEConnection.port(
      of: MessagesInterface.id, mapper: .port(host, channel.port(of: peer)))
    return try DCEConnection(bindingTo: MessagesInterface.id, at: .port(host, port))
  }
}

/// One side, attached.
public struct DCESide: Sendable {
  /// On which it calls the peer.
  var calls: DCEConnection
  /// On which the peer calls it.
  var served: DCEServedConnection
}

/// Where a server listens.
public enum DCEEndpoint: Sendable {
  case path(String)
  case port(String, UInt16)
}

/// A connection of a client's, bound to an interface. What is done once, before calls are made: it waits for whole answers,
/// with a deadline, and takes memory as it needs it.
public struct DCEConnection: Sendable {
  let socket: Socket
  var association: ClientAssociation

  /// - Throws: also when the server does not have the interface, or another version of it.
  public init(
    bindingTo interface: SyntaxID, at endpoint: DCEEndpoint, milliseconds: UInt64 = 5000
  ) throws(TransportError) {
    socket = try explaining("connect to an RPC server") { () throws(SystemError) in
      switch endpoint {
      case .path(let path): return try UnixConnection.connect(.stream, path: path)
      case .port(let host, let port):
        let socket = try Socket.tcp()
        do throws(SystemError) {
          try socket.connect(address: host, port: port, milliseconds: milliseconds)
          try socket.setNoDelay()
        } catch {
          socket.close()
          throw error
        }
        return socket
      }
    }
    association = ClientAssociation(interface)
    do throws(TransportError) {
      try FragmentIO.write(association.bind(), to: socket)
      let answer = try FragmentIO.read(socket)
      try Self.wording { () throws(RPCFailure) in try association.receiveBindAck(answer) }
    } catch {
      socket.close()
      throw error
    }
  }

  /// Makes one call, and waits for its result.
  public mutating func call(_ operation: UInt16, _ parameters: [UInt8]) throws(TransportError) -> [UInt8] {
    try FragmentIO.write(association.request(operation, parameters), to: socket)
    while true {
      let fragment = try FragmentIO.read(socket)
      if let result = try Self.wording({ () throws(RPCFailure) in try association.receive(fragment) }) {
        return result
      }
    }
  }

  public func close() { socket.close() }

  /// Asks an endpoint mapper for the port of an interface.
  public static func port(of interface: SyntaxID, mapper: DCEEndpoint) throws(TransportError) -> UInt16 {
    var connection = try DCEConnection(bindingTo: EndpointMapper.id, at: mapper)
    defer { connection.close() }
    let wanted = Tower(interface, .tcp(port: 0, address: [0, 0, 0, 0]))
    let result = try connection.call(EndpointMapper.map, EndpointMapper.request(wanted))
    let towers = try wording { () throws(RPCFailure) in
      do throws(WireError) { return try EndpointMapper.response(result) } catch { throw .wire(error) }
    }
    for tower in towers {
      if case .tcp(let port, _) = tower.endpoint { return port }
    }
    throw TransportError(.unavailable, "The endpoint mapper knows no server of the interface \(interface).")
  }

  private static func wording<Value>(
    _ body: () throws(RPCFailure) -> Value
  ) throws(TransportError) -> Value {
    do throws(RPCFailure) {
      return try body()
    } catch {
      throw TransportError(.system, "The RPC server cannot be called: \(error).")
    }
  }
}

/// A client's connection, as a server has it.
public struct DCEServedConnection: Sendable {
  let socket: Socket
  var association: ServerAssociation
}

/// The server's side while it waits for its client; over TCP it is its own endpoint mapper.
struct DCEListener {
  private let listener: Socket
  private let mapper: Socket?
  private let towers: [Tower]
  private let endpoint: String

  init(_ channel: CallEndpoints, _ role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let host = spec.hosts.address(of: role)
    (listener, mapper, towers, endpoint) = try explaining("listen for RPC clients") {
      () throws(SystemError) in
      guard spec.variant == "dce-tcp" else {
        let path = channel.socketPath(of: role)
        let socket = try Socket.unix(.stream)
        try socket.bind(path: path)
        try socket.listen(backlog: 4)
        return (socket, nil, [], path)
      }
      let mapper = try InternetConnection.bound(Socket.tcp, address: host, port: channel.port(of: role))
      try mapper.listen(backlog: 4)
      let socket = try InternetConnection.bound(Socket.tcp, address: host, port: 0)
      try socket.listen(backlog: 4)
      let port = try socket.localPort()
      let address = host.split(separator: ".").compactMap { UInt8($0) }
      return (socket, mapper, [Tower(MessagesInterface.id, .tcp(port: port, address: address))], "\(port)")
    }
  }

  /// Serves until the peer has bound the interface of messages.
  func acceptClient() throws(TransportError) -> DCEServedConnection {
    if let mapper {
      // The client asks for the port, and hangs up.
      let connection = try accept(mapper)
      defer { connection.close() }
      var association = ServerAssociation([EndpointMapper.interface(towers)], endpoint: endpoint)
      while let fragment = try? FragmentIO.read(connection) {
        let reaction = association.receive(fragment)
        try FragmentIO.write(reaction.bytes, to: connection)
        if reaction.closes { break }
      }
    }
    let socket = try accept(listener)
    if mapper != nil {
      try explaining("set TCP_NODELAY") { () throws(SystemError) in try socket.setNoDelay() }
    }
    var association = ServerAssociation([MessagesInterface.echo], endpoint: endpoint)
    do throws(TransportError) {
      let reaction = association.receive(try FragmentIO.read(socket))
      try FragmentIO.write(reaction.bytes, to: socket)
    } catch {
      socket.close()
      throw error
    }
    return DCEServedConnection(socket: socket, association: association)
  }

  private func accept(_ listener: Socket) throws(TransportError) -> Socket {
    try explaining("accept an RPC client") { () throws(SystemError) in try listener.accept(milliseconds: 5000)
    }
  }

  func close() {
    listener.close()
    mapper?.close()
  }
}

/// Fragments over a socket, whole ones, with a deadline.
enum FragmentIO {
  private static var patienceMilliseconds: Int32 { 5000 }

  static func write(_ bytes: [UInt8], to socket: Socket) throws(TransportError) {
    try explaining("send to the RPC peer") { () throws(SystemError) in try socket.send(bytes) }
  }

  static func read(_ socket: Socket) throws(TransportError) -> [UInt8] {
    let header = try read(socket, PDUHeader.byteCount)
    guard let count = header.withUnsafeBytes({ CallHeader.fragmentByteCount($0.baseAddress!) }) else {
      throw TransportError(.system, "What the RPC peer sent is no DCE/RPC.")
    }
    return header + (try read(socket, count - header.count))
  }

  private static func read(_ socket: Socket, _ count: Int) throws(TransportError) -> [UInt8] {
    try explaining("hear the RPC peer") { () throws(SystemError) in
      try socket.receive(exactly: count, milliseconds: patienceMilliseconds)
    }
  }
}
