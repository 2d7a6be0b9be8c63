import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// Connections over a path: the consumer listens, the producer connects, and nothing of them is inherited.
enum UnixConnection {
  static func accept(_ kind: Socket.Kind, path: String) throws(SystemError) -> Socket {
    let listener = try Socket.unix(kind)
    defer { listener.close() }
    try listener.bind(path: path)
    try listener.listen()
    return try listener.accept(milliseconds: 5000)
  }

  static func connect(_ kind: Socket.Kind, path: String) throws(SystemError) -> Socket {
    let socket = try Socket.unix(kind)
    do throws(SystemError) {
      try socket.connect(path: path, milliseconds: 5000)
    } catch {
      socket.close()
      throw error
    }
    return socket
  }

  static func make(_ kind: Socket.Kind, _ role: Role, path: String) throws(TransportError) -> Socket {
    try explaining(role == .producer ? "connect to \(path)" : "listen on \(path)") { () throws(SystemError) in
      try role == .producer ? connect(kind, path: path) : accept(kind, path: path)
    }
  }
}

/// Connections between IPv4 addresses. Where the consumer is on the parent's host, the parent keeps a port of it reserved;
/// on hosts of the run's own every port is free.
public enum InternetConnection {
  public struct Channel: Sendable {
    /// Bound and never listened to; nil in a spawned worker, and where there is no need.
    var reservation: Socket?
    var port: UInt16

    var address: String { String(port) }

    init(reservation: Socket?, port: UInt16) {
      self.reservation = reservation
      self.port = port
    }

    init(address: String) throws(TransportError) {
      guard let port = UInt16(address) else {
        throw TransportError(.unsupported, "'\(address)' is not a port.")
      }
      self.init(reservation: nil, port: port)
    }
  }

  typealias Maker = () throws(SystemError) -> Socket

  /// - Parameter index: distinguishes the ports of one channel.
  static func reserve(
    _ spec: ChannelSpec, index: Int = 0, _ make: Maker
  ) throws(TransportError) -> Channel {
    guard spec.hosts.consumer.namespace == nil else {
      // Below the range of ports that the kernel gives out by itself.
      return Channel(reservation: nil, port: UInt16(10_000 + (spec.serial * 4 + index) % 20_000))
    }
    let own = spec.hosts.consumer.address
    return try explaining("reserve a port on \(own)") { () throws(SystemError) in
      let socket = try bound(make, address: own, port: 0)
      return Channel(reservation: socket, port: try socket.localPort())
    }
  }

  /// Several sockets of one user may be bound to a port that way; only one of them will listen.
  static func bound(_ make: Maker, address: String, port: UInt16) throws(SystemError) -> Socket {
    let socket = try make()
    do throws(SystemError) {
      // Libraries that bind the port for us ask only for the first of the two.
      try socket.set(SO_REUSEADDR, 1, "SO_REUSEADDR")
      try socket.set(SO_REUSEPORT, 1, "SO_REUSEPORT")
      try socket.bind(address: address, port: port)
    } catch {
      socket.close()
      throw error
    }
    return socket
  }

  /// The consumer listens, the producer connects.
  static func make(
    _ role: Role, _ channel: Channel, _ spec: ChannelSpec, _ make: Maker
  ) throws(TransportError) -> Socket {
    let (action, there) = (role == .producer ? "connect to" : "listen on", spec.hosts.consumer.address)
    return try explaining("\(action) \(there):\(channel.port)") { () throws(SystemError) in
      let socket: Socket
      if role == .producer {
        socket = try make()
        try socket.connect(address: there, port: channel.port, milliseconds: 5000)
      } else {
        let listener = try bound(make, address: there, port: channel.port)
        defer { listener.close() }
        try listener.listen()
        socket = try listener.accept(milliseconds: 5000)
      }
      try socket.setNoDelay()
      return socket
    }
  }
}

/// Mechanisms whose channel is a port.
extension ChannelProvider where Channel == InternetConnection.Channel {
  public static func address(of channel: Channel) -> String { channel.address }
  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    try Channel(address: address)
  }

  /// Ports have no names to remove.
  public static func close(_ channel: Channel) { channel.reservation?.close() }
}
