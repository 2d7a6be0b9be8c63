import ArgumentParser
import Foundation
import LinuxIPC
import Logging

/// The command: argument parsing and wiring, nothing else.
@main
struct IPCBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ipcbench",
    abstract: "Measures inter-process communication on Linux.",
    discussion: """
      Exit codes: 0 ok, 1 the tool failed or was interrupted, 2 regression, 3 a case failed or data was \
      corrupted, 5 no usable baseline, 6 inconclusive, 64 usage.
      """,
    version: Version.text,
    subcommands: [
      ListCommand.self, ExplainCommand.self, ChooseCommand.self, AnswerCommand.self, RunCommand.self,
      ReportCommand.self,
      CompareCommand.self,
      CheckCommand.self, AACommand.self, ExportCommand.self, HistoryCommand.self, ServeCommand.self,
      DriveCommand.self, MatrixCommand.self, DoctorCommand.self, WorkerCommand.self,
    ])

  static func main() {
    StandardDescriptors.ensureOpen()
    LoggingSystem.bootstrap { _ in StandardErrorHandler() }
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let problem as Problem {
      Terminal.error(problem.sentence)
      exit(withError: ArgumentParser.ExitCode(problem.code.rawValue))
    } catch {
      exit(withError: error)
    }
  }
}

enum Version {
  /// Raised with each release; the commit of a build is in every run's environment.
  static let text = "0.1.0"
}

/// How the command ends, everywhere (`ipcbench --help` lists them).
enum ExitCode: Int32 {
  case ok = 0
  case toolFailed = 1
  case regression = 2
  case caseFailed = 3
  case noBaseline = 5
  case inconclusive = 6
  case usage = 64
}

/// A sentence for the user and the code to leave with.
struct Problem: Error {
  var code: ExitCode
  var sentence: String

  init(_ code: ExitCode, _ sentence: String) {
    self.code = code
    self.sentence = sentence
  }
}

/// What the user should know beside the data: one line each on standard error.
let log = Logger(label: "ipcbench")

struct StandardErrorHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .notice

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    Terminal.note(event.level >= .warning ? "Warning: \(event.message)" : "\(event.message)")
  }
}
