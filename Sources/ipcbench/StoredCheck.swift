import Comparing
import Foundation
import Glibc
import Harness
import LinuxIPC
import Results
import SystemPackage

/// `check --baseline`: one session of this program against stored sessions.
struct StoredCheck {
  private let options: CheckOptions
  private let path: String
  private let stored: ResultsSet
  private let directory: String

  init(_ options: CheckOptions, baseline: String, directory: String) throws {
    self.options = options
    path = baseline
    self.directory = directory
    do {
      stored = try ResultsSet.load(baseline)
    } catch {
      throw Problem(.noBaseline, error.description)
    }
    stored.warnings.forEach { log.warning("\($0)") }
    try requireUsable()
  }

  func run() throws -> (CheckOutcome, files: [String]) {
    Preparation.run(quiet: options.quiet)
    let run = try measure()
    let fresh = TrialTable(run.trials)
    guard let origin = fresh.origins.first else {
      throw Problem(.toolFailed, "The session recorded no trial; its reasons are in \(run.path).")
    }
    var outcome = CheckOutcome(
      baseline: path, candidate: "this program", criteria: options.criteria, cases: [])
    do {
      let baseline = try StoredBaseline(stored.table, for: origin, options.criteria)
      outcome.baseline = "\(path) (\(baseline.sessions.count) sessions)"
      outcome.cases = baseline.check(fresh)
    } catch StoredBaseline.Unusable.anotherMachine(let sessions) {
      outcome.notes = [StoredBaseline.Unusable.anotherMachine(sessions: sessions).description]
    } catch {
      throw Problem(.noBaseline, error.description)
    }
    if outcome.cases.isEmpty && outcome.notes.isEmpty {
      throw Problem(
        .noBaseline, "\(path) has none of the cases that were measured: record it with the same suite.")
    }
    return (outcome, [run.path])
  }

  /// Said before minutes are spent on measuring.
  private func requireUsable() throws {
    let machine = Machine(command: CommandLine.arguments)
    let origin = TrialTable.Origin(
      schemaVersion: TrialRecord.currentSchemaVersion, runID: "", sessionID: "",
      hostID: machine.environment.host.hostID, environmentHash: machine.environment.hash, gitCommit: "")
    do {
      _ = try StoredBaseline(stored.table, for: origin, options.criteria)
    } catch StoredBaseline.Unusable.anotherMachine(let sessions) {
      throw Problem(.inconclusive, StoredBaseline.Unusable.anotherMachine(sessions: sessions).description)
    } catch {
      throw Problem(.noBaseline, error.description)
    }
  }

  /// Measured as the baseline was: by a `run` of its own.
  private func measure() throws -> Run {
    let session = RunID.make()
    let folder = "\(directory)/\(session)"
    var arguments = ["run"] + options.filters
    arguments += ["--suite", options.suite ?? "check", "--out", folder, "--format", "csv", "--no-counts"]
    if let duration = options.duration { arguments += ["--duration", "\(duration.nanoseconds)ns"] }
    if let seed = options.seed { arguments += ["--seed", String(seed)] }
    if options.quiet { arguments.append("--quiet") }
    let child = try Processes.start(
      ReferenceBuild.ownPath, arguments, standardError: FileDescriptor(rawValue: STDERR_FILENO))
    while ProcessPoll.firstEnded([child], milliseconds: 200) == nil {
      if StopSignal.isRequested { child.kill(SIGTERM) }
    }
    let status = try child.reap()
    // 3: a case failed, which its records say.
    guard status == .exited(0) || status == .exited(3) else {
      throw Problem(.toolFailed, "The session was not measured to its end (the program \(status)).")
    }
    let names = Directory.names(of: folder).filter { $0 != "latest" }
    return try RunDirectory.open("\(folder)/\(names.first ?? "")").load()
  }
}
