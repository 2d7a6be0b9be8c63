import IPCTransport
import LinuxIPC
import Measurement
import Results
import Services
import SystemPackage

/// What came of one trial.
public enum TrialOutcome: Sendable {
  case measured(TrialMeasurement)
  /// One sentence.
  case failed(String)
  /// The user asked to stop; nothing was measured.
  case interrupted
}

/// What the workers left in the control page, and what the harness saw around them.
public struct TrialMeasurement: Sendable {
  /// The first of each role.
  public var producer: WorkerReport
  public var consumer: WorkerReport
  /// Those after the first, by rank.
  public var furtherProducers: [WorkerReport] = []
  public var furtherConsumers: [WorkerReport] = []
  /// Of a fan-in: the messages that came from each producer while all were sending.
  public var receivedFrom: [UInt64] = []
  public var histograms: [SharedHistogram.Snapshot]
  /// Opening the channel, and the longer of both sides' attaching.
  public var setupNanoseconds: UInt64
  /// The end of both transports and closing the channel.
  public var tearDownNanoseconds: UInt64 = 0
  /// What others did while it ran.
  public var disturbances = Disturbances()

  /// Of the first histogram; nil where it has too few samples for one.
  public var median: Double? {
    guard let first = histograms.first, first.totalCount > 0 else { return nil }
    return MergedHistogram([
      StoredHistogram(
        name: "", values: first.values, counts: first.counts, minimum: first.minimum, maximum: first.maximum,
        sum: Double(first.sum))
    ]).value(atPercentile: 50)
  }

  public var producers: [WorkerReport] { [producer] + furtherProducers }
  public var consumers: [WorkerReport] { [consumer] + furtherConsumers }
}

/// Who runs trials, one after the other.
public protocol PairRunner {
  /// No worker of its own lives when it returns.
  mutating func run(_ planned: PlannedCase, _ plan: Plan, trial: Int) -> TrialOutcome
}

/// Runs trials: opens a channel, starts producers and consumers, watches them, reaps them, removes the channel.
///
/// Workers of at most one trial exist at a time, and none when `run` returns.
public struct TrialRunner: PairRunner {
  private let page: ControlPage
  private let scope: ResourceScope
  private let clock: Clock
  /// Upper bound for a whole trial; nil derives it from the trial's duration.
  private let deadlineNanoseconds: UInt64?
  private let pagePath: String
  private let services: ServiceHost
  private var countable: EventCounters.Kinds?
  private var serial = 0

  /// - Parameter services: the caller stops them when the last trial has run.
  public init(
    scope: ResourceScope, services: ServiceHost, clock: Clock, deadlineNanoseconds: UInt64?
  ) throws(SystemError) {
    self.services = services
    pagePath = try scope.path("control", in: .memory)
    page = try ControlPage(creating: pagePath)
    self.scope = scope
    self.clock = clock
    self.deadlineNanoseconds = deadlineNanoseconds
  }

  public mutating func run(_ planned: PlannedCase, _ plan: Plan, trial: Int) -> TrialOutcome {
    let outcome = planned.pattern == .connect ? connect(planned, plan, trial) : attempt(planned, plan, trial)
    guard case .failed(let reason) = outcome else { return outcome }
    // A service that has ended explains what the workers saw of it.
    let endings = services.takeEndings()
    if endings.isEmpty { return outcome }
    let sentence = reason.hasSuffix(".") ? String(reason.dropLast()) : reason
    return .failed("\(([sentence] + endings).joined(separator: "; ")).")
  }

  /// One connection after the other.
  private mutating func connect(_ planned: PlannedCase, _ plan: Plan, _ trial: Int) -> TrialOutcome {
    let times = ConnectionTimes()
    let end = Clock.monotonicNanoseconds() + planned.durationNanoseconds
    while planned.messages.map({ times.count < $0 })
      ?? (times.count < ConnectionTimes.least || Clock.monotonicNanoseconds() < end)
    {
      let outcome = attempt(planned, plan, trial)
      guard case .measured(let connection) = outcome else { return outcome }
      times.record(connection)
    }
    return times.measurement.map { .measured($0) } ?? .failed("No connection was made.")
  }

  private mutating func attempt(_ planned: PlannedCase, _ plan: Plan, _ trial: Int) -> TrialOutcome {
    let crew = planned.crew
    // A channel for each of several takes several numbers.
    serial += 1
    defer { serial += crew.many - 1 }
    var spec = ChannelSpec(
      variant: planned.identity.variant, wait: planned.form.wait, attach: planned.attach,
      messageByteCount: planned.identity.messageBytes,
      messagesInFlight: planned.pattern.fillsTheChannel ? nil : 1, crew: crew, memory: plan.memory,
      topology: plan.topology, scope: scope, serial: serial, stallLimitNanoseconds: deadline(planned),
      services: services, workerCommand: [Program.ownPath, "worker"])
    var settings = TrialSettings(
      pattern: planned.pattern,
      payload: Payload(byteCount: planned.identity.messageBytes, touch: planned.touch),
      reply: Payload(
        byteCount: planned.form.replyByteCount ?? planned.identity.messageBytes, touch: planned.touch),
      clock: clock,
      durationNanoseconds: planned.durationNanoseconds, messages: planned.messages,
      rate: planned.identity.rateTargetPerSecond ?? 0, arrival: planned.arrival,
      gapNanoseconds: planned.gapNanoseconds, seed: plan.seed &+ UInt64(trial), producerCPU: plan.producerCPU,
      consumerCPU: plan.consumerCPU,
      echoSpinSteps: plan.echoSpinSteps)
    (spec.batch, settings.batch) = (planned.batch, planned.batch)
    settings.crew = crew
    if trial == 0 && planned.pattern != .connect && plan.countsEvents { settings.counted = whatCounts() }
    settings.furtherCPUs = plan.furtherCPUs(crew)
    page.reset(histograms: max(2, crew.consumers))
    let began = Clock.monotonicNanoseconds()
    let before = Disturbances.now(cpus: cpus(plan, crew))
    do throws(TransportError) {
      let traits = planned.form.mechanism.traits(of: planned.identity.variant)
      if planned.scope == .network && !traits.bringsHosts {
        spec.hosts = try services.ready(TwoHosts.self).hosts
      }
      // What the channel touches when it is opened is the workers' memory, not the harness's.
      let channel = try MemoryPolicy.preferring(plan.producerNode) { () throws(TransportError) in
        try planned.form.open(spec)
      }
      let opened = Clock.monotonicNanoseconds() - began
      settings.meetsBeforeAttaching = planned.pattern == .connect && !channel.hasActivatedWorker
      let start = WorkerStart(
        channel: channel, id: planned.form.mechanism.id, spec: spec, settings: settings, page: page,
        pagePath: pagePath)
      let outcome =
        execute(start, deadline(planned))
        ?? collect(opened, before, plan, crew, mayDrop: planned.form.mayDrop)
      return close(channel, outcome)
    } catch {
      return .failed(error.description)
    }
  }

  /// It takes some 50 ms, and varies little from trial to trial.
  private mutating func whatCounts() -> EventCounters.Kinds? {
    let kinds = countable ?? EventCounters.kindsHere()
    countable = kinds
    return kinds.isEmpty ? nil : kinds
  }

  private func close(_ channel: OpenChannel, _ outcome: TrialOutcome) -> TrialOutcome {
    let began = Clock.monotonicNanoseconds()
    channel.close()
    guard case .measured(var measurement) = outcome else { return outcome }
    measurement.tearDownNanoseconds =
      max(measurement.producer.tearDownNanoseconds, measurement.consumer.tearDownNanoseconds)
      + Clock.monotonicNanoseconds() - began
    return .measured(measurement)
  }

  private func cpus(_ plan: Plan, _ crew: Crew) -> [Int] {
    Set(([plan.producerCPU, plan.consumerCPU] + plan.furtherCPUs(crew)).compactMap(\.self)).sorted()
  }

  private func deadline(_ planned: PlannedCase) -> UInt64 {
    planned.deadlineNanoseconds(asked: deadlineNanoseconds)
  }

  // MARK: The processes

  /// Nil when both workers ended well.
  private func execute(_ start: WorkerStart, _ deadline: UInt64) -> TrialOutcome? {
    var workers: [StartedWorker] = []
    do throws(SystemError) {
      // Who is started by a service has its order before the other one asks for it.
      let seats = start.spec.crew.seats
      for seat in seats where start.channel.isActivated(seat.role) { workers.append(try start.start(seat)) }
      for seat in seats where !start.channel.isActivated(seat.role) { workers.append(try start.start(seat)) }
    } catch {
      stop(workers)
      start.channel.relinquish()
      return .failed("Cannot start the workers: \(error).")
    }
    start.channel.relinquish()
    return Watch(page: page, deadlineNanoseconds: deadline).wait(for: workers)
  }

  private func stop(_ workers: [StartedWorker]) {
    for worker in workers {
      worker.child?.kill()
      _ = try? worker.child?.reap()
    }
  }

  // MARK: What they left

  private func collect(
    _ opened: UInt64, _ before: Disturbances, _ plan: Plan, _ crew: Crew, mayDrop: Bool
  ) -> TrialOutcome {
    let producers = (0..<crew.producers).map { page.report(Seat(.producer, $0)) }
    let consumers = (0..<crew.consumers).map { page.report(Seat(.consumer, $0)) }
    guard (producers + consumers).allSatisfy({ $0.stage == .done }) else {
      return .failed("A worker ended without finishing its report.")
    }
    let sent = producers.reduce(0) { $0 + $1.messages }
    // Each consumer gets all that was sent.
    for consumer in consumers {
      let isComplete = sent == consumer.messages || (mayDrop && consumer.messages < sent)
      guard isComplete, consumer.messages > 0 else {
        return .failed(
          "The producer sent \(sent) messages, the consumer received \(consumer.messages).")
      }
    }
    let attached = (producers + consumers).map(\.attachNanoseconds).max() ?? 0
    var measurement = TrialMeasurement(
      producer: producers[0], consumer: consumers[0],
      histograms: (0..<max(2, crew.consumers)).map { page.histogram($0).snapshot() },
      setupNanoseconds: opened + attached,
      disturbances: Disturbances.now(cpus: cpus(plan, crew)).since(before))
    measurement.furtherProducers = Array(producers.dropFirst())
    measurement.furtherConsumers = Array(consumers.dropFirst())
    if crew.gathering == .fanIn {
      measurement.receivedFrom = (0..<crew.producers).map { page.tally[producer: $0] }
    }
    return .measured(measurement)
  }
}

/// What it takes to start a worker.
struct WorkerStart {
  let channel: OpenChannel
  let id: String
  let spec: ChannelSpec
  let settings: TrialSettings
  let page: ControlPage
  let pagePath: String

  func start(_ seat: Seat) throws(SystemError) -> StartedWorker {
    var settings = settings
    settings.rank = seat.rank
    switch channel.launch(seat.role) {
    case .fork:
      let child = try Processes.fork { [settings] in channel.work(seat.role, settings, page) }
      return StartedWorker(seat: seat, child: child)
    case .spawn(let address, let input, let output):
      // Not as an argument, which every user can read: an address may hold what lets somebody in.
      let path = try spec.scope.path(spec.name("\(seat)-order".replacing(" ", with: "-")))
      try TextFile.write(order(seat.role, address, settings).text, to: path)
      let child = try Processes.spawn(
        "/proc/self/exe", ["worker", "@\(path)"], standardInput: input, standardOutput: output)
      return StartedWorker(seat: seat, child: child)
    case .activated(let address, let orderPath):
      try TextFile.write(order(seat.role, address, settings, isActivated: true).text, to: orderPath)
      return StartedWorker(seat: seat, child: nil)
    }
  }

  private func order(
    _ role: Role, _ address: String, _ settings: TrialSettings, isActivated: Bool = false
  ) -> WorkerOrder {
    WorkerOrder(id, role, address: address, spec, settings, page: pagePath, isActivated: isActivated)
  }
}

extension OpenChannel {
  func isActivated(_ role: Role) -> Bool {
    if case .activated = launch(role) { true } else { false }
  }

  var hasActivatedWorker: Bool { Role.allCases.contains(where: isActivated) }
}

/// A worker whose end is awaited.
struct StartedWorker {
  let seat: Seat
  /// Nil where a service starts it: it says who it is when it has begun.
  let child: Child?
}

/// Waits for workers, and ends what does not end by itself.
struct Watch {
  let page: ControlPage
  let deadlineNanoseconds: UInt64
  /// Asked while they run: a reason to end them, nil where there is none.
  var objection: () -> String? = { nil }

  /// Returns nil when all ended well; none is left in any case.
  func wait(for workers: [StartedWorker]) -> TrialOutcome? {
    let deadline = Clock.monotonicNanoseconds() + deadlineNanoseconds
    var running = workers
    var outcome: TrialOutcome?
    while !running.isEmpty {
      if let ended = firstEnded(running) {
        let found = judge(running.remove(at: ended))
        // The first failure is the cause; the other worker's end is its consequence.
        if outcome == nil, let found {
          outcome = found
          running.forEach(stop)
        }
        continue
      }
      // Nobody will start it any more.
      if running.allSatisfy({ process($0) == nil }) { return outcome ?? .failed(notStarted(running)) }
      guard outcome == nil else { continue }
      if StopSignal.isRequested {
        outcome = .interrupted
      } else if Clock.monotonicNanoseconds() > deadline {
        outcome = .failed(hangDescription(running))
      } else if let reason = objection() {
        outcome = .failed(reason)
      }
      if outcome != nil { running.forEach(stop) }
    }
    return StopSignal.isRequested ? .interrupted : outcome
  }

  /// Nil while nobody has started it.
  private func process(_ worker: StartedWorker) -> Child? {
    if let child = worker.child { return child }
    let pid = page.report(worker.seat).pid
    return pid > 0 ? Child(pid: pid) : nil
  }

  private func firstEnded(_ running: [StartedWorker]) -> Int? {
    let begun = running.indices.filter { process(running[$0]) != nil }
    let processes = begun.compactMap { process(running[$0]) }
    return ProcessPoll.firstEnded(processes, milliseconds: 100).map { begun[$0] }
  }

  private func stop(_ worker: StartedWorker) { process(worker)?.kill() }

  private func judge(_ worker: StartedWorker) -> TrialOutcome? {
    let message = page.message(worker.seat)
    guard let child = worker.child else {
      // Not ours to reap: what it reported counts.
      if page.report(worker.seat).stage == .done { return nil }
      return .failed(
        message.isEmpty
          ? "The \(worker.seat) ended early." : "\(worker.seat): \(message)")
    }
    guard let status = try? child.reap() else {
      return .failed("The \(worker.seat) could not be waited for.")
    }
    if status == .exited(0) { return nil }
    if case .exited = status, !message.isEmpty { return .failed("\(worker.seat): \(message)") }
    return .failed("The \(worker.seat) \(status).")
  }

  private func notStarted(_ running: [StartedWorker]) -> String {
    let roles = running.map { "the \($0.seat)" }.joined(separator: " and ")
    return "Nobody started \(roles)."
  }

  private func hangDescription(_ running: [StartedWorker]) -> String {
    let stages = running.map { "the \($0.seat) at '\(page.report($0.seat).stage)'" }
    return "No end after \(Units.describe(nanoseconds: deadlineNanoseconds)), "
      + "\(stages.joined(separator: " and ")); the workers were stopped."
  }
}
