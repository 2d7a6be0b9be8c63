import Comparing
import Foundation
import Results

/// Sides of a comparison that nobody measured, for its reports.
struct MadeUpComparison {
  var label = "results/before"
  var letter: Character = "a"
  var session = "one"
  var host = "host"
  var factor = 1.0
  var noise = 0.01
  var trials = 16
  var isPaired = false
  var seed: UInt64 = 1
  var mechanisms: [(id: String, nanoseconds: Double, perByte: Double)] = [
    ("pipe", 5000, 0.5), ("shared-memory:posix", 250, 0.8), ("tcp", 12_000, 0.4), ("null", 30, 0),
  ]
  var edit: (inout TrialRecord) -> Void = { _ in }
  var environment: Environment?

  var records: [TrialRecord] {
    var numbers = SplitMix(state: seed)
    var records: [TrialRecord] = []
    for trial in 0..<trials {
      for identity in identities {
        let own = mechanisms.first { $0.id == identity.id }!
        let time =
          (own.nanoseconds + own.perByte * Double(identity.messageBytes)) * factor
          * (1 + noise * (2 * numbers.uniform() - 1))
        var record = TrialRecord(
          runID: "20260101T000000Z-\(letter)", sessionID: session, hostID: host, environmentHash: "e-\(host)",
          gitCommit: "0123456789abcdef", identity: identity, trial: trial, pairIndex: isPaired ? trial : nil,
          orderInSession: records.count + Int(letter.asciiValue!) * 10_000, status: .ok,
          startedAt: "2026-01-01T00:00:00Z", measures: Self.measures(identity, time))
        edit(&record)
        if record.status != .ok { record.measures = [] }
        records.append(record)
      }
    }
    return records
  }

  private var identities: [CaseIdentity] {
    mechanisms.flatMap { mechanism in
      ["round-trip", "stream"].flatMap { pattern in
        [64, 4096, 65536].map { bytes in
          let parts = mechanism.id.split(separator: ":").map(String.init)
          return CaseIdentity(
            mechanism: parts[0], variant: parts.count > 1 ? parts[1] : "", pattern: pattern, wait: "block",
            placement: "same-l3", attach: "inherit", messageBytes: bytes)
        }
      }
    }
  }

  private static func measures(_ identity: CaseIdentity, _ time: Double) -> [Measure] {
    let own =
      identity.pattern == "stream"
      ? Measure("message_rate", 1e9 / time, unit: "1/s", better: .higher)
      : Measure("latency_rtt_p50", time, unit: "ns", better: .lower, samples: 1000)
    return [own, Measure("probe_cache_line_before", 100, unit: "ns", better: .none)]
      + ["user_producer", "system_producer", "user_consumer", "system_consumer"].map {
        Measure("cpu_\($0)", 0.3 * time, unit: "ns/message", better: .lower)
      }
  }

  var set: ResultsSet {
    var set = ResultsSet(label: label, table: TrialTable(records))
    if let environment { set.environments["e-\(host)"] = environment }
    return set
  }

  /// Another side, which a test changes.
  func other(_ change: (inout MadeUpComparison) -> Void = { _ in }) -> ResultsSet {
    var side = self
    (side.label, side.letter, side.session, side.seed) = ("results/after", "b", "two", 2)
    change(&side)
    return side.set
  }

  static func compare(
    _ sides: [ResultsSet], _ change: (inout ComparisonRequest) -> Void = { _ in }
  ) throws -> Comparison {
    var request = ComparisonRequest()
    request.usualReference = "pipe"
    request.ownCost = "null"
    request.context = [ContextMechanism(name: "round trip around nothing", id: "null")]
    change(&request)
    return try Comparison(sides, request)
  }

  /// Pairs of which every third case of the candidate is slower, and every other third faster.
  static func paired() throws -> Comparison {
    var baseline = MadeUpComparison()
    baseline.isPaired = true
    let candidate = baseline.other { side in
      side.session = baseline.session
      side.mechanisms[0].nanoseconds *= 1.3
      side.mechanisms[1].nanoseconds *= 0.6
    }
    return try compare([baseline.set, candidate])
  }

  static func machines() throws -> Comparison {
    let baseline = MadeUpComparison()
    return try compare([
      baseline.set,
      baseline.other { side in
        side.host = "elsewhere"
        side.factor = 2
        side.mechanisms[1].perByte = 0.2
      },
    ])
  }
}
