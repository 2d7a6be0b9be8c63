import Foundation
import Results
import TestSupport
import Testing

extension RunTests {
  /// Daemons of a run: processes that a run's directory is named to.
  private func daemons(of pid: Int32) -> [(pid: Int32, name: String)] {
    let pids = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap {
      Int32($0)
    }
    return pids.compactMap { candidate in
      guard let stat = text("/proc/\(candidate)/stat"),
        stat.split(separator: ")").last?.hasPrefix(" Z") == false, candidate != pid
      else { return nil }
      let words = (text("/proc/\(candidate)/cmdline") ?? "") + (text("/proc/\(candidate)/environ") ?? "")
      guard words.contains("/ipcbench-\(pid)-") else { return nil }
      return (
        candidate, text("/proc/\(candidate)/comm")?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
      )
    }
  }

  private func text(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test(arguments: [
    ("clipboard", "Xvfb", "the X server"), ("dde:hot", "dbus-daemon", "the message bus"),
  ])
  func aDaemonThatIsKilledFailsItsTrialAndTheNextHasANewOne(
    _ mechanism: String, _ daemon: String, _ title: String
  ) throws {
    let workspace = try Workspace()
    let program = try workspace.start("-m \(mechanism) -p stream --trials 4 --duration 600ms")
    var victim: Int32?
    let found = eventually(within: 10) {
      victim = daemons(of: program.pid).first { $0.name == daemon }?.pid
      return victim != nil && daemons(of: program.pid).count >= 3
    }
    guard found, let victim else {
      let result = program.wait()
      #expect(result.errors.contains("install the package"), "\(result.errors)")
      return print("\(mechanism) skipped: \(result.errors)")
    }
    usleep(300_000)
    kill(victim, SIGKILL)
    let result = program.wait()
    #expect(result.exitCode == 3, "\(result.errors)")
    let run = try workspace.load()
    let failed = run.trials.filter { $0.status == .failed }
    #expect(failed.count == 1, "\(failed.map(\.reason))")
    let reason = failed.first?.reason ?? ""
    #expect(reason.contains("\(title) was killed by signal 9") && reason.hasSuffix(".log."), "\(reason)")
    #expect(!reason.contains("\n") && !reason.contains(". "), "\(reason)")
    #expect(run.trials.last?.status == .ok)
    #expect(FileManager.default.fileExists(atPath: run.path + "/services"))
    #expect(daemons(of: program.pid).isEmpty, "\(daemons(of: program.pid))")
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test func anInterruptedRunStopsItsDaemons() throws {
    let workspace = try Workspace()
    let program = try workspace.start("-m clipboard,dbus --trials 20 --duration 200ms")
    let found = eventually(within: 10) { daemons(of: program.pid).count >= 3 }
    try #require(found, "no daemons: \(program.errorsSoFar)")
    program.signal(SIGINT)
    #expect(program.wait().exitCode == 1)
    #expect(daemons(of: program.pid).isEmpty, "\(daemons(of: program.pid))")
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test(arguments: ["clipboard", "dde:warm", "ole:call", "ole:embed", "rpc:onc-tcp", "netbios:session"])
  func nothingOutlivesAHarnessThatIsKilled(_ mechanism: String) throws {
    let workspace = try Workspace()
    let program = try workspace.start("-m \(mechanism) --trials 20 --duration 500ms")
    let found = eventually(within: 10) { daemons(of: program.pid).count >= 3 }
    try #require(found, "no daemons: \(program.errorsSoFar)")
    usleep(200_000)
    program.signal(SIGKILL)
    _ = program.wait()
    let ended = eventually(within: 5) { daemons(of: program.pid).isEmpty }
    #expect(ended, "still there: \(daemons(of: program.pid))")
    #expect(try Workspace().run("-m pipe --trials 1 --messages 5 --quiet").exitCode == 0)
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test func anObjectServerThatIsMissingSkipsWhatNeedsIt() throws {
    let workspace = try Workspace()
    let copy = workspace.url.appendingPathComponent("ipcbench")
    try FileManager.default.copyItem(at: Programs.folder.appendingPathComponent("ipcbench"), to: copy)
    let text = try Programs.call(copy.path, ["run", "-m", "ole:activate,shared-library", "--dry-run"]).output
    for file in ["ipcbench-object-server", "libipcbench-shared-section.so"] {
      #expect(text.contains(file) && text.contains("swift build"), "\(text)")
    }
  }
}
