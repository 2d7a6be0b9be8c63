import IPCTransport
import LinuxIPC
import Measurement
import SystemPackage

/// An anonymous pipe between two children, one for each direction; the parent is not in the path.
public struct Pipe<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }

  public static var mechanism: Mechanism {
    Mechanism(
      id: "pipe", summary: "an anonymous pipe each way", counterpart: "anonymous pipe",
      traits: Traits(
        framing: .byteStream, direction: .oneWay, reach: .processTree, payloadCopies: 2),
      manPages: ["pipe(7)", "pipe(2)"])
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {}

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> PipePair {
    try explaining("create the pipes") { () throws(SystemError) in
      let forth = try PipeEnds.create()
      do throws(SystemError) {
        return PipePair(forth: forth, back: try PipeEnds.create())
      } catch {
        forth.close()
        throw error
      }
    }
  }

  public static func relinquish(_ channel: PipePair) { channel.close() }
  /// The descriptors are gone since `relinquish`, and pipes have no names.
  public static func close(_ channel: PipePair) {}

  @usableFromInline var bytes: ByteStream<Wait>
  @inlinable public var stalls: UInt64 { bytes.stalls }

  public init(attaching channel: PipePair, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let (input, output) = channel.take(role)
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
