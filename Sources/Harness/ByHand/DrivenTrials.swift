import IPCTransport
import LinuxIPC
import Measurement
import Results

/// The driver's half of trials: asks the server for a channel, starts the producer, and puts together what the two
/// sides found.
///
/// One connection serves for all trials that go well. After any other the sides may not agree any more on what comes
/// next: the connection is closed, and the next trial makes a new one.
public struct DrivenTrials: PairRunner {
  private let server: ServerCall
  private let scope: ResourceScope
  private let hosts: Hosts
  private let clock: Clock
  private let deadlineNanoseconds: UInt64?
  private let page: ControlPage
  private let pagePath: String
  private var connection: ControlConnection?

  /// - Parameters:
  ///   - connection: one that has been greeted.
  ///   - hosts: where the sides are, as seen from here.
  public init(
    _ server: ServerCall, _ connection: ControlConnection, hosts: Hosts, scope: ResourceScope, clock: Clock,
    deadlineNanoseconds: UInt64?
  ) throws(SystemError) {
    (self.server, self.connection, self.hosts) = (server, connection, hosts)
    (self.scope, self.clock, self.deadlineNanoseconds) = (scope, clock, deadlineNanoseconds)
    pagePath = try scope.path("control", in: .memory)
    page = try ControlPage(creating: pagePath)
  }

  public mutating func end() {
    connection?.close()
    connection = nil
  }

  public mutating func run(_ planned: PlannedCase, _ plan: Plan, trial: Int) -> TrialOutcome {
    let outcome: TrialOutcome
    do throws(ControlError) {
      if connection == nil { connection = try server.connect().connection }
      outcome = try attempt(planned, plan, trial, connection!)
    } catch {
      end()
      if error == .interrupted || StopSignal.isRequested { return .interrupted }
      if case .refused(let sentence) = error { return .failed(sentence) }
      return .failed("The server could not be asked for a trial: \(error).")
    }
    if case .measured = outcome { return outcome }
    end()
    return StopSignal.isRequested ? .interrupted : outcome
  }

  private func attempt(
    _ planned: PlannedCase, _ plan: Plan, _ trial: Int, _ connection: ControlConnection
  ) throws(ControlError) -> TrialOutcome {
    let began = Clock.monotonicNanoseconds()
    let cpus = [plan.producerCPU].compactMap(\.self)
    let before = Disturbances.now(cpus: cpus)
    let deadline = planned.deadlineNanoseconds(asked: deadlineNanoseconds)
    try connection.say(ControlRequest(trial: TrialRequest(planned, deadline)))
    let offer = try connection.hear(ChannelOffer.self, milliseconds: 20_000)
    if let refusal = offer.refusal { return .failed(bounded(refusal)) }
    let opened = Clock.monotonicNanoseconds() - began
    let settings = TrialSettings(
      planned, clock: clock, seed: plan.seed &+ UInt64(trial), producerCPU: plan.producerCPU)
    let worker = HandWorker(
      role: .producer, id: planned.form.mechanism.id, address: offer.address,
      spec: spec(planned, plan, offer, deadline), settings: settings, page: page, pagePath: pagePath,
      files: scope)
    page.reset()
    let failure = produce(worker, connection, deadline)
    if case .interrupted = failure { return .interrupted }
    return collect(failure, hearEnd(connection, failure), opened) {
      Disturbances.now(cpus: cpus).since(before)
    }
  }

  private func spec(
    _ planned: PlannedCase, _ plan: Plan, _ offer: ChannelOffer, _ deadline: UInt64
  ) -> ChannelSpec {
    ChannelSpec(
      variant: planned.identity.variant, wait: planned.form.wait, attach: .name,
      messageByteCount: planned.identity.messageBytes, messagesInFlight: 1, topology: plan.topology,
      scope: offer.scope ?? scope, serial: offer.serial, stallLimitNanoseconds: deadline, hosts: hosts)
  }

  // MARK: The producer

  /// Nil when it ended well.
  private func produce(
    _ worker: HandWorker, _ connection: ControlConnection, _ deadline: UInt64
  ) -> TrialOutcome? {
    let producer: StartedWorker
    do throws(SystemError) {
      producer = try worker.start(connection)
    } catch {
      return .failed("The producer could not be started: \(error).")
    }
    return Watch(page: page, deadlineNanoseconds: deadline) {
      connection.isOver ? Self.serverEnded : nil
    }.wait(for: [producer])
  }

  /// What the server says of its consumer.
  private func hearEnd(
    _ connection: ControlConnection, _ failure: TrialOutcome?
  ) -> Result<TrialEnd, ControlError> {
    // The consumer may be waiting for messages that will not come.
    if failure != nil { connection.endSaying() }
    do throws(ControlError) {
      // What the producer has not heard of its peer at a barrier lies before the end.
      for _ in 0..<4 {
        let bytes = try connection.hearBytes(milliseconds: 10_000)
        if let end = try? ControlConnection.decode(TrialEnd.self, bytes) { return .success(end) }
      }
      return .failure(.nonsense("too much"))
    } catch {
      return .failure(error)
    }
  }

  // MARK: What came of it

  private static var serverEnded: String { "the server ended during the trial" }

  /// What went wrong, on either side. That the other side ended is the consequence of a failure it has told.
  private func sentence(_ failure: TrialOutcome?, _ end: Result<TrialEnd, ControlError>) -> String? {
    var reasons: [String] = []
    if case .success(let end) = end, let told = end.failure { reasons.append(bounded(told)) }
    if case .failed(let reason) = failure, reason != Self.serverEnded || reasons.isEmpty {
      reasons.append(reason)
    }
    if case .failure(let error) = end {
      let isGone = error == .gone || error == .hungUp
      let reason = isGone ? Self.serverEnded : "the server did not report on its consumer: \(error)"
      if !reasons.contains(reason) { reasons.append(reason) }
    }
    return Self.oneSentence(reasons)
  }

  /// Nil where there is nothing to say.
  private static func oneSentence(_ reasons: [String]) -> String? {
    guard !reasons.isEmpty else { return nil }
    let clauses = reasons.map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
    let sentence = clauses.joined(separator: "; ") + "."
    return sentence.hasPrefix("the ") ? "T" + sentence.dropFirst() : sentence
  }

  private func collect(
    _ failure: TrialOutcome?, _ end: Result<TrialEnd, ControlError>, _ opened: UInt64,
    disturbances: () -> Disturbances
  ) -> TrialOutcome {
    if let sentence = sentence(failure, end) { return .failed(sentence) }
    let producer = page.report(.producer)
    guard case .success(let end) = end, let consumer = end.report, consumer.isPlausible else {
      return .failed("The server's report of its consumer cannot be used.")
    }
    guard producer.stage == .done, consumer.stage == .done, producer.messages == consumer.messages,
      consumer.messages > 0
    else {
      return .failed(
        "The producer sent \(producer.messages) messages, the consumer received \(consumer.messages).")
    }
    return .measured(
      TrialMeasurement(
        producer: producer, consumer: consumer,
        histograms: (0..<ControlPage.histogramCount).map { page.histogram($0).snapshot() },
        setupNanoseconds: opened + max(producer.attachNanoseconds, consumer.attachNanoseconds),
        disturbances: disturbances()))
  }
}

extension TrialRequest {
  init(_ planned: PlannedCase, _ deadline: UInt64) {
    self.init(
      pattern: planned.pattern, byteCount: planned.identity.messageBytes, touch: planned.touch,
      durationNanoseconds: planned.durationNanoseconds, messages: planned.messages,
      deadlineNanoseconds: deadline)
  }
}
