import CLinuxShims
import LinuxIPC
import Synchronization

/// A single-producer, single-consumer ring of variable-length messages.
///
/// Each slot has one 64-bit word {sequence: 32, length: 32} that publishes it; the consumer watches it. A message of
/// up to 56 bytes is in the same cache line, before the word; a larger one begins in the next line, which the
/// consumer prefetches while it watches, so that both lines travel at once. The consumer hands slots back in batches of a
/// quarter ring through one index of its own (as Aeron's log buffers and FastForward do), so that in steady
/// state no other line moves.
///
/// Layout of a slot, `stride` bytes: word at 56; payload right before it where the capacity is at most 56 bytes,
/// else at 64.
public enum MessageRing {
  /// A slot whose loan was dropped instead of committed: the consumer steps over it.
  @usableFromInline static var aborted: UInt64 { 1 << 63 }

  @inlinable @inline(__always)
  static func slotWord(_ slot: UnsafeMutableRawPointer) -> SharedWord {
    SharedWord((slot + RingHeader.slotWordOffset).assumingMemoryBound(to: Atomic<UInt64>.self))
  }

  /// One look at a slot: asks for the payload's line before it loads the word. Never a prefetch for writing,
  /// which would take the line away from a producer that is still filling it.
  @inlinable @inline(__always)
  static func look(_ slot: UnsafeMutableRawPointer) -> UInt64 {
    ipcb_prefetch(slot + RingHeader.cacheLine)
    return slotWord(slot).pointee.load(ordering: .acquiring)
  }

  /// The low half of the word that publishes message number `position`; never 0 for a fresh ring's first lap
  /// and different from what the slot held one lap ago.
  @inlinable @inline(__always)
  static func sequence(_ position: UInt64) -> UInt64 { (position &+ 1) & 0xFFFF_FFFF }
}

/// The side that writes messages.
public struct MessageProducer<Wait: WaitStrategy>: ~Copyable, IndexWaiter {
  @usableFromInline let header: RingHeader
  @usableFromInline let slots: UnsafeMutableRawPointer
  @usableFromInline let mask: UInt64
  @usableFromInline let stride: Int
  @usableFromInline let payloadOffset: Int
  @usableFromInline let slotCount: UInt64
  @usableFromInline let consumerSpot: SleepingSpot
  @usableFromInline let producerSpot: SleepingSpot
  /// Number of the next message, and its slot: found out after the last one was published, so that a reply does
  /// not wait for it.
  @usableFromInline var position: UInt64 = 0
  @usableFromInline var slot: UnsafeMutableRawPointer
  /// Messages below this number may be written without looking at the consumer's index.
  @usableFromInline var limit: UInt64
  var side: Side

  /// Largest message, in bytes.
  public let capacity: Int
  /// Messages sent so far, aborted ones included.
  public var messageCount: UInt64 { position }
  /// How often a message found no free slot.
  public var stalls: UInt64 = 0

  /// Takes the producer's side of a ring.
  ///
  /// - Parameter stallLimitNanoseconds: how long the consumer may stand still before an operation gives up.
  public init(
    _ header: RingHeader, stallLimitNanoseconds: UInt64 = 10_000_000_000
  ) throws(RingFormatError) {
    self.header = header
    slots = header.slots
    slot = slots
    slotCount = UInt64(header.geometry.slotCount)
    mask = slotCount - 1
    stride = header.geometry.stride
    payloadOffset = header.geometry.payloadOffset
    capacity = header.geometry.capacity
    limit = slotCount
    consumerSpot = SleepingSpot(header, RingHeader.Offset.consumerSleeps)
    producerSpot = SleepingSpot(header, RingHeader.Offset.producerSleeps)
    side = try header.producerSide(stallLimitNanoseconds: stallLimitNanoseconds)
  }

  /// Writes one message in place: `fill` gets the slot's own memory.
  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(RingError) {
    let slot = try claim(byteCount)
    var payload = MutableRawSpan(
      _unsafeStart: slot + payloadOffset, byteCount: byteCount)
    fill(&payload)
    publish(slot, position, UInt64(byteCount))
    advance()
  }

  @inlinable @inline(__always)
  mutating func advance() {
    position &+= 1
    slot = slots + Int(truncatingIfNeeded: position & mask) &* stride
  }

  /// Waits for the next slot.
  @inlinable @inline(__always)
  mutating func claim(_ byteCount: Int) throws(RingError) -> UnsafeMutableRawPointer {
    guard byteCount >= 0 && byteCount <= capacity else { throw .messageTooLarge }
    if position == limit { try waitForSpace() }
    return slot
  }

  @inlinable @inline(__always)
  func publish(_ slot: UnsafeMutableRawPointer, _ position: UInt64, _ length: UInt64) {
    MessageRing.slotWord(slot).pointee.store(
      MessageRing.sequence(position) | length << 32, ordering: .releasing)
    if Wait.sleeps { consumerSpot.wakeSleeper() }
  }

  /// Whether the consumer has handed back no slot since the last look.
  @inlinable var isFull: Bool {
    header.word(RingHeader.Offset.head).pointee.load(ordering: .acquiring) == position &- slotCount
  }

  /// Reads the consumer's index until it leaves room; what it says is checked before it is believed.
  @inlinable mutating func waitForSpace() throws(RingError) {
    let full = position &- slotCount
    let head = try header.index(
      at: RingHeader.Offset.head, otherThan: full, producerSpot, Wait.self
    ) { steps throws(RingError) in try hasWaited(steps) }
    if position &- head > slotCount { throw .corrupted }
    limit = head &+ slotCount
  }

  @usableFromInline @inline(never)
  mutating func checkPatience() throws(RingError) { try side.checkPatience(at: position) }

  /// Tells the consumer that no more messages will come.
  public func close() {
    side.close()
    if Wait.sleeps { consumerSpot.wakeSleeper() }
  }
}

/// The side that reads messages.
public struct MessageConsumer<Wait: WaitStrategy>: ~Copyable {
  @usableFromInline let header: RingHeader
  @usableFromInline let slots: UnsafeMutableRawPointer
  @usableFromInline let mask: UInt64
  @usableFromInline let stride: Int
  @usableFromInline let payloadOffset: Int
  @usableFromInline let releaseMask: UInt64
  @usableFromInline let consumerSpot: SleepingSpot
  @usableFromInline let producerSpot: SleepingSpot
  /// Number of the next message.
  @usableFromInline var position: UInt64 = 0
  var side: Side

  public let capacity: Int
  /// Messages taken so far, aborted and damaged ones included.
  public var messageCount: UInt64 { position }
  /// How often the ring was found empty.
  public var stalls: UInt64 = 0

  /// Takes the consumer's side of a ring.
  public init(
    _ header: RingHeader, stallLimitNanoseconds: UInt64 = 10_000_000_000
  ) throws(RingFormatError) {
    self.header = header
    slots = header.slots
    mask = UInt64(header.geometry.slotCount) - 1
    stride = header.geometry.stride
    payloadOffset = header.geometry.payloadOffset
    capacity = header.geometry.capacity
    releaseMask = UInt64(max(1, header.geometry.slotCount / 4)) - 1
    consumerSpot = SleepingSpot(header, RingHeader.Offset.consumerSleeps)
    producerSpot = SleepingSpot(header, RingHeader.Offset.producerSleeps)
    side = try header.consumerSide(stallLimitNanoseconds: stallLimitNanoseconds)
  }

  /// Reads one message in place: `body` sees the slot's own memory. A hostile producer may change those bytes
  /// while they are read, but not where they are nor how many.
  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(RingError) {
    let (payload, byteCount) = try take()
    body(RawSpan(_unsafeStart: payload, byteCount: byteCount))
    release(position)
  }

  /// Waits for the next message that was not aborted and steps past it.
  @inlinable @inline(__always)
  mutating func take() throws(RingError) -> (payload: UnsafeRawPointer, byteCount: Int) {
    while true {
      let slot = slots + Int(truncatingIfNeeded: position & mask) &* stride
      let expected = MessageRing.sequence(position)
      var word = MessageRing.look(slot)
      if word & 0xFFFF_FFFF != expected { word = try waitForMessage(slot, expected) }
      position &+= 1
      if _fastPath(word & MessageRing.aborted == 0) {
        // Read once, above; checked here, before use.
        let byteCount = Int(truncatingIfNeeded: word >> 32)
        if byteCount > capacity { throw .corrupted }
        return (UnsafeRawPointer(slot + payloadOffset), byteCount)
      }
      release(position)
    }
  }

  /// Hands slots back, a quarter of the ring at a time.
  @inlinable @inline(__always)
  func release(_ position: UInt64) {
    if position & releaseMask == 0 {
      header.word(RingHeader.Offset.head).pointee.store(position, ordering: .releasing)
      if Wait.sleeps { producerSpot.wakeSleeper() }
    }
  }

  @inlinable @inline(__always)
  mutating func waitForMessage(
    _ slot: UnsafeMutableRawPointer, _ expected: UInt64
  ) throws(RingError) -> UInt64 {
    stalls &+= 1
    var steps = 0
    while true {
      let word = MessageRing.look(slot)
      if word & 0xFFFF_FFFF == expected { return word }
      steps &+= 1
      if Wait.sleeps && steps > Wait.spinBudget {
        consumerSpot.sleep {
          MessageRing.look(slot) & 0xFFFF_FFFF == expected
        }
        try checkPatience(slot, expected)
      } else {
        Wait.relax()
        if steps & (Wait.stepsPerCheck - 1) == 0 { try checkPatience(slot, expected) }
      }
    }
  }

  /// As the side's, but a message published just before the peer closed or died is not lost.
  @usableFromInline @inline(never)
  mutating func checkPatience(
    _ slot: UnsafeMutableRawPointer, _ expected: UInt64
  ) throws(RingError) {
    do throws(RingError) {
      try side.checkPatience(at: position)
    } catch {
      let word = MessageRing.look(slot)
      if word & 0xFFFF_FFFF != expected { throw error }
    }
  }

  /// Tells the producer that nothing will be read any more.
  public func close() {
    side.close()
    if Wait.sleeps { producerSpot.wakeSleeper() }
  }
}
