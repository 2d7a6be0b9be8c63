import Foundation
import Glibc

@testable import Results

/// A directory that is removed when the last reference to it goes.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/ipcbench-results-tests-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file below the directory, making the directories above it.
  func write(_ name: String, _ text: String) throws {
    let url = URL(fileURLWithPath: "\(path)/\(name)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  func text(_ name: String) throws -> String { try contents("\(path)/\(name)") }
}

func contents(_ path: String) throws -> String {
  String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers in every run of a test.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// The records of a text, and the line on which each begins.
func csvRecords(_ text: String) throws(ResultsError) -> [(line: Int, fields: [String])] {
  var reader = CSVReader(ByteWindow(Array(text.utf8), path: "t.csv"))
  var records: [(line: Int, fields: [String])] = []
  while try reader.next() {
    records.append((reader.line, (0..<reader.fieldCount).map { reader[$0].text }))
  }
  return records
}

/// Records and plans as a run would make them, with what a test cares about as parameters.
enum Sample {
  static let runID = "20260131T090500Z-3f9a1c"

  static func identity(
    _ mechanism: String = "pipe", variant: String = "", pattern: String = "round-trip", bytes: Int = 64,
    rate: Double? = nil, touch: String = "all"
  ) -> CaseIdentity {
    CaseIdentity(
      mechanism: mechanism, variant: variant, pattern: pattern, wait: "block", placement: "same-l3",
      attach: "inherit", messageBytes: bytes, rateTargetPerSecond: rate, touch: touch)
  }

  static func record(
    _ identity: CaseIdentity = identity(), trial: Int = 0, attempt: Int = 0, order: Int = 0,
    status: Status = .ok, reason: String = "", probesAgree: Bool = true, p50: Double? = 1_234.5,
    histograms: [StoredHistogram] = []
  ) -> TrialRecord {
    let measures =
      status == .ok
      ? [
        Measure(
          "latency_rtt_p50", p50, unit: "ns", better: .lower, samples: 1_000,
          reason: p50 == nil ? "p50 needs 20 samples and has 3" : nil),
        Measure("message_rate", 405_000.25, unit: "1/s", better: .higher, samples: 1_000),
      ] : []
    return TrialRecord(
      runID: runID, sessionID: "s1", hostID: "00000000000000aa", environmentHash: "00000000000000bb",
      gitCommit: "", identity: identity, trial: trial, attempt: attempt, orderInSession: order,
      status: status, reason: reason, cpus: "0,1", startedAt: "2026-01-31T09:05:01Z", durationSeconds: 0.25,
      probesAgree: probesAgree, measures: measures, histograms: histograms)
  }

  static func plan(_ order: [PlannedTrial] = [], skips: [PlannedSkip] = []) -> RunPlan {
    RunPlan(
      runID: runID, suite: "smoke", command: ["ipcbench", "run", "--suite", "smoke"], seed: .max, rounds: 2,
      order: order, skips: skips, startedAt: "2026-01-31T09:05:00Z",
      peer: PeerMachine(hostID: "0123"))
  }

  static func environment() -> Environment {
    Environment.capture(clock: clock, command: ["ipcbench"], files: SystemFiles(root: "/nonexistent"))
  }

  static let clock = ClockDescription(name: "tsc", resolutionNanoseconds: 0.4, readCostNanoseconds: 9.5)

  /// A histogram of single samples.
  static func histogram(_ samples: [UInt64], name: String = "latency_rtt") -> StoredHistogram {
    let buckets = MergedHistogram().histogram
    var counts: [UInt64: UInt64] = [:]
    for sample in samples { counts[buckets.lowestEquivalentForValue(sample), default: 0] += 1 }
    let values = counts.keys.sorted()
    return StoredHistogram(
      name: name, values: values, counts: values.map { counts[$0]! }, minimum: samples.min() ?? 0,
      maximum: samples.max() ?? 0, sum: samples.reduce(0) { $0 + Double($1) })
  }

  /// A run directory below a temporary one.
  static func directory(
    in temporary: TemporaryDirectory, plan: RunPlan = plan(), write: @escaping Files.Write = Files.systemWrite
  ) throws -> RunDirectory {
    try RunDirectory.create(
      at: "\(temporary.path)/results/\(runID)", plan: plan, environment: environment(), write: write)
  }
}
