import Results

/// A fact of the machines or their set-up in which two sides differ.
public struct EnvironmentDifference: Sendable, Hashable {
  /// `kernel`, `governor`, `mitigation of spectre_v2`.
  public var fact: String
  /// What the side's environments say, several joined by commas; nil where it is not known.
  public var baseline: String?
  public var candidate: String?
}

extension EnvironmentDifference {
  /// Every difference, those of the results themselves first.
  ///
  /// A CSV file alone brings no facts but the ids; then the ids are all that is compared.
  static func all(_ baseline: SideTrials, _ candidate: SideTrials) -> [EnvironmentDifference] {
    let ids: [(String, (TrialTable.Origin) -> String)] = [
      ("host id", \.hostID), ("environment hash", \.environmentHash),
      ("commit of the tool", \.gitCommit),
    ]
    var fromResults = ids.compactMap { name, read in
      difference(name, joined(baseline.origins.map(read)), joined(candidate.origins.map(read)))
    }
    fromResults += consumers(baseline, candidate).map { [$0] } ?? []
    let (first, second) = (facts(baseline), facts(candidate))
    guard !first.isEmpty, !second.isEmpty else { return fromResults }
    var names = first.map(\.name)
    names += second.map(\.name).filter { !names.contains($0) }
    let (firstTexts, secondTexts) = (texts(first), texts(second))
    return fromResults
      + names.compactMap { name in
        let difference = difference(name, firstTexts[name], secondTexts[name])
        return name == Environment.commandLineFact ? difference.flatMap(ownWords) : difference
      }
  }

  /// Environments are the producers' machines; a consumer that was started by hand may be on any other.
  private static func consumers(_ baseline: SideTrials, _ candidate: SideTrials) -> EnvironmentDifference? {
    let isUsual = baseline.consumers.union(candidate.consumers).isSubset(of: [PeerMachine.ownConsumer])
    return isUsual
      ? nil : difference("consumers", joined(Array(baseline.consumers)), joined(Array(candidate.consumers)))
  }

  /// Of a kernel's many parameters those that the other does not have.
  private static func ownWords(_ difference: EnvironmentDifference) -> EnvironmentDifference? {
    func words(_ text: String?) -> [Substring] { text?.split(separator: " ") ?? [] }
    func own(_ text: String?, besides other: String?) -> String? {
      let others = Set(words(other))
      return text.map { _ in words(text).filter { !others.contains($0) }.joined(separator: " ") }
    }
    let (first, second) = (
      own(difference.baseline, besides: difference.candidate),
      own(difference.candidate, besides: difference.baseline)
    )
    // The same parameters in another order are no difference.
    if first == "" && second == "" { return nil }
    return EnvironmentDifference(fact: difference.fact, baseline: first, candidate: second)
  }

  private static func difference(
    _ fact: String, _ baseline: String?, _ candidate: String?
  ) -> EnvironmentDifference? {
    baseline == candidate
      ? nil : EnvironmentDifference(fact: fact, baseline: baseline, candidate: candidate)
  }

  private static func joined(_ values: [String]) -> String? {
    let distinct = Set(values.filter { !$0.isEmpty }).sorted()
    return distinct.isEmpty ? nil : distinct.joined(separator: ", ")
  }

  private static func texts(_ facts: [EnvironmentFact]) -> [String: String] {
    Dictionary(grouping: facts, by: \.name).compactMapValues { joined($0.map(\.text)) }
  }

  private static func facts(_ side: SideTrials) -> [EnvironmentFact] {
    let hashes = Set(side.origins.map(\.environmentHash)).sorted()
    return hashes.compactMap { side.environments[$0] }.flatMap(\.comparedFacts)
  }
}

/// A fact of an environment as a comparison shows it.
struct EnvironmentFact {
  var name: String
  var text: String
}

extension Environment {
  /// What can make two machines, or one machine at two times, measure differently. What changes from second to
  /// second (load, free memory, clock frequency) is left out: every run differs in it.
  var comparedFacts: [EnvironmentFact] {
    let caches = cpu.caches?.map {
      "L\($0.level)\($0.type.prefix(1).lowercased()) \($0.size ?? "?")"
    }
    var facts: [(String, String?)] = [
      ("architecture", cpu.architecture), ("processor", cpu.model),
      ("processor family", cpu.family),
      ("processor model", cpu.modelNumber), ("stepping", cpu.stepping),
      ("microcode", cpu.microcode),
      ("CPUs", text(cpu.logical)), ("cores", text(cpu.cores)), ("sockets", text(cpu.sockets)),
      ("hardware threads", cpu.smtActive.map { $0 ? "on" : "off" }),
      ("caches", caches?.joined(separator: ", ")),
      ("memory nodes", text(numa.count)),
      ("memory", memory.totalBytes.map { "\(($0 + (1 << 29)) >> 30) GiB" }),
      ("hypervisor", virtualisation.hypervisor), ("container", virtualisation.container),
      ("kernel", kernel.release), ("kernel build", kernel.version),
      (Self.commandLineFact, kernel.commandLine),
      ("frequency driver", cpu.driver), ("governor", cpu.governor),
      ("boost", cpu.boost.map { $0 ? "on" : "off" }),
      ("frequency limit", cpu.maximumMegahertz.map { "\(shortestDecimal($0)) MHz" }),
      ("idle driver", cpu.idleDriver), ("transparent huge pages", memory.transparentHugePages),
      ("huge pages on a fault", memory.transparentHugePagesDefrag),
      ("huge pages of shared memory", memory.transparentHugePagesShared),
      ("memory balancing", text(memory.numaBalancing)), ("isolated CPUs", isolation.isolated),
      ("tickless CPUs", isolation.nohzFull), ("allowed CPUs", isolation.allowed),
      ("CPU quota", isolation.quotaCPUs.map(shortestDecimal)), ("clock", clock.name),
      ("kernel's clock", clock.source),
      ("address randomisation", text(security.addressSpaceRandomisation)),
      ("security modules", security.modules), ("compiler", toolchain.swift.map { "Swift \($0)" }),
      ("configuration", toolchain.configuration), ("C library", toolchain.libc),
      ("version of the tool", tool.version),
    ]
    facts += mitigations.sorted { $0.key < $1.key }.map { ("mitigation of \($0.key)", $0.value) }
    return facts.compactMap { name, text in text.map { EnvironmentFact(name: name, text: $0) } }
  }

  static let commandLineFact = "kernel parameters"

  private func text(_ number: Int?) -> String? { number.map { "\($0)" } }
}
