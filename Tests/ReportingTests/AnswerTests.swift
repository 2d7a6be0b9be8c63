import Results
import Testing

@testable import Reporting

struct AnswerTests {
  private func made() -> Run {
    var made = MadeUpRun(seed: 7)
    return made.make()
  }

  @Test func everyQuestionIsAnsweredOrNamesACommand() {
    let view = RunView(made(), ownCost: "null")
    let answers = view.answers
    #expect(answers.map(\.question.rawValue) == Array(1...13))
    for answer in answers {
      #expect(answer.measure.hasPrefix("ipcbench "))
      #expect(answer.sentences.allSatisfy { $0.hasSuffix(".") }, "\(answer.sentences)")
      #expect(!answer.sentences.contains { $0.contains("null") || $0.contains("nan") })
    }
    let answered = Set(answers.filter(\.isAnswered).map(\.question))
    #expect(
      answered.isSuperset(of: [.fastest, .spinning, .unixOrTCP, .crossovers, .sharedOrMapped, .published]))
    // Nobody measured these.
    #expect(answered.isDisjoint(with: [.manyToOne, .placement, .frameworks, .sparse]))
  }

  @Test func unixAndTCPAreJudgedByTheTrialsRanges() throws {
    let run = made()
    let view = RunView(run, ownCost: "null")
    let table = try #require(view.answer(.unixOrTCP).tables.first)
    let row = try #require(
      table.rows.first { $0[0].text == "round trip p50" && $0[1].text == "64 B" && $0[2].text == "spin" })
    func values(_ mechanism: String) -> [Double] {
      run.trials.filter {
        $0.identity.mechanism == mechanism && $0.identity.pattern == "round-trip"
          && $0.identity.messageBytes == 64
          && $0.identity.wait == "spin" && $0.status == .ok && $0.probesAgree
      }.compactMap { $0.value("latency_rtt_p50") }
    }
    let (unix, tcp) = (values("unix-stream"), values("tcp"))
    #expect(unix.count >= 2 && tcp.count >= 2)
    // 5.2 against 11.3 microseconds were made up.
    #expect(unix.max()! < tcp.min()!)
    #expect(row[5].text.hasPrefix("unix by 2."), "\(row[5].text)")
  }

  @Test func whatOverlapsIsNotCalledBetter() throws {
    var run = made()
    // Both get the same values, the other way round.
    let pattern = { (record: TrialRecord) in record.identity.pattern == "round-trip" }
    for index in run.trials.indices
    where pattern(run.trials[index]) && run.trials[index].identity.mechanism == "tcp" {
      var twin = run.trials[index].identity
      twin.mechanism = "unix-stream"
      let other = run.trials.first { $0.identity == twin && $0.trial == 2 - run.trials[index].trial }
      if let other {
        run.trials[index].measures = other.measures
        run.trials[index].histograms = other.histograms
      }
    }
    let rows = try #require(RunView(run, ownCost: "null").answer(.unixOrTCP).tables.first).rows
    let verdicts = rows.filter { $0[0].text == "round trip p50" }.map(\.[5].text)
    #expect(!verdicts.isEmpty && verdicts.allSatisfy { $0 == "no clear difference" }, "\(verdicts)")
  }

  @Test func pagesHoldTheAnswers() {
    let run = made()
    let page = htmlReport(run, ownCost: "null")
    let text = markdownReport(run, ownCost: "null")
    for question in Question.allCases {
      #expect(page.contains(html(question.text)), "\(question)")
      #expect(text.contains(markdown(question.text)), "\(question)")
    }
  }
}
