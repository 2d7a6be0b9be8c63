import Comparing
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms
import Results
import Testing

@testable import Harness

/// Made-up programs: the candidate's median is the baseline's times a ratio for each case.
private struct MadeUpPrograms: CheckSource {
  var ratios: [String: Double] = [:]
  var failing: Set<String> = []
  /// How many trials of the candidate see another machine, counted down.
  var disturbed = 0
  var stopAfter = Int.max
  var calls: [(side: CheckSide, id: String, seed: UInt64)] = []

  mutating func measure(_ side: CheckSide, _ planned: PlannedCase, seed: UInt64) -> TrialProgram.Outcome {
    let id = planned.identity.id
    calls.append((side, id, seed))
    if calls.count > stopAfter { return .interrupted }
    if failing.contains(id) && side == .candidate { return .failed("It could not be started.") }
    let ratio = side == .candidate ? ratios[id] ?? 1 : 1
    let p50 = 1000 * ratio * (1 + 0.002 * Double(calls.count % 7))
    var line = 60.0
    if side == .candidate && disturbed > 0 { (disturbed, line) = (disturbed - 1, 300) }
    let record = TrialRecord(
      runID: "own", sessionID: "own", hostID: "h", environmentHash: "e", gitCommit: "",
      identity: planned.identity,
      trial: 0, orderInSession: 0, status: .ok, startedAt: "", durationSeconds: 0.05,
      measures: [
        Measure("latency_rtt_p50", p50, unit: "ns", better: .lower, samples: 10_000),
        Measure("probe_cache_line_before", line, unit: "ns", better: .none),
        Measure("probe_cache_line_after", line, unit: "ns", better: .none),
      ])
    return .measured([record], Environment())
  }
}

private struct Kept: CheckSink {
  var records: [(side: CheckSide, record: TrialRecord)] = []
  mutating func append(_ record: TrialRecord, _ side: CheckSide) { records.append((side, record)) }
}

private struct Silence: CheckProgress {
  mutating func willMeasure(_ planned: PlannedCase, stage: Int, done: Int, of total: Int) {}
  mutating func finish() {}
}

struct CheckLoopTests {
  private var kept = Kept()
  private var silence = Silence()

  private func loop(_ mechanisms: [String]) throws -> CheckLoop {
    let cpus = [0, 1].map { Topology.CPU(id: $0, core: $0, socket: 0, node: 0, lastLevelCache: 0) }
    let planner = Planner(
      entries: Registry.entries, topology: Topology(cpus: cpus, nodeCount: 1, numaNotice: nil),
      scope: ResourceScope())
    let suite = Suite(
      name: "test", description: "",
      blocks: [Suite.Block(mechanisms: mechanisms, sizes: [64], waits: [.spin])])
    let plan = try planner.plan(suite, pin: .auto, memory: .local, seed: 1)
    return CheckLoop(
      cases: plan.cases, criteria: CheckCriteria(),
      identity: RunIdentity(
        runID: "run", sessionID: "session", hostID: "h", environmentHash: "e", gitCommit: ""), seed: 3)
  }

  @Test mutating func onlyAFlaggedCaseIsMeasuredAgain() throws {
    var programs = MadeUpPrograms(ratios: ["pipe": 1.2])
    var loop = try loop(["pipe", "tcp"])
    let cases = try #require(try loop.run(&programs, into: &kept, &silence))
    #expect(cases.map(\.verdict) == [.regression, .unchanged])
    #expect(programs.calls.count { $0.id == "tcp" } == 2 * 12)
    #expect(programs.calls.count { $0.id == "pipe" } == 2 * (12 + 24))
  }

  @Test mutating func theTwoTrialsOfAPairFollowEachOtherInRandomOrderWithOneSeed() throws {
    var programs = MadeUpPrograms()
    var loop = try loop(["pipe", "tcp"])
    _ = try loop.run(&programs, into: &kept, &silence)
    var candidateFirst = 0
    for index in stride(from: 0, to: programs.calls.count, by: 2) {
      let (first, second) = (programs.calls[index], programs.calls[index + 1])
      #expect(first.id == second.id && first.seed == second.seed && first.side != second.side)
      if first.side == .candidate { candidateFirst += 1 }
    }
    #expect(candidateFirst > 3 && candidateFirst < 21)
  }

  @Test mutating func aPairAcrossAChangedMachineIsMeasuredAgainAndBothAttemptsAreKept() throws {
    var programs = MadeUpPrograms(disturbed: 1)
    var loop = try loop(["pipe"])
    let cases = try #require(try loop.run(&programs, into: &kept, &silence))
    #expect(cases[0].usablePairs == 12)
    #expect(kept.records.count == 2 * 13)
    #expect(kept.records.count { $0.record.attempt == 1 } == 2)
  }

  @Test mutating func aMachineThatGoesOnChangingIsGivenUpAfterThreeAttempts() throws {
    var programs = MadeUpPrograms(disturbed: .max)
    var loop = try loop(["pipe"])
    let cases = try #require(try loop.run(&programs, into: &kept, &silence))
    #expect(kept.records.count == 2 * 12 * 3)
    #expect(cases[0].usablePairs == 0)
    #expect(cases[0].verdict == .inconclusive)
  }

  @Test mutating func recordsSayWhichSessionPairAndPlaceTheyHave() throws {
    var programs = MadeUpPrograms()
    var loop = try loop(["pipe", "tcp"])
    _ = try loop.run(&programs, into: &kept, &silence)
    let records = kept.records.map(\.record)
    #expect(records.allSatisfy { $0.runID == "run" && $0.sessionID == "session" })
    #expect(records.map(\.orderInSession) == Array(0..<48))
    #expect(Set(records.compactMap(\.pairIndex)) == Set(0..<12))
    #expect(records.allSatisfy { $0.trial == $0.pairIndex })
  }

  @Test mutating func aCaseThatFailsIsMeasuredOnceAndTheOthersGoOn() throws {
    var programs = MadeUpPrograms(failing: ["pipe"])
    var loop = try loop(["pipe", "tcp"])
    let cases = try #require(try loop.run(&programs, into: &kept, &silence))
    #expect(cases.map(\.status) == [.failed, .ok])
    #expect(cases[0].reason == "The candidate failed: It could not be started.")
    #expect(programs.calls.count { $0.id == "pipe" } == 2)
  }

  @Test mutating func aStopDecidesNothing() throws {
    var programs = MadeUpPrograms(stopAfter: 5)
    var loop = try loop(["pipe"])
    #expect(try loop.run(&programs, into: &kept, &silence) == nil)
  }
}
