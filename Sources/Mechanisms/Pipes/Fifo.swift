import IPCTransport
import LinuxIPC
import Measurement
import SystemPackage

/// A pipe with a name in the file system, one for each direction; any process with permission may open it.
public struct Fifo<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }

  public static var mechanism: Mechanism {
    Mechanism(
      id: "fifo", summary: "a named pipe of the file system each way", counterpart: "named pipe",
      traits: Traits(
        framing: .byteStream, direction: .oneWay, reach: .host, attach: [.name], payloadCopies: 2),
      manPages: ["fifo(7)", "mkfifo(3)"])
  }

  public struct Channel: Sendable {
    var forth: String
    var back: String
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {}

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    try explaining("create the FIFOs") { () throws(SystemError) in
      let channel = Channel(
        forth: try spec.scope.path(spec.name("forth.fifo")),
        back: try spec.scope.path(spec.name("back.fifo")))
      try NamedPipeFile.create(path: channel.forth)
      do throws(SystemError) {
        try NamedPipeFile.create(path: channel.back)
      } catch {
        SharedObject.removeFile(path: channel.forth)
        throw error
      }
      return channel
    }
  }

  public static func close(_ channel: Channel) {
    SharedObject.removeFile(path: channel.forth)
    SharedObject.removeFile(path: channel.back)
  }

  @usableFromInline var bytes: ByteStream<Wait>
  @inlinable public var stalls: UInt64 { bytes.stalls }

  /// Opening a FIFO waits for the other side to open it too; both sides take the two in the same order.
  public init(attaching channel: Channel, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let (input, output) = try explaining("open the FIFOs") { () throws(SystemError) in
      switch role {
      case .producer:
        let output = try NamedPipeFile.openForWriting(path: channel.forth)
        return (try NamedPipeFile.openForReading(path: channel.back), output)
      case .consumer:
        let input = try NamedPipeFile.openForReading(path: channel.forth)
        return (input, try NamedPipeFile.openForWriting(path: channel.back))
      }
    }
    bytes = try ByteStream(input: input, output: output, spec)
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
