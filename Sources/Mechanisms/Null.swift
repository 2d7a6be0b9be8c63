import IPCTransport
import LinuxIPC
import Measurement

/// No mechanism at all: what it "takes" is the tool's own cost in every other number; nothing is subtracted.
public enum Null: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "null", summary: "nothing is exchanged: the tool's own cost",
      traits: Traits(framing: .message, direction: .twoWay, reach: .process, payloadCopies: 0),
      explanation: explanation, manPages: [])
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) {}
  public static func close(_ channel: Void) {}
  public static func attach(_ channel: Void, as role: Role, _ spec: ChannelSpec) throws(TransportError) {}
}

/// Every message is written and read in the worker's own memory.
public struct OwnMemory<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }

  @usableFromInline let buffer: UnsafeMutableRawBufferPointer
  @usableFromInline let payload: Payload
  /// What the consumer pretends to receive next; a producer receives what it has just sent.
  @usableFromInline var pretended: UInt64 = 0
  @usableFromInline let role: Role
  public var stalls: UInt64 { 0 }

  public init(_ attachment: Void, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let byteCount = max(spec.messageByteCount, 1)
    buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    payload = Payload(byteCount: byteCount, touch: .all)
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

extension Null {
  static var explanation: Explanation {
    Explanation(
      "Both workers run the same loops as everywhere else, but each writes and reads messages in its own memory. "
        + "What is left is the cost of the tool: clock readings, writing and checking the payload, the loop.",
      producer: [], consumer: [], limits: ["It carries nothing to another process."],
      useWhen: "You want to know which part of another figure is the tool's.",
      avoidWhen: "You want to send something.")
  }
}
