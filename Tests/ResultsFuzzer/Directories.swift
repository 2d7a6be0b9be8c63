import Foundation
import FuzzSupport
import Glibc
import Results

/// A run directory of which one file is damaged at a time.
final class DamagedRun {
  private let path: String
  private let files: [(name: String, bytes: [UInt8])]

  /// - Parameter path: of the directory, which must not be there.
  init(_ path: String) throws {
    self.path = path
    let identity = CaseIdentity(
      mechanism: "pipe", variant: "", pattern: "round-trip", wait: "block", placement: "same-l3",
      attach: "inherit", messageBytes: 64)
    var environment = Results.Environment()
    environment.cpu.model = "Some CPU"
    environment.mitigations = ["meltdown": "Not affected"]
    let plan = RunPlan(
      runID: "run-1", suite: "smoke", command: ["ipcbench", "run"], seed: 7, rounds: 2,
      order: [PlannedTrial(identity: identity, trial: 0)], startedAt: "2026-01-31T09:05:00Z")
    let directory = try RunDirectory.create(at: path, plan: plan, environment: environment)
    for trial in 0..<2 { try directory.append(Self.record(identity, trial, environment.hash)) }
    files = try ["trials.jsonl", "plan.json", "environment.json"].map { name in
      (name, Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))))
    }
  }

  private static func record(_ identity: CaseIdentity, _ trial: Int, _ hash: String) -> TrialRecord {
    TrialRecord(
      runID: "run-1", sessionID: "s1", hostID: "h1", environmentHash: hash, gitCommit: "", identity: identity,
      trial: trial, orderInSession: trial, status: .ok, startedAt: "2026-01-31T09:05:01Z",
      measures: [Measure("latency_rtt_p50", 4_000, unit: "ns", better: .lower, samples: 3)],
      histograms: [
        StoredHistogram(
          name: "latency_rtt", values: [4_000, 4_002], counts: [2, 1], minimum: 4_000, maximum: 4_003,
          sum: 12_003)
      ])
  }

  /// The file to damage, and how it is when it is whole.
  func file(_ generator: inout Generator) -> (name: String, bytes: [UInt8]) { generator.pick(files) }

  func read(_ name: String, _ bytes: [UInt8], _ exercise: Exercise) -> Outcome {
    defer { restore() }
    do {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
      let set = try ResultsSet.load(path)
      return set.table.trials.isEmpty ? .wrong("A run without trials was accepted.") : .accepted
    } catch let error as ResultsError {
      return exercise.judge(error.message, names: path)
    } catch {
      return .wrong("The damaged file could not be written: \(error)")
    }
  }

  private func restore() {
    for (name, bytes) in files { try? Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)")) }
  }
}

extension Damage {
  /// What can happen to JSON as well as to lines: bytes, and the numbers and words between its punctuation.
  static func applyToJSON(_ bytes: inout [UInt8], _ generator: inout Generator) {
    let ofBytes: [Damage] = [
      .bitFlipped, .byteReplaced, .byteInserted, .chunkRemoved, .chunkRepeated, .chunksExchanged, .endLost,
      .lineRepeated, .lineRemoved, .linesExchanged, .fieldRemoved,
    ]
    if generator.oneIn(2) { return generator.pick(ofBytes).apply(to: &bytes, &generator) }
    let punctuation = Array(":,{}[]".utf8)
    let places = bytes.indices.filter { punctuation.contains(bytes[$0]) }
    guard places.count > 1 else { return }
    let start = generator.below(places.count - 1)
    bytes.replaceSubrange(places[start] + 1..<places[start + 1], with: Array(generator.pick(values).utf8))
  }

  private static let values = [
    "null", "0", "-1", "1e999", "-0.0", "9223372036854775808", "1.5", "\"\"", "\"ok\"", "[]", "{}", "true",
    "2",
    "\"\\ud800\"", "[[[[[[[[", "\"\\u0000\"", "18446744073709551615", "\"us\"", "NaN",
  ]
}
