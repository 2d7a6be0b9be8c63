import Testing

@testable import Results

@Suite struct SummariseTests {
  @Test func aSummaryIsOverPerTrialValues() throws {
    let trials = [30.0, 10, 20, nil].enumerated().map { Sample.record(trial: $0, p50: $1) }
    let metric = try #require(summarise(trials).first?.metric("latency_rtt_p50"))
    #expect(metric.median == 20 && metric.minimum == 10 && metric.maximum == 30)
    #expect(metric.trials == 3 && metric.samples == 3_000)
    #expect(metric.values == [30, 10, 20])
    #expect(metric.unit == "ns" && metric.better == .lower)
    #expect(metric.reason == "p50 needs 20 samples and has 3")
  }

  @Test func aMetricThatNoTrialGivesIsThereWithItsReason() throws {
    let metric = try #require(summarise([Sample.record(p50: nil)]).first?.metric("latency_rtt_p50"))
    #expect(metric.median == nil && metric.trials == 0)
    #expect(metric.reason == "p50 needs 20 samples and has 3")
  }

  @Test func trialsWhoseProbesDisagreeAreLeftOutWhereOthersAgree() throws {
    let trials = [
      Sample.record(trial: 0, p50: 10), Sample.record(trial: 1, probesAgree: false, p50: 99),
      Sample.record(trial: 2, p50: 12),
    ]
    let summary = try #require(summarise(trials).first)
    #expect(summary.status == .ok && summary.okTrials == 3)
    #expect(summary.metric("latency_rtt_p50")?.values == [10, 12])
    #expect(summary.reason == "1 of 3 trials left out: their probes disagree")
  }

  @Test func whereNoTrialsProbesAgreeAllCountAndTheReasonSaysSo() throws {
    let trials = (0..<2).map { Sample.record(trial: $0, probesAgree: false, p50: 10) }
    let summary = try #require(summarise(trials).first)
    #expect(summary.metric("latency_rtt_p50")?.trials == 2)
    #expect(summary.reason.contains("no trial's probes agree"))
  }

  @Test func theLastAttemptAtATrialCounts() throws {
    let trials = [
      Sample.record(trial: 0, attempt: 0, probesAgree: false, p50: 99),
      Sample.record(trial: 0, attempt: 1, probesAgree: true, p50: 10),
    ]
    let summary = try #require(summarise(trials).first)
    #expect(summary.okTrials == 1 && summary.repeatedTrials == 1)
    #expect(summary.metric("latency_rtt_p50")?.values == [10])
    #expect(summary.reason.isEmpty)
  }

  @Test func aCaseWithAFailedTrialIsFailedAndKeepsItsNumbers() throws {
    let trials = [
      Sample.record(trial: 0, p50: 10),
      Sample.record(trial: 1, status: .failed, reason: "corrupted: message 7"),
    ]
    let summary = try #require(summarise(trials).first)
    #expect(summary.status == .failed && summary.okTrials == 1 && summary.failedTrials == 1)
    #expect(summary.reason == "1 of 2 trials failed: corrupted: message 7")
    #expect(summary.metric("latency_rtt_p50")?.median == 10)
  }

  @Test func aTrialThatFailedAndWasDoneAgainIsNotFailed() throws {
    let trials = [Sample.record(status: .failed, reason: "timed out"), Sample.record(p50: 10)]
    let summary = try #require(summarise(trials).first)
    #expect(summary.status == .ok && summary.failedTrials == 0)
  }

  @Test func aSkippedCaseIsThereWithItsReason() throws {
    let summary = try #require(summarise([Sample.record(status: .skipped, reason: "needs root")]).first)
    #expect(summary.status == .skipped && summary.skippedTrials == 1)
    #expect(summary.reason == "needs root" && summary.metrics.isEmpty)
  }

  @Test func casesComeInTheOrderOfThePlanAndOthersAfterThem() {
    let (a, b, c) = (Sample.identity("a"), Sample.identity("b"), Sample.identity("c"))
    let trials = [Sample.record(c), Sample.record(b), Sample.record(a)]
    #expect(summarise(trials).map(\.identity) == [c, b, a])
    #expect(summarise(trials, order: [a, b]).map(\.identity) == [a, b, c])
    let plan = Sample.plan(
      [PlannedTrial(identity: b, trial: 0)], skips: [PlannedSkip(identity: a, reason: "")])
    let run = Run(plan: plan, environment: Sample.environment(), trials: trials, path: "")
    #expect(run.summaries.map(\.identity) == [b, a, c])
  }
}

@Suite struct ResumeTests {
  @Test func okAndSkippedTrialsAreFinishedAndFailedOnesAreNot() {
    let (a, b, c) = (Sample.identity("a"), Sample.identity("b"), Sample.identity("c"))
    let trials = [
      Sample.record(a, trial: 0), Sample.record(a, trial: 1, status: .failed),
      Sample.record(b, trial: 0, status: .skipped),
      Sample.record(c, trial: 0, status: .failed), Sample.record(c, trial: 0),
      Sample.record(c, trial: 1), Sample.record(c, trial: 1, attempt: 1, status: .failed),
    ]
    let run = Run(plan: Sample.plan(), environment: Sample.environment(), trials: trials, path: "")
    #expect(
      run.finished == [
        PlannedTrial(identity: a, trial: 0), PlannedTrial(identity: b, trial: 0),
        PlannedTrial(identity: c, trial: 0),
      ])
  }
}

@Suite struct CaseIdentityTests {
  @Test func casesAreOrderedByWhatWasAskedAndThenByMechanism() {
    let ordered = [
      Sample.identity("a", pattern: "paced", rate: 10), Sample.identity("a", pattern: "paced", rate: 200),
      Sample.identity("a", bytes: 8), Sample.identity("b", bytes: 8),
      Sample.identity("b", variant: "x", bytes: 8),
      Sample.identity("a", bytes: 64), Sample.identity("a", bytes: 1_024),
      Sample.identity("a", pattern: "stream"),
    ]
    #expect(ordered.shuffled().sorted() == ordered)
    #expect(ordered[2].workload == ordered[3].workload)
  }

  @Test func aFileNameSaysWhatTheCaseIs() {
    #expect(
      Sample.identity("unix-stream").fileName("latency_rtt")
        == "round-trip_64B_unix-stream_block_same-l3_inherit_latency_rtt")
    #expect(
      Sample.identity("udp", pattern: "paced", rate: 1e5, touch: "header").fileName("latency_service")
        == "paced_64B_udp_block_same-l3_inherit_100000per-s_touch-header_latency_service")
  }

  @Test(arguments: [
    "../../etc/passwd", "a/b", "a b", "ä", "x\u{0}y", String(repeating: "m", count: 400), "..", "-",
  ])
  func aFileNameIsSafeWhateverTheIdentitySays(mechanism: String) {
    let name = Sample.identity(mechanism, pattern: mechanism).fileName("h")
    #expect(!name.contains("/") && !name.contains("\0") && !name.hasPrefix("."))
    #expect(name.allSatisfy { $0.isASCII })
    #expect(name.utf8.count < 240)
  }

  @Test func differentCasesHaveDifferentFileNames() {
    let identities = [
      Sample.identity("a/b"), Sample.identity("a-b"), Sample.identity("a b"),
      Sample.identity("a", variant: "b"),
      Sample.identity("a_b"), Sample.identity(String(repeating: "m", count: 400)),
      Sample.identity(String(repeating: "m", count: 401)), Sample.identity("a", bytes: 8),
      Sample.identity("a", rate: 1),
      Sample.identity("a", touch: "header"), Sample.identity("a"),
    ]
    #expect(Set(identities.map { $0.fileName("latency_rtt") }).count == identities.count)
  }
}
