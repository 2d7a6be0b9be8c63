import CLinuxShims
import Glibc
import IPCTransport
import LinuxIPC
import Synchronization

/// The consumer waits, and the producer sends one message after it has waited for a gap: what it costs to wake somebody
/// up, over how long he has been idle. One message in flight.
///
/// Recorded by the consumer, on the clock that both share: from the clock reading before the producer writes the message
/// to the one that is the first thing done with it. That the consumer waits again is told beside the mechanism, in
/// memory: the gap begins there.
public enum WakeUp: Pattern {
  public static var kind: PatternKind { .wakeUp }

  @inlinable
  public static func produce<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let (payload, clock, line, gap) = (phase.payload, phase.clock, phase.idleLine, phase.gapTicks)
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end, line.awaitGap(before: sequence, gap, clock) {
      let (number, sent) = (sequence, clock.now())
      line.noteSent(sent)
      try transport.send(payload.byteCount) { payload.fill(&$0, number, sent) }
      sequence &+= 1
    }
    if sequence != end { throw .timedOut }
    return phase.count
  }

  @inlinable
  public static func consume<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let (payload, clock, line, histogram) = (phase.payload, phase.clock, phase.idleLine, phase.primary)
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      let number = sequence
      var arrived: UInt64 = 0
      var matches = false
      line.noteIdle(before: number)
      try transport.receive {
        arrived = clock.now()
        matches = payload.matches($0, number)
      }
      if !matches { throw .corrupted }
      histogram.record(clock.nanoseconds(arrived &- Swift.min(line.sent, arrived)))
      sequence &+= 1
    }
    return phase.count
  }
}

/// Two words of the control page, a pair of cache lines each: how far the idle consumer has come, and when the producer
/// sent the message under way. A notification has no room for a stamp of its own.
public struct IdleLine: Sendable, BitwiseCopyable {
  @usableFromInline nonisolated(unsafe) let base: UnsafeMutableRawPointer

  init(at base: UnsafeMutableRawPointer) { self.base = base }

  static var byteCount: Int { 256 }

  @inlinable @inline(__always) var idle: UnsafePointer<Atomic<UInt64>> {
    UnsafePointer(base.assumingMemoryBound(to: Atomic<UInt64>.self))
  }
  @inlinable @inline(__always) var sentWord: UnsafePointer<Atomic<UInt64>> {
    UnsafePointer((base + 128).assumingMemoryBound(to: Atomic<UInt64>.self))
  }

  /// Consumer: everything before this message has been received, and the next thing it does is wait.
  @inlinable @inline(__always) func noteIdle(before sequence: UInt64) {
    idle.pointee.store(sequence &+ 1, ordering: .releasing)
  }

  /// Producer: spins until the consumer is idle, and then until it has been so for the gap; meanwhile it gives its CPU
  /// away now and then to a consumer that shares it.
  ///
  /// Out of line, so that the loop around it is no more than what is measured.
  ///
  /// - Returns: false where the consumer did not get there in ten seconds.
  @usableFromInline @inline(never)
  func awaitGap(before sequence: UInt64, _ gapTicks: UInt64, _ clock: Clock) -> Bool {
    let limit = Clock.monotonicNanoseconds() &+ 10_000_000_000
    var steps = 0
    while idle.pointee.load(ordering: .acquiring) != sequence &+ 1 {
      ipcb_cpu_pause()
      steps &+= 1
      guard steps & 1023 == 0 else { continue }
      sched_yield()
      if Clock.monotonicNanoseconds() > limit { return false }
    }
    let due = clock.now() &+ gapTicks
    while clock.now() < due { ipcb_cpu_pause() }
    return true
  }

  @inlinable @inline(__always) func noteSent(_ ticks: UInt64) {
    sentWord.pointee.store(ticks, ordering: .releasing)
  }
  @inlinable @inline(__always) var sent: UInt64 { sentWord.pointee.load(ordering: .acquiring) }
}
