import Comparing
import Results
import Testing

@testable import Reporting

@Suite struct CheckTextTests {
  private func text(_ outcome: CheckOutcome, style: TextStyle = TextStyle(), showAll: Bool = false) -> String
  {
    checkText(outcome, style: style, files: ["results/x/baseline"], showAll: showAll)
  }

  private func headline(_ cases: [CaseCheck]) -> String {
    String(text(MadeUpCheck.outcome(cases)).prefix { $0 != "\n" })
  }

  @Test func theFirstLineIsTheAnswer() {
    let (quiet, better) = (MadeUpCheck.unchanged, MadeUpCheck.better)
    #expect(headline([quiet, better]) == "No regression: 2 cases, none worse by 5 % or more; 1 better.")
    #expect(headline([quiet]) == "No regression: 1 case, not worse by 5 % or more.")
    #expect(headline([MadeUpCheck.worse, quiet]) == "Regression: 1 of 2 cases is worse.")
    #expect(
      headline([MadeUpCheck.worse, MadeUpCheck.failed, MadeUpCheck.noisy])
        == "Regression: 1 of 3 cases is worse; 1 failed, 1 inconclusive.")
    #expect(headline([MadeUpCheck.failed, quiet]) == "Failed: 1 of 2 cases could not be measured.")
    #expect(
      headline([MadeUpCheck.noisy, quiet]) == "Inconclusive: 1 of 2 cases cannot show a change of 5 %.")
    #expect(headline([MadeUpCheck.stolen, quiet]) == "Inconclusive: 1 of 2 cases cannot tell.")
    #expect(headline([MadeUpCheck.skipped]) == "Inconclusive: nothing could be measured; 1 skipped.")
    #expect(headline([]) == "Inconclusive: there was nothing to check.")
  }

  @Test func aRegressionComesWithItsNumbersAndTheNamesHaveLinesOfTheirOwn() {
    let lines = text(MadeUpCheck.outcome([MadeUpCheck.worse])).split(separator: "\n").map(String.init)
    #expect(
      Array(lines[1...5]) == [
        "Worse",
        "    metric    change   99 % interval         medians  pairs  verdict",
        "  pipe round-trip 64 B block",
        "    p50      +11.8 %  10.0 to 13.6 %  9.20 → 10.3 µs  12+24  regression",
        "    CPU/msg   +0.4 %   −1.6 to 2.4 %  5.20 → 5.22 µs     12  unchanged",
      ])
    #expect(lines.contains { $0.contains("Where pairs are a sum") })
  }

  @Test func inconclusiveCasesAreSortedByWhatTheyCouldShow() {
    let lines = text(MadeUpCheck.outcome([MadeUpCheck.noisy, MadeUpCheck.tooFew, MadeUpCheck.lessNoisy]))
      .split(separator: "\n").map(String.init)
    #expect(
      Array(lines[1...8]) == [
        "Inconclusive: a change of 5 % would not have been seen",
        "                                  seen from ────  change ────────",
        "  case                              p50  CPU/msg     p50  CPU/msg  pairs",
        "  posix-mq round-trip 64 B block  4.0 %    7.1 %  −1.0 %   +2.0 %     12",
        "  tcp round-trip 64 KiB block      38 %    3.0 %  +4.0 %   +1.0 %  12+24",
        "  named-pipe:byte round-trip 64 B spin-then-block",
        "                                      –           +2.0 %               6",
        "  – too few pairs to show any change.",
      ])
  }

  @Test func morePairsAreAdvisedOnlyWhereTheyAreKnownToHelp() {
    #expect(text(MadeUpCheck.outcome([MadeUpCheck.noisy])).contains("--pairs"))
    #expect(!text(MadeUpCheck.outcome([MadeUpCheck.tooFew])).contains("--pairs"))
    #expect(!text(MadeUpCheck.storedSessions).contains("--pairs"))
  }

  @Test func aPacedLoadStandsUnderTheSamePercentile() {
    var paced = MadeUpCheck.lessNoisy
    paced.identity = MadeUpCheck.identity("pipe", pattern: "paced", rate: 10_000)
    paced.metrics[0].metric = CheckedMetric.all.first { $0.name == "latency_service_p50" }!
    let lines = text(MadeUpCheck.outcome([paced, MadeUpCheck.noisy])).split(separator: "\n").map(String.init)
    #expect(lines[3] == "  case                            p50  CPU/msg     p50  CPU/msg  pairs")
    #expect(lines[4].hasPrefix("  pipe paced 64 B 10 k/s block  4.0 %    7.1 %"))
  }

  @Test func otherReasonsAreSentencesAndCasesWithTheSameOneShareIt() {
    var other = MadeUpCheck.skipped
    other.identity.messageBytes = 4096
    let text = text(
      MadeUpCheck.outcome([MadeUpCheck.stolen, MadeUpCheck.skipped, other, MadeUpCheck.failed]))
    #expect(text.contains("\nInconclusive\n  sysv-mq round-trip 64 B block: the host gave 3.1 %"))
    #expect(
      text.contains("\n  mptcp round-trip 64 B block, mptcp round-trip 4 KiB block: MPTCP is switched\n"))
    #expect(text.contains("\nFailed\n  udp round-trip 64 B block: The candidate failed: message 17"))
  }

  @Test func unchangedCasesAreCountedUnlessAskedFor() {
    let outcome = MadeUpCheck.outcome([MadeUpCheck.unchanged, MadeUpCheck.lessNoisy])
    let brief = text(outcome)
    #expect(brief.contains("  1 case unchanged: a change of 5 % would have been seen. --all lists it."))
    #expect(!brief.contains("shared-memory"))
    let full = text(outcome, showAll: true)
    #expect(full.contains("\nUnchanged\n"))
    #expect(full.contains("    p50      +0.3 %  −0.1 to 0.7 %  237 → 238 ns     12  unchanged"))
    #expect(full.contains("    p99      +2.0 %   0.0 to 4.0 %  260 → 265 ns     12\n"))
    #expect(full.contains("\nNumbers of the inconclusive cases\n"))
    #expect(!full.contains("--all"))
  }

  @Test func whatWasComparedAndHowMuchCouldBeSeenComesLast() {
    let lines = text(MadeUpCheck.all).split(separator: "\n").map(String.init)
    #expect(lines.contains("! The two programs differ in their compiler: 6.3.0 and 6.3.1."))
    let end = lines.joined(separator: " ").split(separator: " ").joined(separator: " ")
    for sentence in [
      "Compared: this program (5e6f7a8b) with the baseline main (1a2b3c4d). Cases: same-l3, inherit.",
      "A case is worse when its p50 or CPU/msg is worse by more than 5 % in 12 pairs of trials (signed-rank test, "
        + "p < 0.01) and again in 24 fresh pairs (p < 0.001).",
      "Smallest change that could be seen: 1.2 % to 38 %, depending on the case; none at all where there are too "
        + "few pairs.",
      "Measured and never judged, because too noisy: p99 and message rate.",
    ] { #expect(end.contains(sentence)) }
    #expect(lines.last == "  results/x/baseline")
  }

  @Test func metricsAreInTheSameOrderWhateverTheFirstCaseHas() {
    // A stream has no latency.
    var stream = MadeUpCheck.lessNoisy
    stream.identity = MadeUpCheck.identity("pipe", pattern: "stream")
    stream.metrics.removeFirst()
    stream.metrics[0].first.smallestDetectableChange = 0.06
    let text = text(MadeUpCheck.outcome([stream, MadeUpCheck.lessNoisy]))
    #expect(text.contains("\n  case                              p50  CPU/msg     p50  CPU/msg  pairs\n"))
    #expect(text.contains("when its p50 or CPU/msg is worse"))
  }

  @Test func aDisturbedCaseCountsForNothingThatCouldBeSeen() {
    // Its pairs would have shown 3 %, had they been worth anything.
    let text = text(MadeUpCheck.outcome([MadeUpCheck.stolen, MadeUpCheck.unchanged]))
    #expect(text.contains("Smallest change that could be seen: 1.2 % to 1.4 %, depending on the case.\n"))
    #expect(!self.text(MadeUpCheck.outcome([MadeUpCheck.stolen])).contains("Smallest change"))
  }

  @Test func storedSessionsHaveWordsOfTheirOwn() {
    let text = text(MadeUpCheck.storedSessions)
    #expect(text.contains("    metric   change  sessions lie within         medians  sessions  verdict\n"))
    #expect(text.contains("    p50     +31.8 %       −9.0 to 10.0 %  9.20 → 12.1 µs         8  regression\n"))
    #expect(text.contains("at most 1 % of whole checks"))
    #expect(text.contains("Smallest change that could be seen: 10 %.\n"))
    #expect(!text.contains("pairs") && !text.contains("interval"))
  }

  @Test(arguments: MadeUpCheck.every.map(\.name), [false, true])
  func everyLineFitsAndNothingTrails(_ name: String, _ showAll: Bool) throws {
    let outcome = try #require(MadeUpCheck.every.first { $0.name == name }).outcome
    for width in [60, 80, 100] {
      let lines = text(outcome, style: TextStyle(width: width), showAll: showAll).split(separator: "\n")
      #expect(lines.allSatisfy { $0.count <= width }, "\(width)")
      #expect(lines.allSatisfy { $0.last != " " })
    }
  }

  @Test func onlyAskedForColoursAndCharactersArrive() {
    let evil = text(MadeUpCheck.evil)
    #expect(!evil.contains("\u{1B}") && !evil.contains("\u{0}"))
    let plain = text(MadeUpCheck.all, style: TextStyle(isUnicode: false), showAll: true)
    #expect(plain.utf8.allSatisfy { $0 < 0x80 })
    #expect(plain.contains("    p50           +11.8 %   10.0 to 13.6 %  9.20 -> 10.3 us  12+24  regression"))
    #expect(!plain.contains("?"))
    let coloured = text(MadeUpCheck.all, style: TextStyle(isColoured: true))
    #expect(coloured.hasPrefix("\u{1B}[31mRegression:"))
    #expect(coloured.contains("\u{1B}[31m+11.8 %\u{1B}[0m"))
    #expect(
      text(MadeUpCheck.outcome([MadeUpCheck.unchanged]), style: TextStyle(isColoured: true))
        .hasPrefix("\u{1B}[1mNo regression:"))
  }

  @Test func theOrderOfTheCasesChangesNothing() {
    var shuffled = MadeUpCheck.all
    var generator = SplitMix(state: 7)
    shuffled.cases.shuffle(using: &generator)
    #expect(text(shuffled) == text(MadeUpCheck.all))
    #expect(checkMarkdown(shuffled) == checkMarkdown(MadeUpCheck.all))
    #expect(checkJSON(shuffled) == checkJSON(MadeUpCheck.all))
    #expect(checkJUnit(shuffled) == checkJUnit(MadeUpCheck.all))
    #expect(checkReason(shuffled) == checkReason(MadeUpCheck.all))
  }
}
