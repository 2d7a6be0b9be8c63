import Foundation
import TestSupport
import Testing

/// `choose` against the results that it cites, recomputed from `trials.jsonl` with nothing of the program's own code.
struct ChooseTests {
  private struct Ranked {
    var key: String
    var value: Double
  }

  @Test func aRankingIsThatOfTheResultsItCites() throws {
    let folder = try Workspace()
    let run = try Self.measure(
      [
        "-m", "pipe,unix-stream,shared-memory:posix,udp", "-p", "round-trip,stream,paced", "--rate", "10k",
        "--wait", "spin,block",
      ],
      folder)
    let choices: [(options: [String], pattern: String, metric: String, rate: Double?, lossy: Bool)] = [
      ([], "round-trip", "latency_rtt_p50", nil, false),
      (["--minimise", "cpu"], "round-trip", "cpu_time", nil, false),
      (["--minimise", "tail", "--allow-loss"], "round-trip", "latency_rtt_p99", nil, true),
      (["--minimise", "rate", "--direction", "one-way"], "stream", "message_rate", nil, false),
      (
        ["--minimise", "median", "--direction", "one-way", "--allow-loss"], "paced", "latency_response_p50",
        10_000, true
      ),
    ]
    for choice in choices {
      let answer = try Self.choose([run] + choice.options)
      #expect(answer["metric"] as? String == choice.metric)
      #expect(answer["results"] as? [String] == [run])
      let expected = try Self.ranking(run, choice.pattern, choice.metric, choice.rate, choice.lossy)
      let lines = try #require(answer["ranked"] as? [[String: Any]])
      #expect(lines.count == expected.count, "\(choice)")
      // A tail needs more round trips than some have in a trial of this length.
      #expect(expected.count >= (choice.metric.hasSuffix("p99") ? 1 : 6))
      for (line, ranked) in zip(lines, expected) {
        let value = try #require(line["value"] as? Double)
        #expect(abs(value - ranked.value) <= 1e-9 * abs(ranked.value), "\(choice)")
        // Two that are equal may stand either way.
        let key = Self.key(line["case"] as? [String: Any] ?? [:])
        let own = try #require(expected.first { $0.key == key }, "\(choice)")
        #expect(own.value == ranked.value, "\(choice): \(key)")
      }
      #expect(Set(lines.map { Self.key($0["case"] as? [String: Any] ?? [:]) }).count == lines.count)
    }
  }

  @Test func whatIsExcludedIsExcludedForAReason() throws {
    let folder = try Workspace()
    let run = try Self.measure(["-m", "pipe,unix-stream,udp", "--wait", "block"], folder)
    let answer = try Self.choose([run, "--processes", "unrelated", "--wait", "block"])
    let excluded = try #require(answer["excluded"] as? [[String: Any]])
    func reason(_ id: String) -> String? {
      excluded.first { $0["mechanism"] as? String == id }?["reason"] as? String
    }
    #expect(reason("pipe")?.contains("must be related") == true)
    #expect(reason("udp")?.contains("lose messages") == true)
    #expect(reason("futex")?.contains("carries no message") == true)
    #expect(reason("tcp")?.contains("not measured") == true)
    #expect((answer["ranked"] as? [[String: Any]])?.count == 1)
    // What can be ranked and what cannot is everything there is, each once.
    let ids = Set(excluded.compactMap { $0["mechanism"] as? String }).union(["unix-stream"])
    let list = try Programs.run("ipcbench", ["list", "--format", "json"])
    let known = try #require(
      (JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [String: Any])?["mechanisms"]
        as? [[String: Any]])
    #expect(ids.union(["null"]) == Set(known.compactMap { $0["id"] as? String }))
  }

  @Test func whatCannotBeAnsweredIsRefusedInOneSentence() throws {
    let folder = try Workspace()
    let run = try Self.measure(["-m", "pipe", "--wait", "block"], folder)
    for (arguments, code, words) in [
      ([run, "-s", "4KiB"], 5, "no figure for this"), ([run, "--measure"], 64, "measured now"),
      (["--producers", "2"], 64, "one-way"),
      (["--producers", "17", "--direction", "one-way"], 64, "1 to 16"),
      (
        ["--scope", "network", "-s", "0", "--wait", "yield", "--consumers", "3", "--direction", "one-way"],
        64, "fits"
      ),
      (["/nowhere"], 1, "does not exist"),
    ] as [([String], Int, String)] {
      let result = try Programs.run("ipcbench", ["choose"] + arguments)
      #expect(result.exitCode == Int32(code), "\(arguments): \(result.errors)")
      #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
    }
  }

  @Test func withoutResultsATargetedRunIsMade() throws {
    let folder = try Workspace()
    let options = [
      "-s", "0", "--wait", "spin", "--trials", "1", "--out", folder.url.path, "--format", "json",
    ]
    let first = try Programs.run("ipcbench", ["choose"] + options)
    #expect(first.exitCode == 0, "\(first.errors)")
    #expect(first.errors.contains("Measuring what fits"))
    // Now there are some.
    let second = try Programs.run("ipcbench", ["choose"] + options)
    #expect(second.output == first.output)
    #expect(!second.errors.contains("Measuring"))
  }

  // MARK: Helpers

  private static func measure(_ options: [String], _ folder: Workspace) throws -> String {
    let result = try Programs.run(
      "ipcbench",
      ["run", "-s", "64", "--trials", "2", "--duration", "20ms", "--out", folder.url.path, "--quiet"]
        + options)
    try #require(result.exitCode == 0, "\(result.errors)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    return "\(folder.url.path)/\(try #require(names.first { $0 != "latest" }))"
  }

  private static func choose(_ arguments: [String]) throws -> [String: Any] {
    let result = try Programs.run("ipcbench", ["choose", "--format", "json"] + arguments)
    try #require(result.exitCode == 0, "\(result.errors)")
    return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
  }

  private static func key(_ identity: [String: Any]) -> String {
    ["mechanism", "variant", "wait", "attach"].map { "\(identity[$0] ?? "")" }.joined(separator: " ")
  }

  private static func ranking(
    _ run: String, _ pattern: String, _ metric: String, _ rate: Double?, _ lossy: Bool
  ) throws -> [Ranked] {
    let text = try String(contentsOfFile: "\(run)/trials.jsonl", encoding: .utf8)
    // The last attempt of a trial counts, and trials whose probes agree where there are any.
    var last: [String: [Int: [String: Any]]] = [:]
    for line in text.split(separator: "\n") {
      let trial = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let identity = try #require(trial["case"] as? [String: Any])
      guard identity["pattern"] as? String == pattern, identity["rate_target_per_second"] as? Double == rate,
        lossy || identity["mechanism"] as? String != "udp"
      else { continue }
      last[key(identity), default: [:]][try #require(trial["trial"] as? Int)] = trial
    }
    let isLower = metric != "message_rate"
    return last.compactMap { key, trials -> Ranked? in
      let ok = trials.values.filter { $0["status"] as? String == "ok" }
      let agreeing = ok.filter { $0["probes_agree"] as? Bool == true }
      let used = agreeing.isEmpty ? ok : agreeing
      let parts =
        metric == "cpu_time"
        ? ["cpu_user_producer", "cpu_system_producer", "cpu_user_consumer", "cpu_system_consumer"] : [metric]
      let medians = parts.compactMap { median(of: $0, used) }
      return medians.count == parts.count ? Ranked(key: key, value: medians.reduce(0, +)) : nil
    }.sorted { isLower ? $0.value < $1.value : $0.value > $1.value }
  }

  private static func median(of metric: String, _ trials: [[String: Any]]) -> Double? {
    let values = trials.compactMap { trial in
      (trial["measures"] as? [[String: Any]])?.first { $0["metric"] as? String == metric }?["value"]
        as? Double
    }.sorted()
    guard !values.isEmpty else { return nil }
    return (values[(values.count - 1) / 2] + values[values.count / 2]) / 2
  }
}
