import LinuxIPC
import Synchronization

/// A single-producer, single-consumer ring of records of one size, moved in contiguous batches.
///
/// Both sides keep a copy of the other's index and look at the original only when the copy says full or empty
/// (as rigtorp's SPSCQueue and FastForward do). A batch is published by one store, and the
/// consumer hands back a quarter of the ring at a time. For many small records this moves several times more
/// than any scheme that marks each of them; for one message in flight `MessageRing` is faster, since here
/// index and payload are in different lines.
public struct RecordProducer<Wait: WaitStrategy>: ~Copyable, IndexWaiter {
  @usableFromInline let header: RingHeader
  @usableFromInline let slots: UnsafeMutableRawPointer
  @usableFromInline let slotCount: UInt64
  @usableFromInline let consumerSpot: SleepingSpot
  @usableFromInline let producerSpot: SleepingSpot
  @usableFromInline var position: UInt64 = 0
  @usableFromInline var knownHead: UInt64 = 0
  var side: Side

  /// Bytes of each record.
  public let recordByteCount: Int
  public var stalls: UInt64 = 0

  public init(
    _ header: RingHeader, stallLimitNanoseconds: UInt64 = 10_000_000_000
  ) throws(RingFormatError) {
    self.header = header
    slots = header.slots
    slotCount = UInt64(header.geometry.slotCount)
    recordByteCount = header.geometry.stride
    consumerSpot = SleepingSpot(header, RingHeader.Offset.consumerSleeps)
    producerSpot = SleepingSpot(header, RingHeader.Offset.producerSleeps)
    side = try header.producerSide(stallLimitNanoseconds: stallLimitNanoseconds)
  }

  /// Writes up to `count` records in place and publishes them together.
  ///
  /// `fill` gets room for the records granted, at least one: fewer than asked for at the end of the ring or
  /// where the consumer lags.
  ///
  /// - Returns: the number of records written.
  @inlinable @inline(__always)
  public mutating func send(
    atMost count: Int, _ fill: (inout MutableRawSpan, Int) -> Void
  ) throws(RingError) -> Int {
    if position &- knownHead == slotCount { try waitForSpace() }
    let index = position & (slotCount &- 1)
    let free = slotCount &- (position &- knownHead)
    let granted = min(UInt64(truncatingIfNeeded: count), free, slotCount &- index)
    var bytes = MutableRawSpan(
      _unsafeStart: slots + Int(truncatingIfNeeded: index) &* recordByteCount,
      byteCount: Int(truncatingIfNeeded: granted) &* recordByteCount)
    fill(&bytes, Int(truncatingIfNeeded: granted))
    position &+= granted
    header.word(RingHeader.Offset.tail).pointee.store(position, ordering: .releasing)
    if Wait.sleeps { consumerSpot.wakeSleeper() }
    return Int(truncatingIfNeeded: granted)
  }

  /// Reads the consumer's index until it leaves room; what it says is checked before it is believed.
  @inlinable mutating func waitForSpace() throws(RingError) {
    let full = position &- slotCount
    let head = try header.index(
      at: RingHeader.Offset.head, otherThan: full, producerSpot, Wait.self
    ) { steps throws(RingError) in try hasWaited(steps) }
    if position &- head > slotCount { throw .corrupted }
    knownHead = head
  }

  @usableFromInline @inline(never)
  mutating func checkPatience() throws(RingError) { try side.checkPatience(at: position) }

  public func close() {
    side.close()
    if Wait.sleeps { consumerSpot.wakeSleeper() }
  }
}

/// The side that reads records.
public struct RecordConsumer<Wait: WaitStrategy>: ~Copyable, IndexWaiter {
  @usableFromInline let header: RingHeader
  @usableFromInline let slots: UnsafeMutableRawPointer
  @usableFromInline let slotCount: UInt64
  @usableFromInline let quarter: UInt64
  @usableFromInline let consumerSpot: SleepingSpot
  @usableFromInline let producerSpot: SleepingSpot
  @usableFromInline var position: UInt64 = 0
  @usableFromInline var released: UInt64 = 0
  @usableFromInline var knownTail: UInt64 = 0
  var side: Side

  public let recordByteCount: Int
  public var stalls: UInt64 = 0

  public init(
    _ header: RingHeader, stallLimitNanoseconds: UInt64 = 10_000_000_000
  ) throws(RingFormatError) {
    self.header = header
    slots = header.slots
    slotCount = UInt64(header.geometry.slotCount)
    quarter = max(1, slotCount / 4)
    recordByteCount = header.geometry.stride
    consumerSpot = SleepingSpot(header, RingHeader.Offset.consumerSleeps)
    producerSpot = SleepingSpot(header, RingHeader.Offset.producerSleeps)
    side = try header.consumerSide(stallLimitNanoseconds: stallLimitNanoseconds)
  }

  /// Reads up to `count` records in place, at least one.
  ///
  /// - Returns: the number of records read.
  @inlinable @inline(__always)
  public mutating func receive(
    atMost count: Int, _ body: (borrowing RawSpan, Int) -> Void
  ) throws(RingError) -> Int {
    if position == knownTail { try waitForRecords() }
    let index = position & (slotCount &- 1)
    let granted = min(UInt64(truncatingIfNeeded: count), knownTail &- position, slotCount &- index)
    body(
      RawSpan(
        _unsafeStart: slots + Int(truncatingIfNeeded: index) &* recordByteCount,
        byteCount: Int(truncatingIfNeeded: granted) &* recordByteCount),
      Int(truncatingIfNeeded: granted))
    position &+= granted
    if position &- released >= quarter { release() }
    return Int(truncatingIfNeeded: granted)
  }

  @inlinable @inline(__always)
  mutating func release() {
    released = position
    header.word(RingHeader.Offset.head).pointee.store(position, ordering: .releasing)
    if Wait.sleeps { producerSpot.wakeSleeper() }
  }

  @inlinable mutating func waitForRecords() throws(RingError) {
    let tail = try header.index(
      at: RingHeader.Offset.tail, otherThan: position, consumerSpot, Wait.self
    ) { steps throws(RingError) in try hasWaited(steps) }
    if tail &- position > slotCount { throw .corrupted }
    knownTail = tail
  }

  /// As the side's, but records published just before the peer closed or died are not lost.
  @usableFromInline @inline(never)
  mutating func checkPatience() throws(RingError) {
    do throws(RingError) {
      try side.checkPatience(at: position)
    } catch {
      if header.word(RingHeader.Offset.tail).pointee.load(ordering: .acquiring) == position { throw error }
    }
  }

  public func close() {
    side.close()
    if Wait.sleeps { producerSpot.wakeSleeper() }
  }
}
