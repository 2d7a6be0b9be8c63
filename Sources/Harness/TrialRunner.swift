import IPCTransport
import LinuxIPC
import Measurement
import Results
import SystemPackage

/// What came of one trial.
public enum TrialOutcome: Sendable {
  case measured(TrialMeasurement)
  /// One sentence.
  case failed(String)
  /// The user asked to stop; nothing was measured.
  case interrupted
}

/// What the two workers left in the control page, and what the harness saw around them.
public struct TrialMeasurement: Sendable {
  public var producer: WorkerReport
  public var consumer: WorkerReport
  public var histograms: [SharedHistogram.Snapshot]
  /// Opening the channel, both forks and attaching.
  public var setupNanoseconds: UInt64
  public var stealNanoseconds: UInt64?
}

/// Runs trials: opens a channel, forks a producer and a consumer, watches them, reaps both, removes the channel.
///
/// At most one pair of workers exists at a time, and none when `run` returns.
public struct TrialRunner {
  private let page: ControlPage
  private let scope: ResourceScope
  private let clock: Clock
  /// Upper bound for a whole trial; nil derives it from the trial's duration.
  private let deadlineNanoseconds: UInt64?
  private let pagePath: String
  private var serial = 0

  public init(scope: ResourceScope, clock: Clock, deadlineNanoseconds: UInt64?) throws(SystemError) {
    pagePath = try scope.path("control", in: .memory)
    page = try ControlPage(creating: pagePath)
    self.scope = scope
    self.clock = clock
    self.deadlineNanoseconds = deadlineNanoseconds
  }

  public mutating func run(_ planned: PlannedCase, _ plan: Plan, trial: Int) -> TrialOutcome {
    serial += 1
    let spec = ChannelSpec(
      variant: planned.identity.variant, wait: planned.form.wait, attach: planned.attach,
      messageByteCount: planned.identity.messageBytes,
      messagesInFlight: planned.pattern == .roundTrip ? 1 : nil, memory: plan.memory,
      topology: plan.topology, scope: scope, serial: serial, stallLimitNanoseconds: deadline(planned))
    let settings = TrialSettings(
      pattern: planned.pattern,
      payload: Payload(byteCount: planned.identity.messageBytes, touch: planned.touch),
      reply: Payload(
        byteCount: planned.form.replyByteCount ?? planned.identity.messageBytes, touch: planned.touch),
      clock: clock,
      durationNanoseconds: planned.durationNanoseconds, messages: planned.messages,
      rate: planned.identity.rateTargetPerSecond ?? 0, arrival: planned.arrival,
      seed: plan.seed &+ UInt64(trial), producerCPU: plan.producerCPU, consumerCPU: plan.consumerCPU,
      echoSpinSteps: plan.echoSpinSteps)
    page.reset()
    let began = Clock.monotonicNanoseconds()
    let steal = StealTime.nanoseconds(cpus: cpus(plan))
    do throws(TransportError) {
      let channel = try planned.form.open(spec)
      defer { channel.close() }
      let opened = Clock.monotonicNanoseconds() - began
      let start = WorkerStart(
        channel: channel, id: planned.form.mechanism.id, spec: spec, settings: settings, page: page,
        pagePath: pagePath)
      if let stopped = execute(start, deadline(planned)) { return stopped }
      let traits = planned.form.mechanism.traits(of: planned.identity.variant)
      return collect(opened, steal, plan, mayDrop: traits.delivery == .mayDrop)
    } catch {
      return .failed(error.description)
    }
  }

  private func cpus(_ plan: Plan) -> [Int] {
    Set([plan.producerCPU, plan.consumerCPU].compactMap(\.self)).sorted()
  }

  /// Generous: it is there for hangs, not for slow machines.
  private func deadline(_ planned: PlannedCase) -> UInt64 {
    deadlineNanoseconds ?? 10_000_000_000 + 10 * planned.predictedNanoseconds
  }

  // MARK: Two processes

  /// Nil when both workers ended well.
  private func execute(_ start: WorkerStart, _ deadline: UInt64) -> TrialOutcome? {
    var children: [(role: Role, child: Child)] = []
    do throws(SystemError) {
      for role in Role.allCases { children.append((role, try start.start(role))) }
    } catch {
      stop(children)
      start.channel.relinquish()
      return .failed("Cannot start the workers: \(error).")
    }
    start.channel.relinquish()
    return Watch(page: page, deadlineNanoseconds: deadline).wait(for: children)
  }

  private func stop(_ children: [(role: Role, child: Child)]) {
    for (_, child) in children {
      child.kill()
      _ = try? child.reap()
    }
  }

  // MARK: What they left

  private func collect(
    _ opened: UInt64, _ stealBefore: UInt64?, _ plan: Plan, mayDrop: Bool
  ) -> TrialOutcome {
    let (producer, consumer) = (page.report(.producer), page.report(.consumer))
    guard producer.stage == .done, consumer.stage == .done else {
      return .failed("A worker ended without finishing its report.")
    }
    let isComplete =
      producer.messages == consumer.messages || (mayDrop && consumer.messages < producer.messages)
    guard isComplete, consumer.messages > 0 else {
      return .failed(
        "The producer sent \(producer.messages) messages, the consumer received \(consumer.messages).")
    }
    let stealAfter = StealTime.nanoseconds(cpus: cpus(plan))
    let steal = stealAfter.flatMap { after in stealBefore.map { after >= $0 ? after - $0 : 0 } }
    return .measured(
      TrialMeasurement(
        producer: producer, consumer: consumer,
        histograms: (0..<ControlPage.histogramCount).map { page.histogram($0).snapshot() },
        setupNanoseconds: opened + max(producer.attachNanoseconds, consumer.attachNanoseconds),
        stealNanoseconds: steal))
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

  func start(_ role: Role) throws(SystemError) -> Child {
    switch channel.launch(role) {
    case .fork: return try Processes.fork { channel.work(role, settings, page) }
    case .spawn(let address, let input, let output):
      let order = WorkerOrder(id, role, address: address, spec, settings, page: pagePath)
      return try Processes.spawn(
        "/proc/self/exe", ["worker", order.text], standardInput: input, standardOutput: output)
    }
  }
}

/// Waits for a pair of workers, and ends what does not end by itself.
struct Watch {
  let page: ControlPage
  let deadlineNanoseconds: UInt64

  typealias Worker = (role: Role, child: Child)

  /// Returns nil when both exited with 0; both are reaped in every case.
  func wait(for workers: [Worker]) -> TrialOutcome? {
    let deadline = Clock.monotonicNanoseconds() + deadlineNanoseconds
    var running = workers
    var outcome: TrialOutcome?
    while !running.isEmpty {
      let ended = ProcessPoll.firstEnded(running.map(\.child), milliseconds: 100)
      if let ended {
        let worker = running.remove(at: ended)
        let found = judge(worker)
        // The first failure is the cause; the other worker's end is its consequence.
        if outcome == nil, let found {
          outcome = found
          running.forEach { $0.child.kill() }
        }
        continue
      }
      guard outcome == nil else { continue }
      if StopSignal.isRequested {
        outcome = .interrupted
      } else if Clock.monotonicNanoseconds() > deadline {
        outcome = .failed(hangDescription(running))
      }
      if outcome != nil { running.forEach { $0.child.kill() } }
    }
    return StopSignal.isRequested ? .interrupted : outcome
  }

  private func judge(_ worker: Worker) -> TrialOutcome? {
    guard let status = try? worker.child.reap() else {
      return .failed("The \(worker.role.rawValue) could not be waited for.")
    }
    if status == .exited(0) { return nil }
    let message = page.message(worker.role)
    if case .exited = status, !message.isEmpty { return .failed("\(worker.role.rawValue): \(message)") }
    return .failed("The \(worker.role.rawValue) \(status).")
  }

  private func hangDescription(_ running: [Worker]) -> String {
    let stages = running.map { "the \($0.role.rawValue) at '\(page.report($0.role).stage)'" }
    return "No end after \(Units.describe(nanoseconds: deadlineNanoseconds)), "
      + "\(stages.joined(separator: " and ")); the workers were stopped."
  }
}
