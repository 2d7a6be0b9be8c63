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
    let (payload, reply, clock, histogram) = (phase.payload, phase.reply, phase.clock, phase.primary)
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      // Captured by value: a captured variable would live in memory, and the loop with it.
      let number = sequence
      let start = clock.now()
      var matches = false
      try transport.call(
        payload.byteCount, { payload.fill(&$0, number, start) }, { matches = reply.matches($0, number) })
      let finish = clock.now()
      if !matches { throw .corrupted }
      histogram.record(clock.nanoseconds(finish &- start))
      sequence &+= 1
    }
    return phase.count
  }

  @inlinable
  public static func consume<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let (payload, reply) = (phase.payload, phase.reply)
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      let number = sequence
      var matches = false
      var ticks: UInt64 = 0
      try transport.serve(
        { message in
          matches = payload.matches(message, number)
          ticks = payload.sendTicks(message)
        }, replyByteCount: reply.byteCount, { reply.fill(&$0, number, ticks) })
      if !matches { throw .corrupted }
      sequence &+= 1
    }
    return phase.count
  }
}
