import ArgumentParser
import Reporting

/// What about this machine makes its numbers better or worse than they need be.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Checks whether this machine is ready to be measured, with each finding's effect and remedy.")

  @Option(help: "text or json.") var format: OutputFormat = .text

  func run() throws {
    let findings = Doctor.findings(Machine(command: ["ipcbench", "doctor"]).environment)
    switch format {
    case .text: Terminal.data(Doctor.text(findings, style: Terminal.style))
    case .json: Terminal.data(Doctor.json(findings))
    case .csv, .md: throw Problem(.usage, "'doctor' prints text or json.")
    }
  }
}
