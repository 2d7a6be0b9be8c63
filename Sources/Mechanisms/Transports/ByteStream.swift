import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// How messages enter a byte stream: by a copy, or by reference.
public protocol StreamSender: ~Copyable, SendableMetatype {
  /// - Parameter capacity: bytes of the largest message.
  init(_ ends: Ends, capacity: Int, nonBlocking: Bool) throws(TransportError)
  /// Memory for the next message: `byteCount` bytes, and as many before it as the prefix takes.
  mutating func stage(_ byteCount: Int) -> UnsafeMutableRawPointer
  /// One system call: how many bytes were taken, −1 with errno.
  mutating func write(_ bytes: UnsafeRawPointer, _ count: Int) -> Int
  func add(to facts: inout TransportFacts)
}

extension StreamSender where Self: ~Copyable {
  public func add(to facts: inout TransportFacts) {}
}

/// `write`: the kernel copies.
public struct CopyingSender: StreamSender, ~Copyable {
  @usableFromInline let payload: UnsafeMutableRawPointer
  @usableFromInline let descriptor: Int32

  public init(_ ends: Ends, capacity: Int, nonBlocking: Bool) throws(TransportError) {
    // The prefix lies right before an aligned payload.
    payload = Buffer.allocate(capacity + 64) + 64
    descriptor = ends.output.rawValue
  }

  @inlinable @inline(__always)
  public mutating func stage(_ byteCount: Int) -> UnsafeMutableRawPointer { payload }

  @inlinable @inline(__always)
  public mutating func write(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    RawDescriptor.write(descriptor, bytes, count)
  }
}

enum Buffer {
  /// Page faults belong to the set-up, not to the first messages.
  static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 4096)
    memset(buffer, 0, byteCount)
    return buffer
  }
}

/// The four bytes before each message of a byte stream.
public protocol StreamFraming: SendableMetatype {
  static func store(_ byteCount: Int, to prefix: UnsafeMutableRawPointer)
  /// Bytes of the message that follows; −1 where none does and the prefix is to be passed over, less where the peer does
  /// not keep to the framing.
  static func byteCount(_ prefix: UnsafeRawPointer) -> Int
}

/// A length: the suite's own framing.
public enum LengthPrefix: StreamFraming {
  @inlinable @inline(__always)
  public static func store(_ byteCount: Int, to prefix: UnsafeMutableRawPointer) {
    prefix.storeBytes(of: UInt32(truncatingIfNeeded: byteCount), as: UInt32.self)
  }

  @inlinable @inline(__always)
  public static func byteCount(_ prefix: UnsafeRawPointer) -> Int {
    Int(prefix.loadUnaligned(as: UInt32.self))
  }
}

public typealias ByteStream<Sender: StreamSender & ~Copyable, Wait: WaitStrategy> = FramedStream<
  Sender, Wait, LengthPrefix
>

/// Messages over descriptors that carry bytes without boundaries: pipes, FIFOs, stream sockets.
///
/// Each message is preceded by four bytes that say its length, and leaves in one call where the kernel takes it whole;
/// the reader takes what is there in one `read` and cuts it up. Blocking strategies use blocking descriptors;
/// the others non-blocking ones, tried again by the strategy; `spin-then-block` sleeps in `poll`, and `Multiplexed` asks
/// before it reads.
public struct FramedStream<Sender: StreamSender & ~Copyable, Wait: WaitStrategy, Framing: StreamFraming>:
  Transport, ~Copyable
{
  public static var wait: WaitKind { Wait.kind }

  let ends: Ends
  @usableFromInline let input: Int32
  @usableFromInline let output: Int32
  @usableFromInline let capacity: Int
  @usableFromInline var sender: Sender
  @usableFromInline let receiveBuffer: UnsafeMutableRawPointer
  @usableFromInline let receiveByteCount: Int
  /// What has been read and not yet handed out: `receiveBuffer[start ..< end]`.
  @usableFromInline var start = 0
  @usableFromInline var end = 0
  @usableFromInline var patience: Patience<Wait>
  public var stalls: UInt64 { patience.stalls }

  @inlinable static var prefixByteCount: Int { 4 }

  public init(_ ends: Ends, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let sender = try Sender(ends, capacity: spec.messageByteCount, nonBlocking: !Wait.blocksInCalls)
    let patience = try Patience<Wait>(nil, spec)
    try ends.setNonBlocking(!Wait.blocksInCalls)
    self.ends = ends
    self.sender = sender
    self.patience = patience
    input = ends.input.rawValue
    output = ends.output.rawValue
    capacity = spec.messageByteCount
    // Two messages and a pipe's worth: one read takes all that can be waiting.
    receiveByteCount = max(64 << 10, 2 * (spec.messageByteCount + Self.prefixByteCount))
    receiveBuffer = Buffer.allocate(receiveByteCount)
  }

  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    guard byteCount >= 0 && byteCount <= capacity else { throw .messageTooLarge }
    let payload = sender.stage(byteCount)
    var span = MutableRawSpan(_unsafeStart: payload, byteCount: byteCount)
    fill(&span)
    let message = payload - Self.prefixByteCount
    Framing.store(byteCount, to: message)
    let total = byteCount &+ Self.prefixByteCount
    let written = sender.write(message, total)
    if written != total { try writeRest(message, total, written) }
  }

  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    var byteCount = -1
    while true {
      if end &- start < Self.prefixByteCount { try readAtLeast(Self.prefixByteCount) }
      byteCount = Framing.byteCount(receiveBuffer + start)
      if byteCount >= 0 { break }
      guard byteCount == -1 else { throw .corrupted }
      start &+= Self.prefixByteCount
    }
    guard byteCount <= capacity else { throw .corrupted }
    let total = byteCount &+ Self.prefixByteCount
    if end &- start < total { try readAtLeast(total) }
    body(
      RawSpan(
        _unsafeStart: receiveBuffer + start + Self.prefixByteCount, byteCount: byteCount))
    start &+= total
    if start == end { (start, end) = (0, 0) }
  }

  /// Reads until `count` bytes are waiting, moving what is there to the front where room is short.
  @inlinable mutating func readAtLeast(_ count: Int) throws(ExchangeError) {
    if receiveByteCount &- start < count {
      memmove(receiveBuffer, receiveBuffer + start, end &- start)
      (start, end) = (0, end &- start)
    }
    var steps = 0
    while end &- start < count {
      if Wait.asksFirst { try patience.awaitInput(input) }
      let got = RawDescriptor.read(input, receiveBuffer + end, receiveByteCount &- end)
      if got > 0 {
        end &+= got
        steps = 0
      } else if got == 0 {
        throw .peerClosed
      } else {
        steps &+= 1
        try patience.wait(steps, input, Int16(POLLIN))
      }
    }
  }

  @inlinable mutating func writeRest(
    _ message: UnsafeMutableRawPointer, _ total: Int, _ first: Int
  ) throws(ExchangeError) {
    var done = max(0, first)
    var steps = first < 0 ? 1 : 0
    // The errno of the first attempt is still standing.
    if first < 0 { try patience.wait(steps, output, Int16(POLLOUT)) }
    while done < total {
      let written = sender.write(message + done, total &- done)
      if written >= 0 {
        done &+= written
        steps = 0
      } else {
        steps &+= 1
        try patience.wait(steps, output, Int16(POLLOUT))
      }
    }
  }

  public var facts: TransportFacts {
    var facts = ends.facts
    sender.add(to: &facts)
    return facts
  }

  public mutating func shutDown() { ends.close() }
}
