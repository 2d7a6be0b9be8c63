import ArgumentParser
import Comparing
import Harness
import LinuxIPC
import Reporting
import Results

/// Shows what a check is worth on this machine.
struct AACommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aa",
    abstract:
      "Checks the check: how often it alarms between identical programs, and which slow-downs it finds.",
    discussion: """
      Repeats whole checks of this program against itself (A/A), and in between checks in which the echo of the candidate \
      is slowed down by a known spin. Both are done exactly as 'check --against' does them. Prints the false alarms with \
      the bound of their true rate, and how often each slow-down was found.
      """)

  @OptionGroup var options: CheckOptions
  @Option(help: "Whole checks of identical programs; by default as many as the time allows.") var checks: Int?
  @Option(help: "Start nothing further after this time.") var timeBudget = TimeSpan(argument: "60min")!
  @Option(help: "Slow-downs to inject, relative to each case's median.")
  var slowDowns = CommaList<ShareWord>(argument: "5%,10%,20%")!
  @Option(name: .customLong("out"), help: "Where the outcome of each check is kept.") var directory =
    "results"
  @Option(help: "What to print at the end: text, json, md.") var format: OutputFormat = .text

  mutating func validate() throws {
    if format == .csv { throw ValidationError("'aa' prints text, json or md.") }
    if let checks, checks < 1 { throw ValidationError("--checks must be at least 1.") }
  }

  func run() throws {
    let tally: AATally
    do {
      var session = try AASession(self)
      tally = try session.run()
    } catch let error as ResultsError {
      throw Problem(.toolFailed, error.description)
    } catch let error as SystemError {
      throw Problem(.toolFailed, "\(error).")
    }
    switch format {
    case .json: Terminal.data(aaJSON(tally, criteria: options.criteria))
    case .md: Terminal.data(aaMarkdown(tally, criteria: options.criteria))
    default: Terminal.data(aaText(tally, criteria: options.criteria, style: Terminal.style))
    }
  }
}

/// A share in a list.
struct ShareWord: ParsedWord {
  var value: Double
  init?(word: String) {
    guard let share = Share(argument: word) else { return nil }
    value = share.value
  }
}
