import IPCTransport
import LinuxIPC
import Measurement
import Results
import Services

/// Turns a suite into a plan: expands its blocks, asks every mechanism whether it can run, and gives each case
/// that cannot its reason.
public struct Planner {
  private let entries: [MechanismEntry]
  private let topology: Topology
  private let scope: ResourceScope
  private let answers = Answers()

  public init(entries: [MechanismEntry], topology: Topology, scope: ResourceScope) {
    self.entries = entries
    self.topology = topology
    self.scope = scope
  }

  public func plan(
    _ suite: Suite, pin: PinRequest, memory: MemoryPolicy, seed: UInt64
  ) throws(UsageError) -> Plan {
    let (producer, consumer, placement) = try cpus(pin)
    var draft = Draft(placement: placement, memory: memory)
    for block in suite.blocks {
      for request in try requests(block) { try add(request, block, &draft) }
    }
    let plan = Plan(
      suite: suite.name, cases: draft.cases, skips: draft.skips, seed: seed, producerCPU: producer,
      consumerCPU: consumer, placement: placement, memory: memory, topology: topology)
    guard !plan.cases.isEmpty || !plan.skips.isEmpty else {
      throw UsageError("Nothing to measure: no mechanism offers what was asked for.")
    }
    return plan
  }

  /// A plan in the making.
  private struct Draft {
    let placement: Placement
    let memory: MemoryPolicy
    private enum Entry {
      case planned(PlannedCase)
      case skipped(PlannedSkip)
    }
    /// Nil where a later block asked for the same case again.
    private var entries: [Entry?] = []
    private var places: [CaseIdentity: Int] = [:]

    init(placement: Placement, memory: MemoryPolicy) {
      self.placement = placement
      self.memory = memory
    }

    var cases: [PlannedCase] {
      entries.compactMap { if case .planned(let planned) = $0 { planned } else { nil } }
    }
    var skips: [PlannedSkip] { entries.compactMap { if case .skipped(let skip) = $0 { skip } else { nil } } }

    mutating func remove(_ identity: CaseIdentity) {
      if let place = places.removeValue(forKey: identity) { entries[place] = nil }
    }

    mutating func add(_ planned: PlannedCase) { add(.planned(planned), planned.identity) }
    mutating func add(_ skip: PlannedSkip) { add(.skipped(skip), skip.identity) }

    private mutating func add(_ entry: Entry, _ identity: CaseIdentity) {
      places[identity] = entries.count
      entries.append(entry)
    }
  }

  // MARK: What was asked for

  /// One mechanism in one variant, and whether the user named it.
  private struct Request {
    var entry: MechanismEntry
    var variant: String
    var isNamed: Bool
  }

  private func requests(_ block: Suite.Block) throws(UsageError) -> [Request] {
    guard let names = block.mechanisms else {
      return entries.flatMap { entry in
        entry.mechanism.variantNames.map { Request(entry: entry, variant: $0, isNamed: false) }
      }
    }
    var requests: [Request] = []
    for name in names { requests += try self.requests(named: name) }
    return requests
  }

  private func requests(named name: String) throws(UsageError) -> [Request] {
    let (entry, variants) = try entries.named(name)
    return variants.map { Request(entry: entry, variant: $0, isNamed: true) }
  }

  // MARK: Cases

  private func add(_ request: Request, _ block: Suite.Block, _ draft: inout Draft) throws(UsageError) {
    let mechanism = request.entry.mechanism
    let traits = mechanism.traits(of: request.variant)
    let attaches = block.attach ?? [traits.attach[0]]
    let scopes = traits.bringsHosts ? [.network] : block.scopes
    for asked in block.patterns {
      let pattern = asked == .stream && !block.batches.isEmpty ? .batchedStream : asked
      let loads = try self.loads(pattern, block)
      let forms = request.entry.forms(of: request.variant, for: pattern)
      let waits = block.waits ?? [(forms.first ?? request.entry.forms(of: request.variant)[0]).wait]
      for size in sizes(traits, request, block) {
        for wait in waits {
          for (attach, scope) in attaches.flatMap({ attach in scopes.map { (attach, $0) } }) {
            for load in loads {
              addCase(
                request, block, pattern, load, size: size, wait: wait, attach: attach, scope: scope, &draft)
            }
          }
        }
      }
    }
  }

  /// A notification has one size, its own; a sweep does not make it carry more. Who names one and a size means it.
  private func sizes(_ traits: Traits, _ request: Request, _ block: Suite.Block) -> [Int] {
    guard traits.framing == .notification else { return block.sizes ?? [64] }
    return request.isNamed
      ? block.sizes ?? [traits.minimumMessageByteCount] : [traits.minimumMessageByteCount]
  }

  /// What a pattern varies beside the size.
  private struct Load {
    var rate: Double?
    var arrival = Arrival.constant
    var gapNanoseconds: UInt64 = 0
    var batch = 1
    var crew = Crew.pair
  }

  private func loads(_ pattern: PatternKind, _ block: Suite.Block) throws(UsageError) -> [Load] {
    if pattern == .wakeUp { return block.gaps.map { Load(gapNanoseconds: $0) } }
    if pattern == .batchedStream {
      return (block.batches.isEmpty ? Suite.Block.batchSweep : block.batches).map { Load(batch: $0) }
    }
    if pattern == .fanIn { return block.producers.map { Load(crew: Crew(.fanIn, many: $0)) } }
    if pattern == .fanOut { return block.consumers.map { Load(crew: Crew(.fanOut, many: $0)) } }
    guard pattern == .paced else { return [Load()] }
    guard !block.rates.isEmpty else {
      throw UsageError(
        "The pattern 'paced' needs an offered load: add --rate 10k (messages per second) or --rate sweep.")
    }
    return block.rates.flatMap { rate in block.arrivals.map { Load(rate: rate, arrival: $0) } }
  }

  private func addCase(
    _ request: Request, _ block: Suite.Block, _ pattern: PatternKind, _ load: Load, size: Int,
    wait: WaitKind, attach: Attach, scope: ChannelScope, _ draft: inout Draft
  ) {
    let mechanism = request.entry.mechanism
    let identity = CaseIdentity(
      mechanism: mechanism.id, variant: request.variant,
      pattern: label(pattern, load, block.touch, mechanism.traits(of: request.variant).framing),
      wait: wait.rawValue,
      placement: draft.placement.rawValue, attach: attach.rawValue, scope: scope.rawValue,
      producers: load.crew.producers, consumers: load.crew.consumers, messageBytes: size,
      rateTargetPerSecond: load.rate, touch: block.touch.rawValue)
    // Asked for again by a later block: that one counts.
    draft.remove(identity)
    if let reason = whatItDoesNotOffer(request, pattern, wait, attach, scope) {
      if request.isNamed { draft.add(PlannedSkip(identity: identity, reason: reason)) }
      return
    }
    guard let form = request.entry.form(request.variant, wait, for: pattern) else { return }
    if let reason = whyNotHere(form, request.variant, pattern, load, size, attach, scope, draft.memory) {
      draft.add(PlannedSkip(identity: identity, reason: reason))
      return
    }
    draft.add(
      PlannedCase(
        identity: identity, form: form, pattern: pattern, crew: load.crew, arrival: load.arrival,
        gapNanoseconds: load.gapNanoseconds, batch: load.batch, touch: block.touch,
        attach: attach, scope: scope, trials: block.trials, durationNanoseconds: block.durationNanoseconds,
        messages: block.messages))
  }

  /// What makes it a different case stands in its pattern: a Poisson arrival, the gap of a wake-up, how many
  /// messages leave together, payloads that are not touched, and that nothing but a wake-up goes round.
  private func label(
    _ pattern: PatternKind, _ load: Load, _ touch: Touch, _ framing: Traits.Framing
  ) -> String {
    // Here a notification does what it is for, and is compared with what carries messages.
    if pattern == .wakeUp { return "\(pattern.rawValue):\(Units.name(nanoseconds: load.gapNanoseconds))" }
    if pattern == .connect { return pattern.rawValue }
    let load =
      pattern == .batchedStream
      ? "-\(load.batch)" : pattern == .paced && load.arrival == .poisson ? "-poisson" : ""
    return pattern.rawValue + load
      + (framing == .notification ? ":notification" : touch == .header ? ":header" : "")
  }

  /// Combinations that do not exist, on any machine.
  private func whatItDoesNotOffer(
    _ request: Request, _ pattern: PatternKind, _ wait: WaitKind, _ attach: Attach, _ scope: ChannelScope
  ) -> String? {
    let id = request.entry.mechanism.id(of: request.variant)
    let traits = request.entry.mechanism.traits(of: request.variant)
    if let reason = request.entry.whyNot(request.variant, pattern) { return reason }
    if let reason = request.entry.whyNot(request.variant, wait: wait, for: pattern) { return reason }
    if let reason = request.entry.mechanism.whyNot(request.variant, attach: attach) { return reason }
    if scope == .network && (traits.reach != .network || attach != .name) {
      return "\(id) does not leave the host: it has no '--scope network'."
    }
    return nil
  }

  /// What this machine, or this size, rules out.
  private func whyNotHere(
    _ form: Form, _ variant: String, _ pattern: PatternKind, _ load: Load, _ size: Int, _ attach: Attach,
    _ scope: ChannelScope, _ memory: MemoryPolicy
  ) -> String? {
    let id = form.mechanism.id(of: variant)
    let traits = form.mechanism.traits(of: variant)
    if traits.framing == .notification && size != traits.minimumMessageByteCount {
      return
        "\(id) is a notification: it carries \(traits.minimumMessageByteCount) bytes of its own and no message; "
        + "leave the size out."
    }
    if size < 1 && traits.framing != .notification { return "a message needs at least 1 byte." }
    if let most = form.maximumMessageByteCount, size > most {
      return "what several producers write is kept apart up to \(Units.describe(byteCount: most)) only."
    }
    if pattern.gathering != .pair && scope == .network {
      return "\(pattern.rawValue) is measured on one host only."
    }
    if traits.delivery == .mayDrop && size < Payload.numberedByteCount {
      return "\(id) may lose messages, so each carries its number and needs at least "
        + "\(Payload.numberedByteCount) bytes."
    }
    if (pattern == .paced || pattern.hasOwnForms) && size < Payload.stampByteCount {
      return
        "a \(pattern.rawValue) message carries its send time, so it needs at least \(Payload.stampByteCount) bytes."
    }
    if let reason = form.mechanism.whyNot(variant, byteCount: size) { return reason }
    if load.batch * size > Suite.Block.mostBatchedBytes {
      return "\(load.batch) messages of \(Units.describe(byteCount: size)) are more than the "
        + "\(Units.describe(byteCount: Suite.Block.mostBatchedBytes)) that a batch may have."
    }
    if scope == .network, let obstacle = answers.networkObstacle { return obstacle }
    return probe(form, variant, size, attach, memory)
  }

  /// Asked once for each mechanism, size and way to attach: how it waits does not matter to whether it can run.
  private func probe(
    _ form: Form, _ variant: String, _ size: Int, _ attach: Attach, _ memory: MemoryPolicy
  ) -> String? {
    let key = "\(form.mechanism.id(of: variant)) \(size) \(attach)"
    if let known = answers.byQuestion[key] { return known }
    var answer: String?
    do throws(TransportError) {
      try form.probe(
        ChannelSpec(
          variant: variant, wait: form.wait, attach: attach, messageByteCount: size, memory: memory,
          topology: topology, scope: scope, serial: 0))
    } catch {
      answer = error.description
    }
    answers.byQuestion[key] = .some(answer)
    return answer
  }

  private final class Answers {
    var byQuestion: [String: String?] = [:]
    lazy var networkObstacle: String? = {
      do throws(TransportError) {
        try NetworkNamespaces.probe()
        return nil
      } catch {
        return error.description
      }
    }()
  }

  // MARK: Placement

  private func cpus(
    _ pin: PinRequest
  ) throws(UsageError) -> (producer: Int?, consumer: Int?, placement: Placement) {
    switch pin {
    case .none: return (nil, nil, .unpinned)
    case .auto:
      let (first, second) = topology.defaultPair()
      return (first.id, second.id, topology.placement(first, second))
    case .cpus(let producer, let consumer):
      let (first, second) = (try cpu(producer), try cpu(consumer))
      return (producer, consumer, topology.placement(first, second))
    case .relation(let wanted):
      guard let (first, second) = topology.pair(wanted) else {
        let present = topology.placements.map(\.rawValue).joined(separator: ", ")
        throw UsageError("This machine has no two CPUs that are '\(wanted.rawValue)'; it has \(present).")
      }
      return (first.id, second.id, wanted)
    }
  }

  private func cpu(_ id: Int) throws(UsageError) -> Topology.CPU {
    guard let cpu = topology.cpu(id) else {
      let known = topology.cpus.map { String($0.id) }.joined(separator: ", ")
      throw UsageError("There is no CPU \(id) that this process may use; there are \(known).")
    }
    return cpu
  }
}
