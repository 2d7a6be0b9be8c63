import CLinuxShims
import LinuxIPC
import Synchronization

/// A ring of variable-length messages with several producers and one consumer.
///
/// Slots are those of `MessageRing`. A producer claims the next one by compare-and-swap on a common index, fills it, and
/// publishes it by the slot's own word, so that the consumer watches one line, as with a single producer (after Vyukov's
/// bounded queue, whose cells have a sequence number too). Messages of one producer stay in order.
///
/// What each producer is about to claim stands in an entry of its own: when a producer dies between claiming and
/// publishing, the consumer finds out whose slot it is that never comes, and steps over it.
public enum FanInRing {
  /// Producers that a ring can have in its life.
  public static var mostProducers: Int { 16 }

  /// Nothing is being claimed.
  @usableFromInline static var noClaim: UInt64 { .max }
}

extension RingHeader {
  func producerEntry(_ index: Int) -> UnsafeMutableRawPointer {
    base + Offset.producers + index * Offset.producerStride
  }

  func claim(_ index: Int) -> SharedWord {
    word(Offset.producers + index * Offset.producerStride + Offset.claim)
  }
}

/// One of the sides that write messages.
public struct FanInProducer<Wait: WaitStrategy>: ~Copyable, IndexWaiter {
  @usableFromInline let header: RingHeader
  @usableFromInline let slots: MessageSlots
  @usableFromInline let consumerSpot: SleepingSpot
  @usableFromInline let producerSpot: SleepingSpot
  @usableFromInline let claim: SharedWord
  @usableFromInline var knownHead: UInt64 = 0
  var side: Side

  /// Largest message, in bytes.
  public let capacity: Int
  /// Messages that this producer has sent.
  public private(set) var messageCount: UInt64 = 0
  /// How often a message found no free slot.
  public var stalls: UInt64 = 0

  /// Takes one of the producers' sides of a ring.
  ///
  /// - Parameter stallLimitNanoseconds: how long the consumer may stand still before an operation gives up.
  public init(
    _ header: RingHeader, stallLimitNanoseconds: UInt64 = 10_000_000_000
  ) throws(RingFormatError) {
    let index = try Self.freeEntry(header)
    let side = try Side(
      own: header.producerEntry(index), peer: header.base + RingHeader.Offset.consumerSide,
      stallLimitNanoseconds: stallLimitNanoseconds)
    claim = header.claim(index)
    claim.pointee.store(FanInRing.noClaim, ordering: .releasing)
    self.header = header
    self.side = side
    slots = MessageSlots(header)
    capacity = header.geometry.capacity
    consumerSpot = SleepingSpot(header, RingHeader.Offset.consumerSleeps)
    producerSpot = SleepingSpot(header, RingHeader.Offset.producerSleeps)
  }

  /// Two that ask at once may be told the same one; then only one of them gets it.
  private static func freeEntry(_ header: RingHeader) throws(RingFormatError) -> Int {
    for index in 0..<FanInRing.mostProducers where !PeerWatch.isTaken(header.producerEntry(index)) {
      return index
    }
    throw RingFormatError("The ring has had its \(FanInRing.mostProducers) producers: make a new one.")
  }

  /// Writes one message in place: `fill` gets the slot's own memory.
  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(RingError) {
    guard byteCount >= 0 && byteCount <= capacity else { throw .messageTooLarge }
    let position = try claimPosition()
    let slot = slots.slot(position)
    var payload = MutableRawSpan(_unsafeStart: slots.payload(of: slot), byteCount: byteCount)
    fill(&payload)
    MessageRing.slotWord(slot).pointee.store(
      MessageRing.sequence(position) | UInt64(byteCount) << 32, ordering: .releasing)
    finishClaim()
    if Wait.sleeps { consumerSpot.wakeSleeper() }
  }

  @usableFromInline @inline(__always)
  mutating func finishClaim() {
    claim.pointee.store(FanInRing.noClaim, ordering: .releasing)
    messageCount &+= 1
  }

  /// The number of the next message, which is this producer's from now on.
  @inlinable @inline(__always)
  mutating func claimPosition() throws(RingError) -> UInt64 {
    let tail = header.word(RingHeader.Offset.tail)
    var position = tail.pointee.load(ordering: .relaxed)
    while true {
      if position &- knownHead >= slots.count {
        try waitForSpace(position)
        position = tail.pointee.load(ordering: .relaxed)
        continue
      }
      // Before the swap, so that a claim is never without its claimant.
      claim.pointee.store(position, ordering: .relaxed)
      ipcb_prefetch_for_writing(slots.slot(position))
      let (isOurs, found) = tail.pointee.compareExchange(
        expected: position, desired: position &+ 1, ordering: .acquiringAndReleasing)
      if isOurs { return position }
      position = found
    }
  }

  /// Looks at the consumer's index, and waits where the ring is full; what it says is checked before it is believed.
  @usableFromInline @inline(never)
  mutating func waitForSpace(_ position: UInt64) throws(RingError) {
    claim.pointee.store(FanInRing.noClaim, ordering: .releasing)
    let full = position &- slots.count
    let head = try header.index(
      at: RingHeader.Offset.head, otherThan: full, producerSpot, Wait.self
    ) { steps throws(RingError) in try hasWaited(steps) }
    // Others may have gone on since `position` was read: then the consumer is beyond it.
    let distance = Int64(bitPattern: position &- head)
    let tail = header.word(RingHeader.Offset.tail).pointee.load(ordering: .acquiring)
    // But not beyond what was claimed by now.
    if distance > Int64(slots.count) || Int64(bitPattern: tail &- head) < 0 { throw .corrupted }
    knownHead = head
  }

  @usableFromInline @inline(never)
  mutating func checkPatience() throws(RingError) { try side.checkPatience(at: knownHead) }

  /// Tells the consumer that this producer will send no more.
  public func close() {
    side.close()
    if Wait.sleeps { consumerSpot.wakeSleeper() }
  }
}

/// The side that reads messages.
public struct FanInConsumer<Wait: WaitStrategy>: ~Copyable {
  @usableFromInline let header: RingHeader
  @usableFromInline let slots: MessageSlots
  @usableFromInline let releaseMask: UInt64
  @usableFromInline let consumerSpot: SleepingSpot
  @usableFromInline let producerSpot: SleepingSpot
  /// Number of the next message.
  @usableFromInline var position: UInt64 = 0
  private var producers: ProducerWatches

  public let capacity: Int
  /// Messages taken so far, those that never came included.
  public var messageCount: UInt64 { position }
  /// Messages whose producers died before they were published.
  public var abandonedCount: UInt64 { producers.abandonedCount }
  /// How often the ring was found empty.
  public var stalls: UInt64 = 0

  /// Takes the consumer's side of a ring.
  ///
  /// - Parameter producerCount: how many must have come before all of them can have gone.
  public init(
    _ header: RingHeader, producerCount: Int, stallLimitNanoseconds: UInt64 = 10_000_000_000
  ) throws(RingFormatError) {
    guard (1...FanInRing.mostProducers).contains(producerCount) else {
      throw RingFormatError("A ring has 1 to \(FanInRing.mostProducers) producers, not \(producerCount).")
    }
    producers = try ProducerWatches(header, count: producerCount, stallLimitNanoseconds)
    self.header = header
    slots = MessageSlots(header)
    capacity = header.geometry.capacity
    releaseMask = UInt64(max(1, header.geometry.slotCount / 4)) - 1
    consumerSpot = SleepingSpot(header, RingHeader.Offset.consumerSleeps)
    producerSpot = SleepingSpot(header, RingHeader.Offset.producerSleeps)
  }

  /// Reads one message in place: `body` sees the slot's own memory. A hostile producer may change those bytes
  /// while they are read, but not where they are nor how many.
  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(RingError) {
    while true {
      let slot = slots.slot(position)
      let expected = MessageRing.sequence(position)
      var word = MessageRing.look(slot)
      if word & 0xFFFF_FFFF != expected { word = try waitForMessage(slot, expected) }
      position &+= 1
      if _fastPath(word & MessageRing.aborted == 0) {
        // Read once, above; checked here, before use.
        let byteCount = Int(truncatingIfNeeded: word >> 32)
        if byteCount > capacity { throw .corrupted }
        body(RawSpan(_unsafeStart: slots.payload(of: slot), byteCount: byteCount))
        return release()
      }
      release()
    }
  }

  /// Hands slots back, a quarter of the ring at a time.
  @inlinable @inline(__always)
  func release() {
    if position & releaseMask == 0 {
      header.word(RingHeader.Offset.head).pointee.store(position, ordering: .releasing)
      if Wait.sleeps { producerSpot.wakeSleepers() }
    }
  }

  /// The word of the message, or one that says that it never comes.
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
      let isAsleep = Wait.sleeps && steps > Wait.spinBudget
      if isAsleep {
        consumerSpot.sleep { MessageRing.look(slot) & 0xFFFF_FFFF == expected }
      } else {
        Wait.relax()
      }
      if isAsleep || steps & (Wait.stepsPerCheck - 1) == 0, try isAbandoned(slot, expected) {
        return MessageRing.aborted | expected
      }
    }
  }

  /// Whether the message never comes; throws when none does. One that was published just before its producer closed or
  /// died is not lost.
  @usableFromInline @inline(never)
  mutating func isAbandoned(_ slot: UnsafeMutableRawPointer, _ expected: UInt64) throws(RingError) -> Bool {
    let verdict: ProducerWatches.Verdict
    do throws(RingError) {
      verdict = try producers.look(at: position)
    } catch {
      if MessageRing.look(slot) & 0xFFFF_FFFF == expected { return false }
      throw error
    }
    guard verdict == .abandoned, MessageRing.look(slot) & 0xFFFF_FFFF != expected else { return false }
    producers.abandonedCount &+= 1
    return true
  }

  /// Tells the producers that nothing will be read any more.
  public func close() {
    producers.close()
    if Wait.sleeps { producerSpot.wakeSleepers() }
  }
}

/// The consumer's view of all producers; off the hot path.
struct ProducerWatches: ~Copyable {
  enum Verdict {
    case worthWaiting
    /// The message at this position was claimed by a producer that is dead.
    case abandoned
  }

  private final class Box {
    var watch: PeerWatch
    init(_ watch: consuming PeerWatch) { self.watch = watch }
  }

  private let header: RingHeader
  private let count: Int
  private let own: PeerWatch
  private let boxes: [Box]
  /// Of this side: when nothing has moved for too long.
  private var stall: PeerWatch
  var abandonedCount: UInt64 = 0

  init(
    _ header: RingHeader, count: Int, _ stallLimitNanoseconds: UInt64
  ) throws(RingFormatError) {
    let entry = header.base + RingHeader.Offset.consumerSide
    guard
      let own = PeerWatch(
        own: entry, peer: header.producerEntry(0), stallLimitNanoseconds: stallLimitNanoseconds)
    else { throw RingFormatError("This side of the ring is in use by another process.") }
    self.header = header
    self.count = count
    self.own = own
    stall = PeerWatch(stallLimitNanoseconds: stallLimitNanoseconds)
    boxes = (0..<FanInRing.mostProducers).map {
      Box(PeerWatch(peer: header.producerEntry($0), stallLimitNanoseconds: .max))
    }
  }

  func close() { own.leave() }

  /// - Throws: `peerClosed` when all producers have come and gone, and nothing is claimed.
  mutating func look(at position: UInt64) throws(RingError) -> Verdict {
    // Read before the claims, which are made before it advances: whoever has this message by now is seen to claim it,
    // or has published it.
    let isClaimed = header.word(RingHeader.Offset.tail).pointee.load(ordering: .acquiring) != position
    var (present, gone) = (0, 0)
    var (isClaimedByPresent, isClaimedByGone) = (false, false)
    for (index, box) in boxes.enumerated() where PeerWatch.isTaken(header.producerEntry(index)) {
      let isGone = box.watch.look(at: position) == .gone
      // Read after its state: a producer that is gone claims nothing any more.
      let claims = header.claim(index).pointee.load(ordering: .acquiring) == position
      if isGone { (gone, isClaimedByGone) = (gone + 1, isClaimedByGone || claims) }
      if !isGone { (present, isClaimedByPresent) = (present + 1, isClaimedByPresent || claims) }
    }
    // Several may have tried to claim it; as long as one of them lives it may be the one that did.
    if isClaimed && isClaimedByGone && !isClaimedByPresent { return .abandoned }
    if present == 0 && gone >= count { throw .peerClosed }
    if stall.look(at: position) == .stalled { throw .timedOut }
    return .worthWaiting
  }
}
