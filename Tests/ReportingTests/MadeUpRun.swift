import Foundation
import Results

/// A run that nobody measured: plausible numbers, the same ones for the same seed.
struct MadeUpRun {
  struct Mechanism {
    var name: String
    var variant = ""
    var waits: [String]
    /// Round trip in nanoseconds by wait strategy, and nanoseconds that every payload byte adds.
    var roundTrip: [String: Double]
    var perByte: Double
    /// How many messages overlap in a stream.
    var overlap: Double
  }

  var generator: SplitMix
  var trials = 3
  var waits = ["spin", "block"]
  var sizes = [8, 64, 4096, 65536, 1 << 20]
  var loads = [10_000.0]
  var mechanisms = MadeUpRun.usual
  /// Samples of a round trip at the reference size, in one trial.
  var samples = 20_000

  init(seed: UInt64 = 1) { generator = SplitMix(state: seed) }

  static let usual: [Mechanism] =
    [
      ("shared-memory", "posix"), ("shared-memory", "memfd"), ("shared-memory", "sysv"),
      ("mapped-file", "tmpfs"),
      ("mapped-file", "disk"), ("mapped-file", "anonymous"),
    ].map { name, variant in
      Mechanism(
        name: name, variant: variant, waits: ["spin", "yield", "block", "spin-then-block"],
        roundTrip: ["spin": 237, "yield": 610, "block": 11_800, "spin-then-block": 395], perByte: 0.14,
        overlap: 30)
    } + [
      Mechanism(
        name: "pipe", waits: ["spin", "block"], roundTrip: ["spin": 3900, "block": 9200], perByte: 0.5,
        overlap: 9),
      Mechanism(
        name: "fifo", waits: ["spin", "block"], roundTrip: ["spin": 4000, "block": 9400], perByte: 0.52,
        overlap: 9),
      Mechanism(
        name: "unix-stream", waits: ["spin", "block"], roundTrip: ["spin": 5200, "block": 10_900],
        perByte: 0.42,
        overlap: 7),
      Mechanism(
        name: "tcp", waits: ["spin", "block"], roundTrip: ["spin": 11_300, "block": 21_500], perByte: 0.6,
        overlap: 11),
      Mechanism(name: "null", waits: ["spin"], roundTrip: ["spin": 38], perByte: 0.05, overlap: 8),
    ]

  mutating func make() -> Run {
    var records: [TrialRecord] = []
    let cases = self.cases
    for round in 0..<trials {
      for identity in cases.shuffled(using: &generator) {
        records.append(record(identity, round: round, order: records.count))
      }
    }
    let order = records.map { PlannedTrial(identity: $0.identity, trial: $0.trial) }
    let plan = RunPlan(
      runID: "20260131T090500Z-3f9a1c", suite: "quick", command: ["ipcbench", "run", "--suite", "quick"],
      seed: 1,
      rounds: trials, order: order, gitCommit: "0123456789abcdef", startedAt: "2026-01-31T09:05:00Z")
    return Run(
      plan: plan, environment: Self.environment, trials: records, path: "results/20260131T090500Z-3f9a1c")
  }

  private var cases: [CaseIdentity] {
    var cases: [CaseIdentity] = []
    for mechanism in mechanisms {
      for wait in waits where mechanism.waits.contains(wait) {
        let identity = { (pattern: String, size: Int, rate: Double?) in
          CaseIdentity(
            mechanism: mechanism.name, variant: mechanism.variant, pattern: pattern, wait: wait,
            placement: "same-l3",
            attach: "inherit", messageBytes: size, rateTargetPerSecond: rate)
        }
        cases += sizes.map { identity("round-trip", $0, nil) } + sizes.map { identity("stream", $0, nil) }
        cases += loads.map { identity("paced", 64, $0) }
      }
    }
    return cases
  }

  private mutating func record(_ identity: CaseIdentity, round: Int, order: Int) -> TrialRecord {
    let mechanism = mechanisms.first { $0.name == identity.mechanism && $0.variant == identity.variant }!
    let luck = 1 + 0.06 * generator.uniform()
    let time =
      (mechanism.roundTrip[identity.wait, default: 1000] + mechanism.perByte * Double(identity.messageBytes))
      * luck
    var record = TrialRecord(
      runID: "20260131T090500Z-3f9a1c", sessionID: "s", hostID: "h", environmentHash: "e", gitCommit: "g",
      identity: identity, trial: round, orderInSession: order, status: .ok, cpus: "0,1",
      startedAt: "2026-01-31T09:05:00Z", durationSeconds: 0.1)
    switch identity.pattern {
    case "round-trip": fillRoundTrip(&record, time)
    case "stream": fillStream(&record, time, mechanism)
    default: fillPaced(&record, time)
    }
    let busy = identity.wait == "block" ? 0.3 : 1
    let perMessage = identity.pattern == "stream" ? time / mechanism.overlap : time
    for side in ["producer", "consumer"] {
      record.measures.append(
        Measure("cpu_user_\(side)", 0.4 * busy * perMessage, unit: "ns/message", better: .lower))
      record.measures.append(
        Measure("cpu_system_\(side)", 0.6 * busy * perMessage, unit: "ns/message", better: .lower))
      let switches = identity.wait == "block" ? 9000.0 : 2
      record.measures.append(
        Measure("context_switches_voluntary_\(side)", switches, unit: "1", better: .lower))
      record.measures.append(Measure("context_switches_involuntary_\(side)", 1, unit: "1", better: .lower))
    }
    return record
  }

  private mutating func fillRoundTrip(_ record: inout TrialRecord, _ time: Double) {
    let count = record.identity.messageBytes == 64 ? samples : max(20, min(samples / 10, Int(1e8 / time)))
    add("latency_rtt", time, count, to: &record)
    record.measures.append(Measure("message_rate", 1e9 / time, unit: "1/s", better: .higher))
    let bytes = Double(record.identity.messageBytes)
    record.measures.append(Measure("goodput", bytes * 1e9 / time, unit: "B/s", better: .higher))
  }

  private func fillStream(_ record: inout TrialRecord, _ time: Double, _ mechanism: Mechanism) {
    let bytes = Double(record.identity.messageBytes)
    let each =
      mechanism.roundTrip[record.identity.wait, default: 1000] / mechanism.overlap / 2 + max(
        0.06, mechanism.perByte / 2) * bytes
    let rate = 1e9 / each * (time > 0 ? 1 : 0)
    record.measures.append(Measure("message_rate", rate, unit: "1/s", better: .higher))
    record.measures.append(Measure("goodput", rate * bytes, unit: "B/s", better: .higher))
  }

  private mutating func fillPaced(_ record: inout TrialRecord, _ time: Double) {
    let load = record.identity.rateTargetPerSecond ?? 0
    let waiting = 1 / max(0.05, 1 - load * time / 1e9)
    add("latency_service", 0.6 * time, 2500, to: &record)
    add("latency_response", 0.62 * time * waiting, 2500, to: &record)
    record.measures.append(Measure("offered_rate", load, unit: "1/s", better: .higher))
    record.measures.append(Measure("achieved_rate", min(load, 0.999 * load), unit: "1/s", better: .higher))
  }

  /// A distribution with a long tail around a median, as histogram and as percentiles.
  private mutating func add(_ name: String, _ median: Double, _ count: Int, to record: inout TrialRecord) {
    var counts: [UInt64: UInt64] = [:]
    var sum = 0.0
    for _ in 0..<count {
      let share = generator.uniform()
      let jitter = 1 + 0.04 * (generator.uniform() + generator.uniform() - 1)
      let tail = 0.015 * pow(1 - share, -0.55) + (share > 0.999 ? 6000 * generator.uniform() / median : 0)
      let exact = median * (jitter + tail - 0.02)
      let step = pow(10, max(0, log10(exact).rounded(.down) - 2))
      let value = UInt64(max(1, (exact / step).rounded() * step))
      counts[value, default: 0] += 1
      sum += Double(value)
    }
    let values = counts.keys.sorted()
    let stored = StoredHistogram(
      name: name, values: values, counts: values.map { counts[$0]! }, minimum: values.first!,
      maximum: values.last!,
      sum: sum)
    record.histograms.append(stored)
    let merged = MergedHistogram([stored])
    for percentile in [50, 90, 99, 99.9, 99.99] {
      let metric = "\(name)_p" + shortestDecimal(percentile).replacing(".", with: "_")
      record.measures.append(
        Measure(
          metric, merged.value(atPercentile: percentile), unit: "ns", better: .lower, samples: count,
          reason: merged.refusal(ofPercentile: percentile)))
    }
    record.measures.append(Measure("\(name)_max", Double(stored.maximum), unit: "ns", better: .lower))
  }

  static var environment: Environment {
    var environment = Environment()
    environment.time = "2026-01-31T09:05:00Z"
    environment.command = ["ipcbench", "run", "--suite", "quick"]
    environment.kernel.release = "6.18.5"
    environment.cpu.model = "Intel(R) Xeon(R) Platinum 8488C"
    environment.cpu.logical = 2
    environment.cpu.cores = 2
    environment.cpu.caches = [
      Environment.Cache(level: 1, type: "Data", size: "48K"),
      Environment.Cache(level: 2, type: "Unified", size: "2048K"),
      Environment.Cache(level: 3, type: "Unified", size: "105M"),
    ]
    environment.memory.totalBytes = 8 << 30
    environment.memory.transparentHugePages = "madvise"
    environment.virtualisation.virtualMachine = true
    environment.virtualisation.hypervisor = "kvm"
    environment.mitigations = [
      "spectre_v2": "Mitigation: Enhanced IBRS", "mds": "Not affected", "tsa": "Vulnerable",
    ]
    environment.clock.name = "tsc"
    environment.clock.resolutionNanoseconds = 1
    environment.clock.readCostNanoseconds = 18.3
    environment.clock.source = "kvm-clock"
    environment.load.oneMinute = 0.21
    environment.toolchain.swift = "6.3.1"
    environment.toolchain.configuration = "release"
    environment.toolchain.libc = "glibc 2.36"
    environment.tool.version = "0.1.0"
    environment.tool.gitCommit = "0123456789abcdef"
    return environment
  }
}

/// Steele, Lea and Flood's generator: small, seeded, and the same everywhere.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// From 0 up to but not including 1.
  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}
