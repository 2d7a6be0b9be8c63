import Results
import Testing

@testable import Comparing

/// Runs that nobody measured: what a test cares about as parameters.
private struct MadeUpHistory {
  var records: [TrialRecord] = []

  static func identity(_ mechanism: String = "pipe", pattern: String = "round-trip") -> CaseIdentity {
    CaseIdentity(
      mechanism: mechanism, variant: "", pattern: pattern, wait: "block", placement: "same-l3",
      attach: "inherit",
      messageBytes: 64)
  }

  static func runID(_ day: Int) -> String { "202601\(day < 10 ? "0" : "")\(day)T090500Z-00000\(day % 10)" }

  mutating func add(
    day: Int, _ values: [Double], mechanism: String = "pipe", host: String = "host",
    environment: String = "env",
    commit: String = "c0ffee", agree: [Bool]? = nil, status: Status = .ok, probe: Double = 100
  ) {
    for (trial, value) in values.enumerated() {
      var measures = [
        Measure("latency_rtt_p50", value, unit: "ns", better: .lower, samples: 100),
        Measure("messages", 100, unit: "1", better: .none),
        Measure("probe_cache_line_before", probe, unit: "ns", better: .none),
        Measure("probe_cache_line_after", probe, unit: "ns", better: .none),
      ]
      measures += ["cpu_user_producer", "cpu_system_producer", "cpu_user_consumer", "cpu_system_consumer"].map
      {
        Measure($0, value / 4, unit: "ns/message", better: .lower)
      }
      records.append(
        TrialRecord(
          runID: Self.runID(day), sessionID: "s\(day)", hostID: host, environmentHash: environment,
          gitCommit: commit, identity: Self.identity(mechanism), trial: trial, orderInSession: trial,
          status: status, startedAt: "2026-01-01T00:00:00Z", probesAgree: agree?[trial] ?? true,
          measures: status == .ok ? measures : []))
    }
  }

  func history(_ metrics: [String] = ["latency_rtt_p50"], since: String = "") throws -> History {
    try History(
      ResultsSet(label: "made-up", table: TrialTable(records)), metrics: MetricSelection(metrics),
      since: since)
  }
}

/// A series with these values, one run a day.
private func series(
  _ values: [Double], better: Direction = .lower, probes: [Double] = [], commits: [String] = [],
  isSuperseded: Bool = false
) -> History.Series {
  let points = values.enumerated().map { index, value in
    History.Point(
      runID: MadeUpHistory.runID(index + 1), sessionID: "s\(index)",
      gitCommit: commits.isEmpty ? "" : commits[index], startedAt: "2026-01-0\(index % 9 + 1)T09:05:00Z",
      value: value, probes: probes.isEmpty ? [] : [probes[index], nil, nil])
  }
  return History.Series(
    machine: History.Machine(hostID: "host", environmentHash: "env"), identity: MadeUpHistory.identity(),
    metric: ComparedMetric(name: "latency_rtt_p50", unit: "ns", better: better), points: points,
    isSuperseded: isSuperseded)
}

private func times(_ count: Int, _ value: Double) -> [Double] { Array(repeating: value, count: count) }

private func judge(_ values: [Double], at indices: [Int], better: Direction = .lower) -> HistoryJudgement {
  HistoryJudge(HistoryCriteria()).judge(
    series(values, better: better), indices.map { HistoryJudge.Found(index: $0, pValue: 1e-6) })
}

struct HistorySeriesTests {
  @Test func aRunIsOnePointWithTheMedianOfItsTrials() throws {
    var made = MadeUpHistory()
    made.add(day: 2, [30, 10, 20])
    made.add(day: 1, [5])
    let series = try #require(try made.history().series.first)
    #expect(series.points.map(\.value) == [5, 20])
    #expect(series.points.map(\.trialCount) == [1, 3])
    #expect(series.points.map(\.runID) == [MadeUpHistory.runID(1), MadeUpHistory.runID(2)])
    #expect(series.points[1].startedAt == "2026-01-02T09:05:00Z")
    #expect(series.points[1].gitCommit == "c0ffee" && series.points[1].sessionID == "s2")
    #expect(series.points[1].probes == [100, nil, nil])
  }

  @Test func aTrialInWhichTheMachineChangedCountsOnlyWhereThereIsNoOther() throws {
    var made = MadeUpHistory()
    made.add(day: 1, [10, 99], agree: [true, false])
    made.add(day: 2, [98, 99], agree: [false, false])
    let series = try #require(try made.history().series.first)
    #expect(series.points.map(\.value) == [10, 98.5])
  }

  @Test func aRunInWhichTheCaseFailedHasNoPoint() throws {
    var made = MadeUpHistory()
    made.add(day: 1, [10])
    made.add(day: 2, [0], status: .failed)
    made.add(day: 3, [12])
    #expect(try made.history().series.first?.points.map(\.value) == [10, 12])
  }

  @Test func whatACheckMeasuredInPairsIsLeftOut() throws {
    var made = MadeUpHistory()
    made.add(day: 1, [10])
    made.records[0].pairIndex = 0
    made.add(day: 2, [20])
    let history = try made.history()
    #expect(history.series.first?.points.map(\.value) == [20])
    #expect(history.notes == ["1 side of checks left out: their trials are made for comparing pairs."])
  }

  @Test func machinesAndEnvironmentsAreNeverMixed() throws {
    var made = MadeUpHistory()
    made.add(day: 1, [10])
    made.add(day: 2, [20], environment: "env2")
    made.add(day: 3, [30], host: "host2")
    let history = try made.history()
    #expect(history.series.map { $0.points.map(\.value) } == [[10], [20], [30]])
    #expect(history.machines.count == 3)
  }

  @Test func aSeriesIsSupersededOnceItsHostHasGoneOnElsewhereForThreeRuns() throws {
    var made = MadeUpHistory()
    for day in 1...4 { made.add(day: day, [10]) }
    made.add(day: 5, [20], environment: "env2")
    made.add(day: 6, [20], environment: "env2")
    #expect(try made.history().series.map(\.isSuperseded) == [false, false])
    made.add(day: 7, [20], environment: "env2")
    #expect(try made.history().series.map(\.isSuperseded) == [true, false])
    // Another host's runs say nothing about this one.
    made.records = made.records.map { record in
      var record = record
      if record.environmentHash == "env2" { record.hostID = "other" }
      return record
    }
    #expect(try made.history().series.map(\.isSuperseded) == [false, false])
  }

  @Test func theDefaultMetricsAreThoseOfAComparison() throws {
    var made = MadeUpHistory()
    made.add(day: 1, [10])
    #expect(try made.history([]).series.map(\.metric.name) == ["cpu", "latency_rtt_p50"])
    #expect(try made.history([]).series[0].points[0].value == 10)
  }

  @Test func aMetricThatHasNoBetterDirectionIsRefused() throws {
    var made = MadeUpHistory()
    made.add(day: 1, [10])
    #expect(throws: ComparisonError.self) { try made.history(["messages"]) }
    #expect(throws: ComparisonError.self) { try made.history(["latency_rtt_p51"]) }
  }

  @Test func runsBeforeTheFirstOneAskedForAreLeftOut() throws {
    var made = MadeUpHistory()
    for day in 1...5 { made.add(day: day, [Double(day)]) }
    #expect(try made.history(since: "20260104").series.first?.points.map(\.value) == [4, 5])
  }

  @Test func aRunWhoseIdHasNoTimeIsLeftOutAndNamed() throws {
    var made = MadeUpHistory()
    made.add(day: 1, [10])
    made.records[0].runID = "yesterday"
    made.add(day: 2, [20])
    let history = try made.history()
    #expect(history.series.first?.points.map(\.value) == [20])
    #expect(history.notes.contains { $0.contains("yesterday") })
  }

  @Test(arguments: [
    ("20260131T090500Z-3f9a1c", "2026-01-31T09:05:00Z"), ("20260131T090500Z", "2026-01-31T09:05:00Z"),
    ("20261331T090500Z-3f9a1c", nil), ("20260131T250500Z-3f9a1c", nil), ("2026-01-31", nil), ("", nil),
    ("20260131X090500Z-3f9a1c", nil), ("２０２６0131T090500Z", nil),
  ])
  func theTimeOfARunIsInItsId(id: String, time: String?) {
    #expect(History.startTime(ofRun: id) == time)
  }

  @Test func theOrderOfTheRowsChangesNothing() throws {
    var made = MadeUpHistory()
    for day in 1...9 {
      made.add(day: day, [Double(day), 7, 3], environment: day < 5 ? "env" : "env2")
      made.add(day: day, [Double(day)], mechanism: "futex")
    }
    let series = try made.history([]).series
    made.records.reverse()
    #expect(try made.history([]).series == series)
  }
}

struct HistoryJudgeTests {
  @Test func aStepForTheWorseThatThreeRunsHeldIsARegression() throws {
    let judgement = judge(times(9, 100) + times(3, 115), at: [9])
    #expect(judgement.verdict == .regression)
    let change = try #require(judgement.decisive)
    #expect(change.run.runID == MadeUpHistory.runID(10) && change.previous.runID == MadeUpHistory.runID(9))
    #expect(change.before == 100 && change.after == 115 && change.ratio == 1.15)
    #expect(change.isWorse && change.isCertain && change.runsAfter == 3 && change.runsBefore == 9)
  }

  @Test func withTwoRunsAfterItAStepIsNotYetCertain() {
    let judgement = judge(times(9, 100) + times(2, 115), at: [9])
    #expect(judgement.verdict == .inconclusive)
    #expect(judgement.decisive?.isCertain == false)
    #expect(judgement.reason.contains("2 runs of 3"))
  }

  @Test func aSeriesWithoutChangePointsIsUnchanged() {
    #expect(judge(times(12, 100), at: []).verdict == .unchanged)
  }

  @Test func theMetricSaysWhichWayIsWorse() {
    let rise = times(6, 100) + times(6, 115)
    #expect(judge(rise, at: [6], better: .higher).verdict == .improvement)
    #expect(judge(rise, at: [6], better: .lower).verdict == .regression)
    #expect(judge(rise.reversed(), at: [6], better: .higher).verdict == .regression)
    #expect(judge(rise.reversed(), at: [6], better: .lower).verdict == .improvement)
  }

  @Test func aRepairedRegressionIsHistory() {
    let judgement = judge(times(5, 100) + times(5, 130) + times(5, 101), at: [5, 10])
    #expect(judgement.verdict == .unchanged)
    #expect(judgement.changes.map(\.isWorse) == [true, false])
  }

  @Test func aHalfRepairedRegressionStaysOne() {
    let judgement = judge(times(5, 100) + times(5, 130) + times(5, 120), at: [5, 10])
    #expect(judgement.verdict == .regression)
    // It began where the level was left, and is as large as it is now.
    #expect(judgement.decisive?.index == 5 && judgement.decisive?.after == 120)
    #expect(judgement.decisive?.runsAfter == 10)
  }

  @Test func manySmallStepsForTheWorseAddUp() {
    let judgement = judge(times(4, 100) + times(4, 104) + times(4, 108), at: [4, 8])
    #expect(judgement.verdict == .regression)
    #expect(judgement.decisive?.before == 100 && judgement.decisive?.after == 108)
  }

  @Test func losingAnImprovementAgainIsARegression() {
    let judgement = judge(times(5, 100) + times(5, 80) + times(5, 100), at: [5, 10])
    #expect(judgement.verdict == .regression)
    #expect(judgement.decisive?.before == 80)
  }

  @Test func aDipOfTwoRunsIsNoLevelToBeMeasuredBy() {
    #expect(judge(times(6, 100) + times(2, 50) + times(6, 100), at: [6, 8]).verdict == .unchanged)
  }

  @Test func twoGoodRunsDoNotYetEndARegression() {
    let judgement = judge(times(6, 100) + times(4, 130) + times(2, 100), at: [6, 10])
    #expect(judgement.verdict == .regression)
    #expect(judgement.reason.contains("may be over"))
  }

  @Test func aChangeWithinTheThresholdIsNobodysBusiness() {
    #expect(judge(times(6, 100) + times(6, 104), at: [6]).verdict == .unchanged)
    // The band is the same seen from the other side.
    #expect(judge(times(6, 104.9) + times(6, 100), at: [6]).verdict == .unchanged)
    #expect(judge(times(6, 106) + times(6, 100), at: [6]).verdict == .improvement)
  }

  @Test func aChangeThatCameWithTheMachineIsInconclusiveByName() {
    let judge = HistoryJudge(HistoryCriteria())
    let values = times(6, 100) + times(6, 130)
    let changed = series(values, probes: times(6, 210) + times(6, 38))
    let judgement = judge.judge(changed, [HistoryJudge.Found(index: 6, pValue: 0)])
    #expect(judgement.verdict == .inconclusive)
    #expect(judgement.reason.contains("cache-line round trip took 210 ns before and 38 ns after"))
    let steady = series(values, probes: times(6, 210) + times(6, 230))
    #expect(judge.judge(steady, [HistoryJudge.Found(index: 6, pValue: 0)]).verdict == .regression)
  }

  @Test func afterTheMachineChangedLevelsAreMeasuredByItAsItIsNow() {
    let values = times(5, 100) + times(5, 130) + times(5, 131)
    let judgement = HistoryJudge(HistoryCriteria()).judge(
      series(values, probes: times(5, 210) + times(10, 38)),
      [HistoryJudge.Found(index: 5, pValue: 0), HistoryJudge.Found(index: 10, pValue: 0)])
    #expect(judgement.verdict == .unchanged)
  }

  @Test func aStepThatCanBeChanceAmongSoManySeriesIsNotCounted() {
    let found = [HistoryJudge.Found(index: 6, pValue: 0.0005)]
    let step = series(times(6, 100) + times(6, 130))
    #expect(HistoryJudge(HistoryCriteria(), seriesCount: 2).judge(step, found).verdict == .regression)
    let among = HistoryJudge(HistoryCriteria(), seriesCount: 3).judge(step, found)
    #expect(among.verdict == .unchanged && among.decisive == nil && among.changes.count == 1)
    #expect(among.reason.contains("among 3 series"))
    let fresh = series(times(10, 100) + times(2, 130))
    let freshFound = [HistoryJudge.Found(index: 10, pValue: 0.0005)]
    #expect(HistoryJudge(HistoryCriteria(), seriesCount: 3).judge(fresh, freshFound).verdict == .unchanged)
  }

  @Test func aRegressionEndsEvenWhereItsEndCanBeChance() {
    // Only the beginning is rare among ten series; the levels are told apart all the same.
    let found = [HistoryJudge.Found(index: 6, pValue: 1e-6), HistoryJudge.Found(index: 12, pValue: 0.0005)]
    let judgement = HistoryJudge(HistoryCriteria(), seriesCount: 10).judge(
      series(times(6, 100) + times(6, 130) + times(6, 100)), found)
    #expect(judgement.verdict == .unchanged)
  }

  @Test func ofSeveralStepsForTheWorseOneThatIsRareIsEnough() throws {
    let found = [HistoryJudge.Found(index: 6, pValue: 1e-6), HistoryJudge.Found(index: 12, pValue: 0.0005)]
    let judgement = HistoryJudge(HistoryCriteria(), seriesCount: 10).judge(
      series(times(6, 100) + times(6, 103) + times(6, 110)), found)
    #expect(judgement.verdict == .regression)
    #expect(try #require(judgement.decisive).pValue == 1e-6)
  }

  @Test func aStepOfTwoRunsInTheMiddleIsSkippedOver() {
    #expect(judge(times(6, 100) + times(2, 300) + times(6, 101), at: [6, 8]).verdict == .unchanged)
    #expect(judge(times(6, 100) + times(2, 300) + times(6, 130), at: [6, 8]).verdict == .regression)
  }

  @Test func aShortSeriesIsNotLookedAt() {
    let judgement = judge(times(7, 100), at: [4])
    #expect(judgement.verdict == .tooShort)
    #expect(judgement.reason == "7 runs, and 8 are needed.")
    #expect(judge(times(8, 100), at: []).verdict == .unchanged)
  }

  @Test func moreRunsAfterAChangeNeedALongerSeries() {
    var criteria = HistoryCriteria()
    criteria.minimumPoints = 6
    #expect(HistoryJudge(criteria).neededRuns == 12)
  }

  @Test func aSupersededSeriesKeepsItsChangesAndDecidesNothing() {
    let old = series(times(6, 100) + times(6, 130), isSuperseded: true)
    let judgement = HistoryJudge(HistoryCriteria()).judge(old, [HistoryJudge.Found(index: 6, pValue: 0)])
    #expect(judgement.verdict == .superseded && judgement.changes.count == 1)
  }

  @Test func aLevelOfZeroIsNoReasonToFail() {
    let judgement = judge(times(6, 0) + times(6, 5), at: [6])
    #expect(judgement.verdict == .regression && judgement.decisive?.ratio == nil)
    #expect(judge(times(12, 0), at: []).verdict == .unchanged)
  }

  @Test func theSameCommitOnBothSidesIsSaid() throws {
    let commits = Array(repeating: "a", count: 12)
    let judgement = HistoryJudge(HistoryCriteria()).judge(
      series(times(6, 100) + times(6, 130), commits: commits), [HistoryJudge.Found(index: 6, pValue: 0)])
    #expect(try #require(judgement.decisive).isSameCommit)
    #expect(judge(times(6, 100) + times(6, 130), at: [6]).decisive?.isSameCommit == false)
  }
}

struct HistoryOutcomeTests {
  private func outcome(_ judgements: [HistoryJudgement]) -> HistoryOutcome {
    HistoryOutcome(
      history: History(label: "made-up", series: judgements.map(\.series)), criteria: HistoryCriteria(),
      judgements: judgements)
  }

  private let regression = judge(times(6, 100) + times(6, 130), at: [6])
  private let fresh = judge(times(10, 100) + times(2, 130), at: [10])
  private let unchanged = judge(times(12, 100), at: [])
  private let short = judge(times(3, 100), at: [])

  @Test func whatIsKnownToBeBadComesBeforeWhatIsNotKnown() {
    #expect(outcome([unchanged, fresh, regression, short]).answer == .regression)
    #expect(outcome([unchanged, fresh, short]).answer == .inconclusive)
    #expect(outcome([unchanged, short]).answer == .ok)
    #expect(outcome([short]).answer == .unusable)
    #expect(outcome([]).answer == .unusable)
  }

  @Test func seriesThatChangeTogetherPointAtTheMachine() {
    let together = outcome([regression, regression, regression, unchanged]).simultaneousChanges
    #expect(together.count == 1)
    #expect(
      together.first?.contains("3 of 4 series changed together at run \(MadeUpHistory.runID(7))") == true)
    #expect(outcome([regression, regression, unchanged, unchanged]).simultaneousChanges.isEmpty)
  }

  @Test func manySeriesShareTheChanceOfAFalseAlarm() {
    #expect(HistoryCriteria().pValue(forEachOf: 1) == 0.001)
    #expect(abs(HistoryCriteria().pValue(forEachOf: 50) - 0.00002) < 1e-18)
  }
}
