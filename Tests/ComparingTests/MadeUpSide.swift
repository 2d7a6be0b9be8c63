import Analysis
import Foundation
import Results

@testable import Comparing

/// One side of a comparison that nobody measured: what a test cares about as parameters, the same numbers for the
/// same seed.
struct MadeUpSide {
  struct Case {
    var identity: CaseIdentity
    /// Round trip in nanoseconds; a stream's rate is its reciprocal.
    var nanoseconds: Double
  }

  var label = "side"
  var runID = "20260101T000000Z-aaaaaa"
  var sessionID = "20260101T000000Z-aaaaaa"
  var hostID = "host"
  var environmentHash = "hash"
  var gitCommit = "c0ffee"
  var cases = MadeUpSide.usual
  var trials = 12
  var isPaired = false
  /// The largest relative deviation of a trial.
  var noise = 0.01
  /// Multiplies every time.
  var factor = 1.0
  /// Drawn once for each case: what another session would have.
  var sessionNoise = 0.0
  var cacheLineNanoseconds = 100.0
  /// Distinguishes trials of one session; a second side of it goes on counting.
  var firstOrder = 0
  var firstTrial = 0
  var environments: [String: Environment] = [:]
  /// The last word on a trial.
  var edit: (inout TrialRecord) -> Void = { _ in }

  static func identity(
    _ mechanism: String, pattern: String = "round-trip", bytes: Int = 64, wait: String = "block",
    attach: String = "inherit", rate: Double? = nil
  ) -> CaseIdentity {
    let parts = mechanism.split(separator: ":").map(String.init)
    return CaseIdentity(
      mechanism: parts[0], variant: parts.count > 1 ? parts[1] : "", pattern: pattern, wait: wait,
      placement: "same-l3", attach: attach, messageBytes: bytes, rateTargetPerSecond: rate)
  }

  static let usual: [Case] =
    [("pipe", 5000.0), ("shared-memory:posix", 250), ("tcp", 12_000)].flatMap { name, time in
      [64, 4096].flatMap { bytes -> [Case] in
        let nanoseconds = time + Double(bytes) * 0.3
        return ["round-trip", "stream"].map {
          Case(identity: identity(name, pattern: $0, bytes: bytes), nanoseconds: nanoseconds)
        }
      }
    }

  func records(seed: UInt64 = 1) -> [TrialRecord] {
    var numbers = SeededNumbers(state: seed)
    let shifts = cases.map { _ in 1 + sessionNoise * (2 * numbers.uniform() - 1) }
    var records: [TrialRecord] = []
    for trial in firstTrial..<(firstTrial + trials) {
      for (own, shift) in zip(cases, shifts) {
        let luck = 1 + noise * (2 * numbers.uniform() - 1)
        let time = own.nanoseconds * factor * shift * luck
        var record = TrialRecord(
          runID: runID, sessionID: sessionID, hostID: hostID, environmentHash: environmentHash,
          gitCommit: gitCommit, identity: own.identity, trial: trial, pairIndex: isPaired ? trial : nil,
          orderInSession: firstOrder + records.count, status: .ok, startedAt: "2026-01-01T00:00:00Z",
          durationSeconds: 0.1, measures: measures(own.identity, time))
        edit(&record)
        if record.status != .ok { record.measures = [] }
        records.append(record)
      }
    }
    return records
  }

  private func measures(_ identity: CaseIdentity, _ time: Double) -> [Measure] {
    var measures = [
      Measure("message_rate", 1e9 / time, unit: "1/s", better: .higher),
      Measure("probe_cache_line_before", cacheLineNanoseconds, unit: "ns", better: .none),
      Measure("probe_cache_line_after", cacheLineNanoseconds, unit: "ns", better: .none),
      Measure("steal", 0, unit: "ns", better: .none),
    ]
    if identity.pattern.hasPrefix("round-trip") {
      measures.append(Measure("latency_rtt_p50", time, unit: "ns", better: .lower, samples: 1000))
      measures.append(Measure("latency_rtt_p99", 3 * time, unit: "ns", better: .lower, samples: 1000))
    }
    return measures
      + ["user_producer", "system_producer", "user_consumer", "system_consumer"].map {
        Measure("cpu_\($0)", 0.3 * time, unit: "ns/message", better: .lower)
      }
  }

  func set(seed: UInt64 = 1) -> ResultsSet {
    ResultsSet(label: label, table: TrialTable(records(seed: seed)), environments: environments)
  }

  /// The same with other ids, as another run has them.
  func another(_ letter: Character, seed: UInt64, _ change: (inout MadeUpSide) -> Void = { _ in })
    -> ResultsSet
  {
    otherSide(letter, change).set(seed: seed)
  }

  func otherSide(_ letter: Character, _ change: (inout MadeUpSide) -> Void = { _ in }) -> MadeUpSide {
    var side = self
    side.label = "side \(letter)"
    side.runID = "20260102T000000Z-\(String(repeating: letter, count: 6))"
    side.sessionID = side.runID
    change(&side)
    return side
  }
}

/// Sides that one session measured in turn, pair by pair.
struct MadeUpPair {
  var baseline: MadeUpSide
  var candidate: MadeUpSide

  init(_ change: (inout MadeUpSide) -> Void = { _ in }) {
    baseline = MadeUpSide()
    baseline.isPaired = true
    candidate = baseline
    candidate.label = "candidate"
    candidate.runID = "20260101T000000Z-bbbbbb"
    candidate.firstOrder = 100_000
    change(&candidate)
  }

  func sets(seed: UInt64) -> [ResultsSet] {
    [baseline.set(seed: seed), candidate.set(seed: seed &+ 1_000_003)]
  }
}

/// Steele, Lea and Flood's generator: small, seeded, and the same everywhere.
struct SeededNumbers: RandomNumberGenerator {
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

extension SideComparison {
  func result(_ mechanism: String, _ metric: String, bytes: Int = 64, pattern: String = "round-trip")
    -> CaseComparison?
  {
    cases.first {
      $0.identity.id == mechanism && $0.metric.name == metric && $0.identity.messageBytes == bytes
        && $0.identity.pattern == pattern
    }
  }

  var verdicts: [String: Verdict] {
    Dictionary(
      cases.compactMap { result in
        result.verdict.map { ("\(result.identity.inWords) \(result.metric.name)", $0) }
      }, uniquingKeysWith: { first, _ in first })
  }
}

/// The only comparison of two sides.
func compare(
  _ sides: [ResultsSet], _ change: (inout ComparisonRequest) -> Void = { _ in }
) throws -> SideComparison {
  var request = ComparisonRequest()
  request.usualReference = "pipe"
  change(&request)
  let comparison = try Comparison(sides, request)
  return comparison.comparisons[0]
}

/// What a comparison says when it cannot be made.
func refusal(
  _ sides: [ResultsSet], _ change: (inout ComparisonRequest) -> Void = { _ in }
) -> ComparisonError? {
  do {
    _ = try compare(sides, change)
    return nil
  } catch {
    return error as? ComparisonError
  }
}
