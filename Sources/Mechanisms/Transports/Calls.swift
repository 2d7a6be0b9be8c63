import Glibc
import IPCTransport
import LinuxIPC

/// How a call is made and served where the answer comes in its own time: the part of a mechanism that differs from
/// others'. Functions return 0 or a count, or −1 with errno: EAGAIN while there is nothing yet.
public protocol CallPort: ~Copyable, SendableMetatype {
  associatedtype Attachment
  associatedtype Wait: WaitStrategy

  /// Bytes of every answer; nil where it is as large as the call.
  static var replyByteCount: Int? { get }

  init(_ attachment: Attachment, as role: Role, _ spec: ChannelSpec) throws(TransportError)

  /// To poll for what comes.
  var descriptor: Int32 { get }

  /// Makes the call.
  mutating func begin(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int
  /// Takes its answer: the bytes.
  mutating func result(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int
  /// Takes the next call of the peer's: the bytes.
  mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int
  /// Answers it.
  mutating func answer(_ reply: UnsafeRawPointer, _ byteCount: Int) -> Int

  var facts: TransportFacts { get }
  mutating func close()
}

extension CallPort where Self: ~Copyable {
  @inlinable public static var replyByteCount: Int? { nil }
  public var facts: TransportFacts { TransportFacts() }
}

/// Calls over a port. The sender of a message gets the answer of its peer's handler; either side may call.
public struct Calls<Port: CallPort & ~Copyable>: CallTransport, ~Copyable {
  public static var wait: WaitKind { Port.Wait.kind }
  @inlinable public static var replyByteCount: Int? { Port.replyByteCount }

  @usableFromInline var port: Port
  @usableFromInline var patience: Patience<Port.Wait>
  @usableFromInline let capacity: Int
  @usableFromInline let sendBuffer: UnsafeMutableRawPointer
  @usableFromInline let receiveBuffer: UnsafeMutableRawPointer
  public var stalls: UInt64 { patience.stalls }
  public var facts: TransportFacts { port.facts }

  public init(_ attachment: Port.Attachment, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let patience = try Patience<Port.Wait>(nil, spec)
    let port = try Port(attachment, as: role, spec)
    self.patience = patience
    self.port = port
    capacity = spec.messageByteCount
    // An answer of eight bytes may be larger than the call.
    sendBuffer = Buffer.allocate(max(capacity, 8))
    receiveBuffer = Buffer.allocate(max(capacity, 8) + 1)
  }

  @inlinable @inline(__always)
  public mutating func call(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void, _ answer: (borrowing RawSpan) -> Void
  ) throws(ExchangeError) {
    guard byteCount >= 0 && byteCount <= capacity else { throw .messageTooLarge }
    var span = MutableRawSpan(_unsafeStart: sendBuffer, byteCount: byteCount)
    fill(&span)
    var steps = 0
    while port.begin(sendBuffer, byteCount) < 0 {
      steps &+= 1
      try patience.wait(steps, port.descriptor, Int16(POLLIN))
    }
    while true {
      let got = port.result(receiveBuffer, max(capacity, 8) &+ 1)
      if got >= 0 {
        guard got <= max(capacity, 8) else { throw .corrupted }
        return answer(RawSpan(_unsafeStart: receiveBuffer, byteCount: got))
      }
      steps &+= 1
      try patience.wait(steps, port.descriptor, Int16(POLLIN))
    }
  }

  @inlinable @inline(__always)
  public mutating func serve(
    _ body: (borrowing RawSpan) -> Void, replyByteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    var steps = 0
    var byteCount = port.take(receiveBuffer, capacity &+ 1)
    while byteCount < 0 {
      steps &+= 1
      try patience.wait(steps, port.descriptor, Int16(POLLIN))
      byteCount = port.take(receiveBuffer, capacity &+ 1)
    }
    guard byteCount <= capacity else { throw .corrupted }
    body(RawSpan(_unsafeStart: receiveBuffer, byteCount: byteCount))
    let replyCount = min(replyByteCount, max(capacity, 8))
    var span = MutableRawSpan(_unsafeStart: sendBuffer, byteCount: replyCount)
    fill(&span)
    while port.answer(sendBuffer, replyCount) < 0 {
      steps &+= 1
      try patience.wait(steps, port.descriptor, Int16(POLLIN))
    }
  }

  public mutating func shutDown() { port.close() }
}
