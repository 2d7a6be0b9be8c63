import Glibc
import IPCTransport
import LinuxIPC

/// One worker's end of a mechanism that moves a whole message with one call each way: the two calls, and nothing
/// around them. `Messages` adds the buffers, the waiting and the contract.
public protocol MessagePort: ~Copyable, SendableMetatype {
  associatedtype Attachment
  /// How its calls wait. Where `blocksInCalls` is true they sleep in the kernel until a signal interrupts them;
  /// otherwise they fail with EAGAIN.
  associatedtype Wait: WaitStrategy

  /// Whether messages may be lost.
  static var mayDrop: Bool { get }
  /// Bytes of the smallest message.
  static var minimumByteCount: Int { get }
  /// Where the peer is looked after, nil where the kernel reports its end: a call then fails with EPIPE.
  static func meeting(_ attachment: Attachment) -> Meeting?

  init(_ attachment: Attachment, as role: Role, _ spec: ChannelSpec) throws(TransportError)

  /// Sends a message: 0 or more, or −1 with errno. The 256 bytes before the message, there and in the buffer of
  /// `take`, are the port's.
  mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int
  /// Takes the next message: its bytes, or −1 with errno; EPIPE when the peer is gone.
  mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int

  /// Whether the next message has left the kernel already: then there is nothing to be waited for.
  var holdsMessage: Bool { get }
  /// What to poll before the next attempt; −1 where there is nothing to poll.
  var input: Int32 { get }
  var output: Int32 { get }
  /// What to poll `output` for: room, or where each message is acknowledged, the answer.
  static var outputEvent: Int16 { get }
  var facts: TransportFacts { get }

  mutating func close()
}

extension MessagePort where Self: ~Copyable {
  @inlinable public static var mayDrop: Bool { false }
  @inlinable public static var minimumByteCount: Int { 0 }
  public static func meeting(_ attachment: Attachment) -> Meeting? { nil }
  @inlinable public var holdsMessage: Bool { false }
  @inlinable public var input: Int32 { -1 }
  @inlinable public var output: Int32 { -1 }
  @inlinable public static var outputEvent: Int16 { Int16(POLLOUT) }
  public var facts: TransportFacts { TransportFacts() }
  public mutating func close() {}
}

/// Messages over a port: staged in a buffer of the producer's, and shown in one of the consumer's.
public struct Messages<Port: MessagePort & ~Copyable>: Transport, ~Copyable {
  public typealias Wait = Port.Wait
  public static var wait: WaitKind { Port.Wait.kind }
  @inlinable public static var mayDrop: Bool { Port.mayDrop }

  @usableFromInline var port: Port
  @usableFromInline var patience: Patience<Port.Wait>
  @usableFromInline let capacity: Int
  @usableFromInline let sendBuffer: UnsafeMutableRawPointer
  @usableFromInline let receiveBuffer: UnsafeMutableRawPointer
  @usableFromInline var sends: UInt64 = 0
  public var stalls: UInt64 { patience.stalls }
  public var facts: TransportFacts { port.facts }

  public init(_ attachment: Port.Attachment, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let meeting = Port.meeting(attachment)
    let patience = try Patience<Port.Wait>(meeting, spec)
    let port = try Port(attachment, as: role, spec)
    self.patience = patience
    self.port = port
    capacity = spec.messageByteCount
    sendBuffer = Buffer.allocate(capacity + 256) + 256
    // A message that is longer than it may be must show.
    receiveBuffer = Buffer.allocate(capacity + 257) + 256
    // Without the kernel's help a side that sleeps has to be woken to look after its peer.
    if meeting != nil && Wait.blocksInCalls { Heartbeat.start() }
  }

  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    guard byteCount <= capacity else { throw .messageTooLarge }
    guard byteCount >= Port.minimumByteCount else { throw .messageTooSmall }
    var span = MutableRawSpan(_unsafeStart: sendBuffer, byteCount: byteCount)
    fill(&span)
    var steps = 0
    while port.put(sendBuffer, byteCount) < 0 {
      steps &+= 1
      try patience.wait(steps, port.output, Port.outputEvent)
    }
    // Where nothing ever makes it wait, a side would never look after its peer.
    if Port.mayDrop {
      sends &+= 1
      if sends & 1023 == 0 { try patience.check(0) }
    }
  }

  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    var steps = 0
    while true {
      if Wait.asksFirst && !port.holdsMessage { try patience.awaitInput(port.input) }
      let byteCount = port.take(receiveBuffer, capacity &+ 1)
      if byteCount >= 0 {
        guard byteCount <= capacity else { throw .corrupted }
        return body(RawSpan(_unsafeStart: receiveBuffer, byteCount: byteCount))
      }
      steps &+= 1
      try patience.wait(steps, port.input, Int16(POLLIN))
    }
  }

  public mutating func shutDown() {
    Heartbeat.stop()
    port.close()
    patience.leave()
  }
}

// MARK: Descriptors

/// What an empty read means, and whether the kernel may drop messages.
public protocol PacketKind: SendableMetatype {
  static var emptyIsEnd: Bool { get }
  static var mayDrop: Bool { get }
}

/// Connections: an empty read is the peer's end.
public enum Connected: PacketKind {
  @inlinable public static var emptyIsEnd: Bool { true }
  @inlinable public static var mayDrop: Bool { false }
}

/// Datagrams within a host: the sender waits.
public enum Datagram: PacketKind {
  @inlinable public static var emptyIsEnd: Bool { false }
  @inlinable public static var mayDrop: Bool { false }
}

/// Datagrams that are dropped where there is no room.
public enum LossyDatagram: PacketKind {
  @inlinable public static var emptyIsEnd: Bool { false }
  @inlinable public static var mayDrop: Bool { true }
}

/// Descriptors that keep message boundaries: one `write` and one `read` for each message.
public struct Packets<Kind: PacketKind, Wait: WaitStrategy>: MessagePort, ~Copyable {
  let ends: Ends
  public let input: Int32
  public let output: Int32
  @inlinable public static var mayDrop: Bool { Kind.mayDrop }
  @inlinable public static var minimumByteCount: Int { Kind.emptyIsEnd ? 1 : 0 }
  public static func meeting(_ ends: Ends) -> Meeting? { ends.meeting }

  public init(_ ends: Ends, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    try ends.setNonBlocking(!Wait.blocksInCalls)
    self.ends = ends
    input = ends.input.rawValue
    output = ends.output.rawValue
  }

  @inlinable @inline(__always)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    RawDescriptor.write(output, message, byteCount)
  }

  @inlinable @inline(__always)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    let got = RawDescriptor.read(input, buffer, capacity)
    return Kind.emptyIsEnd && got == 0 ? RawDescriptor.fail(EPIPE) : got
  }

  public var facts: TransportFacts {
    var facts = ends.facts
    if Kind.mayDrop { facts.messagesLost = Socket(descriptor: ends.input).drops }
    return facts
  }

  public mutating func close() { ends.close() }
}
