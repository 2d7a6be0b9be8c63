import IPCTransport
import LinuxIPC

/// What happens between the two workers, as it is typed and recorded.
public enum PatternKind: String, CaseIterable, Codable, Sendable {
  case roundTrip = "round-trip"
  case stream
  /// As `stream`, but several messages leave together.
  case batchedStream = "stream:batch"
  case paced
  case wakeUp = "wake-up"
  case fanIn = "fan-in"
  case fanOut = "fan-out"
  case connect

  /// Whether messages are timed from one side to the other, so that both must read one clock.
  public var isOneWay: Bool { [.batchedStream, .paced, .wakeUp, .fanIn, .fanOut].contains(self) }

  /// Whether as many messages are under way as the mechanism takes.
  public var fillsTheChannel: Bool { [.stream, .batchedStream, .paced, .fanIn, .fanOut].contains(self) }

  /// Whether it takes transports that no other pattern does.
  public var hasOwnForms: Bool { [.batchedStream, .fanIn, .fanOut].contains(self) }

  /// Who takes part.
  public var gathering: Crew.Gathering {
    switch self {
    case .fanIn: .fanIn
    case .fanOut: .fanOut
    default: .pair
    }
  }
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
  /// How many messages leave together.
  public var batch: UInt64
  public var idleLine: IdleLine
  /// Who takes part, and which of those of its role this worker is.
  public var crew: Crew
  public var rank: Int
  /// By which the end of a phase is told where messages may be lost, or where there are several producers.
  public var ends: EndLines
  public var tally: FanInTally
}

extension SharedHistogram: BitwiseCopyable {}

/// A loop over a transport, one half for each worker. Generic, inlinable, and compiled once for each transport:
/// nothing in it is decided at run time.
public protocol Pattern: SendableMetatype {
  static var kind: PatternKind { get }
  /// - Returns: how many messages were sent.
  static func produce<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64
  /// - Returns: how many of the phase's messages came; fewer only where the mechanism may lose some.
  static func consume<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64
}

/// What is compiled for a transport that only sends.
@usableFromInline enum ProducingHalf<Whole: Pattern>: Pattern {
  @inlinable static var kind: PatternKind { Whole.kind }

  @inlinable
  static func produce<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 { try Whole.produce(&transport, phase) }

  @inlinable
  static func consume<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 { 0 }
}

/// What is compiled for a transport that only receives.
@usableFromInline enum ConsumingHalf<Whole: Pattern>: Pattern {
  @inlinable static var kind: PatternKind { Whole.kind }

  @inlinable
  static func produce<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 { 0 }

  @inlinable
  static func consume<T: Transport & ~Copyable>(
    _ transport: inout T, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 { try Whole.consume(&transport, phase) }
}
