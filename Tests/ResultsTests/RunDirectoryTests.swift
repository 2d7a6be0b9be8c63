import Foundation
import Glibc
import Testing

@testable import Results

@Suite struct RunDirectoryTests {
  let temporary: TemporaryDirectory

  init() throws { temporary = try TemporaryDirectory() }

  private var results: String { "\(temporary.path)/results" }

  private func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  // MARK: Beginning

  @Test func aNewRunHasItsPlanAndItsEnvironmentAndNoTrials() throws {
    let plan = Sample.plan([PlannedTrial(identity: Sample.identity(rate: 0.1), trial: 1)])
    let directory = try Sample.directory(in: temporary, plan: plan)
    #expect(try names(directory.path) == ["environment.json", "plan.json", "trials.jsonl"])
    let run = try directory.load()
    #expect(run.plan == plan)
    #expect(run.environment.clock.name == "tsc")
    #expect(run.trials.isEmpty && run.warnings.isEmpty)
    #expect(run.path == directory.path)
  }

  @Test func aRunNeverOverwritesAnother() throws {
    let directory = try Sample.directory(in: temporary)
    try directory.append(Sample.record())
    let error = #expect(throws: ResultsError.self) { try Sample.directory(in: temporary) }
    #expect(error?.code == .alreadyExists)
    #expect(error?.message.contains(directory.path) == true)
    #expect(error?.message.contains("--resume") == true)
    #expect(try directory.load().trials.count == 1)
  }

  @Test func aDirectoryThatCannotBeMadeIsAnErrorThatNamesIt() throws {
    try temporary.write("file", "")
    let error = #expect(throws: ResultsError.self) {
      try RunDirectory.create(
        at: "\(temporary.path)/file/run", plan: Sample.plan(), environment: Sample.environment())
    }
    #expect(error?.code == .notWritable)
    #expect(error?.message.contains("\(temporary.path)/file/run") == true)
  }

  @Test func latestPointsAtTheNewestRunWithARelativeLink() throws {
    _ = try Sample.directory(in: temporary)
    #expect(Files.destination(ofLink: "\(results)/latest") == Sample.runID)
    var second = Sample.plan()
    second.runID = "20260131T100000Z-000000"
    _ = try RunDirectory.create(
      at: "\(results)/\(second.runID)/", plan: second, environment: Sample.environment())
    #expect(Files.destination(ofLink: "\(results)/latest") == second.runID)
  }

  @Test func latestIsMadeOnlyBesideDirectoriesThatAreNamedAfterTheirRun() throws {
    _ = try RunDirectory.create(
      at: "\(temporary.path)/mine", plan: Sample.plan(), environment: Sample.environment())
    #expect(try names(temporary.path) == ["mine"])
  }

  @Test func aFileNamedLatestIsLeftAlone() throws {
    try temporary.write("results/latest", "mine")
    _ = try Sample.directory(in: temporary)
    #expect(try temporary.text("results/latest") == "mine")
  }

  // MARK: Opening

  @Test func openingLatestGivesTheRunItPointsAt() throws {
    let directory = try Sample.directory(in: temporary)
    #expect(try RunDirectory.open("\(results)/latest").path == directory.path)
    #expect(try RunDirectory.open("\(results)/latest/").path == directory.path)
    #expect(try RunDirectory.open("\(directory.path)//").path == directory.path)
  }

  @Test func whatIsNotARunIsAnErrorThatSaysSo() {
    let absent = #expect(throws: ResultsError.self) { try RunDirectory.open("\(results)/none") }
    #expect(absent?.code == .missing)
    #expect(absent?.message.contains("\(results)/none does not exist") == true)
    let other = #expect(throws: ResultsError.self) { try RunDirectory.open(temporary.path) }
    #expect(other?.message.contains("is not a run directory: it has no plan.json") == true)
  }

  @Test(arguments: ["plan.json", "environment.json"])
  func aDamagedFileIsAnErrorThatNamesItAndTheFault(name: String) throws {
    let directory = try Sample.directory(in: temporary)
    let path = "results/\(Sample.runID)/\(name)"
    let whole = try temporary.text(path)
    for (damaged, code) in [
      (String(whole.dropLast(30)), ResultsError.Code.malformed), ("", .malformed), ("[]", .malformed),
      ("{\"schema_version\":1}", .malformed),
      (whole.replacing("\"schema_version\" : 1", with: "\"schema_version\" : 9"), .newerVersion),
    ] {
      try temporary.write(path, damaged)
      let error = #expect(throws: ResultsError.self, "\(damaged.prefix(40))") { try directory.load() }
      #expect(error?.code == code)
      #expect(error?.message.contains(name) == true)
    }
  }

  @Test(arguments: ["plan.json", "environment.json", "trials.jsonl"])
  func aMissingFileIsAnErrorThatNamesIt(name: String) throws {
    let directory = try Sample.directory(in: temporary)
    unlink("\(directory.path)/\(name)")
    let error = #expect(throws: ResultsError.self) { try directory.load() }
    #expect(error?.code == .missing)
    #expect(error?.message.contains("\(directory.path)/\(name)") == true)
  }

  // MARK: Finishing

  @Test func finishingWritesTheTablesAndTheHistograms() throws {
    let directory = try Sample.directory(in: temporary)
    for trial in 0..<2 {
      try directory.append(
        Sample.record(
          trial: trial, order: trial, histograms: [Sample.histogram([UInt64](repeating: 100, count: 50))]))
    }
    try directory.append(
      Sample.record(Sample.identity("clipboard"), order: 2, status: .skipped, reason: "needs xvfb, root"))
    try directory.finish()
    #expect(
      try TrialTable.read("\(directory.path)/results.csv") == TrialTable(try directory.load().trials))
    let summary = try csvRecords(try contents("\(directory.path)/summary.csv"))
    #expect(summary.count == 3)
    let histograms = try names("\(directory.path)/histograms")
    #expect(histograms == ["round-trip_64B_pipe_block_same-l3_inherit_latency_rtt_ns.hgrm"])
    #expect(
      try contents("\(directory.path)/histograms/\(histograms[0])").contains("Total count    =          100"))
  }

  @Test func finishingTwiceChangesNothing() throws {
    let directory = try Sample.directory(in: temporary)
    try directory.append(Sample.record(histograms: [Sample.histogram([1, 2, 3])]))
    try directory.finish()
    let files = try names(directory.path).filter { $0 != "histograms" }.map { "\(directory.path)/\($0)" }
    let before = try files.map(contents)
    try directory.finish()
    #expect(try files.map(contents) == before)
  }

  @Test func aFullDiskWhileFinishingKeepsTheTrialsAndTheOldTables() throws {
    let directory = try Sample.directory(in: temporary)
    try directory.append(Sample.record())
    try directory.finish()
    let before = try contents("\(directory.path)/results.csv")
    try directory.append(Sample.record(trial: 1))
    var limited = try RunDirectory.open(directory.path)
    limited = limited.writing { _, _ in
      errno = ENOSPC
      return -1
    }
    let error = #expect(throws: ResultsError.self) { try limited.finish() }
    #expect(error?.code == .noSpace)
    #expect(error?.path == "\(directory.path)/results.csv")
    #expect(try contents("\(directory.path)/results.csv") == before)
    #expect(try directory.load().trials.count == 2)
  }

  @Test func aRunWithoutTrialsHasTablesWithHeadersOnly() throws {
    let directory = try Sample.directory(in: temporary)
    try directory.finish()
    #expect(try csvRecords(try contents("\(directory.path)/results.csv")).map(\.fields) == [TidyRow.columns])
    #expect(try names(directory.path).contains("histograms") == false)
  }
}

@Suite struct AppendSpeedTests {
  /// An append happens between trials, on the machine that is measured. The bound is that of a debug build on
  /// a busy machine; the fastest of several tries, so that a preempted one does not count.
  @Test func appendingARecordOfManyBucketsTakesFewMilliseconds() throws {
    let temporary = try TemporaryDirectory()
    let directory = try Sample.directory(in: temporary)
    let histogram = Sample.histogram((0..<6_000).map { 1_000 + $0 * 97 })
    #expect(histogram.values.count > 3_000)
    let record = Sample.record(histograms: [histogram])
    let fastest = try (0..<5).map { _ in
      try ContinuousClock().measure { try directory.append(record) }
    }.min()
    #expect(try #require(fastest) < .milliseconds(20))
  }
}
