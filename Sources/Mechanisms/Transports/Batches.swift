import Glibc
import IPCTransport
import LinuxIPC
import SharedRing

// Senders whose messages wait for `flush` and leave together, and receivers that take several at once. What they move is
// the same as one at a time, so that either side can face the plain transport of the other.

/// The sending side of a ring: a batch becomes visible at once.
public struct BatchedRing<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }
  let mapping: LinuxIPC.Mapping
  @usableFromInline var ring: MessageBatcher<Wait>

  public init(_ mapping: LinuxIPC.Mapping, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    ring = try explainingRing { () throws(RingFormatError) in
      let header = try RingHeader.find(in: mapping, .messages, spec)
      return try MessageBatcher(header, stallLimitNanoseconds: spec.stallLimitNanoseconds)
    }
    self.mapping = mapping
  }

  public var stalls: UInt64 { ring.stalls }
  public var sharedMapping: LinuxIPC.Mapping? { mapping }

  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    do throws(RingError) { try ring.send(byteCount, fill) } catch { throw ExchangeError(error) }
  }

  @inlinable @inline(__always)
  public mutating func flush() throws(ExchangeError) { ring.flush() }

  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    throw .peerClosed
  }

  public mutating func shutDown() { ring.close() }
}

/// The sending side of a byte stream: a batch leaves in one `writev`. A reader takes what is there with one `read`
/// anyhow.
public struct GatheredStream<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }
  let ends: Ends
  let output: Int32
  let capacity: Int
  let batch: MessageBatch
  var waiting = 0
  var patience: Patience<Wait>
  public var stalls: UInt64 { patience.stalls }

  /// The length before each message: the payload after it begins a cache line.
  private static var prefixByteCount: Int { 4 }

  public init(_ ends: Ends, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let patience = try Patience<Wait>(nil, spec)
    try ends.setNonBlocking(!Wait.blocksInCalls)
    self.ends = ends
    self.patience = patience
    output = ends.output.rawValue
    capacity = spec.messageByteCount
    let stride = (capacity + 64 + 63) / 64 * 64
    batch = MessageBatch(
      Buffer.allocate(stride * spec.batch) + 64 - Self.prefixByteCount, stride: stride, count: spec.batch)
  }

  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    guard byteCount >= 0 && byteCount <= capacity else { throw .messageTooLarge }
    if waiting == batch.count { try flush() }
    let message = batch.buffer(waiting)
    LengthPrefix.store(byteCount, to: message)
    var span = MutableRawSpan(_unsafeStart: message + Self.prefixByteCount, byteCount: byteCount)
    fill(&span)
    batch.set(waiting, byteCount: byteCount &+ Self.prefixByteCount)
    waiting &+= 1
  }

  public mutating func flush() throws(ExchangeError) {
    var (first, skip, steps) = (0, 0, 0)
    while first < waiting {
      var written = batch.write(output, first..<waiting, skip: skip)
      guard written >= 0 else {
        steps &+= 1
        try patience.wait(steps, output, Int16(POLLOUT))
        continue
      }
      steps = 0
      // Over the messages that went whole.
      while first < waiting, written >= byteCount(first) &- skip {
        written &-= byteCount(first) &- skip
        (first, skip) = (first &+ 1, 0)
      }
      skip &+= written
    }
    waiting = 0
  }

  private func byteCount(_ index: Int) -> Int {
    LengthPrefix.byteCount(batch.buffer(index)) &+ Self.prefixByteCount
  }

  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    throw .peerClosed
  }

  public var facts: TransportFacts { ends.facts }
  public mutating func shutDown() { ends.close() }
}

/// Sockets that keep message boundaries: one `sendmmsg` for a batch, and one `recvmmsg` for as many as are there.
public struct BatchedPackets<Kind: PacketKind, Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }
  @inlinable public static var mayDrop: Bool { Kind.mayDrop }
  let ends: Ends
  let capacity: Int
  let batch: MessageBatch
  /// To be sent, or received and not handed out: `next ..< end`.
  var next = 0
  var end = 0
  var sends: UInt64 = 0
  let isWatched: Bool
  var patience: Patience<Wait>
  public var stalls: UInt64 { patience.stalls }

  public init(_ ends: Ends, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let patience = try Patience<Wait>(ends.meeting, spec)
    try ends.setNonBlocking(!Wait.blocksInCalls)
    self.ends = ends
    self.patience = patience
    isWatched = ends.meeting != nil && Wait.blocksInCalls
    capacity = spec.messageByteCount
    // A message that is longer than it may be must show.
    let stride = (capacity + 1 + 63) / 64 * 64
    batch = MessageBatch(Buffer.allocate(stride * spec.batch), stride: stride, count: spec.batch)
    if role == .consumer { for index in 0..<spec.batch { batch.set(index, byteCount: capacity + 1) } }
    if isWatched { Heartbeat.start() }
  }

  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    guard byteCount <= capacity else { throw .messageTooLarge }
    guard byteCount > 0 || !Kind.emptyIsEnd else { throw .messageTooSmall }
    if end == batch.count { try flush() }
    var span = MutableRawSpan(_unsafeStart: batch.buffer(end), byteCount: byteCount)
    fill(&span)
    batch.set(end, byteCount: byteCount)
    end &+= 1
  }

  public mutating func flush() throws(ExchangeError) {
    var steps = 0
    while next < end {
      let sent = batch.send(ends.output.rawValue, next..<end)
      if sent > 0 {
        next &+= sent
        steps = 0
      } else {
        steps &+= 1
        try patience.wait(steps, ends.output.rawValue, Int16(POLLOUT))
      }
    }
    (next, end) = (0, 0)
    // Where nothing ever makes it wait, a side would never look after its peer.
    sends &+= 1
    if Kind.mayDrop && sends & 1023 == 0 { try patience.check(0) }
  }

  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    if next == end { try refill() }
    let byteCount = batch.received(next)
    if byteCount == 0 && Kind.emptyIsEnd { throw .peerClosed }
    guard byteCount <= capacity else { throw .corrupted }
    body(RawSpan(_unsafeStart: batch.buffer(next), byteCount: byteCount))
    next &+= 1
  }

  private mutating func refill() throws(ExchangeError) {
    var steps = 0
    while true {
      let got = batch.receive(ends.input.rawValue)
      if got > 0 {
        (next, end) = (0, got)
        return
      }
      steps &+= 1
      try patience.wait(steps, ends.input.rawValue, Int16(POLLIN))
    }
  }

  public var facts: TransportFacts {
    var facts = ends.facts
    if Kind.mayDrop { facts.messagesLost = Socket(descriptor: ends.input).drops }
    return facts
  }

  public mutating func shutDown() {
    if isWatched { Heartbeat.stop() }
    ends.close()
    patience.leave()
  }
}
