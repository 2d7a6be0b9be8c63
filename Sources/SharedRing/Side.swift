import Glibc
import LinuxIPC
import Synchronization
import SystemPackage

/// One side's entry in a ring's header, and its view of the other side's.
///
/// Everything here is off the hot path: it is consulted while a side waits, every few thousand looks.
struct Side: ~Copyable {
  private let own: UnsafeMutableRawPointer
  private let peer: UnsafeMutableRawPointer
  private let stallLimitNanoseconds: UInt64
  private var peerDescriptor: Int32 = -1
  private var position: UInt64 = .max
  private var waitingSince: UInt64 = 0
  private var lastLookAtProcess: UInt64 = 0

  /// Byte offsets inside an entry: a state, and the pid of the process that attached.
  private static var stateOffset: Int { 0 }
  private static var pidOffset: Int { 8 }
  private enum State {
    static var free: UInt64 { 0 }
    static var attached: UInt64 { 1 }
    static var closed: UInt64 { 2 }
  }
  /// A dead peer is noticed within this time of its death.
  static var processCheckIntervalNanoseconds: UInt64 { 10_000_000 }

  /// Takes this side of a ring; each side can be taken once.
  init(
    own: UnsafeMutableRawPointer, peer: UnsafeMutableRawPointer, stallLimitNanoseconds: UInt64
  ) throws(RingFormatError) {
    self.own = own
    self.peer = peer
    self.stallLimitNanoseconds = stallLimitNanoseconds
    let (taken, _) = Self.word(own, Self.stateOffset).pointee.compareExchange(
      expected: State.free, desired: State.attached, ordering: .acquiringAndReleasing)
    guard taken else { throw RingFormatError("This side of the ring is in use by another process.") }
    Self.word(own, Self.pidOffset).pointee.store(UInt64(getpid()), ordering: .releasing)
  }

  deinit {
    if peerDescriptor >= 0 { Glibc.close(peerDescriptor) }
  }

  func close() { Self.word(own, Self.stateOffset).pointee.store(State.closed, ordering: .releasing) }

  /// Throws when waiting has become pointless: the peer closed or died, or nothing has moved for too long.
  ///
  /// - Parameter position: how far this side has come; the stall limit counts from its last change.
  mutating func checkPatience(at position: UInt64) throws(RingError) {
    let now = Clock.monotonicNanoseconds()
    if position != self.position {
      self.position = position
      waitingSince = now
    }
    if Self.word(peer, Self.stateOffset).pointee.load(ordering: .acquiring) == State.closed {
      throw .peerClosed
    }
    if now &- lastLookAtProcess >= Self.processCheckIntervalNanoseconds {
      lastLookAtProcess = now
      if peerIsGone() { throw .peerClosed }
    }
    if now &- waitingSince > stallLimitNanoseconds { throw .timedOut }
  }

  /// Whether the process that attached to the other side has ended. A peer that lies about its pid delays its
  /// own detection and nothing else.
  private mutating func peerIsGone() -> Bool {
    if peerDescriptor < 0 {
      let pid = Self.word(peer, Self.pidOffset).pointee.load(ordering: .acquiring)
      guard pid > 0, pid < UInt64(Int32.max), pid != UInt64(getpid()) else { return false }
      do throws(SystemError) {
        peerDescriptor = try Child.descriptor(of: Int32(pid)).rawValue
      } catch {
        return error.errno == .noSuchProcess
      }
    }
    var poll = pollfd(fd: peerDescriptor, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, 0) > 0
  }

  private static func word(_ base: UnsafeMutableRawPointer, _ offset: Int) -> SharedWord {
    SharedWord((base + offset).assumingMemoryBound(to: Atomic<UInt64>.self))
  }
}

extension RingHeader {
  func producerSide(stallLimitNanoseconds: UInt64) throws(RingFormatError) -> Side {
    try Side(
      own: base + Offset.producerSide, peer: base + Offset.consumerSide,
      stallLimitNanoseconds: stallLimitNanoseconds)
  }

  func consumerSide(stallLimitNanoseconds: UInt64) throws(RingFormatError) -> Side {
    try Side(
      own: base + Offset.consumerSide, peer: base + Offset.producerSide,
      stallLimitNanoseconds: stallLimitNanoseconds)
  }
}

/// Sleeping and waking, for strategies that sleep.
///
/// The sleeper announces itself, looks once more, and sleeps on the announcement; the waker publishes, then
/// looks for an announcement. The full fences order each side's store before its look, so at least one of the
/// two sees the other (the classical store-buffering pattern).
@usableFromInline struct SleepingSpot: Sendable {
  @usableFromInline let futex: Futex

  @usableFromInline init(_ header: RingHeader, _ offset: Int) { futex = Futex(at: header.base + offset) }

  /// How long a sleeper sleeps before it looks whether its peer is still there.
  @usableFromInline static var patienceNanoseconds: UInt64 { 20_000_000 }

  @inlinable func sleep(unless ready: () -> Bool) {
    futex.announce(1)
    if !ready() { futex.wait(while: 1, nanoseconds: SleepingSpot.patienceNanoseconds) }
    futex.store(0)
  }

  @inlinable @inline(__always) func wakeSleeper() {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if futex.load() != 0 {
      futex.store(0)
      futex.wake()
    }
  }
}

extension RingHeader {
  /// Waits until the index at `offset` is no longer `standstill`, by the strategy.
  ///
  /// - Parameters:
  ///   - keepWaiting: called after each look that was in vain; throws when waiting has become pointless.
  /// - Returns: the index, unchecked.
  @inlinable
  func index<Wait: WaitStrategy>(
    at offset: Int, otherThan standstill: UInt64, _ spot: SleepingSpot, _ wait: Wait.Type,
    _ keepWaiting: (_ steps: Int) throws(RingError) -> Void
  ) throws(RingError) -> UInt64 {
    var steps = 0
    while true {
      let index = word(offset).pointee.load(ordering: .acquiring)
      if index != standstill { return index }
      steps &+= 1
      if Wait.sleeps && steps > Wait.spinBudget {
        spot.sleep { word(offset).pointee.load(ordering: .acquiring) != standstill }
      } else {
        Wait.relax()
      }
      try keepWaiting(steps)
    }
  }
}

/// An end of a ring that waits for the other one's index.
@usableFromInline protocol IndexWaiter: ~Copyable {
  associatedtype Wait: WaitStrategy
  var stalls: UInt64 { get set }
  mutating func checkPatience() throws(RingError)
}

extension IndexWaiter where Self: ~Copyable {
  /// Counts a stall at the first step of a wait, and looks at clock and peer now and then.
  @inlinable @inline(__always)
  mutating func hasWaited(_ steps: Int) throws(RingError) {
    if steps == 1 { stalls &+= 1 }
    let isAsleep = Wait.sleeps && steps > Wait.spinBudget
    if isAsleep || steps & (Wait.stepsPerCheck - 1) == 0 { try checkPatience() }
  }
}
