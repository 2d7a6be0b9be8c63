import IPCTransport
import LinuxIPC
import Measurement

/// No mechanism at all: every message is written and read in the worker's own memory. What it "takes" is the
/// tool's own cost in every other number; nothing is subtracted.
public struct Null<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }

  public static var mechanism: Mechanism {
    Mechanism(
      id: "null", summary: "nothing is exchanged: the tool's own cost",
      traits: Traits(framing: .message, direction: .twoWay, reach: .process, payloadCopies: 0),
      manPages: [])
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {}
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Int { spec.messageByteCount }
  public static func close(_ channel: Int) {}

  @usableFromInline let buffer: UnsafeMutableRawBufferPointer
  @usableFromInline let payload: Payload
  /// What the consumer pretends to receive next; a producer receives what it has just sent.
  @usableFromInline var pretended: UInt64 = 0
  @usableFromInline let role: Role
  public var stalls: UInt64 { 0 }

  public init(attaching channel: Int, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(channel, 1), alignment: 64)
    payload = Payload(byteCount: max(channel, 1), touch: .all)
    self.role = role
  }

  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    if byteCount > buffer.count { throw .messageTooLarge }
    var span = MutableRawSpan(_unsafeStart: buffer.baseAddress!, byteCount: byteCount)
    fill(&span)
  }

  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    if role == .consumer {
      var span = MutableRawSpan(_unsafeStart: buffer.baseAddress!, byteCount: payload.byteCount)
      payload.fill(&span, pretended, 0)
      pretended &+= 1
    }
    body(RawSpan(_unsafeStart: buffer.baseAddress!, byteCount: payload.byteCount))
  }

  public mutating func shutDown() {}
}
