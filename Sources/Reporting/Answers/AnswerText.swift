import Results

/// What runs say to the questions that people ask when they choose a mechanism.
public struct AnswerBook {
  private let view: RunView

  /// - Parameter runs: at least one; the first one's machine is told. Trials of all of them count together.
  public init(_ runs: [Run], ownCost: String) {
    var run = runs[0]
    run.trials = runs.flatMap(\.trials)
    view = RunView(run, ownCost: ownCost)
  }

  public static var questions: [(number: Int, text: String)] {
    Question.allCases.map { ($0.rawValue, $0.text) }
  }

  /// Whether the runs hold what is needed; nil where there is no such question.
  public func isAnswered(_ number: Int) -> Bool? {
    Question(rawValue: number).map { view.answer($0).isAnswered }
  }

  /// What to measure for it.
  public func command(_ number: Int) -> String {
    Question(rawValue: number).map { view.answer($0).measure } ?? ""
  }

  /// All questions in a list, marked where the runs answer them.
  public func overview(_ style: TextStyle) -> String {
    view.answers.flatMap { answer in
      let number = "\(answer.question.rawValue)".leftPadded(to: 2)
      return style.wrapped(answer.question.text, first: "  \(number)  ", rest: "      ")
        + (answer.isAnswered
          ? [] : style.wrapped("not in these results: \(answer.measure)", first: "      ", rest: "        "))
    }.joined(separator: "\n")
  }

  public func text(_ number: Int, _ style: TextStyle) -> String {
    guard let question = Question(rawValue: number) else { return "" }
    let answer = view.answer(question)
    var lines = style.wrapped("\(number). \(question.text)").map { style.coloured($0, .strong) }
    lines += style.wrapped(view.run.environment.machine, first: "  ", rest: "  ") + [""]
    lines += answer.sentences.flatMap { style.wrapped($0, first: "  ", rest: "    ") }
    for table in answer.tables {
      lines += [""] + style.wrapped(table.title, first: "  ", rest: "    ") + table.text(style)
    }
    return (lines + ["", "  more    \(answer.measure)", "  figures \(view.run.path)"]).joined(separator: "\n")
  }
}

extension String {
  fileprivate func leftPadded(to width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
