import Foundation
import Results

/// What a report says of the machine before it gives a number.
struct Fact {
  var name: String
  var text: String
}

extension Environment {
  /// `Intel Xeon Platinum 8488C, 2 CPUs, kvm guest`
  var machine: String {
    var parts = [cpu.model ?? cpu.architecture ?? "processor not known"]
    if let logical = cpu.logical {
      var text = logical == 1 ? "1 CPU" : "\(logical) CPUs"
      if let cores = cpu.cores, cores != logical { text += " (\(cores) core\(cores == 1 ? "" : "s"))" }
      parts.append(text)
    }
    if let hypervisor = virtualisation.hypervisor {
      parts.append("\(hypervisor) guest")
    } else if virtualisation.virtualMachine == true {
      parts.append("virtual machine")
    }
    if let container = virtualisation.container { parts.append("in \(container)") }
    return parts.joined(separator: ", ")
  }

  /// The facts that the numbers depend on most, for a terminal.
  var briefFacts: [Fact] {
    [
      Fact(name: "machine", text: machine), Fact(name: "kernel", text: kernelText),
      Fact(name: "clock", text: clockText),
    ]
    .filter { !$0.text.isEmpty }
  }

  /// All that a reader needs to judge the numbers, for a page.
  var fullFacts: [Fact] {
    let gibibytes = memory.totalBytes.map {
      Quantity.size(bytes: (Double($0) / 1_073_741_824).rounded() * 1_073_741_824)
    }
    let frequency = [
      cpu.megahertz.map { "\(Int($0.rounded())) MHz" }, cpu.driver, cpu.governor.map { "governor \($0)" },
      cpu.boost.map { $0 ? "boost on" : "boost off" },
    ]
    let mitigated = mitigations.filter { $0.value.hasPrefix("Mitigation") }.count
    let vulnerable = mitigations.filter { $0.value.hasPrefix("Vulnerable") }.count
    let built = [toolchain.swift.map { "Swift \($0)" }, toolchain.configuration, toolchain.libc]
    let version = [tool.version, tool.gitCommit.map { "commit \($0.prefix(12))" }]
    let facts: [(String, [String?])] = [
      ("Frequency", frequency),
      (
        "Caches",
        (cpu.caches ?? []).map {
          "L\($0.level)\($0.type == "Instruction" ? "i" : $0.type == "Data" ? "d" : "") \($0.size ?? "?")"
        }
      ),
      (
        "Memory",
        [
          gibibytes, numa.count > 1 ? "\(numa.count) nodes" : nil,
          memory.transparentHugePages.map { "huge pages \($0)" },
        ]
      ),
      (
        "Isolated CPUs",
        [isolation.isolated, isolation.quotaCPUs.map { "quota of \(Quantity.count($0)) CPUs" }]
      ),
      ("Mitigations", mitigations.isEmpty ? [] : ["\(mitigated) on", "\(vulnerable) vulnerabilities open"]),
      ("Load before the run", [load.oneMinute.map { String(format: "%.2f", $0) }]),
      ("Built with", built), ("Version", version), ("Environment hash", [hash]),
    ]
    return briefFacts.map { Fact(name: $0.name.prefix(1).uppercased() + $0.name.dropFirst(), text: $0.text) }
      + facts.map { Fact(name: $0.0, text: $0.1.compactMap { $0 }.joined(separator: ", ")) }
      .filter { !$0.text.isEmpty }
  }

  private var kernelText: String { kernel.release.map { "Linux \($0)" } ?? "" }

  private var clockText: String {
    var parts: [String] = []
    if let name = clock.name { parts.append(name) }
    if let resolution = clock.resolutionNanoseconds {
      parts.append("steps of \(Quantity.roundTime(nanoseconds: resolution))")
    }
    if let cost = clock.readCostNanoseconds { parts.append("\(Quantity.time(nanoseconds: cost)) a reading") }
    if let source = clock.source, source != clock.name { parts.append("kernel uses \(source)") }
    return parts.joined(separator: ", ")
  }
}

extension Run {
  /// Of the machine, and of the other one where there is one.
  var briefFacts: [Fact] { environment.briefFacts + placementFacts + peerFacts }

  var fullFacts: [Fact] {
    environment.fullFacts
      + (placementFacts + peerFacts).map { Fact(name: $0.name.capitalized, text: $0.text) }
  }

  /// Where producer and consumer ran: `CPUs 0,1 (same-l3)`.
  private var placementFacts: [Fact] {
    let pairs = trials.lazy.filter { trial in
      trial.status == .ok && !trial.cpus.isEmpty && trial.identity.producers == 1
        && trial.identity.consumers == 1
    }
    let places = Set(pairs.map { "\($0.cpus) (\($0.identity.placement))" }).sorted()
    return places.isEmpty ? [] : [Fact(name: "pinned", text: "CPUs " + places.joined(separator: ", "))]
  }

  /// How the CPUs lie to each other, where all cases are alike.
  var commonPlacement: String? {
    let placements = Set(trials.lazy.filter { $0.status == .ok }.map(\.identity.placement))
    return placements.count == 1 ? placements.first : nil
  }

  private var peerFacts: [Fact] { plan.peer.map { [$0.fact] } ?? [] }
}

extension PeerMachine {
  /// The side that was started by hand: `lab2, Linux 6.12.9-amd64, Intel Xeon Platinum 8488C`
  var fact: Fact {
    let parts = [hostName, kernelRelease.map { "Linux \($0)" }, cpuModel]
    return Fact(name: "consumer", text: "by hand on " + parts.compactMap(\.self).joined(separator: ", "))
  }
}
