import LinuxIPC
import Synchronization

/// One side's entry in a ring's header, and its view of the other side's.
struct Side: ~Copyable {
  private var watch: PeerWatch

  /// Takes this side of a ring; each side can be taken once.
  init(
    own: UnsafeMutableRawPointer, peer: UnsafeMutableRawPointer, stallLimitNanoseconds: UInt64
  ) throws(RingFormatError) {
    guard
      let watch = PeerWatch(own: own, peer: peer, stallLimitNanoseconds: stallLimitNanoseconds)
    else { throw RingFormatError("This side of the ring is in use by another process.") }
    self.watch = watch
  }

  func close() { watch.leave() }

  /// Throws when waiting has become pointless: the peer closed or died, or nothing has moved for too long.
  ///
  /// - Parameter position: how far this side has come; the stall limit counts from its last change.
  mutating func checkPatience(at position: UInt64) throws(RingError) {
    switch watch.look(at: position) {
    case .present: return
    case .gone: throw .peerClosed
    case .stalled: throw .timedOut
    }
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

  /// Where several may sleep on it.
  @inlinable @inline(__always) func wakeSleepers() {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if futex.load() != 0 {
      futex.store(0)
      futex.wake(.max)
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
