import CLinuxShims
import IPCTransport
import LinuxIPC

/// How a phase ends where messages may be lost: the last one too. The producer repeats a mark until the consumer
/// has seen one.
@usableFromInline enum EndMark {
  /// The number of a mark: no message has it.
  @inlinable static func number(_ phase: Phase) -> UInt64 { (phase.first &+ phase.count) | 1 << 62 }

  /// Repeats the mark until all have seen it.
  @usableFromInline @inline(never)
  static func send<T: Transport & ~Copyable>(_ transport: inout T, _ phase: Phase) throws(ExchangeError) {
    for rank in 0..<phase.crew.consumers {
      try send(&transport, phase, mark: number(phase), 0, seenBy: phase.ends.seen(rank))
    }
  }

  /// - Parameter seen: set to the mark's lower half by who has seen it.
  @usableFromInline @inline(never)
  static func send<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase, mark: UInt64, _ ticks: UInt64, seenBy seen: Futex
  ) throws(ExchangeError) {
    let payload = phase.payload
    let wanted = UInt32(truncatingIfNeeded: mark)
    let deadline = Clock.monotonicNanoseconds() &+ 10_000_000_000
    while seen.load() != wanted {
      try transport.send(payload.byteCount) { payload.fill(&$0, mark, ticks) }
      try transport.flush()
      let value = seen.load()
      if value != wanted { seen.wait(while: value, nanoseconds: 1_000_000) }
      if Clock.monotonicNanoseconds() > deadline { throw .timedOut }
    }
  }

  /// Receives until the mark comes.
  ///
  /// - Parameter body: gets the number and the send time of every message that came.
  /// - Returns: how many came. One that came twice, late, or changed is an error.
  @inlinable @inline(__always)
  static func receive<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase, _ body: (_ sequence: UInt64, _ sendTicks: UInt64) -> Void
  ) throws(ExchangeError) -> UInt64 {
    let payload = phase.payload
    let mark = number(phase)
    var next = phase.first
    var count: UInt64 = 0
    while true {
      var (number, ticks): (UInt64, UInt64) = (0, 0)
      var matches = false
      try transport.receive {
        number = payload.sequence($0)
        ticks = payload.sendTicks($0)
        matches = payload.matches($0, number)
      }
      if !matches { throw .corrupted }
      if number == mark { break }
      // A mark of the phase before, repeated once too often.
      if number & (1 << 62) != 0 { continue }
      if number < next || number >= phase.first &+ phase.count { throw .corrupted }
      next = number &+ 1
      count &+= 1
      body(number, ticks)
    }
    let seen = phase.ends.seen(phase.rank)
    seen.store(UInt32(truncatingIfNeeded: mark))
    seen.wake()
    return count
  }
}
