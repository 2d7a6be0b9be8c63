import Foundation
import Testing

@testable import Results

@Suite struct CSVTests {
  @Test func fieldsAreQuotedOnlyWhereTheyHaveToBe() {
    #expect(CSV.line(["a", "b c", "1.5"]) == "a,b c,1.5\r\n")
    #expect(
      CSV.line(["a,b", "say \"x\"", "two\nlines", "\"", ""])
        == "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\"\"\"\",\r\n")
    #expect(CSV.quoted("cr\r\nlf") == "\"cr\r\nlf\"")
  }

  @Test(arguments: [
    ["a", "b"], ["", ""], ["\"", "\"\""], ["a,b", "c\r\nd", "e\nf", "g\rh"], ["µs", "日本", "\u{1F600}"],
    [" a ", "\t"],
  ])
  func everyFieldIsReadBackAsItWasWritten(fields: [String]) throws {
    #expect(try CSV.parse(Array(CSV.line(fields).utf8)).map(\.fields) == [fields])
  }

  @Test func lineFeedsAloneAndAByteOrderMarkAreAccepted() throws {
    let text = "\u{FEFF}a,b\nc,\"d\ne\"\n\nf,g"
    let records = try CSV.parse(Array(text.utf8))
    #expect(records.map(\.fields) == [["a", "b"], ["c", "d\ne"], ["f", "g"]])
    #expect(records.map(\.line) == [1, 2, 5])
  }

  @Test(arguments: [("a,\"b", 1), ("a\nb,\"c\"d\n", 2), ("a\nb\nc\"d\n", 3), ("a\rb\n", 1)])
  func whatIsNotCSVIsAnErrorWithItsLine(text: String, line: Int) {
    let error = #expect(throws: CSV.SyntaxError.self) { try CSV.parse(Array(text.utf8)) }
    #expect(error?.line == line)
  }

  @Test(arguments: [
    (5.0, "5"), (0.1, "0.1"), (1e-9, "1e-09"), (405_000.25, "405000.25"), (1e21, "1e+21"), (-0.5, "-0.5"),
    (100, "100"),
  ])
  func numbersAreTheShortestDecimalThatReadsBack(number: Double, text: String) {
    #expect(shortestDecimal(number) == text)
    #expect(Double(text) == number)
  }
}

@Suite struct TidyRowTests {
  /// The order is part of the method; columns are only ever added at the end.
  @Test func theColumnsAreThoseOfTheMethodInItsOrder() {
    let method =
      "schema_version,run_id,session_id,host_id,environment_hash,git_commit,mechanism,variant,pattern,wait,"
      + "placement,attach,scope,producers,consumers,message_bytes,rate_target_per_s,trial,pair_index,"
      + "order_in_session,metric,value,unit,better,samples,status,reason"
    #expect(TidyRow.columns.joined(separator: ",").hasPrefix(method))
    #expect(TidyRow(Sample.record(), nil).fields.count == TidyRow.columns.count)
  }

  @Test func aTrialHasARowForEachOfItsMetrics() {
    let rows = TidyRow.rows(of: Sample.record(trial: 3))
    #expect(rows.map(\.metric) == ["latency_rtt_p50", "message_rate"])
    #expect(rows.map(\.value) == [1_234.5, 405_000.25])
    #expect(rows.allSatisfy { $0.trial == 3 && $0.status == .ok })
  }

  @Test(arguments: [Status.skipped, .failed])
  func aTrialWithoutMetricsKeepsARowWithItsReason(status: Status) {
    let rows = TidyRow.rows(of: Sample.record(status: status, reason: "needs an X server: install xvfb"))
    #expect(rows.count == 1)
    #expect(rows[0].metric.isEmpty && rows[0].value == nil)
    #expect(rows[0].status == status)
    #expect(rows[0].reason == "needs an X server: install xvfb")
  }

  @Test func aMetricThatIsRefusedKeepsItsRowWithItsOwnReason() {
    let row = TidyRow.rows(of: Sample.record(p50: nil))[0]
    #expect(row.metric == "latency_rtt_p50" && row.value == nil)
    #expect(row.reason == "p50 needs 20 samples and has 3")
    #expect(row.fields[21].isEmpty)
  }

  // MARK: Reading

  private var records: [TrialRecord] {
    var paired = Sample.record(
      Sample.identity("udp", bytes: 1_400, rate: 12_500.5, touch: "header"), trial: 1)
    paired.pairIndex = 4
    return [
      paired, Sample.record(trial: 0, attempt: 1, probesAgree: false),
      Sample.record(
        Sample.identity("shared-memory", variant: "posix"), status: .failed, reason: "corrupted, \"7\"\nx"),
    ]
  }

  @Test func whatWasWrittenIsReadBack() throws {
    let rows = try TidyRow.parse(Data(ResultsCSV.tidy(records).utf8), path: "r.csv")
    #expect(rows == records.flatMap(TidyRow.rows))
  }

  @Test func aFileWhoseLineBreaksWereChangedIsReadAllTheSame() throws {
    let text = ResultsCSV.tidy(records).replacingOccurrences(of: "\r\n", with: "\n")
    #expect(try TidyRow.parse(Data(text.utf8), path: "r.csv") == records.flatMap(TidyRow.rows))
  }

  @Test func columnsAreFoundByNameAndNewOnesIgnored() throws {
    let parsed = try CSV.parse(Array(ResultsCSV.tidy(records).utf8))
    let reversed = parsed.map { CSV.line($0.fields.reversed() + [$0.line == 1 ? "later_column" : "x"]) }
    #expect(try TidyRow.parse(Data(reversed.joined().utf8), path: "r.csv") == records.flatMap(TidyRow.rows))
  }

  @Test func aFileFromBeforeTheAddedColumnsIsRead() throws {
    let parsed = try CSV.parse(Array(ResultsCSV.tidy([Sample.record()]).utf8))
    let old = parsed.map { CSV.line(Array($0.fields.prefix(TidyRow.requiredColumns.count))) }
    #expect(try TidyRow.parse(Data(old.joined().utf8), path: "r.csv") == TidyRow.rows(of: Sample.record()))
  }

  /// Wherever a file loses its end, what is read is a prefix of the whole or an error: never a wrong row.
  @Test func aTruncatedFileNeverYieldsAWrongRow() throws {
    let whole = Array(ResultsCSV.tidy(records).utf8)
    let rows = records.flatMap(TidyRow.rows)
    for length in whole.indices {
      do {
        let read = try TidyRow.parse(Data(whole[..<length]), path: "r.csv")
        #expect(Array(rows.prefix(read.count)) == read, "cut to \(length)")
      } catch {
        #expect(error.code == .malformed && error.message.contains("r.csv"), "cut to \(length)")
      }
    }
  }

  @Test func aFileThatEndsInsideALineIsAnErrorThatSaysSo() {
    let text = ResultsCSV.tidy([Sample.record()]).dropLast(20)
    let error = #expect(throws: ResultsError.self) { try TidyRow.parse(Data(text.utf8), path: "r.csv") }
    #expect(error?.message.hasPrefix("Line 3 of r.csv") == true)
    #expect(error?.message.contains("ends inside this line") == true)
  }

  @Test(arguments: [
    ("", "r.csv is empty"), ("name,price\na,1\n", "not an ipcbench results.csv"),
    ("\u{0}\u{1}", "not an ipcbench"),
    (TidyRow.columns.filter { $0 != "metric" }.joined(separator: ",") + "\n", "lacks the column metric"),
    (TidyRow.columns.joined(separator: ",") + "\n1,2,3\n", "3 fields under"),
  ])
  func whatIsNotAResultsFileIsAnErrorThatSaysWhy(text: String, expected: String) {
    let error = #expect(throws: ResultsError.self) { try TidyRow.parse(Data(text.utf8), path: "r.csv") }
    #expect(error?.code == .malformed)
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
  }

  @Test(arguments: [
    (21, "fast", "value is 'fast'"), (21, "inf", "value is 'inf'"), (25, "good", "status is 'good'"),
    (15, "", "message_bytes is ''"), (23, "up", "better is 'up'"),
    (29, "perhaps", "probes_agree is 'perhaps'"),
  ])
  func aFieldThatCannotBeIsAnErrorThatQuotesIt(column: Int, text: String, expected: String) {
    var fields = TidyRow.rows(of: Sample.record())[0].fields
    fields[column] = text
    let file = CSV.line(TidyRow.columns) + CSV.line(fields)
    let error = #expect(throws: ResultsError.self) { try TidyRow.parse(Data(file.utf8), path: "r.csv") }
    #expect(error?.message.hasPrefix("Line 2 of r.csv") == true)
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
  }

  @Test func aFileOfANewerVersionIsAnErrorThatSaysWhoCanReadIt() {
    var record = Sample.record()
    record.schemaVersion = 2
    let text = ResultsCSV.tidy([record])
    let error = #expect(throws: ResultsError.self) { try TidyRow.parse(Data(text.utf8), path: "r.csv") }
    #expect(error?.code == .newerVersion)
  }

  @Test func aFileThatIsNotThereIsAnErrorThatNamesIt() {
    let error = #expect(throws: ResultsError.self) { try TidyRow.read("/nonexistent/results.csv") }
    #expect(error?.code == .missing)
    #expect(error?.message.contains("/nonexistent/results.csv") == true)
  }
}

@Suite struct SummaryCSVTests {
  @Test(arguments: [
    ("latency_rtt_p50", "ns", "latency_rtt_p50_ns"), ("message_rate", "1/s", "message_rate_per_s"),
    ("goodput", "B/s", "goodput_bytes_per_s"), ("stalls_producer", "1", "stalls_producer"),
    ("cpu_user_producer", "ns/message", "cpu_user_producer_ns_per_message"), ("odd", "a%b", "odd_a_b"),
  ])
  func aMetricsColumnEndsInItsUnit(metric: String, unit: String, column: String) {
    #expect(ResultsCSV.columnName(metric: metric, unit: unit) == column)
  }

  @Test func everyCaseHasOneRowAndEveryMetricOneColumn() throws {
    let skipped = Sample.record(Sample.identity("clipboard"), status: .skipped, reason: "needs an X server")
    let trials = [
      Sample.record(trial: 0, p50: 10), Sample.record(trial: 1, p50: 20), Sample.record(trial: 2, p50: 60),
      skipped,
    ]
    let text = ResultsCSV.summary(summarise(trials), runID: Sample.runID)
    let records = try CSV.parse(Array(text.utf8)).map(\.fields)
    #expect(records.count == 3)
    let rows = records.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(records[0], $0)) }
    #expect(rows[0]["latency_rtt_p50_ns"] == "20")
    #expect(rows[0]["message_rate_per_s"] == "405000.25")
    #expect(rows[0]["trials_ok"] == "3")
    #expect(rows[1]["status"] == "skipped")
    #expect(rows[1]["reason"] == "needs an X server")
    #expect(rows[1]["latency_rtt_p50_ns"] == "")
    #expect(rows[1]["trials_skipped"] == "1")
  }
}
