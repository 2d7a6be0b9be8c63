import IPCTransport
import LinuxIPC

/// What both workers of a trial are told. Inherited over the fork.
public struct TrialSettings: Sendable, Codable {
  public var pattern: PatternKind
  public var payload: Payload
  /// Of the answer in a round trip.
  public var reply: Payload
  public var clock: Clock
  /// How long the measured phase shall take, in nanoseconds; its message count is found by calibration.
  public var durationNanoseconds: UInt64
  /// Fixed message count instead of a duration.
  public var messages: UInt64?
  /// Paced loads: messages per second.
  public var rate: Double
  public var arrival: Arrival
  /// Wake-ups: nanoseconds for which the consumer is idle before a message.
  public var gapNanoseconds: UInt64
  /// How many messages leave together.
  public var batch = 1
  public var seed: UInt64
  public var producerCPU: Int?
  public var consumerCPU: Int?
  /// Who takes part in the trial, and which of those of its role a worker is.
  public var crew = Crew.pair
  public var rank = 0
  /// Where the workers of the side that has several run, by rank; the first one's place is its role's.
  public var furtherCPUs: [Int?] = []
  /// Slows the echo of a round trip down, to show what a check finds; 0 in every measurement.
  public var echoSpinSteps: UInt64

  public init(
    pattern: PatternKind, payload: Payload, reply: Payload, clock: Clock, durationNanoseconds: UInt64,
    messages: UInt64? = nil, rate: Double = 0, arrival: Arrival = .constant, gapNanoseconds: UInt64 = 0,
    seed: UInt64,
    producerCPU: Int?, consumerCPU: Int?, echoSpinSteps: UInt64 = 0
  ) {
    self.pattern = pattern
    self.payload = payload
    self.reply = reply
    self.clock = clock
    self.durationNanoseconds = durationNanoseconds
    self.messages = messages
    self.rate = rate
    self.arrival = arrival
    self.gapNanoseconds = gapNanoseconds
    self.seed = seed
    self.producerCPU = producerCPU
    self.consumerCPU = consumerCPU
    self.echoSpinSteps = echoSpinSteps
  }

  /// Whether both workers wait for each other before they attach, so that nobody's start is taken for a part of it. One
  /// that is started by the other's attaching cannot.
  public var meetsBeforeAttaching = false

  /// What is counted, in a phase of its own before the measured one; nil where nothing is.
  public var counted: EventCounters.Kinds?

  /// Nil where it may run anywhere.
  func cpu(of seat: Seat) -> Int? {
    if seat.rank > 0 { return furtherCPUs.indices.contains(seat.rank - 1) ? furtherCPUs[seat.rank - 1] : nil }
    return seat.role == .producer ? producerCPU : consumerCPU
  }

  var cpusAreDistinct: Bool { producerCPU != nil && consumerCPU != nil && producerCPU != consumerCPU }
}

/// The life of a worker process, from its first instruction to its exit code.
public enum Worker {
  /// Chooses the loop. This is the last decision before the measured code, which is compiled for one pattern and
  /// one transport.
  ///
  /// - Parameter attach: takes this worker's end of the channel.
  @inlinable
  public static func run<T: Transport & ~Copyable>(
    _ type: T.Type, _ role: Role, _ spec: ChannelSpec, _ settings: TrialSettings, _ page: ControlPage,
    attach: () throws(TransportError) -> T.Attachment
  ) -> Int32 {
    var session = WorkerSession(role, settings, page)
    do throws(WorkerFailure) {
      try session.pin()
      try session.begin()
      let attachment = try Worker.explaining(attach)
      switch settings.pattern {
      case .roundTrip where settings.echoSpinSteps > 0:
        try work(type, SlowedRoundTrip.self, attachment, role, spec, &session)
      // A connection is made for one round trip, which is not warmed up: that is the point.
      case .roundTrip, .connect: try work(type, RoundTrip.self, attachment, role, spec, &session)
      case .stream: try work(type, Stream.self, attachment, role, spec, &session)
      case .paced: try work(type, Paced.self, attachment, role, spec, &session)
      case .wakeUp: try work(type, WakeUp.self, attachment, role, spec, &session)
      case .batchedStream, .fanIn, .fanOut:
        throw WorkerFailure(.attaching, "this form is not for \(settings.pattern.rawValue)")
      }
      return 0
    } catch {
      return session.fail(error)
    }
  }

  /// The same for one pattern only, with a transport of its own for each side.
  @inlinable
  public static func gather<S: Transport & ~Copyable, R: Transport & ~Copyable, P: Pattern>(
    _ sender: S.Type, _ receiver: R.Type, _ pattern: P.Type, _ role: Role, _ spec: ChannelSpec,
    _ settings: TrialSettings, _ page: ControlPage, attach: () throws(TransportError) -> S.Attachment
  ) -> Int32 where S.Attachment == R.Attachment {
    var session = WorkerSession(role, settings, page)
    do throws(WorkerFailure) {
      try session.pin()
      try session.begin()
      let attachment = try Worker.explaining(attach)
      switch role {
      case .producer: try work(sender, ProducingHalf<P>.self, attachment, role, spec, &session)
      case .consumer: try work(receiver, ConsumingHalf<P>.self, attachment, role, spec, &session)
      }
      return 0
    } catch {
      return session.fail(error)
    }
  }

  /// Attach, probe, calibrate, measure, probe.
  @inlinable
  static func work<T: Transport & ~Copyable, P: Pattern>(
    _ type: T.Type, _ pattern: P.Type, _ attachment: T.Attachment, _ role: Role, _ spec: ChannelSpec,
    _ session: inout WorkerSession
  ) throws(WorkerFailure) {
    var transport = try make(type, attachment, role, spec)
    try session.attached()
    while let phase = try session.nextPhase() {
      let received: UInt64
      do throws(ExchangeError) {
        received = try exchange(&transport, pattern, role, phase)
      } catch {
        throw WorkerFailure(error)
      }
      try session.finish(phase, received, transport.stalls)
    }
    session.note(transport.facts, transport.sharedMapping)
    session.willTearDown()
    transport.shutDown()
    _ = consume transport
    session.hasTornDown()
    try session.probeAfterwards()
  }

  @inlinable
  static func make<T: Transport & ~Copyable>(
    _ type: T.Type, _ attachment: T.Attachment, _ role: Role, _ spec: ChannelSpec
  ) throws(WorkerFailure) -> T {
    do throws(TransportError) {
      return try T(attachment, as: role, spec)
    } catch {
      throw WorkerFailure(.attaching, error.description)
    }
  }

  @inlinable
  static func explaining<Value>(
    _ attach: () throws(TransportError) -> Value
  ) throws(WorkerFailure) -> Value {
    do throws(TransportError) {
      return try attach()
    } catch {
      throw WorkerFailure(.attaching, error.description)
    }
  }

  /// A function of its own, so that the measured loop can be found, and checked, in the machine code.
  ///
  /// - Returns: the messages exchanged on this side, without those that were lost.
  @inlinable @inline(never)
  static func exchange<T: Transport & ~Copyable, P: Pattern>(
    _ transport: inout T, _ pattern: P.Type, _ role: Role, _ phase: Phase
  ) throws(ExchangeError) -> UInt64 {
    switch role {
    case .producer: return try P.produce(&transport, phase)
    case .consumer: return try P.consume(&transport, phase)
    }
  }
}

/// Why a worker ended early: for its report.
public struct WorkerFailure: Error, Sendable {
  public var kind: WorkerReport.Failure
  public var message: String

  public init(_ kind: WorkerReport.Failure, _ message: String) {
    self.kind = kind
    self.message = message
  }

  public init(_ error: ExchangeError) {
    self.init(error == .corrupted ? .corrupted : .exchanging, error.description)
  }
}
