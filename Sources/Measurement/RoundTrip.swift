import IPCTransport
import LinuxIPC

/// The producer sends, the consumer checks the message and sends one of its own back: one message in flight,
/// a closed loop. Each round trip is recorded; it is never halved.
///
/// Timed: one clock reading, writing the message, both exchanges, the consumer's check and reply, checking the
/// reply, one clock reading. Recording happens outside.
public enum RoundTrip: Pattern {
  public static var kind: PatternKind { .roundTrip }

  @inlinable
  public static func produce<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let (payload, clock, histogram) = (phase.payload, phase.clock, phase.primary)
    let begin = clock.now()
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      let start = clock.now()
      try transport.send(payload.byteCount) { payload.fill(&$0, sequence, start) }
      var matches = false
      try transport.receive { matches = payload.matches($0, sequence) }
      let finish = clock.now()
      if !matches { throw .corrupted }
      histogram.record(clock.nanoseconds(finish &- start))
      sequence &+= 1
    }
    return begin
  }

  @inlinable
  public static func consume<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let payload = phase.payload
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      var (matches, ticks) = (false, UInt64(0))
      try transport.receive {
        matches = payload.matches($0, sequence)
        ticks = payload.sendTicks($0)
      }
      if !matches { throw .corrupted }
      try transport.send(payload.byteCount) { payload.fill(&$0, sequence, ticks) }
      sequence &+= 1
    }
    return phase.clock.now()
  }
}
