import IPCTransport
import LinuxIPC
import Measurement
import SystemPackage

/// A stream socket with a path in the file system: listen, connect, accept.
public struct UnixStream<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }

  public static var mechanism: Mechanism {
    Mechanism(
      id: "unix-stream", summary: "a stream socket on a path (AF_UNIX)", counterpart: "sockets",
      traits: Traits(
        framing: .byteStream, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 2),
      manPages: ["unix(7)", "socket(7)"])
  }

  public struct Channel: Sendable {
    var listener: Socket
    var path: String
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {}

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    try explaining("listen on a Unix socket") { () throws(SystemError) in
      let path = try spec.scope.path(spec.name("stream.sock"))
      let listener = try Socket.unixStream()
      do throws(SystemError) {
        try listener.bind(path: path)
        try listener.listen()
      } catch {
        listener.close()
        throw error
      }
      return Channel(listener: listener, path: path)
    }
  }

  public static func relinquish(_ channel: Channel) { channel.listener.close() }
  public static func close(_ channel: Channel) { SharedObject.removeFile(path: channel.path) }

  @usableFromInline var bytes: ByteStream<Wait>
  @inlinable public var stalls: UInt64 { bytes.stalls }

  /// The producer connects, the consumer accepts.
  public init(attaching channel: Channel, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let socket = try explaining("connect the Unix socket") { () throws(SystemError) in
      // The listener is inherited: a producer that kept its copy would hold a dead consumer's queue open.
      defer { channel.listener.close() }
      guard role == .producer else { return try channel.listener.accept(milliseconds: 5000) }
      let socket = try Socket.unixStream()
      try socket.connect(path: channel.path)
      return socket
    }
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
