import Foundation
import Glibc
import Results
import TestSupport
import Testing

extension RunTests {
  /// A connection is a fresh pair of processes.
  @Test func everyMechanismConnects() throws {
    let workspace = try Workspace()
    let result = try workspace.run("-p connect --trials 1 --messages 2 --format csv --no-counts --quiet")
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

  /// A blocking round trip over a pipe is one write and one read on each side, and one over a ring that spins none. The call
  /// that ends counting is counted too.
  @Test func systemCallsAreCountedInTheFirstTrialOnly() throws {
    let workspace = try Workspace()
    let result = try workspace.run(
      "-m pipe,shared-memory:posix --wait block,spin -p round-trip --trials 2 --messages 2000 --quiet --format csv"
    )
    #expect(result.exitCode == 0, "\(result.errors)")
    let measured = try workspace.load().trials.filter { $0.status == .ok }
    let counted = measured.filter { $0.value("system_calls_producer") != nil }
    guard !counted.isEmpty else { return print("system calls cannot be counted here: skipped") }
    #expect(counted.allSatisfy { $0.trial == 0 })
    for record in measured where record.trial == 0 {
      for side in ["producer", "consumer"] {
        let calls = try #require(record.value("system_calls_\(side)"), "\(record.identity)")
        switch (record.identity.id, record.identity.wait) {
        case ("pipe", "block"): #expect(calls >= 2 && calls < 2.2, "\(calls)")
        case ("pipe", _): #expect(calls >= 2, "\(calls)")
        // A processor that is taken away for longer makes a side look after its peer.
        case (_, "spin"): #expect(calls < 0.1, "\(calls)")
        default: #expect(calls < 3, "\(calls)")
        }
      }
    }
  }

  /// Fan-in checks each producer's order, and what its last message says it has sent; fan-out that each consumer gets
  /// everything or knows what it has lost.
  @Test(arguments: [("fan-in", 20), ("fan-out", 14)])
  func everyMechanismGathersWhomItCan(pattern: String, forms: Int) throws {
    let workspace = try Workspace()
    let result = try workspace.run(
      "-p \(pattern) -s 64,4000 --producers 1,3 --consumers 1,3 --wait block,yield --trials 1 --messages 600 --format csv "
        + "--no-counts --quiet")
    #expect(result.exitCode == 0, "\(result.errors)")
    let run = try workspace.load()
    let failed = run.trials.filter { $0.status == .failed }
    #expect(failed.isEmpty, "\(failed.map { "\($0.identity.id) \($0.identity.wait): \($0.reason)" })")
    let measured = run.trials.filter { $0.status == .ok }
    let found = Set(measured.map(\.identity.id))
    #expect(found.count >= forms, "\(found.sorted())")
    for record in measured {
      let (producers, consumers) = (record.identity.producers, record.identity.consumers)
      let side = pattern == "fan-in" ? "producer" : "consumer"
      let messages = record.value("messages") ?? 0
      let sent = messages + (record.value("messages_lost") ?? 0)
      if pattern == "fan-in" { #expect(sent >= 600, "\(record.identity)") }
      if pattern == "fan-out" { #expect(sent == 600 * Double(consumers), "\(record.identity)") }
      let rates = (0..<max(producers, consumers)).compactMap { record.value("message_rate_\(side)_\($0)") }
      #expect(rates.count == max(producers, consumers), "\(record.identity)")
      let total = record.value("message_rate") ?? 0
      #expect(abs(rates.reduce(0, +) / total - 1) < 1e-6, "\(record.identity)")
      // 1/n at least, by its definition.
      let fairness = record.value("fairness") ?? 0
      #expect(fairness >= 1 / Double(rates.count) - 1e-9 && fairness <= 1, "\(record.identity) \(fairness)")
      let samples = record.measures.first { $0.metric == "latency_one_way_mean" }?.samples ?? 0
      #expect(pattern == "fan-in" ? samples == 600 : samples == Int(messages), "\(record.identity)")
    }
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  /// The last batch is a part of one; messages of 35 kB fill most channels before a batch is complete.
  @Test func everyMechanismBatchesWhereItCan() throws {
    let workspace = try Workspace()
    let result = try workspace.run(
      "-p stream -s 64,35000 --batch 1,7,100 --wait block,spin,yield --trials 1 --messages 705 --format csv --no-counts --quiet"
    )
    #expect(result.exitCode == 0, "\(result.errors)")
    let run = try workspace.load()
    let failed = run.trials.filter { $0.status == .failed }
    #expect(failed.isEmpty, "\(failed.map { "\($0.identity.id) \($0.identity.wait): \($0.reason)" })")
    let measured = run.trials.filter { $0.status == .ok }
    #expect(Set(measured.map(\.identity.id)).count >= 18, "\(Set(measured.map(\.identity.id)).sorted())")
    for record in measured {
      let batch = try #require(record.identity.batch)
      let lost = record.value("messages_lost") ?? 0
      #expect((record.value("messages") ?? 0) + lost == 705, "\(record.identity)")
      let samples = record.measures.first { $0.metric == "latency_batch_mean" }?.samples ?? 0
      #expect(lost == 0 ? samples == 705 / batch : samples <= 705 / batch, "\(record.identity) \(samples)")
    }
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test(arguments: ["shared-memory:posix", "pipe", "unix-seqpacket", "udp", "io-uring"])
  func aConsumerOfBatchesThatIsKilledEndsTheTrial(mechanism: String) throws {
    let workspace = try Workspace()
    let program = try workspace.start(
      "-m \(mechanism) -p stream --batch 16 --wait block --trials 1 --duration 20s --quiet")
    var found: [Int32] = []
    let areThere = eventually(within: 20) {
      found = ProcessTree.children(of: program.pid)
      return found.count == 2
    }
    try #require(areThere, "no workers appeared: \(program.errorsSoFar)")
    usleep(1_000_000)
    kill(found[1], SIGKILL)
    let result = program.wait()
    #expect(result.exitCode == 3, "\(result.errors)")
    let record = try #require(try workspace.load().trials.first)
    #expect(
      record.status == .failed && ["died", "consumer"].contains(where: record.reason.contains),
      "\(record.reason)")
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  /// A producer that dies takes the trial with it, and nobody waits for it.
  @Test(arguments: ["shared-memory:posix", "unix-stream", "posix-mq", "udp"])
  func aProducerOfManyThatIsKilledIsNamed(mechanism: String) throws {
    let workspace = try Workspace()
    let attach = mechanism.hasPrefix("shared") ? "--attach name" : ""
    let program = try workspace.start(
      "-m \(mechanism) -p fan-in --producers 3 \(attach) --wait block --trials 1 --duration 20s --quiet")
    var found: Int32?
    let isThere = eventually(within: 20) {
      found = ProcessTree.children(of: program.pid).first {
        ProcessTree.arguments(of: $0).last?.hasSuffix("producer-2-order") == true
      }
      return found != nil
    }
    try #require(isThere, "no second producer appeared: \(program.errorsSoFar)")
    usleep(1_000_000)
    kill(try #require(found), SIGKILL)
    let result = program.wait()
    #expect(result.exitCode == 3, "\(result.errors)")
    let record = try #require(try workspace.load().trials.first)
    #expect(record.status == .failed && record.reason.contains("producer 2"), "\(record.reason)")
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test(arguments: ["", "-m pipe -s 100 --duration 5ms"])
  func aMatrixHasEveryPairOfCPUs(what: String) throws {
    let workspace = try Workspace()
    let directory = workspace.url.path + "/matrix"
    let words = what.split(separator: " ").map(String.init)
    let fixed = ["matrix", "--out", directory, "--format", "json", "--quiet", "--trials", "2"]
    let result = try Programs.run("ipcbench", fixed + words)
    #expect(result.exitCode == 0, "\(result.errors)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let matrix = try decoder.decode(CoreMatrix.self, from: Data(result.output.utf8))
    let count = matrix.cpus.count
    // A cache line does not travel where both sides share a CPU.
    let diagonal = what.isEmpty ? 0 : count
    let pairs: Int = count * (count - 1) / 2 + diagonal
    #expect(matrix.pairs.count == pairs)
    #expect(matrix.pairs.allSatisfy { $0.values.count == 2 && ($0.median ?? 0) > 0 }, "\(matrix)")
    let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    let name = what.isEmpty ? "cache-line" : "pipe"
    #expect(files == ["csv", "gp", "json", "tsv"].map { "\(name).\($0)" })
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test(arguments: [
    (["-m", "nonsense"], "Unknown mechanism"), (["--cpus", "0-3000"], "There is no CPU"),
    (["-s", "64"], "no size"), (["--cpus", "0"], "needs two CPUs"), (["--trials", "0"], "at least 1"),
  ])
  func aMatrixThatCannotBeMeasuredIsRefused(arguments: [String], words: String) throws {
    let result = try Programs.run("ipcbench", ["matrix"] + arguments)
    #expect(result.exitCode == 64 && result.errors.contains(words), "\(result.errors)")
  }

  /// What waits behind a consumer that does not come has waited since it was due (coordinated omission, METHOD.md).
  @Test func aConsumerThatIsStoppedIsSeenInTheResponseTimeAndNotInTheServiceTime() throws {
    let workspace = try Workspace()
    // A FIFO holds few of these messages: the next one is not sent before the consumer has gone on. What comes before
    // the measured phase takes less than half of the time until the consumer is stopped, and that phase twice as long.
    let program = try workspace.start(
      "-m fifo -p paced -s 64KiB --touch header --rate 1k --attach name --wait block --trials 1 --duration 3s --quiet"
        + " --no-counts")
    let consumer = try consumer(of: program)
    usleep(1_500_000)
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
