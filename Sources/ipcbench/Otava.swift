import Comparing
import Foundation

/// Apache Otava, which finds change points: a Python program that is started and asked.
struct Otava {
  /// The version that the wrapper was written for and tested with.
  static let testedVersion = "0.8.0"

  /// The program and what comes before its own arguments.
  private let command: [String]
  private let environment: [String: String]

  /// - Parameter path: the program; nil looks for `otava` on the PATH and then for the package of the PATH's `python3`
  ///   (a user's installation mostly has the one without the other).
  /// - Throws: one sentence that says how to install it.
  init(path: String?, environment: [String: String] = ProcessInfo.processInfo.environment) throws {
    self.environment = environment.filter { !Self.isForOtava($0.key) }
    if let path {
      guard FileManager.default.isExecutableFile(atPath: path) else {
        throw Problem(.toolFailed, "\(path) is not a program: --otava takes the path of 'otava'.")
      }
      command = [path]
    } else if let found = Self.find("otava", environment) {
      command = [found]
    } else if let python = Self.find("python3", environment), try Self.hasPackage(python, self.environment) {
      command = [python, "-m", "otava.main"]
    } else {
      throw Problem(
        .toolFailed,
        "Apache Otava, which finds the change points, is not installed: "
          + "'python3 -m venv ~/.otava-venv && ~/.otava-venv/bin/pip install apache-otava==\(Self.testedVersion)', "
          + "and then add '--otava ~/.otava-venv/bin/otava'.")
    }
  }

  /// Otava takes every option from the environment too. A CI that sets BRANCH, as many do, would have it ask for a
  /// column of that name.
  private static func isForOtava(_ variable: String) -> Bool {
    let prefixes = ["OTAVA_", "GRAFANA_", "GRAPHITE_", "SLACK_", "POSTGRES_", "BIGQUERY_"]
    return variable == "BRANCH" || prefixes.contains { variable.hasPrefix($0) }
  }

  private static func find(_ name: String, _ environment: [String: String]) -> String? {
    (environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").map { "\($0)/\(name)" }
      .first(where: FileManager.default.isExecutableFile(atPath:))
  }

  private static func hasPackage(_ python: String, _ environment: [String: String]) throws -> Bool {
    let code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('otava') is None)"
    return try run(
      [python, "-c", code], environment, directory: "/", output: "/dev/null", errors: "/dev/null") == 0
  }

  // MARK: Asking

  /// Has the series looked at. Everything that is written for Otava, and what it said, stays in the folder.
  ///
  /// - Returns: change points by the index of the series.
  func changes(
    of series: [History.Series], _ criteria: HistoryCriteria, directory: String
  ) throws -> [Int: [HistoryJudge.Found]] {
    let input = OtavaInput(series)
    for test in input.tests { try Output.write(test.csv, to: "\(directory)/\(test.fileName)") }
    try Output.write(input.configuration, to: "\(directory)/otava.yaml")
    let (output, errors) = ("\(directory)/answer.jsonl", "\(directory)/otava.log")
    // `-P`, because the long form is misspelt in 0.8. Of both directions' shares Otava compares the larger with `-M`,
    // which is the same band seen from either side. Without a range of time only the last year would be looked at, and
    // nothing that a clock ahead of this one has written.
    let arguments = [
      "analyze", OtavaInput.group, "--config-file", "otava.yaml", "--output", "json", "-P",
      "\(criteria.pValue)", "-M",
      "\(criteria.smallestChange)", "--window", "\(criteria.window)", "--since", "1970-01-02T00:00:00Z",
      "--until",
      "2200-01-01T00:00:00Z",
    ]
    let status = try Self.run(
      command + arguments, environment, directory: directory, output: output, errors: errors)
    guard status == 0 else { throw failure(errors, "exited with \(status)") }
    do {
      return try OtavaAnswer(try text(output), to: input, series: series).changes
    } catch let misunderstood as OtavaAnswer.Misunderstood {
      throw failure(errors, misunderstood.description)
    }
  }

  /// Says what Otava itself said last, where it said anything.
  private func failure(_ log: String, _ what: String) -> Problem {
    let lines = ((try? text(log)) ?? "").split(whereSeparator: \.isNewline).map(String.init)
    let last = lines.last { $0.contains("ERROR") || $0.contains("Error") } ?? lines.last ?? "no message"
    let sentence =
      what.hasPrefix("exited") ? "Apache Otava (\(command.joined(separator: " "))) \(what)." : what
    return Problem(
      .toolFailed,
      "\(sentence) It said: \(last) (The wrapper was tested with apache-otava==\(Self.testedVersion).)")
  }

  private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  /// Output goes to files: two pipes that nobody reads in turn can stop a program for good.
  private static func run(
    _ command: [String], _ environment: [String: String], directory: String, output: String, errors: String
  ) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    process.environment = environment
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try writing(output)
    process.standardError = try writing(errors)
    do {
      try process.run()
    } catch {
      throw Problem(.toolFailed, "Cannot start \(command[0]): \(error.localizedDescription)")
    }
    process.waitUntilExit()
    return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
  }

  private static func writing(_ path: String) throws -> FileHandle {
    guard path != "/dev/null" else { return .nullDevice }
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let file = FileHandle(forWritingAtPath: path)
    else { throw Problem(.toolFailed, "Cannot write \(path).") }
    return file
  }
}
