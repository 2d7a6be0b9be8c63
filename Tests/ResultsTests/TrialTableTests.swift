import Foundation
import Testing

@testable import Results

/// Trials cut out of a real run: a skipped case, mechanisms with metrics of their own, a trial that was repeated,
/// percentiles that were refused.
enum Fixture {
  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "Fixtures/\(name)"
    ).path
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }
}

@Suite struct TrialTableTests {
  private var records: [TrialRecord] {
    var paired = Sample.record(
      Sample.identity("udp", bytes: 1_400, rate: 12_500.5, touch: "header"), trial: 1, order: 1)
    paired.pairIndex = 4
    return [
      Sample.record(trial: 0, probesAgree: false), paired,
      Sample.record(trial: 0, attempt: 1, order: 2, p50: nil),
      Sample.record(
        Sample.identity("shared-memory", variant: "posix"), order: 3, status: .failed,
        reason: "corrupted, \"7\"\nx"),
    ]
  }

  private func table(_ text: String) throws -> TrialTable {
    try TrialTable.parse(Array(text.utf8), path: "r.csv")
  }

  @Test func whatWasWrittenIsReadBack() throws {
    let table = try table(ResultsCSV.tidy(records))
    #expect(table == TrialTable(records))
    #expect(table.trials.count == 4 && table.cases.count == 3 && table.origins.count == 1)
    #expect(table.trials.map(\.reason) == ["", "", "corrupted, \"7\"\nx", ""])
    #expect(table.trials.map(\.pairIndex) == [nil, nil, nil, 4])
    #expect(table.metrics.map(\.name) == ["latency_rtt_p50", "message_rate"])
    #expect(table.trials.map { $0.value(0) } == [1_234.5, nil, nil, 1_234.5])
    #expect(table.trials[0].values[0].samples == 1_000)
  }

  @Test func aRealRunIsReadWhole() throws {
    let table = try TrialTable.read(Fixture.path("run.csv"))
    #expect(table.trials.count == 8 && table.cases.count == 7)
    #expect(table.trials.reduce(0) { $0 + $1.values.count } == 260)
    let skipped = try #require(table.trials.first { $0.status == .skipped })
    #expect(skipped.reason.contains("'modprobe vsock_loopback'") && skipped.values.isEmpty)
    let unsteady = try #require(table.trials.first { !$0.probesAgree })
    #expect(unsteady.reason.hasPrefix("The machine changed during the trial"))
    // The offset of two clocks is the one figure that may be negative.
    let offset = try #require(table.metric("clock_offset"))
    #expect(table.trials.contains { ($0.value(offset) ?? 0) < 0 })
  }

  @Test func everyMetricOfARealRunIsKnown() throws {
    for metric in try TrialTable.read(Fixture.path("run.csv")).metrics {
      #expect(TrialTable.Metric.known(metric.name) == metric)
    }
    #expect(TrialTable.Metric.known("novelty") == nil)
  }

  @Test func theLastRecordOfATrialIsTheOneThatCounts() throws {
    let final = try table(ResultsCSV.tidy(records)).finalTrials
    #expect(final.count == 3)
    #expect(final.first { $0.trial == 0 && $0.status == .ok }?.attempt == 1)
  }

  /// A resumed run does its failed trials again, under another session and with orders that go on counting.
  @Test func aTrialThatWasDoneAgainInALaterSessionIsReadAndCountsLast() throws {
    var again = Sample.record(order: 7, p50: 2)
    again.sessionID = "s2"
    let table = try table(
      ResultsCSV.tidy([again, Sample.record(status: .failed, reason: "timed out")]))
    #expect(table.origins.map(\.sessionID) == ["s1", "s2"])
    #expect(table.trials.map(\.status) == [.failed, .ok])
    #expect(table.finalTrials.map { $0.value(0) } == [2])
  }

  // MARK: What mail, editors and later versions do to a file

  @Test func aFileWhoseLineBreaksWereChangedIsReadAllTheSame() throws {
    let text = ResultsCSV.tidy(records)
    let unix = text.replacingOccurrences(of: "\r\n", with: "\n")
    for changed in [unix, "\u{FEFF}" + unix, unix + "\n\n", String(unix.dropLast())] {
      #expect(try table(changed) == TrialTable(records))
    }
  }

  @Test func columnsAreFoundByNameAndNewOnesIgnored() throws {
    let parsed = try csvRecords(ResultsCSV.tidy(records))
    let reversed = parsed.map {
      CSV.line($0.fields.reversed() + [$0.line == 1 ? "later_column" : "x"])
    }
    #expect(try table(reversed.joined()) == TrialTable(records))
  }

  @Test func aFileFromBeforeTheAddedColumnsIsRead() throws {
    let parsed = try csvRecords(ResultsCSV.tidy([Sample.record()]))
    let added = TidyRow.Column.allCases.filter(\.isAdded).count
    let old = parsed.map { CSV.line(Array($0.fields.dropLast(added))) }
    #expect(try table(old.joined()) == TrialTable([Sample.record()]))
  }

  @Test func everyFieldMayBeQuoted() throws {
    let parsed = try csvRecords(ResultsCSV.tidy(records))
    let quoted = parsed.map { record in
      record.fields.map { "\"" + $0.replacingOccurrences(of: "\"", with: "\"\"") + "\"" }.joined(
        separator: ",")
    }
    #expect(try table(quoted.joined(separator: "\n") + "\n") == TrialTable(records))
  }

  @Test func shufflingTheRowsChangesNothing() throws {
    let whole = try csvRecords(String(decoding: try Fixture.bytes("run.csv"), as: UTF8.self)).map(
      \.fields)
    let expected = try TrialTable.read(Fixture.path("run.csv"))
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<20 {
      let rows = whole.dropFirst().shuffled(using: &generator)
      #expect(try table(([whole[0]] + rows).map(CSV.line).joined()) == expected)
    }
  }

  /// Wherever a file loses its end, what is read is a part of the whole or an error: never a wrong row.
  @Test(arguments: [false, true])
  func aTruncatedFileNeverYieldsAWrongRow(isReversed: Bool) throws {
    let parsed = try csvRecords(ResultsCSV.tidy(records))
    let lines = parsed.map { CSV.line(isReversed ? $0.fields.reversed() : $0.fields) }
    let whole = Array(lines.joined().utf8)
    let expected = try table(lines.joined())
    for length in whole.indices {
      do throws(ResultsError) {
        let read = try TrialTable.parse(Array(whole[..<length]), path: "r.csv")
        for trial in read.trials {
          #expect(isPart(trial, of: read, in: expected), "cut to \(length)")
        }
      } catch {
        #expect(error.message.contains("r.csv") && error.message.hasSuffix("."), "cut to \(length)")
      }
    }
  }

  private func isPart(_ trial: TrialTable.Trial, of table: TrialTable, in whole: TrialTable) -> Bool {
    guard let same = whole.trials.first(where: { $0.orderInSession == trial.orderInSession }) else {
      return false
    }
    func named(_ values: [TrialTable.Value], _ table: TrialTable) -> [String: Double] {
      Dictionary(uniqueKeysWithValues: values.map { (table.metrics[$0.metric].name, $0.value) })
    }
    let values = named(same.values, whole)
    return table.cases[trial.caseIndex] == whole.cases[same.caseIndex]
      && trial.status == same.status
      && trial.probesAgree == same.probesAgree
      && named(trial.values, table).allSatisfy { values[$0.key] == $0.value }
  }
}

@Suite struct MergingTests {
  private func table(_ run: String, metric: String = "novelty", unit: String = "1", order: Int = 0)
    -> TrialTable
  {
    var record = Sample.record(Sample.identity(run == "b" ? "fifo" : "pipe"), order: order)
    record.runID = run
    record.measures.append(Measure(metric, 7, unit: unit, better: .none))
    return TrialTable([record])
  }

  @Test func tablesOfSeveralRunsBecomeOneWhateverTheirOrder() throws {
    let tables = [table("a"), table("b", metric: "a_first_one"), table("c")]
    let merged = try TrialTable.merging(tables)
    #expect(merged.trials.count == 3 && merged.cases.map(\.mechanism) == ["fifo", "pipe"])
    #expect(merged.origins.map(\.runID) == ["a", "b", "c"])
    #expect(
      merged.metrics.map(\.name) == ["a_first_one", "latency_rtt_p50", "message_rate", "novelty"])
    #expect(merged.trials.map { $0.value(3) } == [7, nil, 7] && merged.trials[1].value(0) == 7)
    #expect(try TrialTable.merging(tables.reversed()) == merged)
  }

  @Test func aTrialThatIsInTwoTablesIsThereOnce() throws {
    let both = try TrialTable.merging([table("a"), table("a", order: 1)])
    #expect(try TrialTable.merging([table("a"), both, table("a", order: 1)]) == both)
  }

  @Test func tablesThatSayDifferentThingsOfOneTrialAreAnError() {
    let error = #expect(throws: ResultsError.self) {
      try TrialTable.merging([table("a"), table("a", metric: "other")], paths: ["x.csv", "y.csv"])
    }
    #expect(error?.message.hasPrefix("y.csv and x.csv say different things of one trial") == true)
  }

  @Test func aMetricInTwoUnitsIsAnError() {
    let error = #expect(throws: ResultsError.self) {
      try TrialTable.merging([table("a"), table("b", unit: "ms")], paths: ["x.csv", "y.csv"])
    }
    #expect(
      error?.message.contains("novelty has the unit 'ms' and '1'") == true,
      "\(error?.message ?? "")")
  }
}
