import CLinuxShims
import Glibc
import IPCTransport
import LinuxIPC

/// When each message of a paced load is due. Both workers go through it in step, from the same seed, so that
/// the intended time of a message need not travel with it.
public struct Schedule: Sendable, BitwiseCopyable {
  /// Mean interval in ticks.
  @usableFromInline let interval: Double
  @usableFromInline let isPoisson: Bool
  @usableFromInline var state: UInt64
  /// Ticks after the start at which the next message is due.
  @usableFromInline var offset: Double = 0

  /// - Parameter rate: messages per second.
  public init(rate: Double, arrival: Arrival, seed: UInt64, clock: Clock) {
    interval = clock.ticksPerSecond / rate
    isPoisson = arrival == .poisson
    state = seed
  }

  /// When the next message is due, in ticks after the start.
  @inlinable @inline(__always)
  public mutating func next() -> UInt64 {
    let due = UInt64(offset)
    offset += isPoisson ? -log(uniform()) * interval : interval
    return due
  }

  /// SplitMix64, in (0, 1] (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
  @inlinable mutating func uniform() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z &>> 27)) &* 0x94D0_49BB_1331_11EB
    return (Double((z ^ (z &>> 31)) &>> 11) + 1) * 0x1p-53
  }
}

/// The producer sends at intended times, whether or not earlier messages have arrived: an open loop. The
/// consumer records, on the clock that both share, the service time (actual send to receive, `primary`) and the
/// response time (intended send to receive, `secondary`), which also holds what a late producer made a message
/// wait and so cannot hide a stall.
public enum Paced: Pattern {
  public static var kind: PatternKind { .paced }

  @inlinable
  public static func produce<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let (payload, clock) = (phase.payload, phase.clock)
    var schedule = phase.schedule
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      let due = phase.startTicks &+ schedule.next()
      var now = clock.now()
      while now < due {
        ipcb_cpu_pause()
        now = clock.now()
      }
      let (number, sent) = (sequence, now)
      try transport.send(payload.byteCount) { payload.fill(&$0, number, sent) }
      sequence &+= 1
    }
    if T.mayDrop { try EndMark.send(&transport, phase) }
    return phase.count
  }

  @inlinable
  public static func consume<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    if T.mayDrop { return try consumeLossy(&transport, phase) }
    let (payload, clock) = (phase.payload, phase.clock)
    let (service, response) = (phase.primary, phase.secondary)
    var schedule = phase.schedule
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      let number = sequence
      var matches = false
      var sent: UInt64 = 0
      try transport.receive {
        matches = payload.matches($0, number)
        sent = payload.sendTicks($0)
      }
      let arrived = clock.now()
      if !matches { throw .corrupted }
      let due = phase.startTicks &+ schedule.next()
      service.record(clock.nanoseconds(arrived &- Swift.min(sent, arrived)))
      response.record(clock.nanoseconds(arrived &- Swift.min(due, arrived)))
      sequence &+= 1
    }
    return phase.count
  }

  /// As above, for messages that may not come: those that do are recorded.
  @inlinable
  static func consumeLossy<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let clock = phase.clock
    let (service, response) = (phase.primary, phase.secondary)
    var schedule = phase.schedule
    var next = phase.first
    return try EndMark.receive(&transport, phase) { number, sent in
      let arrived = clock.now()
      var due: UInt64 = 0
      while next <= number {
        due = phase.startTicks &+ schedule.next()
        next &+= 1
      }
      service.record(clock.nanoseconds(arrived &- Swift.min(sent, arrived)))
      response.record(clock.nanoseconds(arrived &- Swift.min(due, arrived)))
    }
  }
}
