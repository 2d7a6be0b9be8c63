import Foundation
import Results
import TestSupport
import Testing

/// `check` and `aa` with this build on both sides; what they decide about noise is not asked here.
@Suite(.serialized) struct CheckTests {
  private let workspace: Workspace
  private let program = Programs.folder.appendingPathComponent("ipcbench").path

  init() throws { workspace = try Workspace() }

  private func check(_ arguments: [String], environment: [String: String] = [:]) throws -> ProgramResult {
    try Programs.run(
      "ipcbench", ["check", "--quiet", "--out", workspace.url.path] + arguments, environment: environment)
  }

  private var small: [String] {
    ["mechanism:pipe", "pattern:round-trip", "size:64", "wait:spin", "--duration", "5ms"]
  }

  @Test func bothSidesAreKeptAsRunsOfOneSessionWithPairs() throws {
    let result = try check(["--against", program] + small)
    #expect([0, 2, 6].contains(result.exitCode), "\(result.errors)")
    let session = try #require(
      try FileManager.default.contentsOfDirectory(atPath: workspace.url.path).first { $0.hasPrefix("20") })
    let sides = try ["baseline", "candidate"].map {
      try RunDirectory.open("\(workspace.url.path)/\(session)/\($0)").load()
    }
    for side in sides {
      #expect(Set(side.trials.map(\.sessionID)) == [session])
      #expect(Set(side.trials.compactMap(\.pairIndex)).isSuperset(of: 0..<12))
      // Counting system calls would slow every one of these programs.
      #expect(side.trials.allSatisfy { $0.value("system_calls_producer") == nil })
    }
    #expect(sides[0].plan.runID != sides[1].plan.runID)
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test func aRealSlowDownIsFound() throws {
    // A program that is ipcbench with an echo that takes far longer: the candidate is this build, so it is faster,
    // and seen from the other side slower.
    let slow = workspace.url.appendingPathComponent("slow")
    try "#!/bin/sh\nexec \(program) \"$@\" --echo-spin 20000\n".write(
      to: slow, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: slow.path)
    let result = try check(["--against", slow.path, "--format", "json"] + small)
    #expect(result.output.contains("\"improvement\""), "\(result.output)\(result.errors)")
  }

  @Test func reportsGoWhereTheyAreAskedFor() throws {
    let junit = workspace.url.appendingPathComponent("junit.xml")
    let summary = workspace.url.appendingPathComponent("summary.md")
    try "before\n".write(to: summary, atomically: true, encoding: .utf8)
    let result = try check(
      ["--against", program, "--junit", junit.path, "--pairs", "8"] + small,
      environment: ["GITHUB_STEP_SUMMARY": summary.path])
    #expect([0, 2, 6].contains(result.exitCode), "\(result.errors)")
    #expect(try String(contentsOf: junit, encoding: .utf8).contains("<testsuite"))
    #expect(try String(contentsOf: summary, encoding: .utf8).hasPrefix("before\n"))
    // One line, the reason.
    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
  }

  @Test(arguments: [
    ([], "--against", 64), (["--against", "x", "--baseline", "y"], "--against", 64),
    (["--against", "no-such-commit"], "neither a program nor a commit", 64),
    (["--against", "/etc/passwd"], "cannot be run", 64), (["--against", "/usr"], "is a folder", 64),
    (["--against", "/bin/true"], "left no results", 1),
    (["--against", "/bin/false"], "exited with code 1", 1),
    (["--against", "PROGRAM", "mechanism:nonsense"], "No case of the suite", 64),
    (["--against", "PROGRAM", "colour:red"], "colour", 64),
    (["--against", "PROGRAM", "--pairs", "7"], "--pairs", 64),
    (["--against", "PROGRAM", "--threshold", "-1"], "threshold", 64),
    (["--baseline", "/nonexistent"], "does not exist", 5),
    (["--baseline", "/nonexistent", "--format", "csv"], "csv", 64),
  ])
  func whatCannotBeCheckedIsSaid(_ arguments: [String], _ words: String, _ code: Int32) throws {
    let result = try check(arguments.map { $0 == "PROGRAM" ? program : $0 })
    #expect(result.exitCode == code, "\(result.errors)")
    #expect(result.errors.contains(words), "\(result.errors)")
  }

  @Test func tooFewStoredSessionsAreNoBaseline() throws {
    let stored = workspace.url.appendingPathComponent("stored").path
    for _ in 0..<2 {
      _ = try Programs.run(
        "ipcbench", ["run", "-m", "null", "--trials", "1", "--messages", "50", "--quiet", "--out", stored])
    }
    let result = try check(["--baseline", stored])
    #expect(result.exitCode == 5, "\(result.errors)")
    #expect(result.errors.contains("has 2 sessions of this machine and needs 8"), "\(result.errors)")
  }

  @Test func aSessionIsHeldAgainstStoredOnes() throws {
    let stored = workspace.url.appendingPathComponent("stored").path
    for _ in 0..<8 {
      _ = try Programs.run(
        "ipcbench",
        ["run", "--suite", "check", "--duration", "2ms", "--quiet", "--out", stored, "--trials", "3"]
          + small.prefix(4))
    }
    let result = try check(["--baseline", stored] + small)
    #expect([0, 2, 6].contains(result.exitCode), "\(result.errors)")
    #expect(result.output.contains("sessions"), "\(result.output)")
  }

  @Test func aaCountsWhatItDid() throws {
    let result = try Programs.run(
      "ipcbench",
      [
        "aa", "--checks", "2", "--duration", "2ms", "--pairs", "8", "mechanism:unix-stream", "--slow-downs",
        "50%",
        "--format", "json", "--quiet", "--out", workspace.url.path,
      ])
    #expect(result.exitCode == 0, "\(result.errors)")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    #expect(object["checks"] as? Int == 2)
    #expect((object["slow_downs"] as? [Any])?.count == 1)
    let journal = try #require(
      try FileManager.default.contentsOfDirectory(atPath: workspace.url.path).first { $0.hasPrefix("aa-") })
    let lines = try String(contentsOf: workspace.url.appendingPathComponent(journal), encoding: .utf8)
    #expect(lines.split(separator: "\n").count >= 3)
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }
}
