import ArgumentParser

/// Writes results in the format of another tool.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Writes results in the format of another tool.")

  func run() throws { throw Problem(.toolFailed, "Not there yet.") }
}
