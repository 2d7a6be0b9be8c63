import LinuxIPC

/// One worker's end of a channel in one wait strategy: the exchange itself, and nothing else. One transport may
/// serve many mechanisms (`ByteStream` everything that carries bytes over descriptors), and is compiled once for
/// them all.
///
/// Contract, checked for every registered mechanism by the conformance suite:
/// - messages arrive in the order in which they were sent, each once, with its length and bytes unchanged;
/// - every size from the traits' minimum (0, or 1 where an empty message would look like the end) to
///   `messageByteCount` bytes is carried; one byte more is refused with `messageTooLarge` and leaves the channel
///   usable;
/// - a producer that outruns its consumer waits; nothing is lost unless the traits say `mayDrop`;
/// - when a peer closes or dies, the other side gets everything that was sent before and then `peerClosed`;
/// - after `close` nothing of the channel is left, and leftovers of a killed run are removed by the next.
///
/// A notification carries messages of exactly one size, and promises less: each one sent makes one `receive`
/// succeed, none is lost or invented, and a peer's end is seen by the side that waits.
public protocol Transport: ~Copyable, SendableMetatype {
  /// What a mechanism's `attach` hands over.
  associatedtype Attachment

  /// How this form of the mechanism waits.
  static var wait: WaitKind { get }
  /// Whether messages may be lost, so that a consumer must look for gaps. Constant: the loops are compiled for it.
  static var mayDrop: Bool { get }
  /// Bytes of the answer that `call` gets; nil where it is as large as the message.
  static var replyByteCount: Int? { get }

  /// Worker, pinned: buffers, and everything else that is prepared once.
  init(_ attachment: Attachment, as role: Role, _ spec: ChannelSpec) throws(TransportError)

  /// Worker, measured: has `fill` write a message of `byteCount` bytes in memory of the transport's choosing, and
  /// sends it. Waits by the strategy for room.
  mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError)
  /// Worker, measured: sends what `send` has let wait for others to leave with it; most let none.
  mutating func flush() throws(ExchangeError)
  /// Worker, measured: waits by the strategy for a message and shows it to `body`; the bytes are valid only
  /// inside it.
  mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError)

  /// Worker, measured: a message there and its answer back. A mechanism whose sender gets an answer by itself
  /// has its own; for all others it is `send` and `receive`.
  mutating func call(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void, _ reply: (borrowing RawSpan) -> Void
  ) throws(ExchangeError)
  /// Worker, measured: the other side of `call`.
  mutating func serve(
    _ body: (borrowing RawSpan) -> Void, replyByteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError)

  /// Times an exchange could not proceed at once.
  var stalls: UInt64 { get }
  /// Worker, off the measured path: the memory that both sides share, so that the trial can record on which NUMA
  /// nodes its pages are; nil where the mechanism shares none.
  var sharedMapping: Mapping? { get }
  /// Worker, after its last exchange: what the mechanism found out beside the messages.
  var facts: TransportFacts { get }

  /// Worker, after its last exchange: tells the peer that no more will come.
  mutating func shutDown()
}

extension Transport where Self: ~Copyable {
  @inlinable public static var mayDrop: Bool { false }
  @inlinable public static var replyByteCount: Int? { nil }
  @inlinable @inline(__always) public mutating func flush() throws(ExchangeError) {}
  public var sharedMapping: Mapping? { nil }
  public var facts: TransportFacts { TransportFacts() }

  @inlinable @inline(__always)
  public mutating func call(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void, _ reply: (borrowing RawSpan) -> Void
  ) throws(ExchangeError) {
    try send(byteCount, fill)
    try receive(reply)
  }

  @inlinable @inline(__always)
  public mutating func serve(
    _ body: (borrowing RawSpan) -> Void, replyByteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    try receive(body)
    try send(replyByteCount, fill)
  }
}

/// Mechanisms whose sender gets the receiver's answer: a message is sent by a call, whose answer says nothing.
public protocol CallTransport: Transport, ~Copyable {}

extension CallTransport where Self: ~Copyable {
  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) { try call(byteCount, fill) { _ in } }

  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    try serve(body, replyByteCount: Self.replyByteCount ?? 0) { _ in }
  }
}

/// Figures that only some mechanisms have; recorded with the trial where they are not nil.
public struct TransportFacts: Sendable, BitwiseCopyable, Codable {
  /// Finding the peer by its process name.
  public var peerLookUpNanoseconds: UInt64?
  /// From the request to a server that was not running to its first answer.
  public var activationNanoseconds: UInt64?
  /// From the request for a view to its first pixel that the container sees.
  public var firstPaintNanoseconds: UInt64?
  /// Of the sends that were to copy nothing: how many the kernel reported on, and how many of those it copied.
  public var zeroCopySends: UInt64?
  public var zeroCopySendsCopied: UInt64?
  /// Whether TCP_NODELAY is set on the socket, as the kernel says.
  public var tcpNoDelay: Bool?
  /// Messages that the receiving side knows to be lost.
  public var messagesLost: UInt64?
  /// How often a consumer was overrun by a producer that does not wait for it.
  public var overruns: UInt64?

  public init() {}
}
