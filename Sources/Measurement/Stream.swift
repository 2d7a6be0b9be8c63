import IPCTransport
import LinuxIPC

/// The producer sends as fast as the mechanism accepts; how many messages are in flight is the mechanism's
/// affair. Single messages are not timed: a clock reading costs as much as a small message, so the stamps carry
/// the phase's start.
///
/// Timed by the callers: from before the first message is written to after the last one has been checked.
public enum Stream: Pattern {
  public static var kind: PatternKind { .stream }

  @inlinable
  public static func produce<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let payload = phase.payload
    let begin = phase.clock.now()
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      let number = sequence
      try transport.send(payload.byteCount) { payload.fill(&$0, number, begin) }
      sequence &+= 1
    }
    if T.mayDrop { try EndMark.send(&transport, phase) }
    return phase.count
  }

  @inlinable
  public static func consume<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    if T.mayDrop { return try EndMark.receive(&transport, phase) { _, _ in } }
    let payload = phase.payload
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      let number = sequence
      var matches = false
      try transport.receive { matches = payload.matches($0, number) }
      if !matches { throw .corrupted }
      sequence &+= 1
    }
    return phase.count
  }
}
