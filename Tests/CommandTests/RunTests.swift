import Foundation
import Results
import TestSupport
import Testing

/// A run directory of a test's own.
final class Workspace {
  let url: URL
  init() throws { url = try temporaryDirectory() }
  deinit { try? FileManager.default.removeItem(at: url) }

  /// The only run in it.
  func load() throws -> Run { try RunDirectory.open("\(url.path)/latest").load() }

  func start(_ arguments: String) throws -> RunningProgram {
    try Programs.start(
      "ipcbench", ["run", "--out", url.path] + arguments.split(separator: " ").map(String.init))
  }

  func run(_ arguments: String) throws -> ProgramResult { try start(arguments).wait() }
}

/// Tests that look for what a run leaves on the machine must not see another test's run.
@Suite(.serialized) struct RunTests {
  @Test func everyMechanismRunsEveryPattern() throws {
    let workspace = try Workspace()
    let result = try workspace.run(
      "-p round-trip,stream,paced,wake-up -s 64,5000 --rate 2k --gap 50us --trials 1 --messages 50 --format csv --no-counts --quiet"
    )
    #expect(result.exitCode == 0, "\(result.errors)")
    let run = try workspace.load()
    let failed = run.trials.filter { $0.status == .failed }
    #expect(failed.isEmpty, "\(failed.map { "\($0.identity.id) \($0.identity.pattern): \($0.reason)" })")
    // What cannot run here, or not at a size or pattern, is there with its reason.
    let skipped = run.trials.filter { $0.status == .skipped }
    #expect(skipped.allSatisfy { $0.reason.hasSuffix(".") })
    let measured = run.trials.filter { $0.status == .ok }
    let mechanisms = Set(measured.map(\.identity.id))
    #expect(mechanisms.count >= 45, "\(mechanisms.sorted())")
    for record in measured {
      let lost = record.value("messages_lost") ?? 0
      #expect((record.value("messages") ?? 0) + lost == 50, "\(record.identity)")
      let metric = record.identity.pattern == "round-trip" ? "latency_rtt_mean" : nil
      if let metric { #expect((record.value(metric) ?? 0) > 0) }
    }
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test func everyWaitStrategyRuns() throws {
    let workspace = try Workspace()
    let result = try workspace.run(
      "-m shared-memory:posix,pipe,tcp --wait spin,yield,block,spin-then-block --trials 1 --messages 50 --quiet"
    )
    #expect(result.exitCode == 0, "\(result.errors)")
    #expect(try workspace.load().trials.count { $0.attempt == 0 } == 12)
  }

  @Test func everyWayToAskWhichDescriptorIsReadyRuns() throws {
    let workspace = try Workspace()
    let result = try workspace.run(
      "-m pipe,udp,eventfd,shared-memory:posix -p round-trip,stream --wait poll,epoll,io-uring --trials 1 --messages 50"
        + " --quiet")
    #expect(result.exitCode == 0, "\(result.errors)")
    let trials = try workspace.load().trials
    let measured = trials.filter { $0.status == .ok && $0.attempt == 0 }
    #expect(Set(measured.map { "\($0.identity.id) \($0.identity.pattern) \($0.identity.wait)" }).count == 15)
    // One call that waits and one that reads, and one that writes.
    for trial in measured where trial.identity.pattern.hasPrefix("round-trip") {
      let calls = try #require(trial.value("system_calls_consumer"))
      #expect((2.9..<4).contains(calls), "\(trial.identity)")
    }
    #expect(trials.contains { $0.reason.contains("shared-memory:posix does not wait by 'epoll'") })
  }

  @Test func attachingByNameGivesTheSameMessages() throws {
    let workspace = try Workspace()
    let result = try workspace.run(
      "-m shared-memory,mapped-file --attach name --trials 1 --messages 50 --quiet")
    #expect(result.exitCode == 0, "\(result.errors)")
    let run = try workspace.load()
    #expect(run.trials.count { $0.status == .ok && $0.attempt == 0 } == 4)
    let skipped = run.trials.filter { $0.status == .skipped }
    #expect(
      Set(skipped.map(\.identity.id)) == [
        "shared-memory:memfd", "shared-memory:huge", "mapped-file:anonymous",
      ])
    #expect(skipped.allSatisfy { $0.reason.contains("cannot be attached by 'name'") })
  }

  @Test(arguments: ["handle", "scm-rights"])
  func attachingByADescriptorOfTheOtherProcessGivesTheSameMessages(_ attach: String) throws {
    let workspace = try Workspace()
    let result = try workspace.run("-m mapped-file --attach \(attach) --trials 1 --messages 50 --quiet")
    #expect(result.exitCode == 0, "\(result.errors)")
    #expect(try workspace.load().trials.count { $0.status == .ok && $0.attempt == 0 } == 3)
  }

  @Test func aRunWhoseStandardStreamsAreClosedDoesNotTakeItsPipesForThem() throws {
    let workspace = try Workspace()
    let tool = Programs.folder.appendingPathComponent("ipcbench").path
    let command =
      "exec '\(tool)' run -m pipe:stdio,pipe --trials 1 --messages 50 --quiet --out '\(workspace.url.path)' <&- >&- 2>&-"
    _ = try Programs.call("/bin/sh", ["-c", command])
    #expect(try workspace.load().trials.count { $0.status == .ok && $0.attempt == 0 } == 2)
  }

  @Test func percentilesWithTooFewSamplesAreRefused() throws {
    let workspace = try Workspace()
    _ = try workspace.run("-m pipe --trials 1 --messages 100 --quiet")
    let record = try #require(try workspace.load().trials.first)
    let p99 = try #require(record.measures.first { $0.metric == "latency_rtt_p99" })
    #expect(p99.value == nil)
    #expect(p99.reason?.contains("1,000") == true || p99.reason?.contains("1000") == true, "\(p99)")
    #expect(record.value("latency_rtt_p90") != nil)
  }

  @Test func theSameSeedRunsInTheSameOrder() throws {
    let orders = try (0..<2).map { _ in
      let workspace = try Workspace()
      _ = try workspace.run("-m pipe,fifo,tcp -s 64,100 --trials 2 --messages 5 --seed 3 --quiet")
      return try workspace.load().plan.order.map {
        "\($0.identity.id) \($0.identity.messageBytes) \($0.trial)"
      }
    }
    #expect(orders[0] == orders[1])
  }

  @Test func aRunThatHasUsedItsTimeBudgetOffersToGoOn() throws {
    let workspace = try Workspace()
    let result = try workspace.run("-m pipe --trials 50 --duration 50ms --time-budget 300ms")
    #expect(result.exitCode == 0)
    #expect(result.errors.contains("--resume"), "\(result.errors)")
    #expect(try workspace.load().trials.count < 50)
  }

  @Test func aRunOfAnotherVersionIsRefusedByName() throws {
    let workspace = try Workspace()
    _ = try workspace.run("-m pipe --trials 1 --messages 5 --quiet")
    let path = "\(try workspace.load().path)/trials.jsonl"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try text.replacingOccurrences(of: "\"schema_version\":1", with: "\"schema_version\":99")
      .write(toFile: path, atomically: true, encoding: .utf8)
    let result = try Programs.run("ipcbench", ["report", "\(workspace.url.path)/latest"])
    #expect(result.exitCode == 1)
    #expect(result.errors.contains("99"), "\(result.errors)")
  }
}
