import IPCTransport
import LinuxIPC
import Measurement
import Results

/// The server's half of trials: for each one a channel of its own and a fresh consumer.
public struct ServedTrials {
  private let entry: MechanismEntry
  private let topology: Topology
  private let scope: ResourceScope
  private let services: ServiceHost
  private let clock: Clock
  private let cpu: Int?
  private let page: ControlPage
  private let pagePath: String

  public init(
    _ entry: MechanismEntry, topology: Topology, scope: ResourceScope, services: ServiceHost, cpu: Int?
  ) throws(SystemError) {
    (self.entry, self.topology, self.scope, self.services) = (entry, topology, scope, services)
    self.cpu = cpu
    clock = Clock.choose()
    pagePath = try scope.path("control", in: .memory)
    page = try ControlPage(creating: pagePath)
  }

  /// How a trial went, for the server's own line.
  public enum Ending: Sendable, Equatable {
    case measured
    /// The driver was told why.
    case refused(String)
    case failed(String)
    case driverGone
    case interrupted
  }

  /// Serves one trial from the request to the report. Throws where the driver cannot be told.
  public func serve(
    _ request: TrialRequest, _ served: Served, over connection: ControlConnection, _ hosts: Hosts, serial: Int
  ) throws(ControlError) -> Ending {
    let planned: PlannedCase
    do throws(UsageError) {
      planned = try plan(request, served)
    } catch {
      try connection.say(ChannelOffer(refusal: error.description))
      return .refused(error.description)
    }
    let spec = ChannelSpec(
      variant: served.variant, wait: served.wait, attach: .name, messageByteCount: request.byteCount,
      messagesInFlight: 1, topology: topology, scope: scope, serial: serial,
      stallLimitNanoseconds: min(request.deadlineNanoseconds, TrialRequest.longestNanoseconds), hosts: hosts,
      services: services,
      workerCommand: [Program.ownPath, "worker"])
    let ending: Result<Ending, ControlError>
    do throws(TransportError) {
      ending = try open(planned, spec, connection)
    } catch {
      try connection.say(ChannelOffer(refusal: error.description))
      return .refused(error.description)
    }
    return try ending.get()
  }

  // MARK: What is asked for

  /// As a run would plan it, so that it is refused here for the same reasons.
  private func plan(_ request: TrialRequest, _ served: Served) throws(UsageError) -> PlannedCase {
    if let reason = request.whyNot(served) { throw UsageError(reason) }
    let block = Suite.Block(
      mechanisms: [served.id], patterns: [request.pattern], sizes: [request.byteCount], waits: [served.wait],
      attach: [.name], touch: request.touch, trials: 1, durationNanoseconds: request.durationNanoseconds,
      messages: request.messages)
    let planner = Planner(entries: [entry], topology: topology, scope: scope)
    let plan = try planner.plan(
      Suite(name: "", description: "", blocks: [block]), pin: .none, memory: .local, seed: 0)
    guard let planned = plan.cases.first else { throw UsageError(plan.skips[0].reason) }
    return planned
  }

  // MARK: The trial

  /// - Throws: before the driver was offered anything.
  private func open(
    _ planned: PlannedCase, _ spec: ChannelSpec, _ connection: ControlConnection
  ) throws(TransportError) -> Result<Ending, ControlError> {
    let channel = try planned.form.open(spec)
    defer { channel.close() }
    let producerAddress = try address(of: channel, .producer, planned)
    let worker = HandWorker(
      role: .consumer, id: entry.mechanism.id, address: try address(of: channel, .consumer, planned),
      spec: spec, settings: TrialSettings(planned, clock: clock, consumerCPU: cpu), page: page,
      pagePath: pagePath, files: scope)
    page.reset()
    do throws(ControlError) {
      try connection.say(ChannelOffer(address: producerAddress, spec))
      return .success(try watch(worker, channel, connection))
    } catch {
      return .failure(error)
    }
  }

  private func address(
    of channel: OpenChannel, _ role: Role, _ planned: PlannedCase
  ) throws(TransportError) -> String {
    if case .spawn(let address, nil, nil) = channel.launch(role) { return address }
    let id = planned.form.mechanism.id(of: planned.identity.variant)
    throw TransportError(
      .unsupported,
      "\(id) needs more than an address on its \(role.rawValue)'s side: measure it with 'ipcbench run -m \(id)'."
    )
  }

  private func watch(
    _ worker: HandWorker, _ channel: OpenChannel, _ connection: ControlConnection
  ) throws(ControlError) -> Ending {
    let consumer: StartedWorker
    do throws(SystemError) {
      consumer = try worker.start(connection)
    } catch {
      try connection.say(TrialEnd(failure: "The consumer could not be started: \(error)."))
      return .failed("The consumer could not be started: \(error).")
    }
    channel.relinquish()
    var driverIsGone = false
    let watch = Watch(page: page, deadlineNanoseconds: worker.spec.stallLimitNanoseconds) {
      driverIsGone = connection.isOver
      return driverIsGone ? "The driver went away." : nil
    }
    let outcome = watch.wait(for: [consumer])
    if driverIsGone {
      try? connection.say(TrialEnd())
      return .driverGone
    }
    return try report(outcome, connection)
  }

  private func report(
    _ outcome: TrialOutcome?, _ connection: ControlConnection
  ) throws(ControlError) -> Ending {
    switch outcome {
    case nil:
      try connection.say(TrialEnd(report: page.report(.consumer)))
      return .measured
    case .failed(let reason):
      let endings = services.takeEndings().map { "; \($0)" }.joined()
      try connection.say(TrialEnd(failure: reason + endings))
      return .failed(reason + endings)
    case .interrupted, .measured:
      return .interrupted
    }
  }
}

extension TrialRequest {
  /// No server works longer than that for one trial.
  static var longestNanoseconds: UInt64 { 3_600_000_000_000 }

  /// Only a round trip is measured by one clock.
  public static func whyNot(_ pattern: PatternKind, _ id: String, across scope: ChannelScope) -> String? {
    guard pattern != .roundTrip else { return nil }
    let reason =
      scope == .network
      ? "the clocks of two machines differ, and only a round trip is measured by one clock."
      : "the two sides share no clock that has been checked, and only a round trip is measured by one; on one host use "
        + "'ipcbench run -m \(id) -p \(pattern.rawValue) --attach name'."
    return "'\(pattern.rawValue)' is not measured with two sides by hand: \(reason)"
  }

  /// What no server grants, whatever the mechanism.
  func whyNot(_ served: Served) -> String? {
    if let reason = Self.whyNot(pattern, served.id, across: .network) { return reason }
    if byteCount < 0 || byteCount > served.messageByteCount {
      return "The server takes messages of at most \(Units.describe(byteCount: served.messageByteCount)), "
        + "\(byteCount) bytes were asked for: serve with a larger --size where \(served.id) allows it."
    }
    let isLong = durationNanoseconds > Self.longestNanoseconds || (messages ?? 0) > 1_000_000_000_000
    return isLong || durationNanoseconds == 0 || messages == 0
      ? "A trial takes between 1 ns and an hour, and at most 10¹² messages." : nil
  }
}
