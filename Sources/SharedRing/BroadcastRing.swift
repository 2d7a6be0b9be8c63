import LinuxIPC
import Synchronization

/// A ring of variable-length messages with one producer and any number of consumers, for which it does not wait: a
/// consumer that is slower than the producer is overrun, and is told how many messages it has lost (as Aeron's broadcast
/// buffers do).
///
/// Slots are those of `MessageRing`. A slot that is being written says so; a consumer copies a message, and looks whether
/// the slot still says the same (a sequence lock, Lameter 2005): what it shows is what was sent, or it is counted as lost.
public enum BroadcastRing {
  /// The word of a slot that is being written.
  @usableFromInline static var busy: UInt64 { .max }
}

/// The side that writes messages.
public struct BroadcastProducer<Wait: WaitStrategy>: ~Copyable {
  @usableFromInline let header: RingHeader
  @usableFromInline let slots: MessageSlots
  @usableFromInline let consumerSpot: SleepingSpot
  @usableFromInline var position: UInt64 = 0
  private let side: Side

  /// Largest message, in bytes.
  public let capacity: Int
  public var messageCount: UInt64 { position }

  /// Takes the producer's side of a ring.
  public init(_ header: RingHeader) throws(RingFormatError) {
    side = try header.producerSide(stallLimitNanoseconds: .max)
    self.header = header
    slots = MessageSlots(header)
    capacity = header.geometry.capacity
    consumerSpot = SleepingSpot(header, RingHeader.Offset.consumerSleeps)
  }

  /// Writes one message in place; never waits.
  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(RingError) {
    guard byteCount >= 0 && byteCount <= capacity else { throw .messageTooLarge }
    let slot = slots.slot(position)
    let word = MessageRing.slotWord(slot)
    word.pointee.store(BroadcastRing.busy, ordering: .relaxed)
    // Nothing of the message is visible before that.
    atomicMemoryFence(ordering: .releasing)
    var payload = MutableRawSpan(_unsafeStart: slots.payload(of: slot), byteCount: byteCount)
    fill(&payload)
    word.pointee.store(MessageRing.sequence(position) | UInt64(byteCount) << 32, ordering: .releasing)
    position &+= 1
    header.word(RingHeader.Offset.tail).pointee.store(position, ordering: .releasing)
    if Wait.sleeps { consumerSpot.wakeSleepers() }
  }

  /// Tells the consumers that no more messages will come.
  public func close() {
    side.close()
    if Wait.sleeps { consumerSpot.wakeSleepers() }
  }
}

/// One of the sides that read messages.
public struct BroadcastConsumer<Wait: WaitStrategy>: ~Copyable {
  @usableFromInline let header: RingHeader
  @usableFromInline let slots: MessageSlots
  @usableFromInline let consumerSpot: SleepingSpot
  /// A message is shown here, where the producer cannot change it.
  @usableFromInline let copy: UnsafeMutableRawPointer
  /// Number of the next message.
  @usableFromInline var position: UInt64
  private var producer: PeerWatch

  public let capacity: Int
  /// Number of the next message, of all that were sent.
  public var nextPosition: UInt64 { position }
  /// Messages that were overwritten before they were read.
  public private(set) var lostCount: UInt64 = 0
  /// How often this side was overrun.
  public private(set) var overrunCount: UInt64 = 0
  /// How often the ring was found empty.
  public var stalls: UInt64 = 0

  /// Joins the readers of a ring, from its next message on.
  public init(
    _ header: RingHeader, stallLimitNanoseconds: UInt64 = 10_000_000_000
  ) throws(RingFormatError) {
    producer = PeerWatch(
      peer: header.base + RingHeader.Offset.producerSide, stallLimitNanoseconds: stallLimitNanoseconds)
    self.header = header
    slots = MessageSlots(header)
    capacity = header.geometry.capacity
    consumerSpot = SleepingSpot(header, RingHeader.Offset.consumerSleeps)
    copy = UnsafeMutableRawPointer.allocate(byteCount: header.geometry.capacity, alignment: 128)
    position = header.word(RingHeader.Offset.tail).pointee.load(ordering: .acquiring)
  }

  deinit { copy.deallocate() }

  /// Reads the next message that is whole; `body` sees a copy of it.
  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(RingError) {
    while true {
      let slot = slots.slot(position)
      let expected = MessageRing.sequence(position)
      let word = MessageRing.look(slot)
      guard word & 0xFFFF_FFFF == expected, word != BroadcastRing.busy else {
        try waitForMessage(slot, expected)
        continue
      }
      // Read once, above; checked here, before use.
      let byteCount = Int(truncatingIfNeeded: word >> 32)
      if byteCount > capacity { throw .corrupted }
      copy.copyMemory(from: slots.payload(of: slot), byteCount: byteCount)
      // Nothing of the message is read after that.
      atomicMemoryFence(ordering: .acquiring)
      guard MessageRing.slotWord(slot).pointee.load(ordering: .relaxed) == word else {
        try skipWhatIsLost()
        continue
      }
      position &+= 1
      return body(RawSpan(_unsafeStart: copy, byteCount: byteCount))
    }
  }

  /// Goes on in the middle of what the ring still has, so that there is time to read it.
  @usableFromInline @inline(never)
  mutating func skipWhatIsLost() throws(RingError) {
    let tail = header.word(RingHeader.Offset.tail).pointee.load(ordering: .acquiring)
    let ahead = tail &- position
    // A message that is being overwritten just now is lost with those before it.
    let next = ahead > slots.count / 2 ? tail &- slots.count / 2 : position &+ 1
    guard Int64(bitPattern: next &- position) > 0 else { throw .corrupted }
    lostCount &+= next &- position
    overrunCount &+= 1
    position = next
  }

  @inlinable @inline(__always)
  mutating func waitForMessage(_ slot: UnsafeMutableRawPointer, _ expected: UInt64) throws(RingError) {
    stalls &+= 1
    var steps = 0
    while true {
      let word = MessageRing.look(slot)
      if word & 0xFFFF_FFFF == expected && word != BroadcastRing.busy { return }
      steps &+= 1
      let isAsleep = Wait.sleeps && steps > Wait.spinBudget
      if isAsleep {
        consumerSpot.sleep {
          let word = MessageRing.look(slot)
          return word & 0xFFFF_FFFF == expected && word != BroadcastRing.busy
        }
      } else {
        Wait.relax()
      }
      if try isOverrun() { return }
      if isAsleep || steps & (Wait.stepsPerCheck - 1) == 0 { try checkPatience(slot, expected) }
    }
  }

  /// Whether the producer is a lap ahead; then goes on with what is still there.
  @usableFromInline
  mutating func isOverrun() throws(RingError) -> Bool {
    let tail = header.word(RingHeader.Offset.tail).pointee.load(ordering: .acquiring)
    guard Int64(bitPattern: tail &- position) > Int64(slots.count) else { return false }
    try skipWhatIsLost()
    return true
  }

  /// A message published just before the producer closed or died is not lost.
  @usableFromInline @inline(never)
  mutating func checkPatience(_ slot: UnsafeMutableRawPointer, _ expected: UInt64) throws(RingError) {
    let error: RingError
    switch producer.look(at: position) {
    case .present: return
    case .gone: error = .peerClosed
    case .stalled: error = .timedOut
    }
    let word = MessageRing.look(slot)
    if word & 0xFFFF_FFFF != expected || word == BroadcastRing.busy { throw error }
  }
}
