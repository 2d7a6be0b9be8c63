import IPCTransport
import LinuxIPC
import Measurement
import SystemPackage

/// A TCP connection over the loopback interface, with TCP_NODELAY.
public struct TCP<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }

  public static var mechanism: Mechanism {
    Mechanism(
      id: "tcp", summary: "a TCP connection over loopback, TCP_NODELAY", counterpart: "sockets",
      traits: Traits(
        framing: .byteStream, direction: .twoWay, reach: .network, attach: [.name], payloadCopies: 2),
      manPages: ["tcp(7)", "ip(7)"])
  }

  public struct Channel: Sendable {
    var listener: Socket
    var port: UInt16
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {}

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    try explaining("listen on 127.0.0.1") { () throws(SystemError) in
      let listener = try Socket.tcp()
      do throws(SystemError) {
        let port = try listener.bindToLoopback()
        try listener.listen()
        return Channel(listener: listener, port: port)
      } catch {
        listener.close()
        throw error
      }
    }
  }

  public static func relinquish(_ channel: Channel) { channel.listener.close() }
  /// Ports have no names to remove.
  public static func close(_ channel: Channel) {}

  @usableFromInline var bytes: ByteStream<Wait>
  @inlinable public var stalls: UInt64 { bytes.stalls }

  /// The producer connects, the consumer accepts.
  public init(attaching channel: Channel, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let socket = try explaining("connect to 127.0.0.1:\(channel.port)") { () throws(SystemError) in
      defer { channel.listener.close() }
      guard role == .producer else { return try channel.listener.accept(milliseconds: 5000) }
      let socket = try Socket.tcp()
      try socket.connect(loopbackPort: channel.port)
      return socket
    }
    try explaining("set TCP_NODELAY") { () throws(SystemError) in try socket.setNoDelay() }
    bytes = try ByteStream(input: socket.descriptor, output: socket.descriptor, spec)
  }

  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) { try bytes.send(byteCount, fill) }

  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    try bytes.receive(body)
  }

  public mutating func shutDown() { bytes.shutDown() }
}
