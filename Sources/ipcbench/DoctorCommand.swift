import ArgumentParser
import LinuxIPC
import Reporting
import Results

/// What about this machine makes its numbers better or worse than they need be.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Checks whether this machine is ready to be measured, with each finding's effect and remedy.")

  @Option(help: "text or json.") var format: OutputFormat = .text

  func run() throws {
    let clock = Clock.choose()
    let (cost, resolution) = clock.characterise()
    let environment = Environment.capture(
      clock: ClockDescription(
        name: clock.name, resolutionNanoseconds: resolution, readCostNanoseconds: cost,
        frequencyHertz: clock.source == .ticks ? clock.ticksPerSecond : nil),
      command: ["ipcbench", "doctor"], tool: .current)
    let findings = Doctor.findings(environment)
    switch format {
    case .text: Terminal.data(Doctor.text(findings, width: min(Terminal.width, 100)))
    case .json: Terminal.data(Doctor.json(findings))
    case .csv, .md: throw Problem(.usage, "'doctor' prints text or json.")
    }
  }
}
