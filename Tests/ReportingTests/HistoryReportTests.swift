import Comparing
import Foundation
import Results
import Testing

@testable import Reporting

/// Histories that nobody measured.
private struct MadeUpHistory {
  var series: [History.Series] = []
  var found: [[HistoryJudge.Found]] = []

  mutating func add(
    _ mechanism: String, _ values: [Double], changesAt indices: [Int] = [], environment: String = "bb",
    commit: String? = nil, pValue: Double = 1e-6, isSuperseded: Bool = false
  ) {
    let points = values.enumerated().map { index, value in
      History.Point(
        runID: "202601\(index < 9 ? "0" : "")\(index + 1)T031500Z-00000\(index % 10)",
        gitCommit: commit ?? "\(index % 10)\(index % 10)abcdef01234", startedAt: "2026-01-01T03:15:00Z",
        value: value)
    }
    let identity = CaseIdentity(
      mechanism: mechanism, variant: "", pattern: "round-trip", wait: "block", placement: "same-l3",
      attach: "inherit", messageBytes: 64)
    series.append(
      History.Series(
        machine: History.Machine(hostID: "aa", environmentHash: environment), identity: identity,
        metric: ComparedMetric(name: "latency_rtt_p50", unit: "ns", better: .lower), points: points,
        isSuperseded: isSuperseded))
    found.append(indices.map { HistoryJudge.Found(index: $0, pValue: pValue) })
  }

  var outcome: HistoryOutcome {
    let judge = HistoryJudge(HistoryCriteria(), seriesCount: series.count)
    return HistoryOutcome(
      history: History(label: "results", series: series), criteria: HistoryCriteria(),
      judgements: zip(series, found).map(judge.judge), detector: "Apache Otava")
  }
}

private func times(_ count: Int, _ value: Double) -> [Double] { Array(repeating: value, count: count) }

struct HistoryReportTests {
  private var mixed: HistoryOutcome {
    var made = MadeUpHistory()
    made.add("pipe", times(9, 5000) + times(5, 5750), changesAt: [9])
    made.add("tcp", times(12, 7000) + times(2, 9100), changesAt: [12])
    made.add("udp", times(7, 8000) + times(7, 6400), changesAt: [7])
    made.add("fifo", times(14, 6000))
    made.add("eventfd", times(5, 6000))
    return made.outcome
  }

  @Test func theTextSaysTheAnswerFirstAndWhereItChanged() {
    let text = historyText(mixed, style: TextStyle(width: 80), showAll: false)
    #expect(
      text.hasPrefix(
        """
        Regression: 1 of 4 series is worse than before; 1 inconclusive, 1 better, 1 too
          short.

        Worse
          pipe round-trip 64 B block: p50 +15.0 % (5.00 µs → 5.75 µs) since run
            20260110T031500Z-000009 (5 runs, commit 88abcdef0 → 99abcdef0).

        Inconclusive
          tcp round-trip 64 B block: p50 +30.0 % (7.00 µs → 9.10 µs) since run
            20260113T031500Z-000002 (2 runs, commit 11abcdef0 → 22abcdef0). Not yet
            certain: 2 runs of 3 at the new level.

        Better
          udp round-trip 64 B block: p50 −20.0 % (8.00 µs → 6.40 µs) since run

        """), "\(text)")
    #expect(text.contains("1 series unchanged. --all lists all 3 change points."))
    #expect(text.contains("same-l3, inherit"))
  }

  @Test(arguments: [true, false])
  func everyLineFitsAndArrivesWithoutUnicode(showAll: Bool) {
    let plain = historyText(mixed, style: TextStyle(width: 80, isUnicode: false), showAll: showAll)
    let widest = plain.split(separator: "\n").map(\.count).max() ?? 0
    #expect(widest <= 80 && plain.utf8.count == plain.count, "\(plain)")
    #expect(plain.contains("All change points") == showAll)
  }

  @Test func theReasonIsOneLineForEveryAnswer() {
    #expect(
      historyReason(mixed)
        == "regression: pipe round-trip 64 B block: p50 +15.0 % since run 20260110T031500Z-000009")
    var fresh = MadeUpHistory()
    fresh.add("tcp", times(12, 7000) + times(2, 9100), changesAt: [12])
    #expect(
      historyReason(fresh.outcome)
        == "inconclusive: tcp round-trip 64 B block: p50 +30.0 % since run 20260113T031500Z-000002: "
        + "Not yet certain: 2 runs of 3 at the new level")
    var steady = MadeUpHistory()
    steady.add("tcp", times(12, 7000))
    #expect(
      historyReason(steady.outcome) == "no regression: 1 series, none worse by 5 % or more than it has been")
    var short = MadeUpHistory()
    short.add("tcp", times(3, 7000))
    #expect(
      historyReason(short.outcome)
        == "nothing to say yet: a series needs 8 runs of one machine, and the longest has 3")
    #expect(historyReason(MadeUpHistory().outcome).hasSuffix("and there is none"))
  }

  @Test func machinesAreToldApartByLetters() {
    var made = MadeUpHistory()
    made.add("pipe", times(9, 5000) + times(5, 5750), changesAt: [9])
    made.add("pipe", times(14, 9000), environment: "cc")
    let text = historyText(made.outcome, style: TextStyle(width: 80), showAll: false)
    #expect(text.contains("pipe round-trip 64 B block [A]: p50"))
    #expect(text.contains("2 machines or environments"))
    #expect(
      text.contains("Machine A: host aa, environment bb")
        && text.contains("Machine B: host aa, environment cc"))
    #expect(!historyText(mixed, style: TextStyle(), showAll: false).contains("[A]"))
  }

  @Test func theSameCommitOnBothSidesIsSaid() {
    var made = MadeUpHistory()
    made.add("pipe", times(9, 5000) + times(5, 5750), changesAt: [9], commit: "c0ffee")
    #expect(historyText(made.outcome, style: TextStyle(), showAll: false).contains("(5 runs, same commit)"))
    #expect(historyMarkdown(made.outcome).contains("something else changed"))
  }

  @Test func whatASupersededSeriesEndedWithDecidesNothing() {
    var made = MadeUpHistory()
    made.add("pipe", times(9, 5000) + times(5, 5750), changesAt: [9], isSuperseded: true)
    made.add("pipe", times(9, 5000), environment: "cc")
    #expect(made.outcome.answer == .ok)
    let text = historyText(made.outcome, style: TextStyle(width: 200), showAll: false)
    #expect(text.contains("1 superseded") && text.contains("decide nothing"))
  }

  @Test func markdownHasATableOfWhatIsWorseAndFoldsAllChanges() {
    let markdown = historyMarkdown(mixed)
    #expect(markdown.hasPrefix("## Regression: 1 of 4 series is worse"))
    let row =
      "| pipe round-trip 64 B block | p50 | +15.0 % | 5.00 µs → 5.75 µs | 5 | 20260110T031500Z-000009 "
    #expect(markdown.contains(row))
    #expect(markdown.contains("<details><summary>All change points</summary>"))
    #expect(!markdown.contains("\n\n\n"))
  }

  @Test func namesFromOtherPeoplesFilesDoNoHarm() {
    var made = MadeUpHistory()
    made.add("pi|pe\u{1B}[31m\n# x", times(9, 5000) + times(5, 5750), changesAt: [9], commit: "<script>")
    let text = historyText(made.outcome, style: TextStyle(), showAll: true) + historyReason(made.outcome)
    #expect(!text.contains("\u{1B}"))
    let markdown = historyMarkdown(made.outcome)
    #expect(!markdown.contains("\u{1B}") && !markdown.contains("\n# x") && !markdown.contains("<script>"))
  }

  @Test func numbersForProgramsAreNeitherScaledNorRounded() throws {
    let data = Data(historyJSON(mixed).utf8)
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(json["answer"] as? String == "regression")
    let series = try #require(json["series"] as? [[String: Any]])
    let pipe = try #require(
      series.first { ($0["case"] as? [String: Any])?["mechanism"] as? String == "pipe" })
    let change = try #require(pipe["decisive"] as? [String: Any])
    #expect(change["before"] as? Double == 5000 && change["after"] as? Double == 5750)
    #expect(change["ratio"] as? Double == 1.15 && change["runs_after"] as? Int == 5)
    #expect(change["run_id"] as? String == "20260110T031500Z-000009")
    #expect((pipe["points"] as? [[String: Any]])?.count == 14)
    let verdicts = series.compactMap { $0["verdict"] as? String }
    #expect(verdicts == ["regression", "inconclusive", "improvement", "unchanged", "too_short"])
  }
}
