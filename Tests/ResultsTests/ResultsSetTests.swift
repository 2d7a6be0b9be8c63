import Foundation
import Glibc
import Testing

@testable import Results

@Suite struct ResultsSetTests {
  let temporary: TemporaryDirectory

  init() throws { temporary = try TemporaryDirectory() }

  /// A run of one trial.
  @discardableResult private func run(
    _ id: String, in parent: String = "results", isFinished: Bool = true
  ) throws -> RunDirectory {
    var plan = Sample.plan()
    plan.runID = id
    let directory = try RunDirectory.create(
      at: "\(temporary.path)/\(parent)/\(id)", plan: plan, environment: Sample.environment())
    var record = Sample.record()
    record.runID = id
    record.environmentHash = Sample.environment().hash
    try directory.append(record)
    if isFinished { try directory.finish() }
    return directory
  }

  private func load(_ name: String) throws -> ResultsSet {
    try ResultsSet.load("\(temporary.path)/\(name)")
  }

  private func runs(_ set: ResultsSet) -> [String] { set.table.origins.map(\.runID) }

  @Test func aRunDirectoryGivesItsTrialsAndItsMachine() throws {
    let directory = try run("a")
    let set = try load("results/a/")
    #expect(set.label == "\(temporary.path)/results/a/")
    #expect(set.table == TrialTable(try directory.load().trials))
    #expect(set.environments.keys.sorted() == [Sample.environment().hash])
    #expect(set.warnings.isEmpty)
    #expect(set.files == ["\(directory.path)/results.csv"])
  }

  @Test func aRunThatWasNotFinishedGivesTheTrialsItHas() throws {
    try run("a", isFinished: false)
    let set = try load("results/a")
    #expect(set.table.trials.count == 1 && set.environments.count == 1)
    #expect(set.files == ["\(temporary.path)/results/a/trials.jsonl"])
  }

  @Test func aTableThatIsOlderThanTheTrialsIsNotRead() throws {
    let directory = try run("a")
    var later = Sample.record(trial: 1, order: 1)
    later.runID = "a"
    try directory.append(later)
    var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
    utimensat(AT_FDCWD, "\(directory.path)/results.csv", &times, 0)
    #expect(try load("results/a").table.trials.count == 2)
  }

  @Test func aRecordThatIsCutShortIsAWarning() throws {
    let directory = try run("a", isFinished: false)
    let path = "results/a/trials.jsonl"
    try temporary.write(path, try temporary.text(path) + "{\"attempt\":")
    let set = try load("results/a")
    #expect(set.table.trials.count == 1 && set.warnings.count == 1)
    #expect(set.warnings[0].contains("\(directory.path)/trials.jsonl is cut short"))
  }

  @Test func aFileAloneGivesItsTrialsAndTheMachineBesideItWhereItIsTheSame() throws {
    let directory = try run("a")
    try temporary.write("mail/a.csv", try contents("\(directory.path)/results.csv"))
    #expect(try load("mail/a.csv").environments.isEmpty)
    try temporary.write("mail/environment.json", try contents("\(directory.path)/environment.json"))
    #expect(try load("mail/a.csv").environments.count == 1)
    let other = try contents("\(directory.path)/results.csv")
      .replacingOccurrences(of: Sample.environment().hash, with: "0000000000000000")
    try temporary.write("mail/b.csv", other)
    #expect(try load("mail/b.csv").environments.isEmpty)
  }

  @Test func aMachineThatCannotBeReadIsAWarning() throws {
    let directory = try run("a")
    try temporary.write("results/a/environment.json", "{")
    let set = try load("results/a")
    #expect(set.table.trials.count == 1 && set.environments.isEmpty)
    #expect(
      set.warnings.count == 1 && set.warnings[0].contains("\(directory.path)/environment.json"))
  }

  @Test func aDirectoryOfRunsIsOneSide() throws {
    for id in ["b", "a", "c"] { try run(id) }
    try run("d", in: "results/older/still")
    try temporary.write("results/schema/README.md", "")
    try temporary.write("results/schema/example.csv", "x\n")
    symlink("c", "\(temporary.path)/results/latest")
    let set = try load("results")
    #expect(runs(set) == ["a", "b", "c", "d"])
    #expect(set.table.trials.count == 4 && set.warnings.isEmpty)
  }

  @Test func aDirectoryOfFilesIsOneSide() throws {
    for id in ["a", "b"] {
      let directory = try run(id)
      try temporary.write("mail/\(id).csv", try contents("\(directory.path)/results.csv"))
    }
    try temporary.write("mail/prices.csv", "name,price\na,1\n")
    try temporary.write("mail/notes.txt", "hello")
    let set = try load("mail")
    #expect(runs(set) == ["a", "b"])
    #expect(set.warnings.count == 1 && set.warnings[0].contains("mail/prices.csv is left out"))
  }

  @Test func aRunWithoutTrialsAmongOthersIsAWarningAndAloneAnError() throws {
    try run("a")
    for isFinished in [false, true] {
      let directory = try RunDirectory.create(
        at: "\(temporary.path)/results/none", plan: Sample.plan(), environment: Sample.environment()
      )
      if isFinished { try directory.finish() }
      let set = try load("results")
      #expect(runs(set) == ["a"])
      #expect(set.warnings.count == 1 && set.warnings[0].contains("results/none is left out"))
      let error = #expect(throws: ResultsError.self) { try load("results/none") }
      #expect(error?.code == .empty)
      try FileManager.default.removeItem(atPath: directory.path)
    }
  }

  @Test func aBrokenRunAmongOthersIsAnErrorThatNamesItsFile() throws {
    try run("a")
    try run("b")
    try temporary.write(
      "results/b/results.csv", String(try temporary.text("results/b/results.csv").dropLast(9)))
    let error = #expect(throws: ResultsError.self) { try load("results") }
    #expect(error?.message.contains("results/b/results.csv") == true)
  }

  @Test func severalPathsAreOneSideAndWhatIsThereTwiceCountsOnce() throws {
    let paths = try ["a", "b"].map { try run($0).path }
    let set = try ResultsSet.load([paths[0], paths[1], "\(paths[0])/results.csv"], label: "both")
    #expect(set.label == "both" && runs(set) == ["a", "b"] && set.table.trials.count == 2)
    #expect(set.files == paths.map { "\($0)/results.csv" })
    #expect(
      set.warnings.count == 1
        && set.warnings[0].hasPrefix("1 of the 1 trials of \(paths[0])/results.csv"))
  }

  @Test func linksThatLeadInCirclesAreFollowedOnce() throws {
    try run("a")
    symlink("..", "\(temporary.path)/results/up")
    symlink("results", "\(temporary.path)/link")
    #expect(runs(try load("link")) == ["a"])
    #expect(try load("link").warnings.isEmpty)
  }

  @Test func latestIsTheRunItPointsAt() throws {
    try run("20260131T090500Z-000000")
    symlink("20260131T090500Z-000000", "\(temporary.path)/results/latest")
    #expect(runs(try load("results/latest")) == ["20260131T090500Z-000000"])
  }

  @Test func whereThereAreNoResultsASentenceSaysSo() throws {
    try temporary.write("empty/readme.txt", "hello")
    for (path, expected) in [
      ("empty", "holds no results: give a run directory"), ("absent", "does not exist"),
      ("empty/readme.txt", "not an ipcbench results.csv"),
    ] {
      let error = #expect(throws: ResultsError.self) { try load(path) }
      #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
      #expect(error?.message.contains("\(temporary.path)/\(path)") == true)
    }
    #expect(throws: ResultsError.self) { try ResultsSet.load("") }
  }

  @Test func recordsThatCannotBeAreAnErrorThatNamesTheirLine() throws {
    let negative = Sample.record(trial: 1, order: 1, p50: -1)
    var odd = Sample.record(trial: 1, order: 1)
    odd.measures[0].unit = "us"
    for (record, expected) in [
      (negative, "Line 2 of"), (odd, "the unit 'us' and not 'ns'"), (Sample.record(), "Line 2 of"),
      (Sample.record(trial: 1), "contradicts line 1"),
    ] {
      let directory = try Sample.directory(in: temporary)
      try directory.append(Sample.record())
      try directory.append(record)
      let error = #expect(throws: ResultsError.self) { try ResultsSet.load(directory.path) }
      #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
      #expect(error?.message.contains("trials.jsonl") == true)
      try FileManager.default.removeItem(atPath: directory.path)
    }
  }
}
