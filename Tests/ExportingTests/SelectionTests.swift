import Results
import Testing

@testable import Exporting

@Suite struct SelectionTests {
  @Test func onlyTheLastAttemptAtATrialCounts() throws {
    let selection = try MadeUp.selection([
      MadeUp.record(attempt: 0, order: 0, probesAgree: false, measures: MadeUp.roundTrip(p50: 999)),
      MadeUp.record(attempt: 1, order: 1, measures: MadeUp.roundTrip(p50: 100)),
    ])
    let chosen = try #require(selection.runs.first?.cases.first)
    #expect(selection.values("latency_rtt_p50", of: chosen) == [100])
    #expect(chosen.disturbedTrials == 0 && chosen.loss == nil)
  }

  @Test func disturbedTrialsAreLeftOutWhereOthersAreNot() throws {
    let selection = try MadeUp.selection([
      MadeUp.record(trial: 0, order: 0, measures: MadeUp.roundTrip(p50: 100)),
      MadeUp.record(trial: 1, order: 1, probesAgree: false, measures: MadeUp.roundTrip(p50: 999)),
    ])
    let chosen = try #require(selection.runs.first?.cases.first)
    #expect(selection.values("latency_rtt_p50", of: chosen) == [100])
    #expect(
      selection.notes == [
        "1 trial is left out: the machine changed under it (the probes before and after disagree)."
      ])
  }

  @Test func whereEveryTrialIsDisturbedAllOfThemCount() throws {
    let selection = try MadeUp.selection([
      MadeUp.record(trial: 0, order: 0, probesAgree: false, measures: MadeUp.roundTrip(p50: 100)),
      MadeUp.record(trial: 1, order: 1, probesAgree: false, measures: MadeUp.roundTrip(p50: 200)),
    ])
    let chosen = try #require(selection.runs.first?.cases.first)
    #expect(selection.values("latency_rtt_p50", of: chosen) == [100, 200])
    #expect(selection.notes == ["1 case has values although the machine changed under every trial."])
  }

  /// The same trials give the same numbers in an export and in a summary.
  @Test func theRuleIsThatOfTheSummary() throws {
    var records: [TrialRecord] = []
    for trial in 0..<4 {
      for agree in [trial % 2 == 0, true] where agree || trial < 3 {
        records.append(
          MadeUp.record(
            trial: trial, attempt: agree ? 1 : 0, order: records.count, status: trial == 3 ? .failed : .ok,
            reason: trial == 3 ? "It died." : "", probesAgree: trial == 2 ? false : agree,
            measures: trial == 3 ? [] : MadeUp.roundTrip(p50: Double(100 + records.count))))
      }
    }
    let selection = try MadeUp.selection(records)
    let summary = try #require(summarise(records).first)
    let chosen = try #require(selection.runs.first?.cases.first)
    #expect(selection.values("latency_rtt_p50", of: chosen) == summary.metric("latency_rtt_p50")?.values)
    #expect(chosen.loss == Selection.Loss(status: .failed, reason: "1 of 4 trials failed: It died"))
  }

  @Test func filtersChooseCasesAndNamesChooseMetrics() throws {
    let records = [
      MadeUp.record(MadeUp.identity("pipe"), order: 0, measures: MadeUp.roundTrip(p50: 100, p99: 200)),
      MadeUp.record(MadeUp.identity("fifo"), order: 1, measures: MadeUp.roundTrip(p50: 100)),
    ]
    let selection = try MadeUp.selection(records, filters: ["mechanism:pipe"], metrics: ["latency_*", "cpu"])
    #expect(selection.runs.flatMap(\.cases).map(\.identity.mechanism) == ["pipe"])
    #expect(selection.metrics == ["latency_rtt_p50", "latency_rtt_p99", "cpu"])
  }

  @Test func whatLeavesNothingIsRefusedWithASentence() throws {
    let records = [MadeUp.record(measures: MadeUp.roundTrip(p50: 100))]
    let noCase = #expect(throws: ExportError.self) {
      try MadeUp.selection(records, filters: ["mechanism:fifo"])
    }
    #expect(noCase?.description.contains("'mechanism:fifo'") == true)
    let noMetric = #expect(throws: ExportError.self) {
      try MadeUp.selection(records, metrics: ["latency_rtt_p5"])
    }
    #expect(
      noMetric?.description
        == "results/latest has no metric 'latency_rtt_p5'; did you mean 'latency_rtt_p50'?")
  }

  @Test func aSumWithAMissingPartIsNotGiven() throws {
    let parts = MadeUp.roundTrip(p50: 100).filter { $0.metric != "cpu_system_consumer" }
    let selection = try MadeUp.selection([
      MadeUp.record(trial: 0, order: 0, measures: parts),
      MadeUp.record(trial: 1, order: 1, measures: MadeUp.roundTrip(p50: 100)),
    ])
    let chosen = try #require(selection.runs.first?.cases.first)
    #expect(selection.values("cpu", of: chosen) == [100])
  }

  @Test(arguments: [
    ("latency_rtt_p50", "latency_*", true), ("latency_rtt_p50", "*", true), ("cpu", "cpu", true),
    ("latency_rtt_p50", "*_p50", true), ("latency_rtt_p50", "*rtt*", true), ("cpu_user", "cpu", false),
    ("", "*", true), ("cpu", "cpu_*", false), ("cpu", "c*p*u", true),
  ])
  func aStarStandsForAnyCharacters(name: String, pattern: String, matches: Bool) {
    #expect(Selection.matches(Array(name.utf8)[...], Array(pattern.utf8)[...]) == matches)
  }

  /// Names are all that tells machines apart in these formats.
  @Test(arguments: ["google-benchmark", "github-action", "bmf"])
  func severalMachinesDoNotFitIntoOneFile(name: String) throws {
    let format = try #require(Exports.named(name))
    let records = [
      MadeUp.record(run: "20260131T090500Z-3f9a1c", host: "aa", measures: MadeUp.roundTrip(p50: 100)),
      MadeUp.record(run: "20260201T090500Z-3f9a1c", host: "ab", measures: MadeUp.roundTrip(p50: 100)),
    ]
    let error = #expect(throws: ExportError.self) { try MadeUp.export(format, records) }
    #expect(error?.description.contains("2 machines") == true)
  }
}
