import Foundation
import Glibc
import Results
import TestSupport
import Testing

extension RunTests {
  /// A connection is a fresh pair of processes.
  @Test func everyMechanismConnects() throws {
    let workspace = try Workspace()
    let result = try workspace.run("-p connect --trials 1 --messages 2 --format csv --quiet")
    #expect(result.exitCode == 0, "\(result.errors)")
    let run = try workspace.load()
    let failed = run.trials.filter { $0.status == .failed }
    #expect(failed.isEmpty, "\(failed.map { "\($0.identity.id): \($0.reason)" })")
    let measured = run.trials.filter { $0.status == .ok }
    #expect(Set(measured.map(\.identity.id)).count >= 45, "\(Set(measured.map(\.identity.id)).sorted())")
    for record in measured {
      #expect(record.identity.pattern == "connect" && record.value("messages") == 2, "\(record.identity)")
      for stage in ["set_up", "first_message", "tear_down"] {
        #expect((record.value("latency_\(stage)_mean") ?? 0) > 0, "\(record.identity) \(stage)")
      }
    }
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  /// What waits behind a consumer that does not come has waited since it was due (coordinated omission, METHOD.md).
  @Test func aConsumerThatIsStoppedIsSeenInTheResponseTimeAndNotInTheServiceTime() throws {
    let workspace = try Workspace()
    // A FIFO holds few of these messages: the next one is not sent before the consumer has gone on.
    let program = try workspace.start(
      "-m fifo -p paced -s 64KiB --touch header --rate 1k --attach name --wait block --trials 1 --duration 2s --quiet"
    )
    let consumer = try consumer(of: program)
    usleep(1_000_000)
    kill(consumer, SIGSTOP)
    usleep(100_000)
    kill(consumer, SIGCONT)
    let result = program.wait()
    #expect(result.exitCode == 0, "\(result.errors)")
    let record = try #require(try workspace.load().trials.first { $0.status == .ok })
    // Of the hundred that were due while it was stopped, those of the first half.
    #expect(try slow(record, "latency_response") >= 40)
    #expect(try slow(record, "latency_service") <= 5)
  }

  private func consumer(of program: RunningProgram) throws -> Int32 {
    var found: Int32?
    let isThere = eventually(within: 20) {
      found = ProcessTree.children(of: program.pid).first {
        ProcessTree.arguments(of: $0).last?.hasSuffix("consumer-order") == true
      }
      return found != nil
    }
    try #require(isThere, "no consumer appeared: \(program.errorsSoFar)")
    return try #require(found)
  }

  /// How many samples are of 50 ms or more.
  private func slow(_ record: TrialRecord, _ name: String) throws -> UInt64 {
    let histogram = try #require(record.histograms.first { $0.name == name })
    return zip(histogram.values, histogram.counts).filter { $0.0 >= 50_000_000 }.map(\.1).reduce(0, +)
  }
}
