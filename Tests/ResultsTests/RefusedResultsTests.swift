import Foundation
import Glibc
import Testing

@testable import Results

/// Every file that is not what it should be gives one sentence that names it, and the line where there is one.
@Suite struct RefusedResultsTests {
  private let records = [
    Sample.record(order: 0), Sample.record(trial: 1, order: 1),
    Sample.record(Sample.identity("vsock"), order: 2, status: .skipped, reason: "no loopback"),
  ]

  private func refusal(_ text: String) -> ResultsError? {
    #expect(throws: ResultsError.self) { try TrialTable.parse(Array(text.utf8), path: "r.csv") }
  }

  /// What is said when fields of lines are replaced: lines 2 and 3 are of the first trial, 4 and 5 of the second,
  /// 6 says that a case was skipped.
  private func refusal(_ changes: [(line: Int, column: TidyRow.Column, text: String)]) throws
    -> ResultsError?
  {
    var lines = try csvRecords(ResultsCSV.tidy(records)).map(\.fields)
    for (line, column, text) in changes {
      lines[line - 1][TidyRow.columns.firstIndex(of: column.rawValue)!] = text
    }
    return refusal(lines.map(CSV.line).joined())
  }

  private static let header = TidyRow.columns.joined(separator: ",")

  private static let foreignFiles: [(text: String, code: ResultsError.Code, expected: String)] = [
    ("", .malformed, "r.csv is empty"), ("\u{FEFF}\r\n\n", .malformed, "r.csv is empty"),
    ("name,price\na,1\n", .foreign, "not an ipcbench results.csv"),
    ("\u{0}\u{1}", .foreign, "not an ipcbench"),
    ("\u{1F}\"gz,\n", .foreign, "not an ipcbench"), ("PK\u{3}\u{4}", .foreign, "not an ipcbench"),
    ("schema_version,run_id,trials_ok\n1,a,2\n", .foreign, "it is a summary.csv"),
    (header.replacing(",metric,", with: ",") + "\n", .malformed, "lacks the column metric"),
    (header + ",unit\n", .malformed, "the column 'unit' twice"),
    (header + ",x,x\n", .malformed, "the column 'x' twice"),
    (header + "\n", .empty, "r.csv holds no trials"),
    (String(header.dropLast(90)), .malformed, "the file ends inside this line"),
    (header + "\n1,2,3\n", .malformed, "3 fields under"),
  ]

  @Test(arguments: foreignFiles)
  func whatIsNotAResultsFileIsAnErrorThatSaysWhy(
    text: String, code: ResultsError.Code, expected: String
  ) {
    let error = refusal(text)
    #expect(error?.code == code)
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
    #expect(error?.message.hasSuffix(".") == true)
  }

  @Test(arguments: [
    (TidyRow.Column.value, "fast", "value is 'fast'"), (.value, "inf", "value is 'inf'"),
    (.value, "nan", "value is 'nan'"), (.value, "1e999", "value is '1e999'"),
    (.value, "-3", "latency_rtt_p50 is -3, and cannot be negative"),
    (.value, "a\u{1B}[2J\nb", "value is 'a?[2J?b'"),
    (
      .value, String(repeating: "9", count: 99),
      "value is '9999999999999999999999999999999999999999…'"
    ),
    (.status, "good", "status is 'good'"), (.better, "up", "better is 'up'"),
    (.better, "", "better is ''"),
    (.probesAgree, "perhaps", "probes_agree is 'perhaps'"),
    (.messageBytes, "", "message_bytes is ''"),
    (.messageBytes, "-1", "message_bytes is '-1'"), (.producers, "0", "producers is '0'"),
    (.consumers, "-2", "consumers is '-2'"), (.trial, "-1", "trial is '-1'"),
    (.attempt, "-1", "attempt is '-1'"),
    (.pairIndex, "-1", "pair_index is '-1'"), (.orderInSession, "-1", "order_in_session is '-1'"),
    (.samples, "-5", "samples is '-5'"), (.samples, "many", "samples is 'many'"),
    (.rateTarget, "0", "rate_target_per_s is '0'"), (.schemaVersion, "0", "schema_version is '0'"),
    (.schemaVersion, "one", "schema_version is 'one'"), (.runID, "", "run_id is ''"),
    (.mechanism, "", "mechanism is ''"), (.mechanism, "pi\u{7}pe", "mechanism is 'pi?pe'"),
    (.metric, "", "a unit without a metric"), (.metric, "p50\u{9B}", "metric is 'p50?'"),
    (.unit, "us", "latency_rtt_p50 has the unit 'us' and not 'ns'"),
    (.better, "higher", "latency_rtt_p50 has the direction 'higher' and not 'lower'"),
  ])
  func aFieldThatCannotBeIsAnErrorThatQuotesIt(
    column: TidyRow.Column, text: String, expected: String
  ) throws {
    let error = try refusal([(2, column, text)])
    #expect(error?.code == .malformed)
    #expect(error?.message.hasPrefix("Line 2 of r.csv is not what ipcbench writes") == true)
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
  }

  @Test(arguments: [
    (TidyRow.Column.status, "failed", "in the same trial, status is 'failed' here and 'ok' there"),
    (.probesAgree, "false", "in the same trial, probes_agree is 'false' here and 'true' there"),
    (.sessionID, "s9", "in the same trial, session_id is 's9' here and 's1' there"),
    (.hostID, "x", "in the same trial, host_id is 'x' here and '00000000000000aa' there"),
    (
      .environmentHash, "x",
      "in the same trial, environment_hash is 'x' here and '00000000000000bb' there"
    ),
    (.gitCommit, "x", "in the same trial, git_commit is 'x' here and '' there"),
    (.mechanism, "fifo", "in the same trial, mechanism is 'fifo' here and 'pipe' there"),
    (.messageBytes, "65", "in the same trial, message_bytes is '65' here and '64' there"),
    (.trial, "5", "in the same trial, trial is '5' here and '0' there"),
    (.attempt, "1", "in the same trial, attempt is '1' here and '0' there"),
    (.pairIndex, "0", "in the same trial, pair_index is '0' here and '' there"),
    (.rateTarget, "9.5", "in the same trial, rate_target_per_s is '9.5' here and '' there"),
    (.touch, "header", "in the same trial, touch is 'header' here and 'all' there"),
    (.reason, "odd", "in the same trial, reason is 'odd' here and '' there"),
    (.schemaVersion, "2", "schema_version is '2' here and '1' there"),
  ])
  func linesOfOneTrialThatContradictEachOtherAreAnErrorThatNamesBoth(
    column: TidyRow.Column, text: String, expected: String
  ) throws {
    let error = try refusal([(3, column, text)])
    #expect(error?.code == .malformed)
    #expect(
      error?.message.hasPrefix("Line 3 of r.csv contradicts line 2 (") == true,
      "\(error?.message ?? "")")
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
  }

  @Test func theSameRowTwiceIsAnErrorThatNamesBothLines() throws {
    let lines = try csvRecords(ResultsCSV.tidy(records)).map(\.fields)
    for (twice, sentence) in [
      (1, "Line 7 of r.csv repeats line 2 (the same trial and metric)"),
      (4, "Line 7 of r.csv repeats line 5"),
      (5, "Line 7 of r.csv repeats line 6"),
    ] {
      let error = refusal((lines + [lines[twice]]).map(CSV.line).joined())
      #expect(error?.message.hasPrefix(sentence) == true, "\(error?.message ?? "")")
    }
  }

  @Test func aTrialUnderTwoOrdersIsAnError() throws {
    let error = try refusal([(3, .orderInSession, "9")])
    #expect(
      error?.message.hasPrefix(
        "Line 3 of r.csv repeats line 2 (the same trial with another order_in_session)")
        == true)
  }

  @Test func aTrialBothWithAndWithoutMetricsIsAnError() throws {
    let error = try refusal([(3, .metric, ""), (3, .unit, ""), (3, .better, ""), (3, .value, "")])
    #expect(
      error?.message.hasPrefix(
        "Line 3 of r.csv contradicts line 2 (one trial with and without metrics)") == true)
    let skipped = try refusal([(2, .status, "skipped"), (3, .status, "skipped")])
    #expect(skipped?.message.contains("a skipped trial has a metric") == true)
  }

  @Test func aMetricThatChangesItsUnitIsAnErrorThatNamesBothLines() throws {
    let error = try refusal([(2, .metric, "novelty"), (4, .metric, "novelty"), (4, .unit, "us")])
    #expect(
      error?.message.hasPrefix(
        "Line 4 of r.csv contradicts line 2 (novelty has the unit 'us' here and 'ns' there)")
        == true)
  }

  @Test func aFileOfANewerVersionIsAnErrorThatSaysWhoCanReadIt() {
    var record = Sample.record()
    record.schemaVersion = 2
    let error = refusal(ResultsCSV.tidy([record]))
    #expect(error?.code == .newerVersion)
    #expect(error?.message.hasPrefix("Line 2 of r.csv has schema version 2") == true)
  }

  @Test func aFileThatEndsInsideALineIsAnErrorThatSaysSo() {
    let error = refusal(String(ResultsCSV.tidy([Sample.record()]).dropLast(20)))
    #expect(error?.message.hasPrefix("Line 3 of r.csv") == true)
    #expect(error?.message.contains("ends inside this line") == true)
  }

  // MARK: Files

  @Test func aFileThatIsNotThereIsAnErrorThatNamesIt() {
    let error = #expect(throws: ResultsError.self) {
      try TrialTable.read("/nonexistent/results.csv")
    }
    #expect(error?.code == .missing)
    #expect(error?.message.contains("/nonexistent/results.csv") == true)
  }

  @Test func whatIsNoFileIsRefusedAndNotWaitedFor() throws {
    let temporary = try TemporaryDirectory()
    mkfifo("\(temporary.path)/pipe", 0o600)
    for (path, what) in [
      (temporary.path, "is a directory"), ("\(temporary.path)/pipe", "is a pipe"),
      ("/dev/zero", "is a device"),
    ] {
      let error = #expect(throws: ResultsError.self) { try TrialTable.read(path) }
      #expect(error?.code == .unreadable)
      #expect(error?.message.hasPrefix("\(path) \(what)") == true, "\(error?.message ?? "")")
    }
  }

  @Test(.enabled(if: getuid() != 0, "root may read everything"))
  func aFileThatMayNotBeReadIsAnErrorThatSaysSo() throws {
    let temporary = try TemporaryDirectory()
    try temporary.write("r.csv", "")
    chmod("\(temporary.path)/r.csv", 0)
    let error = #expect(throws: ResultsError.self) {
      try TrialTable.read("\(temporary.path)/r.csv")
    }
    #expect(error?.code == .unreadable)
    #expect(error?.message.contains("may not be read") == true)
  }

  /// Sparse, so it costs no disk; told after the first piece, so it costs neither memory nor time.
  @Test(arguments: ["results.csv", "trials.jsonl", "environment.json"])
  func aLineOfTenGigabytesIsRefusedAtOnce(name: String) throws {
    let temporary = try TemporaryDirectory()
    let directory = try Sample.directory(in: temporary)
    try directory.append(Sample.record())
    try directory.finish()
    let path = "\(directory.path)/\(name)"
    #expect(truncate(path, 10 << 30) == 0)
    let time = ContinuousClock().measure {
      let error = #expect(throws: ResultsError.self) {
        if name == "results.csv" { _ = try TrialTable.read(path) } else { _ = try directory.load() }
      }
      #expect(error?.message.contains(path) == true, "\(error?.message ?? "")")
    }
    #expect(time < .seconds(5))
  }
}
