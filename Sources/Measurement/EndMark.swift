import CLinuxShims
import IPCTransport
import LinuxIPC

/// How a phase ends where messages may be lost: the last one too. The producer repeats a mark until the consumer
/// has seen one.
@usableFromInline enum EndMark {
  /// The number of a mark: no message has it.
  @inlinable static func number(_ phase: Phase) -> UInt64 { (phase.first &+ phase.count) | 1 << 62 }

  @usableFromInline @inline(never)
  static func send<T: Transport & ~Copyable>(_ transport: inout T, _ phase: Phase) throws(ExchangeError) {
    let payload = phase.payload
    let mark = number(phase)
    let deadline = Clock.monotonicNanoseconds() &+ 10_000_000_000
    while phase.endSeen.load() != UInt32(truncatingIfNeeded: mark) {
      try transport.send(payload.byteCount) { payload.fill(&$0, mark, 0) }
      let seen = phase.endSeen.load()
      if seen != UInt32(truncatingIfNeeded: mark) { phase.endSeen.wait(while: seen, nanoseconds: 1_000_000) }
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
    phase.endSeen.store(UInt32(truncatingIfNeeded: mark))
    phase.endSeen.wake()
    return count
  }
}
