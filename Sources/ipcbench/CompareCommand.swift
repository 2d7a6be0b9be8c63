import ArgumentParser

/// Says which cases of two or more runs differ, and how sure that is.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Says which cases of two or more runs differ, and how sure that is.")

  func run() throws { throw Problem(.toolFailed, "Not there yet.") }
}
