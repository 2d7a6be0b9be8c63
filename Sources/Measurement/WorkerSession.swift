import Glibc
import IPCTransport
import LinuxIPC

/// A worker's bookkeeping around the measured loop: what the peers agree on, in which order, and what is
/// reported. Nothing here runs while messages move.
public struct WorkerSession: ~Copyable {
  private let seat: Seat
  private let settings: TrialSettings
  private let page: ControlPage
  private var report = WorkerReport()
  private var calibration: Calibration
  private var nextSequence: UInt64 = 0
  private var phaseBegan: UInt64 = 0
  private var phaseStart: UInt64 = 0
  private var kind = PhaseKind.warmUp
  private var counters: EventCounters?
  private var energyBefore: PackageEnergy?
  private var usageBefore = ResourceUsage()
  private var migrationsBefore: UInt64?
  private var stallsBefore: UInt64 = 0
  private var began = Clock.monotonicNanoseconds()

  @usableFromInline init(_ role: Role, _ settings: TrialSettings, _ page: ControlPage) {
    seat = Seat(role, settings.rank)
    self.settings = settings
    self.page = page
    calibration = Calibration(settings)
    report.pid = getpid()
    publish()
  }

  private var role: Role { seat.role }

  /// The one that decides what all do.
  private var isLead: Bool { seat == Seat(.producer) }

  private func publish() { page.reportPointer(seat).pointee = report }

  /// Before anything else is touched: memory is placed where the thread runs that touches it first.
  @usableFromInline mutating func pin() throws(WorkerFailure) {
    StopSignal.resetInWorker()
    if let cpu = settings.cpu(of: seat) {
      do throws(SystemError) {
        try Affinity.pin(to: cpu)
      } catch {
        throw WorkerFailure(.pinning, "cannot pin to CPU \(cpu): \(error)")
      }
    }
    report.cpu = Int32(Affinity.currentCPU())
  }

  private func meet() -> Bool { page.barrier(seat, settings.crew) }

  /// After this it attaches.
  @usableFromInline mutating func begin() throws(WorkerFailure) {
    if settings.meetsBeforeAttaching {
      guard meet() else { throw Self.peerGaveUp }
    }
    began = Clock.monotonicNanoseconds()
  }

  @usableFromInline mutating func willTearDown() { began = Clock.monotonicNanoseconds() }

  @usableFromInline mutating func hasTornDown() {
    report.tearDownNanoseconds = Clock.monotonicNanoseconds() - began
  }

  @usableFromInline mutating func attached() throws(WorkerFailure) {
    report.attachNanoseconds = Clock.monotonicNanoseconds() - began
    report.stage = .attached
    publish()
    report.probeBefore = try probe()
    if settings.pattern.isOneWay && isLead { try requireOneClock() }
    report.stage = .ready
    publish()
  }

  /// - Parameter mapping: the memory that both sides share, where they do: where its pages are is known when messages
  ///   have moved.
  @usableFromInline mutating func note(_ facts: TransportFacts, _ mapping: Mapping?) {
    report.facts = facts
    if isLead, let mapping {
      for (node, pages) in MemoryPolicy.pagesPerNode(of: mapping) where (0..<8).contains(node) {
        report.pagesPerNode[node] = UInt16(clamping: pages)
      }
    }
    publish()
  }

  @usableFromInline mutating func probeAfterwards() throws(WorkerFailure) {
    report.probeAfter = try probe()
    report.stage = .done
    publish()
  }

  private func probe() throws(WorkerFailure) -> ProbeReport {
    guard meet() else { throw Self.peerGaveUp }
    return Probe.run(page, seat, settings)
  }

  private static var peerGaveUp: WorkerFailure { WorkerFailure(.exchanging, "the peer gave up") }

  /// One-way times are worth nothing where the two CPUs' clocks differ by more than the check can resolve.
  private func requireOneClock() throws(WorkerFailure) {
    let probe = report.probeBefore
    guard probe.cacheLineNanoseconds > 0 else { return }
    if abs(probe.clockOffsetNanoseconds) > probe.clockOffsetErrorNanoseconds + 50 {
      throw WorkerFailure(
        .clocksDisagree,
        "the clocks of the two CPUs differ by \(Int(probe.clockOffsetNanoseconds)) ns, "
          + "so one-way times cannot be measured")
    }
  }

  /// Agrees with the peer on the next phase; nil when the measured one is over.
  @usableFromInline mutating func nextPhase() throws(WorkerFailure) -> Phase? {
    if kind == .measured { return nil }
    if isLead {
      let next = calibration.next()
      page.agreed = next.count | next.kind.rawValue << Self.kindShift
      // Both must have passed the barrier before the first message is due.
      page.agreedStart = settings.clock.now() + settings.clock.ticks(nanoseconds: 2_000_000)
    }
    guard meet() else { throw Self.peerGaveUp }
    let agreed = page.agreed
    kind = PhaseKind(rawValue: agreed >> Self.kindShift) ?? .warmUp
    let count = agreed & (1 << Self.kindShift - 1)
    let phase = Phase(
      payload: settings.payload, reply: settings.reply, clock: settings.clock, first: nextSequence,
      count: count,
      startTicks: page.agreedStart,
      schedule: Schedule(
        rate: max(settings.rate, 1e-3), arrival: settings.arrival, seed: settings.seed &+ nextSequence,
        clock: settings.clock),
      primary: page.histogram(seat.rank), secondary: page.histogram(1), echoSpinSteps: settings.echoSpinSteps,
      gapTicks: settings.clock.ticks(nanoseconds: Double(settings.gapNanoseconds)),
      batch: UInt64(settings.batch),
      idleLine: page.idleLine,
      crew: settings.crew, rank: seat.rank, ends: page.endLines, tally: page.tally)
    // The count may have come from another machine.
    nextSequence &+= count
    beginPhase()
    return phase
  }

  /// Above it in what is agreed on stands the kind of the phase, below it the number of messages.
  private static var kindShift: UInt64 { 62 }

  private mutating func beginPhase() {
    // Warm-up recorded into the same histograms; what it recorded is discarded here, by the side that writes.
    let isRoundTrip = settings.pattern == .roundTrip || settings.pattern == .connect
    let recorder: Role = isRoundTrip ? .producer : .consumer
    if role == recorder {
      page.histogram(seat.rank).reset()
      if settings.crew == .pair { page.histogram(1).reset() }
    }
    if kind == .measured {
      report.stage = .measuring
      publish()
      if isLead { energyBefore = PackageEnergy.now() }
      migrationsBefore = ResourceUsage.migrationsOfThisProcess()
      usageBefore = ResourceUsage.ofThisProcess()
    }
    if kind == .counted, let kinds = settings.counted { counters = EventCounters(kinds) }
    phaseBegan = Clock.monotonicNanoseconds()
    phaseStart = settings.clock.now()
  }

  @usableFromInline mutating func finish(
    _ phase: Phase, _ messages: UInt64, _ stalls: UInt64
  ) throws(WorkerFailure) {
    let end = settings.clock.now()
    if let counters = counters.take() {
      report.counts = counters.stop()
      report.countedMessages = messages
    }
    if kind == .measured {
      report.usage = ResourceUsage.ofThisProcess() - usageBefore
      if let after = ResourceUsage.migrationsOfThisProcess(), let before = migrationsBefore {
        report.migrations = after - before
        report.hasMigrations = true
      }
      if let before = energyBefore {
        report.packageMicrojoules = PackageEnergy.now()?.microjoules(since: before)
      }
      report.hertz = CPUFrequency.hertz(ofCPU: Affinity.currentCPU())
      report.messages = messages
      report.stalls = stalls - stallsBefore
      // A paced load begins when its first message is due.
      report.startTicks = settings.pattern == .paced ? phase.startTicks : phaseStart
      report.endTicks = settings.pattern == .fanIn && role == .consumer ? page.tally.endTicks : end
      publish()
    }
    stallsBefore = stalls
    if kind == .counted {
      // It took longer than others do, and says nothing about the next.
      guard meet() else { throw Self.peerGaveUp }
      return
    }
    // A phase is over when both sides are through it.
    guard meet() else { throw Self.peerGaveUp }
    if settings.pattern == .fanIn {
      // What comes after the consumer has had enough is not measured.
      calibration.took(settings.clock.nanoseconds(max(page.tally.endTicks, phaseStart &+ 1) &- phaseStart))
    } else if settings.pattern == .paced {
      // A paced load begins when its first message is due.
      let now = settings.clock.now()
      calibration.took(settings.clock.nanoseconds(now > phase.startTicks ? now - phase.startTicks : 1))
    } else {
      calibration.took(Clock.monotonicNanoseconds() - phaseBegan)
    }
  }

  @usableFromInline mutating func fail(_ failure: WorkerFailure) -> Int32 {
    report.failure = failure.kind
    publish()
    page.setMessage(failure.message, seat)
    page.giveUp()
    return 1
  }
}

/// What a phase is for.
enum PhaseKind: UInt64 {
  case warmUp, counted, measured
}

/// Finds how many messages make a phase of the asked duration. Its phases are the warm-up as well: the same
/// loop, never counted.
struct Calibration {
  private let settings: TrialSettings
  private var count: UInt64 = 16
  private var lastNanoseconds: UInt64 = 0
  private var phases = 0
  private var isSettled = false
  /// The phases that are still to come before the measured one: a counted one is slow, and warms up again after it.
  private var before: [PhaseKind]

  init(_ settings: TrialSettings) {
    self.settings = settings
    before = settings.counted == nil ? [] : [.counted, .warmUp]
    if settings.pattern == .paced { count = min(count, max(1, offered(for: target))) }
  }

  /// A tenth of the trial, and long enough for the barrier around it not to matter.
  private var target: UInt64 { max(settings.durationNanoseconds / 10, 4_000_000) }

  mutating func next() -> (count: UInt64, kind: PhaseKind) {
    if settings.pattern == .connect { return (1, .measured) }
    if let fixed = settings.messages {
      defer { isSettled = true }
      if !isSettled { return (max(1, fixed / 10), .warmUp) }
      return before.isEmpty ? (fixed, .measured) : (max(1, fixed / 10), before.removeFirst())
    }
    guard lastNanoseconds > 0 else { return (count, .warmUp) }
    let rate = rate
    // The first messages may wait for a connection that is still being made: they say nothing about the rate.
    if phases == 1 && lastNanoseconds >= target { return (count, .warmUp) }
    if lastNanoseconds >= target {
      if before.isEmpty {
        return (max(leastCount, UInt64(rate * Double(settings.durationNanoseconds))), .measured)
      }
      count = max(leastCount, UInt64(rate * Double(target)))
      return (count, before.removeFirst())
    }
    // A little more than the target needs, but never a leap on the strength of a few messages.
    let wanted = UInt64(rate * Double(target) * 1.2)
    count = max(count + 1, min(count * 10, wanted))
    return (count, .warmUp)
  }

  /// A median needs 20 samples: what takes milliseconds gets a longer trial.
  private var leastCount: UInt64 { settings.pattern == .paced ? 1 : 20 }

  /// Messages per nanosecond that were found to be possible: for a paced load no more than are offered, and fewer only
  /// where they cannot be had. A load beyond saturation so takes no longer than one below.
  private var rate: Double {
    let found = Double(count) / Double(lastNanoseconds)
    guard settings.pattern == .paced else { return found }
    let offered = settings.rate / 1e9
    return found < 0.9 * offered ? found : offered
  }

  private func offered(for nanoseconds: UInt64) -> UInt64 {
    UInt64(settings.rate * Double(nanoseconds) / 1e9)
  }

  mutating func took(_ nanoseconds: UInt64) {
    lastNanoseconds = nanoseconds
    phases += 1
  }
}
