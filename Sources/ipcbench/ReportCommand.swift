import ArgumentParser
import Foundation
import LinuxIPC
import Mechanisms
import Reporting
import Results
import SystemPackage

/// Makes people's files of a run's records.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Writes report.md and report.html into a run directory and prints its table.")

  @Argument(help: "A run directory: results/latest.") var directory: String
  @Option(name: .customLong("plots"), help: "A directory with the SVG files to inline.") var plotDirectory:
    String?
  @Option(help: "Write the data files of the plots there, and nothing else unless --draw is given too.")
  var plotData: String?
  @Option(
    help: "A shell command that makes --plots out of --plot-data; it runs before the report is written.")
  var draw: String?

  func validate() throws {
    if draw != nil && (plotData == nil || plotDirectory == nil) {
      throw ValidationError("--draw needs --plot-data to draw from and --plots to draw to.")
    }
  }

  func run() throws {
    do {
      let run = try RunDirectory.open(directory).load()
      run.warnings.forEach { log.warning("\($0)") }
      if let plotData {
        try PlotData.write(run, to: plotData, ownCost: Registry.ownCost, matrix: matrix(beside: run))
        guard let draw else { return }
        drawPictures(draw)
      }
      let plots = plotDirectory.map(Plot.load(from:)) ?? []
      let reports = RunReports(run, ownCost: Registry.ownCost)
      try write(markdownReport(reports, plots: plots), to: "\(run.path)/report.md")
      try write(htmlReport(reports, plots: plots), to: "\(run.path)/report.html")
      Terminal.data(textReport(reports, style: Terminal.style))
    } catch let error as ResultsError {
      throw Problem(.toolFailed, error.description)
    }
  }

  /// A report without pictures is better than none.
  private func drawPictures(_ command: String) {
    do throws(SystemError) {
      let child = try Processes.start(
        "/bin/sh", ["-c", command], standardOutput: .standardError, standardError: .standardError)
      let status = try child.reap()
      if status != .exited(0) { log.warning("What draws the pictures \(status): '\(command)'.") }
    } catch {
      log.warning("The pictures could not be drawn: \(error).")
    }
  }

  /// The core-to-core matrix that 'ipcbench matrix' has left beside the runs, where it is of the run's machine.
  private func matrix(beside run: Run) -> CoreMatrix? {
    let path = "\(run.path)/../matrix/\(CoreMatrix.bareCacheLine).json"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    do throws(ResultsError) {
      let matrix = try CoreMatrix.load(path)
      return matrix.hostID == run.environment.host.hostID ? matrix : nil
    } catch {
      log.warning("\(error)")
      return nil
    }
  }

  private func write(_ text: String, to path: String) throws {
    do {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw Problem(.toolFailed, "Cannot write \(path): \(error.localizedDescription).")
    }
  }
}
