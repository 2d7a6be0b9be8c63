import ArgumentParser
import Glibc
import LinuxIPC
import Reporting
import Results
import SystemPackage

/// What about this machine makes its numbers better or worse than they need be.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Checks whether this machine is ready to be measured, with each finding's effect and remedy.",
    discussion: """
      With --apply it sets what the kernel lets one set, as root: the governor, boost, huge pages, NUMA balancing, and \
      limits. It then runs the command after '--', or waits for ^C, and puts everything back; after a kill -9 the next \
      'ipcbench run' or 'ipcbench doctor --apply' does. CPUs are not taken away and swap is not emptied. It leaves with \
      the command's exit code.

        ipcbench doctor --apply -- make bench
      """)

  @Option(help: "text or json.") var format: OutputFormat = .text
  @Flag(help: "Sets what can be set, for as long as the command after '--' runs, or until ^C.") var apply =
    false
  @Option(help: "Only these findings' settings, by name: 'governor,transparent huge pages'; by default all.")
  var only: CommaList<String>?
  /// Where /proc and /sys are, for tests.
  @Option(help: .hidden) var root = ""
  @Argument(parsing: .postTerminator, help: "What to run meanwhile, after '--'.") var command: [String] = []

  func validate() throws {
    guard !apply else { return }
    if !command.isEmpty {
      throw ValidationError("A command is run with --apply only: 'doctor --apply -- COMMAND'.")
    }
    if only != nil { throw ValidationError("--only chooses what --apply sets: add --apply.") }
  }

  func run() throws {
    let findings = Doctor.findings(Machine(command: ["ipcbench", "doctor"], root: root).environment)
    if apply { return try Treatment(findings, root: root, only: only?.elements, command: command).run() }
    switch format {
    case .text: Terminal.data(Doctor.text(findings, style: Terminal.style))
    case .json: Terminal.data(Doctor.json(findings))
    case .csv, .md: throw Problem(.usage, "'doctor' prints text or json.")
    }
  }
}

/// Settings for as long as something runs.
struct Treatment {
  private let wanted: [(finding: Doctor.Finding, setting: Doctor.Setting)]
  private let command: [String]
  private let root: String

  init(_ findings: [Doctor.Finding], root: String, only: [String]?, command: [String]) throws {
    if let unknown = only?.first(where: { name in !findings.contains { $0.name == name } }) {
      throw Problem(
        .usage,
        "There is no finding '\(unknown)'; did you mean '\(nearest(to: unknown, in: findings.map(\.name)))'?")
    }
    wanted = findings.compactMap { finding in
      finding.setting.flatMap { only?.contains(finding.name) ?? true ? (finding, $0) : nil }
    }
    self.command = command
    self.root = root
  }

  func run() throws {
    Preparation.run(quiet: false)
    var settings = BorrowedSettings(root: root)
    let outcomes = wanted.map { settings.apply($0.setting) }
    for (wish, outcome) in zip(wanted, outcomes) { say(wish.finding.name, wish.setting, outcome) }
    if outcomes.isEmpty { log.notice("There is nothing to set on this machine.") }
    if let failed = outcomes.first(where: { $0.reason != nil }), settings.isEmpty {
      throw Problem(
        .toolFailed, "Nothing could be set (\(failed.reason ?? "")); run it as root, outside of a container.")
    }
    let result = Result { () throws(SystemError) in command.isEmpty ? hold(settings) : try follow() }
    let stuck = settings.giveBack()
    for (path, before) in stuck { log.warning("\(path) could not be put back to '\(before)'.") }
    if !outcomes.isEmpty && stuck.isEmpty { log.notice("Everything was put back.") }
    let status = try result.get()
    if status != 0 || !stuck.isEmpty { throw ArgumentParser.ExitCode(status != 0 ? status : 1) }
  }

  private func say(_ finding: String, _ setting: Doctor.Setting, _ outcome: BorrowedSettings.Outcome) {
    if outcome.count > 0 {
      let files = outcome.count > 1 ? " on \(outcome.count) CPUs" : ""
      log.notice("\(finding): \(setting.value)\(files), was \(outcome.before ?? "")")
    }
    if let reason = outcome.reason { log.warning("\(finding) was not set: \(reason).") }
  }

  private func hold(_ settings: BorrowedSettings) -> Int32 {
    guard !settings.isEmpty else { return 0 }
    log.notice("Set until ^C.")
    while !StopSignal.isRequested { _ = ProcessPoll.firstEnded([], milliseconds: 1000) }
    return 0
  }

  /// Runs the command to its end; its exit code, or as a shell has it 128 and the signal that it died of.
  private func follow() throws(SystemError) -> Int32 {
    let child = try Processes.start(
      command[0], Array(command.dropFirst()), standardOutput: .standardOutput, standardError: .standardError)
    var seconds = 0
    while ProcessPoll.firstEnded([child], milliseconds: 1000) == nil {
      // A terminal has told the command itself.
      if StopSignal.isRequested { seconds += 1 }
      if seconds == 2 { child.kill(SIGTERM) }
    }
    switch try child.reap() {
    case .exited(let code): return code
    case .signalled(let signal): return 128 + signal
    }
  }
}
