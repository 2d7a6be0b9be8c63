import ArgumentParser

/// Finds change points in a series of runs.
struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Finds change points in a series of runs.")

  func run() throws { throw Problem(.toolFailed, "Not there yet.") }
}
