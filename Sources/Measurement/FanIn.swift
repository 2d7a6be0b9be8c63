import IPCTransport
import LinuxIPC

/// Several producers send to one consumer as fast as it lets them, until it has what it wanted and says so; then each
/// sends a mark that says how much it has sent. Who was let in how often is what fairness is judged by.
///
/// Timed by the consumer, message by message: from the clock reading before the message is written to the one after it
/// has been checked. The rate is that of the messages that came while all were sending.
public enum FanIn: Pattern {
  public static var kind: PatternKind { .fanIn }

  /// A message's number: the producer's rank above 48 bits of its own sequence; a mark has a bit that no message has.
  @inlinable static var rankShift: UInt64 { 48 }
  @inlinable static var sequenceMask: UInt64 { (1 << rankShift) &- 1 }
  @inlinable static var markBit: UInt64 { 1 << 62 }

  /// What says that a phase is over; different in each, and never 0.
  @inlinable static func enough(_ phase: Phase) -> UInt32 { UInt32(truncatingIfNeeded: phase.first &+ 1) }

  @inlinable static func mark(_ phase: Phase, _ rank: Int) -> UInt64 {
    markBit | UInt64(truncatingIfNeeded: rank) &<< rankShift | (phase.first &+ 1) & sequenceMask
  }

  @inlinable
  public static func produce<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let (payload, clock, stop, over) = (phase.payload, phase.clock, phase.ends.enough, enough(phase))
    let rank = UInt64(truncatingIfNeeded: phase.rank) &<< rankShift
    var sequence = phase.first
    while stop.load() != over {
      let (number, start) = (rank | sequence & sequenceMask, clock.now())
      try transport.send(payload.byteCount) { payload.fill(&$0, number, start) }
      sequence &+= 1
    }
    let sent = sequence &- phase.first
    let mark = mark(phase, phase.rank)
    if T.mayDrop {
      try EndMark.send(&transport, phase, mark: mark, sent, seenBy: phase.ends.seen(phase.rank))
    } else {
      try transport.send(payload.byteCount) { payload.fill(&$0, mark, sent) }
    }
    return sent
  }

  @inlinable
  public static func consume<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let (clock, histogram, tally) = (phase.clock, phase.primary, phase.tally)
    var roll = RollCall(phase)
    var remaining = phase.count
    while remaining != 0 {
      let message = try receive(&transport, phase)
      // Repeated once too often in the phase before.
      if T.mayDrop && message.number & markBit != 0 { continue }
      guard roll.note(message.number, mayDrop: T.mayDrop) else { throw .corrupted }
      histogram.record(clock.nanoseconds(message.arrived &- Swift.min(message.sent, message.arrived)))
      remaining &-= 1
    }
    tally.endTicks = clock.now()
    for rank in 0..<phase.crew.producers { tally[producer: rank] = roll.received[rank] }
    phase.ends.enough.store(enough(phase))
    while roll.missing != 0 {
      let message = try receive(&transport, phase)
      if message.number & markBit == 0 {
        guard roll.note(message.number, mayDrop: T.mayDrop) else { throw .corrupted }
      } else {
        try roll.end(message.number, sent: message.sent, phase, mayDrop: T.mayDrop)
      }
    }
    return roll.total
  }

  @usableFromInline struct Message {
    @usableFromInline var number: UInt64 = 0
    @usableFromInline var sent: UInt64 = 0
    @usableFromInline var arrived: UInt64 = 0
    @inlinable init() {}
  }

  @inlinable @inline(__always)
  static func receive<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> Message {
    let (payload, clock) = (phase.payload, phase.clock)
    var message = Message()
    var matches = false
    try transport.receive {
      message.number = payload.sequence($0)
      message.sent = payload.sendTicks($0)
      matches = payload.matches($0, message.number)
      message.arrived = clock.now()
    }
    if !matches { throw .corrupted }
    return message
  }
}

/// What the consumer of a fan-in knows of each producer.
@usableFromInline struct RollCall {
  private let crew: Int
  private let first: UInt64
  @usableFromInline var next: InlineArray<16, UInt64>
  @usableFromInline var received = InlineArray<16, UInt64>(repeating: 0)
  private var hasEnded = InlineArray<16, Bool>(repeating: false)
  /// Producers whose mark has not come.
  @usableFromInline var missing: Int

  @usableFromInline init(_ phase: Phase) {
    crew = phase.crew.producers
    missing = crew
    first = phase.first & FanIn.sequenceMask
    next = InlineArray(repeating: phase.first & FanIn.sequenceMask)
  }

  /// All messages that came.
  @usableFromInline var total: UInt64 {
    var sum: UInt64 = 0
    for rank in 0..<crew { sum &+= received[rank] }
    return sum
  }

  /// - Returns: false for a message that nobody can have sent, that came twice, or out of order.
  @inlinable @inline(__always)
  mutating func note(_ number: UInt64, mayDrop: Bool) -> Bool {
    let rank = Int(truncatingIfNeeded: number &>> FanIn.rankShift)
    guard rank < Crew.most else { return false }
    let sequence = number & FanIn.sequenceMask
    guard mayDrop ? sequence >= next[rank] : sequence == next[rank] else { return false }
    next[rank] = sequence &+ 1
    received[rank] &+= 1
    return true
  }

  /// A producer has sent its last message, and says how many it were.
  @usableFromInline mutating func end(
    _ mark: UInt64, sent: UInt64, _ phase: Phase, mayDrop: Bool
  ) throws(ExchangeError) {
    let rank = Int(truncatingIfNeeded: (mark & ~FanIn.markBit) &>> FanIn.rankShift)
    guard rank < crew else { throw .corrupted }
    // Of the phase before, or repeated: its producer has not looked yet.
    guard mark == FanIn.mark(phase, rank), !hasEnded[rank] else {
      guard mayDrop else { throw .corrupted }
      return
    }
    guard mayDrop ? received[rank] <= sent : received[rank] == sent else { throw .corrupted }
    hasEnded[rank] = true
    missing -= 1
    let seen = phase.ends.seen(rank)
    seen.store(UInt32(truncatingIfNeeded: mark))
    seen.wake()
  }
}
