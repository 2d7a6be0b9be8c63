import IPCTransport
import LinuxIPC

/// What happens between the two workers, as it is typed and recorded.
public enum PatternKind: String, CaseIterable, Codable, Sendable {
  case roundTrip = "round-trip"
  case stream
  case paced
  case wakeUp = "wake-up"
  case connect

  /// Whether messages are timed from one side to the other, so that both must read one clock.
  public var isOneWay: Bool { self == .paced || self == .wakeUp }
}

/// When messages of a paced load are due.
public enum Arrival: String, CaseIterable, Codable, Sendable {
  /// At equal intervals.
  case constant
  /// A Poisson process: exponential intervals of the same mean.
  case poisson
}

/// One phase of a loop: what both workers know before they start it.
public struct Phase: Sendable {
  public var payload: Payload
  public var reply: Payload
  public var clock: Clock
  /// Sequence number of the first message; numbers go on through warm-up and measurement.
  public var first: UInt64
  public var count: UInt64
  /// Paced loads: when message `first` is due, in ticks.
  public var startTicks: UInt64
  public var schedule: Schedule
  /// Where the consumer records latencies; the producer's in a round trip.
  public var primary: SharedHistogram
  public var secondary: SharedHistogram
  /// What a slowed echo multiplies before it answers; 0 everywhere else.
  public var echoSpinSteps: UInt64
  /// Wake-ups: how long the consumer has been idle when a message is sent.
  public var gapTicks: UInt64
  public var idleLine: IdleLine
  /// Set by the consumer when it has seen the end of a phase in which messages may be lost.
  public var endSeen: Futex
}

extension SharedHistogram: BitwiseCopyable {}

/// A loop over a transport, one half for each worker. Generic, inlinable, and compiled once for each transport:
/// nothing in it is decided at run time.
public protocol Pattern: SendableMetatype {
  static var kind: PatternKind { get }
  static func produce<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError)
  /// - Returns: how many of the phase's messages came; fewer only where the mechanism may lose some.
  static func consume<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64
}
