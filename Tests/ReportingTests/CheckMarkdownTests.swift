import Comparing
import Results
import Testing

@testable import Reporting

@Suite struct CheckMarkdownTests {
  @Test func theHeadingIsTheAnswerAndRegressionsComeFirst() throws {
    let text = checkMarkdown(MadeUpCheck.all)
    #expect(
      text.hasPrefix("## Regression: 1 of 8 cases is worse; 1 failed, 4 inconclusive, 1 better, 1 skipped."))
    #expect(
      text.contains(
        "| pipe round-trip 64 B block | p50 | +11.8 % | 10.0 to 13.6 % | 9.20 → 10.3 µs | 12+24 | regression |"
      ))
    let titles = ["**Worse**", "**Failed**", "**Inconclusive: ", "**Inconclusive for other", "**Better**"]
    let places = try titles.map { try #require(text.range(of: $0)).lowerBound }
    #expect(places == places.sorted())
  }

  @Test func everyGateOfEveryCaseIsInATable() {
    let text = checkMarkdown(MadeUpCheck.all)
    for check in MadeUpCheck.all.cases where check.status == .ok {
      for gate in check.gates {
        #expect(text.contains("| \(gate.metric.inWords) | \(CheckNumbers.change(gate.decisive.ratio)) |"))
      }
    }
  }

  @Test func whatDoesNotMatterIsFolded() throws {
    let text = checkMarkdown(MadeUpCheck.all)
    let parts = text.components(separatedBy: "<details><summary>").dropFirst().map {
      $0.components(separatedBy: "</details>")[0]
    }
    #expect(
      parts.map { $0.components(separatedBy: "</summary>")[0] } == [
        "1 case unchanged", "Numbers of the inconclusive cases", "Metrics that are not judged",
        "1 case skipped",
      ])
    // GitHub reads a table inside of details only after an empty line.
    #expect(parts.allSatisfy { $0.contains("</summary>\n\n|") && $0.hasSuffix("\n\n") })
    #expect(!text.components(separatedBy: "<details>")[0].contains("shared-memory"))
    #expect(!text.components(separatedBy: "<details>")[0].contains("p99"))
  }

  @Test func notesAndCircumstancesEndIt() {
    let text = checkMarkdown(MadeUpCheck.all)
    #expect(
      text.contains("\n\n> - The two programs differ in their compiler: 6.3.0 and 6.3.1.\n\n- Compared: "))
    #expect(text.hasSuffix("p99 and message rate.\n"))
  }

  @Test func nothingThatComesFromElsewhereIsActedOn() {
    let text = checkMarkdown(MadeUpCheck.evil)
    #expect(!text.contains("<b") && !text.contains("\u{1B}") && !text.contains("\u{0}"))
    // A bar would end a cell, a line break its row.
    #expect(text.contains("&lt;b a='1'&gt;&amp;\\|\\`\\*\\_\\]\\]&gt;"))
    let widths = text.split(separator: "\n").filter { $0.hasPrefix("|") }
      .map { $0.replacing("\\|", with: "").count { $0 == "|" } }
    #expect(Set(widths).isSubset(of: [3, 5, 8]))
  }

  @Test func aCheckWithoutCasesHasNoTable() {
    #expect(!checkMarkdown(MadeUpCheck.outcome([])).contains("|"))
  }
}
