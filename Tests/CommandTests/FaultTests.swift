import Foundation
import Results
import TestSupport
import Testing

extension RunTests {
  /// A run that takes long enough to be disturbed.
  static let long =
    "-m pipe,shared-memory:posix,mapped-file:disk,fifo --attach name,inherit --wait spin --trials 20 --duration 150ms"

  private func trialCount(_ workspace: Workspace) -> Int { (try? workspace.load().trials.count) ?? 0 }

  /// Waits until some trials are done and a pair of workers is at work.
  private func workers(
    _ program: RunningProgram, _ workspace: Workspace, are condition: (Int32) -> Bool = { _ in true }
  ) throws -> [Int32] {
    var pair: [Int32] = []
    let found = eventually(within: 20) {
      guard trialCount(workspace) >= 2 else { return false }
      pair = ProcessTree.children(of: program.pid)
      return pair.count == 2 && pair.allSatisfy(condition)
    }
    try #require(found, "no workers appeared: \(program.errorsSoFar)")
    return pair
  }

  private func failedTrials(_ workspace: Workspace) -> [TrialRecord] {
    ((try? workspace.load().trials) ?? []).filter { $0.status == .failed }
  }

  /// Sends a signal to one worker of a pair, and to one of a later pair if that trial was just over.
  private func disturb(
    _ program: RunningProgram, _ workspace: Workspace, _ victim: Int, _ signal: Int32, patience: Double,
    where condition: (Int32) -> Bool = { _ in true }
  ) throws {
    for _ in 0..<5 {
      kill(try workers(program, workspace, are: condition)[victim], signal)
      if eventually(within: patience, { !failedTrials(workspace).isEmpty }) { return }
    }
    Issue.record("no trial failed")
  }

  @Test(arguments: [0, 1])
  func aWorkerThatIsKilledFailsItsTrialAndTheRunGoesOn(_ victim: Int) throws {
    let workspace = try Workspace()
    let program = try workspace.start(Self.long + " --time-budget 4s")
    try disturb(program, workspace, victim, SIGKILL, patience: 0.5)
    let result = program.wait()
    #expect(result.exitCode == 3, "\(result.errors)")
    let run = try workspace.load()
    let failed = run.trials.filter { $0.status == .failed }
    #expect(!failed.isEmpty)
    #expect(failed.allSatisfy { $0.reason.contains("signal 9") }, "\(failed.map(\.reason))")
    #expect((run.trials.last?.orderInSession ?? 0) > (failed.first?.orderInSession ?? 0))
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  /// Workers that are programs of their own: one that is stopped before it has been executed would hold the run itself,
  /// which waits for that without a deadline (vfork(2)).
  @Test func aWorkerThatHangsIsStoppedAtTheDeadline() throws {
    let workspace = try Workspace()
    let program = try workspace.start(
      "-m shared-memory:posix,mapped-file:disk,fifo --attach name --wait spin --trials 20 --duration 150ms"
        + " --time-budget 6s --deadline 1500ms")
    try disturb(program, workspace, 1, SIGSTOP, patience: 2.5) {
      ProcessTree.arguments(of: $0).dropFirst().first == "worker"
    }
    let result = program.wait()
    #expect(result.exitCode == 3, "\(result.errors)")
    let failed = try workspace.load().trials.filter { $0.status == .failed }
    #expect(!failed.isEmpty)
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test(arguments: [1, 2])
  func anInterruptedRunKeepsItsTrialsAndCanGoOn(_ times: Int) throws {
    let workspace = try Workspace()
    let program = try workspace.start("-m pipe,tcp --wait spin --trials 4 --duration 200ms")
    _ = try workers(program, workspace)
    for _ in 0..<times {
      program.signal(SIGINT)
      usleep(3000)
    }
    let result = program.wait()
    #expect(result.exitCode == 1)
    #expect(result.errors.contains("--resume"), "\(result.errors)")
    let before = try workspace.load()
    #expect(before.trials.count >= 2 && before.finished.count < 8)
    #expect(before.trials.allSatisfy { $0.status == .ok })
    #expect(Traces.all.isEmpty, "\(Traces.all)")

    let resumed = try Programs.run("ipcbench", ["run", "--resume", before.path, "--quiet"])
    #expect(resumed.exitCode == 0, "\(resumed.errors)")
    let after = try workspace.load()
    #expect(after.finished.count == 8)
    #expect(after.trials.starts(with: before.trials) { $0.startedAt == $1.startedAt })
    #expect(Set(after.trials.map(\.sessionID)).count == 2)
  }

  @Test func whatAKilledRunLeftIsRemovedByTheNext() throws {
    let workspace = try Workspace()
    let program = try workspace.start(
      "-m fifo,mapped-file:disk,shared-memory --attach name --trials 50 --duration 100ms")
    let pair = try workers(program, workspace)
    program.signal(SIGKILL)
    _ = program.wait()
    #expect(eventually(within: 5) { pair.allSatisfy { kill($0, 0) != 0 } }, "workers outlived the harness")
    let finished = trialCount(workspace)
    #expect(finished >= 2)
    let next = try Workspace()
    #expect(try next.run("-m pipe --trials 1 --messages 5 --quiet").exitCode == 0)
    #expect(Traces.all.isEmpty, "\(Traces.all)")
    #expect(trialCount(workspace) == finished)
  }

  @Test func aFullDiskEndsTheRunWithASentenceAndKeepsFinishedTrials() throws {
    // A file system of its own; where that is not permitted, a limit on file sizes stands in for it.
    let workspace = try Workspace()
    let executable = Programs.folder.appendingPathComponent("ipcbench").path
    let arguments =
      "run -m pipe --wait spin --trials 200 --messages 3000 --quiet --format csv --out '\(workspace.url.path)/small'"
    let script = """
      mkdir -p '\(workspace.url.path)/small'
      if mount -t tmpfs -o size=160k tmpfs '\(workspace.url.path)/small' 2>/dev/null; then :; else ulimit -f 80; fi
      '\(executable)' \(arguments) >/dev/null; code=$?
      cp -rL '\(workspace.url.path)/small/latest' '\(workspace.url.path)/kept'
      umount '\(workspace.url.path)/small' 2>/dev/null
      exit $code
      """
    let result = try Programs.call("/usr/bin/unshare", ["--mount", "/bin/bash", "-c", script])
    let text = result.errors
    #expect(result.exitCode == 1, "\(text)")
    #expect(text.lowercased().contains("space") || text.contains("full"), "\(text)")
    let run = try RunDirectory.open("\(workspace.url.path)/kept").load()
    #expect(run.trials.count > 0 && run.trials.count < 200)
    #expect(run.trials.allSatisfy { $0.status == .ok })
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test func tooFewDescriptorsAreNamedWithTheLimitToRaise() throws {
    let workspace = try Workspace()
    let executable = Programs.folder.appendingPathComponent("ipcbench").path
    let command =
      "ulimit -n 6; exec '\(executable)' run -m pipe --trials 1 --messages 5 --quiet --format csv "
      + "--out '\(workspace.url.path)'"
    let result = try Programs.call("/bin/bash", ["-c", command])
    let text = result.errors
    let reasons = ((try? workspace.load().trials) ?? []).map(\.reason).joined()
    #expect([1, 3].contains(result.exitCode), "\(text)")
    #expect((text + reasons).contains("ulimit -n"), "\(text)\(reasons)")
  }
}
