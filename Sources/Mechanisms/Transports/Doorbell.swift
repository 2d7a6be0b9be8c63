import IPCTransport
import LinuxIPC
import Synchronization

/// Waking and sleeping on a pair of futex words in a meeting page, for mechanisms that hand messages over by
/// reference and so have nothing of the kernel's to wait on.
///
/// The sleeper announces itself, looks once more, and sleeps; the other side publishes, then looks for an
/// announcement. The full fences order each side's store before its look, so at least one sees the other.
@usableFromInline struct Doorbell<Wait: WaitStrategy> {
  @usableFromInline let own: Futex
  @usableFromInline let peer: Futex

  init(_ meeting: Meeting, index: Int) {
    own = meeting.futex(index)
    peer = meeting.futex(index, ofPeer: true)
  }

  /// To be called after what the peer waits for was published.
  @inlinable @inline(__always) func ring() {
    guard Wait.sleeps else { return }
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if peer.load() != 0 {
      peer.store(0)
      peer.wake()
    }
  }

  /// Waits by the strategy until `ready`. Now and then, and whenever it was woken in vain, it looks after the peer
  /// and calls `meanwhile`, which may find another reason to stop.
  @inlinable @inline(__always)
  func wait(
    _ patience: inout Patience<Wait>, until ready: () -> Bool,
    meanwhile: () throws(ExchangeError) -> Void = {}
  ) throws(ExchangeError) {
    var steps = 0
    while !ready() {
      steps &+= 1
      if steps == 1 { patience.stalls &+= 1 }
      if Wait.sleeps && steps > Wait.spinBudget {
        own.announce(1)
        if !ready() { own.wait(while: 1, nanoseconds: 20_000_000) }
        own.store(0)
        if !ready() {
          try meanwhile()
          try patience.check(steps)
        }
      } else {
        Wait.relax()
        if steps & (Wait.stepsPerCheck - 1) == 0 {
          try meanwhile()
          try patience.check(steps)
        }
      }
    }
  }
}
