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
    let records = try csvRecords(text).map(\.fields)
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
