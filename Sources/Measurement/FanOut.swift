import IPCTransport
import LinuxIPC

/// One producer sends to several consumers, each of which gets every message, unless it is overrun: then it counts what
/// it has lost.
///
/// Timed by each consumer, message by message: from the clock reading before the message is written to the one after it
/// has been checked there.
public enum FanOut: Pattern {
  public static var kind: PatternKind { .fanOut }

  @inlinable
  public static func produce<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let (payload, clock) = (phase.payload, phase.clock)
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      let (number, start) = (sequence, clock.now())
      try transport.send(payload.byteCount) { payload.fill(&$0, number, start) }
      sequence &+= 1
    }
    if T.mayDrop { try EndMark.send(&transport, phase) }
    return phase.count
  }

  @inlinable
  public static func consume<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let (payload, clock, histogram) = (phase.payload, phase.clock, phase.primary)
    if T.mayDrop {
      return try EndMark.receive(&transport, phase) { _, sent in
        let now = clock.now()
        histogram.record(clock.nanoseconds(now &- Swift.min(sent, now)))
      }
    }
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      let number = sequence
      var matches = false
      var (sent, arrived): (UInt64, UInt64) = (0, 0)
      try transport.receive {
        matches = payload.matches($0, number)
        sent = payload.sendTicks($0)
        arrived = clock.now()
      }
      if !matches { throw .corrupted }
      histogram.record(clock.nanoseconds(arrived &- Swift.min(sent, arrived)))
      sequence &+= 1
    }
    return phase.count
  }
}
