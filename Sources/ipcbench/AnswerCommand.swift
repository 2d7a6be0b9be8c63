import ArgumentParser
import Mechanisms
import Reporting
import Results

/// Answers the questions that people ask, from results.
struct AnswerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "answer", abstract: "Answers a question about IPC on this machine, from results.",
    usage: "ipcbench answer [NUMBER] [RUN...]",
    discussion: """
      Without a number it lists the questions, and which of them the results answer. RUN is a run directory, by default \
      results/latest; several count together. Reports hold all answers.

      Exit codes: 0 answered, 5 the results do not hold what is needed, 64 usage.
      """)

  @Argument(help: "A question's number, and run directories.") var words: [String] = []

  func run() throws {
    let number = words.first.flatMap { Int($0) }
    let paths = number == nil ? words : Array(words.dropFirst())
    if let number, !AnswerBook.questions.contains(where: { $0.number == number }) {
      throw Problem(
        .usage,
        "There is no question \(number): they go from 1 to \(AnswerBook.questions.count); 'ipcbench answer' lists them."
      )
    }
    do {
      let runs = try (paths.isEmpty ? ["results/latest"] : paths).map { try RunDirectory.open($0).load() }
      let book = AnswerBook(runs, ownCost: Registry.ownCost)
      guard let number else { return Terminal.data(book.overview(Terminal.style)) }
      guard book.isAnswered(number) == true else {
        throw Problem(
          .noBaseline, "These results do not answer that; measure what is needed: \(book.command(number))")
      }
      Terminal.data(book.text(number, Terminal.style))
    } catch let error as ResultsError {
      if paths.isEmpty, error.code == .missing {
        throw Problem(
          .noBaseline, "There are no results yet: 'make bench' makes some, or name a run directory.")
      }
      throw Problem(.toolFailed, error.description)
    }
  }
}
