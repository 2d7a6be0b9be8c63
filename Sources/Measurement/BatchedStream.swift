import IPCTransport
import LinuxIPC

/// As a stream, but messages leave several at a time. What that gains is the rate; what it costs is the time from before
/// a batch's first message is written until its last one has been checked, which the consumer records once for each
/// batch.
///
/// The mechanism is full: that time has the queue in it, as it has for whoever sends all that he can.
public enum BatchedStream: Pattern {
  public static var kind: PatternKind { .batchedStream }

  @inlinable
  public static func produce<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    let (payload, clock) = (phase.payload, phase.clock)
    var sequence = phase.first
    let end = phase.first &+ phase.count
    while sequence != end {
      let begin = clock.now()
      let last = sequence &+ Swift.min(phase.batch, end &- sequence)
      while sequence != last {
        let number = sequence
        try transport.send(payload.byteCount) { payload.fill(&$0, number, begin) }
        sequence &+= 1
      }
      try transport.flush()
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
      // Of a batch whose last message was lost there is no time.
      return try EndMark.receive(&transport, phase) { number, sent in
        if (number &- phase.first &+ 1) % phase.batch == 0 {
          let arrived = clock.now()
          histogram.record(clock.nanoseconds(arrived &- Swift.min(sent, arrived)))
        }
      }
    }
    var sequence = phase.first
    var last = phase.first &+ phase.batch
    let end = phase.first &+ phase.count
    while sequence != end {
      let number = sequence
      var matches = false
      var sent: UInt64 = 0
      try transport.receive {
        matches = payload.matches($0, number)
        sent = payload.sendTicks($0)
      }
      if !matches { throw .corrupted }
      sequence &+= 1
      if sequence == last {
        let arrived = clock.now()
        histogram.record(clock.nanoseconds(arrived &- Swift.min(sent, arrived)))
        last &+= phase.batch
      }
    }
    return phase.count
  }
}
