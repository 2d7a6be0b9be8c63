import ArgumentParser

/// Answers with its exit code whether something regressed.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Answers with its exit code whether something regressed.")

  func run() throws { throw Problem(.toolFailed, "Not there yet.") }
}
