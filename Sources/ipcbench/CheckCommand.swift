import ArgumentParser
import Comparing
import Foundation
import Harness
import LinuxIPC
import Reporting
import Results

/// Answers one question with its exit code.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Answers with its exit code whether something regressed.",
    discussion: """
      --against measures this program and another one in turn, in one session; --baseline measures this program and \
      compares it with stored sessions ('make baseline').

      Exit codes: 0 no regression, 2 regression, 3 a case failed, 5 no usable baseline, 6 inconclusive: noise, steal or \
      another machine would have hidden a regression. 1 the tool failed, 64 usage.
      """)

  @Option(help: "A commit, which is built once and kept, or an ipcbench program.") var against: String?
  @Option(help: "A folder with stored runs of this machine.") var baseline: String?
  @OptionGroup var options: CheckOptions
  @Option(help: "Write a JUnit report there.") var junit: String?
  @Option(help: "Append Markdown there; by default to $GITHUB_STEP_SUMMARY, where that is set.") var summary:
    String?
  @Option(name: .customLong("out"), help: "Where the trials are kept.") var directory = "results"
  @Option(help: "What to print at the end: text, json, md.") var format: OutputFormat = .text
  @Flag(help: "Show unchanged cases, and metrics that do not decide, too.") var all = false

  mutating func validate() throws {
    if (against == nil) == (baseline == nil) {
      throw ValidationError("Give either --against COMMIT|PROGRAM or --baseline DIR.")
    }
    if format == .csv {
      throw ValidationError(
        "'check' prints text, json or md; the trials are in the results.csv of both sides.")
    }
  }

  func run() throws {
    do {
      let (outcome, files) = try measure()
      try report(outcome, files: files)
      Terminal.error(checkReason(outcome))
      throw ArgumentParser.ExitCode(exitCode(outcome.answer).rawValue)
    } catch let error as ResultsError {
      throw Problem(.toolFailed, error.description)
    } catch let error as SystemError {
      throw Problem(.toolFailed, "\(error).")
    }
  }

  private func measure() throws -> (CheckOutcome, files: [String]) {
    if let against { return try InterleavedCheck(options, against: against, directory: directory).run() }
    return try StoredCheck(options, baseline: baseline ?? "", directory: directory).run()
  }

  private func exitCode(_ answer: CheckOutcome.Answer) -> ExitCode {
    switch answer {
    case .ok: .ok
    case .regression: .regression
    case .failed: .caseFailed
    case .inconclusive: .inconclusive
    }
  }

  // MARK: Saying it

  private func report(_ outcome: CheckOutcome, files: [String]) throws {
    switch format {
    case .json: Terminal.data(checkJSON(outcome))
    case .md: Terminal.data(checkMarkdown(outcome))
    default: Terminal.data(checkText(outcome, style: Terminal.style, files: files, showAll: all))
    }
    if let junit { try Output.write(checkJUnit(outcome), to: junit) }
    let stepSummary = ProcessInfo.processInfo.environment["GITHUB_STEP_SUMMARY"].flatMap {
      $0.isEmpty ? nil : $0
    }
    if let path = summary ?? stepSummary { try Output.append(checkMarkdown(outcome) + "\n", to: path) }
  }
}
