import ArgumentParser

/// Checks the check: false alarms between identical programs, and slow-downs found.
struct AACommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aa",
    abstract: "Checks the check: false alarms between identical programs, and slow-downs found.")

  func run() throws { throw Problem(.toolFailed, "Not there yet.") }
}
