import IPCTransport

/// A round trip whose consumer does something useless for a while before each echo: a slow-down of known cause,
/// by which `ipcbench aa` shows what a check finds. A loop of its own, so that the real one has no question in it.
///
/// The spin is a chain of dependent multiplications, as in the arithmetic probe, so that its length can be chosen
/// from that probe's figure: a clock reading would cost more than the smallest spin.
public enum SlowedRoundTrip: Pattern {
  public static var kind: PatternKind { .roundTrip }

  @inlinable
  public static func produce<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    try RoundTrip.produce(&transport, phase)
  }

  @inlinable
  public static func consume<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let (payload, reply, steps) = (phase.payload, phase.reply, phase.echoSpinSteps)
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      let number = sequence
      var matches = false
      var ticks: UInt64 = 0
      try transport.serve(
        { message in
          matches = payload.matches(message, number)
          // Zero for every message: what it depends on cannot be left out. It starts from what has just come, or the
          // processor would do it ahead, while it waits for the message.
          ticks =
            payload.sendTicks(message) &+ ArithmeticChain.zero(after: steps, from: payload.sendTicks(message))
        }, replyByteCount: reply.byteCount, { reply.fill(&$0, number, ticks) })
      if !matches { throw .corrupted }
      sequence &+= 1
    }
    return phase.count
  }
}

/// Work that takes time and comes to nothing.
public enum ArithmeticChain {
  /// Multiplies and adds `steps` times, each step depending on the one before.
  ///
  /// - Returns: 0, which no compiler can know.
  @inlinable @inline(__always)
  static func zero(after steps: UInt64, from seed: UInt64) -> UInt64 {
    var value = seed
    var step: UInt64 = 0
    while step != steps {
      value = value &* 0x9E37_79B9_7F4A_7C15 &+ 1
      step &+= 1
    }
    // One value of 2⁶⁴ gives 1, and the producer does not look at this stamp.
    return value == 0 ? 1 : 0
  }

  /// Steps of the arithmetic probe, whose time the probe reports.
  public static var probeSteps: UInt64 { 4000 }
}
