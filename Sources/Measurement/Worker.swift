import IPCTransport
import LinuxIPC

/// What both workers of a trial are told. Inherited over the fork.
public struct TrialSettings: Sendable {
  public var pattern: PatternKind
  public var payload: Payload
  public var clock: Clock
  /// How long the measured phase shall take, in nanoseconds; its message count is found by calibration.
  public var durationNanoseconds: UInt64
  /// Fixed message count instead of a duration.
  public var messages: UInt64?
  /// Paced loads: messages per second.
  public var rate: Double
  public var arrival: Arrival
  public var seed: UInt64
  public var producerCPU: Int?
  public var consumerCPU: Int?

  public init(
    pattern: PatternKind, payload: Payload, clock: Clock, durationNanoseconds: UInt64,
    messages: UInt64? = nil, rate: Double = 0, arrival: Arrival = .constant, seed: UInt64,
    producerCPU: Int?, consumerCPU: Int?
  ) {
    self.pattern = pattern
    self.payload = payload
    self.clock = clock
    self.durationNanoseconds = durationNanoseconds
    self.messages = messages
    self.rate = rate
    self.arrival = arrival
    self.seed = seed
    self.producerCPU = producerCPU
    self.consumerCPU = consumerCPU
  }

  var cpusAreDistinct: Bool { producerCPU != nil && consumerCPU != nil && producerCPU != consumerCPU }
}

/// The life of a worker process, from its first instruction to its exit code.
public enum Worker {
  /// Chooses the loop. This is the last decision before the measured code, which is compiled for one pattern and
  /// one transport.
  @inlinable
  public static func run<T: Transport & ~Copyable>(
    _ type: T.Type, _ channel: T.Channel, _ role: Role, _ spec: ChannelSpec, _ settings: TrialSettings,
    _ page: ControlPage
  ) -> Int32 {
    var session = WorkerSession(role, settings, page)
    do throws(WorkerFailure) {
      try session.pin()
      switch settings.pattern {
      case .roundTrip: try work(type, RoundTrip.self, channel, role, spec, &session)
      case .stream: try work(type, Stream.self, channel, role, spec, &session)
      case .paced: try work(type, Paced.self, channel, role, spec, &session)
      }
      return 0
    } catch {
      return session.fail(error)
    }
  }

  /// Attach, probe, calibrate, measure, probe.
  @inlinable
  static func work<T: Transport & ~Copyable, P: Pattern>(
    _ type: T.Type, _ pattern: P.Type, _ channel: T.Channel, _ role: Role, _ spec: ChannelSpec,
    _ session: inout WorkerSession
  ) throws(WorkerFailure) {
    var transport = try attach(type, channel, role, spec, session)
    try session.attached(transport.sharedMapping)
    while let phase = try session.nextPhase() {
      do throws(ExchangeError) {
        try exchange(&transport, pattern, role, phase)
      } catch {
        throw WorkerFailure(error)
      }
      try session.finish(phase, transport.stalls)
    }
    transport.shutDown()
    try session.probeAfterwards()
  }

  @inlinable
  static func attach<T: Transport & ~Copyable>(
    _ type: T.Type, _ channel: T.Channel, _ role: Role, _ spec: ChannelSpec, _ session: WorkerSession
  ) throws(WorkerFailure) -> T {
    do throws(TransportError) {
      return try T(attaching: channel, as: role, spec)
    } catch {
      throw WorkerFailure(.attaching, error.description)
    }
  }

  /// A function of its own, so that the measured loop can be found, and checked, in the machine code.
  @inlinable @inline(never)
  static func exchange<T: Transport & ~Copyable, P: Pattern>(
    _ transport: inout T, _ pattern: P.Type, _ role: Role, _ phase: Phase
  ) throws(ExchangeError) {
    switch role {
    case .producer: try P.produce(&transport, phase)
    case .consumer: try P.consume(&transport, phase)
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
