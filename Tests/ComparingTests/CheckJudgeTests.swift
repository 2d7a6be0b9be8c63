import Results
import Testing

@testable import Comparing

/// Pairs of trials, with what a test cares about as parameters.
struct MadeUpPairs {
  static let identity = CaseIdentity(
    mechanism: "pipe", variant: "", pattern: "round-trip", wait: "spin", placement: "same-l3",
    attach: "inherit",
    messageBytes: 64)

  /// A trial whose noise repeats, so that a test says the same every time.
  static func record(
    _ p50: Double, cpu: Double? = nil, cacheLine: Double = 60, steal: Double = 0, probesAgree: Bool = true,
    status: Status = .ok, reason: String = ""
  ) -> TrialRecord {
    let part = (cpu ?? p50 * 2) / 4
    let measures = [
      Measure("latency_rtt_p50", p50, unit: "ns", better: .lower, samples: 10_000),
      Measure("cpu_user_producer", part, unit: "ns/message", better: .lower),
      Measure("cpu_system_producer", part, unit: "ns/message", better: .lower),
      Measure("cpu_user_consumer", part, unit: "ns/message", better: .lower),
      Measure("cpu_system_consumer", part, unit: "ns/message", better: .lower),
      Measure("probe_cache_line_before", cacheLine, unit: "ns", better: .none),
      Measure("probe_cache_line_after", cacheLine, unit: "ns", better: .none),
      Measure("steal", steal, unit: "ns", better: .none),
    ]
    return TrialRecord(
      runID: "r", sessionID: "s", hostID: "h", environmentHash: "e", gitCommit: "", identity: identity,
      trial: 0,
      orderInSession: 0, status: status, reason: reason, startedAt: "", durationSeconds: 0.05,
      probesAgree: probesAgree, measures: status == .ok ? measures : [])
  }

  /// - Parameters:
  ///   - ratio: candidate over baseline.
  ///   - noise: the largest relative deviation of a trial.
  static func pairs(_ count: Int, ratio: Double, noise: Double, from first: Int = 0) -> [TrialPair] {
    (0..<count).map { index in
      func deviation(_ salt: Int) -> Double {
        let step = ((index + first) * 7 + salt * 5) % 11
        return 1 + noise * (Double(step) - 5) / 5
      }
      return TrialPair(
        index: first + index, baseline: record(1000 * deviation(1)),
        candidate: record(1000 * ratio * deviation(2)))
    }
  }
}

struct CheckJudgeTests {
  private let judge = CheckJudge(CheckCriteria())

  private func judge(_ first: [TrialPair], _ second: [TrialPair] = []) -> CaseCheck {
    judge.judge(MadeUpPairs.identity, first: first, second: second)
  }

  @Test func aChangeThatBothStagesSeeIsARegression() {
    let first = MadeUpPairs.pairs(12, ratio: 1.1, noise: 0.01)
    #expect(judge.isFlagged(first))
    let check = judge(first, MadeUpPairs.pairs(24, ratio: 1.1, noise: 0.01, from: 12))
    #expect(check.verdict == .regression)
    #expect(check.median?.verdict == .regression)
    #expect(abs((check.median?.decisive.ratio ?? 0) - 1.1) < 0.01)
    #expect(check.median?.decisive.count == 24)
  }

  @Test func aChangeThatOnlyStageOneSawIsNone() {
    let check = judge(
      MadeUpPairs.pairs(12, ratio: 1.1, noise: 0.01), MadeUpPairs.pairs(24, ratio: 1, noise: 0.01, from: 12))
    #expect(check.verdict == .unchanged)
  }

  @Test func aChangeWithinTheThresholdIsNobodysBusiness() {
    let pairs = MadeUpPairs.pairs(12, ratio: 1.03, noise: 0.005)
    #expect(!judge.isFlagged(pairs))
    #expect(judge(pairs).verdict == .unchanged)
    #expect((judge(pairs).median?.first.pValue ?? 1) < 0.01, "it is significant all the same")
  }

  @Test func anImprovementIsSaidAfterTheFirstStage() {
    let pairs = MadeUpPairs.pairs(12, ratio: 0.8, noise: 0.01)
    #expect(!judge.isFlagged(pairs))
    #expect(judge(pairs).verdict == .improvement)
  }

  @Test func noiseThatWouldHideARegressionIsInconclusiveAndSaysHowManyPairsItTakes() {
    let check = judge(MadeUpPairs.pairs(12, ratio: 1, noise: 0.2))
    #expect(check.verdict == .inconclusive)
    let reason = check.median?.reason ?? ""
    #expect(reason.hasPrefix("12 pairs as noisy as these show changes from "), "\(reason)")
    #expect(reason.contains("would show 5 %"), "\(reason)")
  }

  @Test func aFlagThatStageTwoCannotSettleIsInconclusive() {
    let check = judge(
      MadeUpPairs.pairs(12, ratio: 1.1, noise: 0.01), MadeUpPairs.pairs(24, ratio: 1.02, noise: 0.3, from: 12)
    )
    #expect(check.verdict == .inconclusive)
    #expect(check.median?.reason.hasPrefix("flagged in stage 1, not confirmed in stage 2, and ") == true)
  }

  @Test func pairsAcrossAChangedMachineAreNotUsedAndTooFewDecideNothing() {
    var pairs = MadeUpPairs.pairs(12, ratio: 1.2, noise: 0.01)
    for index in 0..<7 { pairs[index].candidate = MadeUpPairs.record(1200, cacheLine: 330) }
    let check = judge(pairs)
    #expect(!judge.isFlagged(Array(pairs.prefix(7))))
    #expect(check.usablePairs == 5)
    #expect(check.verdict == .inconclusive)
    #expect(
      check.reason
        == "only 5 of 12 pairs can be used, and 6 are needed; in one, the cache-line round trip took 60 ns around "
        + "the baseline's trial and 330 ns around the candidate's.")
  }

  @Test func aTrialUnderWhichTheMachineChangedSpoilsItsPair() {
    let pair = TrialPair(
      index: 0, baseline: MadeUpPairs.record(1000, probesAgree: false), candidate: MadeUpPairs.record(1000))
    #expect(pair.defect(CheckCriteria()) == "the machine changed during the baseline's trial")
  }

  @Test func stealMakesACaseInconclusiveByName() {
    let pairs = MadeUpPairs.pairs(12, ratio: 1.5, noise: 0.01).map { pair in
      var pair = pair
      pair.candidate = MadeUpPairs.record(1500, steal: 5e6)
      return pair
    }
    let check = judge(pairs)
    #expect(check.verdict == .inconclusive)
    #expect(check.reason.contains("steal"), "\(check.reason)")
  }

  @Test func aFailedTrialFailsTheCase() {
    var pairs = MadeUpPairs.pairs(3, ratio: 1, noise: 0)
    pairs[2].candidate = MadeUpPairs.record(0, status: .failed, reason: "corrupted.")
    let check = judge(pairs)
    #expect(check.status == .failed)
    #expect(check.verdict == nil)
    #expect(check.reason == "The candidate failed: corrupted.")
  }

  @Test func cpuTimeDecidesToo() {
    let pairs = MadeUpPairs.pairs(12, ratio: 1, noise: 0.005).map { pair in
      var pair = pair
      pair.candidate = MadeUpPairs.record(pair.candidate.value("latency_rtt_p50")!, cpu: 2600)
      return pair
    }
    #expect(judge.isFlagged(pairs))
    #expect(judge(pairs, pairs + pairs).verdict == .regression)
    #expect(judge(pairs, pairs + pairs).median?.verdict == .unchanged)
  }

  @Test func withoutAFigureNothingIsDecided() {
    let pairs = (0..<12).map {
      TrialPair(index: $0, baseline: MadeUpPairs.record(0), candidate: MadeUpPairs.record(0))
    }
    let check = judge(pairs)
    #expect(check.verdict == .inconclusive)
    #expect(!check.reason.isEmpty)
  }

  @Test func theAnswerPutsWhatIsKnownBeforeWhatIsNot() {
    func outcome(_ cases: CaseCheck...) -> CheckOutcome.Answer {
      CheckOutcome(baseline: "a", candidate: "b", criteria: CheckCriteria(), cases: cases).answer
    }
    let regression = judge(
      MadeUpPairs.pairs(12, ratio: 1.1, noise: 0.01), MadeUpPairs.pairs(24, ratio: 1.1, noise: 0.01, from: 12)
    )
    let noisy = judge(MadeUpPairs.pairs(12, ratio: 1, noise: 0.2))
    let fine = judge(MadeUpPairs.pairs(12, ratio: 1, noise: 0.005))
    let failed = CaseCheck(identity: MadeUpPairs.identity, status: .failed, reason: "no.")
    let skipped = CaseCheck(identity: MadeUpPairs.identity, status: .skipped, reason: "no.")
    #expect(outcome(fine, noisy, failed, regression) == .regression)
    #expect(outcome(fine, noisy, failed) == .failed)
    #expect(outcome(fine, noisy) == .inconclusive)
    #expect(outcome(fine, skipped) == .ok)
    #expect(outcome(skipped) == .inconclusive)
    #expect(outcome() == .inconclusive)
  }
}

struct StoredBaselineTests {
  private func record(_ session: Int, _ trial: Int, _ p50: Double, host: String = "h", hash: String = "e")
    -> TrialRecord
  {
    var record = MadeUpPairs.record(p50)
    (record.runID, record.sessionID, record.hostID, record.environmentHash) = (
      "r\(session)", "s\(session)", host, hash
    )
    (record.trial, record.orderInSession) = (trial, trial)
    return record
  }

  /// Sessions that are up to `spread` apart.
  private func table(_ sessions: Int, spread: Double, scale: Double = 1, first: Int = 0, host: String = "h")
    -> TrialTable
  {
    TrialTable(
      (first..<first + sessions).flatMap { session in
        (0..<5).map { trial in
          let deviation = 1 + spread * (Double((session * 5) % 8) - 3.5) / 7
          return record(
            session, trial, 1000 * scale * deviation * (1 + 0.001 * Double(trial)), host: host, hash: host)
        }
      })
  }

  private func check(_ stored: TrialTable, _ fresh: TrialTable, threshold: Double = 0.05) throws -> CaseCheck
  {
    var criteria = CheckCriteria()
    criteria.threshold = threshold
    return try #require(try StoredBaseline(stored, for: fresh.origins[0], criteria).check(fresh).first)
  }

  @Test func aSessionBeyondWhatSessionsDifferByIsARegression() throws {
    let stored = table(8, spread: 0.02)
    #expect(try check(stored, table(1, spread: 0, scale: 1.3, first: 20)).verdict == .regression)
    #expect(try check(stored, table(1, spread: 0, scale: 0.7, first: 20)).verdict == .improvement)
  }

  @Test func lessThanTheSmallestVisibleChangeIsNeverARegression() throws {
    let stored = table(8, spread: 0.2)
    let check = try check(stored, table(1, spread: 0, scale: 1.15, first: 20))
    let visible = try #require(check.median?.first.smallestDetectableChange)
    #expect(visible > 0.15)
    #expect(check.verdict == .inconclusive)
    #expect(check.median?.reason.hasPrefix("stored sessions as far apart as these") == true)
  }

  @Test func aThresholdAboveTheNoiseGivesAnAnswer() throws {
    let stored = table(8, spread: 0.02)
    #expect(
      try check(stored, table(1, spread: 0, scale: 1.01, first: 20), threshold: 0.25).verdict == .unchanged)
  }

  @Test func tooFewSessionsAreNoBaseline() {
    let fresh = table(1, spread: 0, first: 20)
    #expect(throws: StoredBaseline.Unusable.self) {
      try StoredBaseline(table(7, spread: 0.01), for: fresh.origins[0], CheckCriteria())
    }
  }

  @Test func sessionsOfAnotherMachineAreNotCompared() {
    let fresh = table(1, spread: 0, first: 20, host: "other")
    do {
      _ = try StoredBaseline(table(9, spread: 0.01), for: fresh.origins[0], CheckCriteria())
      Issue.record("it was taken")
    } catch {
      #expect(error.description.contains("another machine"), "\(error)")
    }
  }

  @Test func theSessionItselfIsNotItsOwnBaseline() {
    let all = table(8, spread: 0.01)
    #expect(throws: StoredBaseline.Unusable.self) {
      try StoredBaseline(all, for: all.origins[0], CheckCriteria())
    }
  }
}

struct AATallyTests {
  @Test func alarmsAndFindsAreCounted() {
    let judge = CheckJudge(CheckCriteria())
    let quiet = judge.judge(
      MadeUpPairs.identity, first: MadeUpPairs.pairs(12, ratio: 1, noise: 0.005), second: [])
    let alarmed = judge.judge(
      MadeUpPairs.identity, first: MadeUpPairs.pairs(12, ratio: 1.1, noise: 0.005),
      second: MadeUpPairs.pairs(24, ratio: 1.1, noise: 0.005, from: 12))
    func outcome(_ check: CaseCheck) -> CheckOutcome {
      CheckOutcome(baseline: "a", candidate: "a", criteria: CheckCriteria(), cases: [check])
    }
    var tally = AATally()
    for _ in 0..<298 { tally.add(outcome(quiet)) }
    #expect(tally.falseAlarms == Rate(count: 0, of: 298))
    #expect((tally.falseAlarms.upperBound ?? 0) > 0.01)
    tally.add(outcome(quiet))
    // 1 − 0.05^(1/299): the rule of three, exactly.
    #expect((tally.falseAlarms.upperBound ?? 1) < 0.01)
    tally.add(outcome(alarmed))
    #expect(tally.falseAlarms.count == 1)
    #expect(tally.gateFlags.count == 2, "p50 and CPU time")
    tally.add(alarmed, slowDown: 0.1)
    tally.add(quiet, slowDown: 0.1)
    tally.add(quiet, slowDown: 0.05)
    #expect(tally.cells.count == 2)
    #expect(tally.cells[0].found == Rate(count: 1, of: 2))
    #expect(abs((tally.cells[0].ratios.first ?? 0) - 1.1) < 0.01)
  }
}
