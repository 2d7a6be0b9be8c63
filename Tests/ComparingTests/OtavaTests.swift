import Results
import Testing

@testable import Comparing

private func series(
  _ mechanism: String, _ runs: [String], better: Direction = .lower, commit: String = "c0ffee"
) -> History.Series {
  History.Series(
    machine: History.Machine(hostID: "host", environmentHash: "env"),
    identity: CaseIdentity(
      mechanism: mechanism, variant: "", pattern: "round-trip", wait: "block", placement: "same-l3",
      attach: "inherit", messageBytes: 64),
    metric: ComparedMetric(name: "latency_rtt_p50", unit: "ns", better: better),
    points: runs.enumerated().map { index, run in
      History.Point(
        runID: run, sessionID: "s\(index)", gitCommit: commit, startedAt: "2026-01-0\(index + 1)T09:05:00Z",
        value: 1234.5 + Double(index))
    })
}

struct OtavaInputTests {
  @Test func seriesOfTheSameRunsAreColumnsOfOneFile() {
    let input = OtavaInput([
      series("pipe", ["a", "b"]), series("futex", ["a"]), series("tcp", ["a", "b"], better: .higher),
    ])
    #expect(input.tests.map(\.series) == [[0, 2], [1]])
    #expect(
      input.tests[0].csv == """
        time,run,session,commit,round-trip_64B_pipe_block_same-l3_inherit_latency_rtt_p50,\
        round-trip_64B_tcp_block_same-l3_inherit_latency_rtt_p50\r
        2026-01-01T09:05:00Z,a,s0,c0ffee,1234.5,1234.5\r
        2026-01-02T09:05:00Z,b,s1,c0ffee,1235.5,1235.5\r\n
        """)
    #expect(
      input.configuration == """
        tests:
          "series-1":
            type: csv
            file: "series-1.csv"
            time_column: time
            attributes: [run, session, commit]
            metrics:
              "round-trip_64B_pipe_block_same-l3_inherit_latency_rtt_p50": \
        {column: "round-trip_64B_pipe_block_same-l3_inherit_latency_rtt_p50", direction: -1}
              "round-trip_64B_tcp_block_same-l3_inherit_latency_rtt_p50": \
        {column: "round-trip_64B_tcp_block_same-l3_inherit_latency_rtt_p50", direction: 1}
          "series-2":
            type: csv
            file: "series-2.csv"
            time_column: time
            attributes: [run, session, commit]
            metrics:
              "round-trip_64B_futex_block_same-l3_inherit_latency_rtt_p50": \
        {column: "round-trip_64B_futex_block_same-l3_inherit_latency_rtt_p50", direction: -1}
        test_groups:
          ipcbench: ["series-1", "series-2"]

        """)
  }

  @Test func namesFromOtherPeoplesFilesAreQuoted() {
    let input = OtavaInput([series("pi,p\"e", ["a,\"b"], commit: "x,y")])
    #expect(input.tests[0].csv.contains(",\"a,\"\"b\",s0,\"x,y\",1234.5"))
    #expect(!input.configuration.contains("pi,p"))
  }

  @Test func seriesOfDifferentMachinesShareNoFile() {
    var other = series("tcp", ["a", "b"])
    other.machine.environmentHash = "env2"
    #expect(OtavaInput([series("pipe", ["a", "b"]), other]).tests.count == 2)
  }
}

struct OtavaAnswerTests {
  private let known = [series("pipe", ["a", "b", "c"]), series("tcp", ["a", "b", "c"])]
  private let column = "round-trip_64B_tcp_block_same-l3_inherit_latency_rtt_p50"

  private func answer(_ text: String) throws -> OtavaAnswer {
    try OtavaAnswer(text, to: OtavaInput(known), series: known)
  }

  /// As version 0.8.0 printed it, but for the names.
  private func line(test: String = "series-1", run: String = "c", metric: String? = nil, index: Int = 2)
    -> String
  {
    """
    {"\(test)": [{"time": 1768208700, "attributes": {"run": "\(run)", "session": "s2", "commit": "c0ffee"}, \
    "changes": [{"metric": "\(metric ?? column)", "index": \(index), "time": 1768208700, \
    "forward_change_percent": "15", "magnitude": "0.146894", "mean_before": "99.945346", \
    "stddev_before": "0.903303", "mean_after": "114.626745", "stddev_after": "0.480403", \
    "pvalue": "0.000012"}]}]}
    """
  }

  @Test func changePointsAreFoundBySeries() throws {
    let changes = try answer(line() + "\n").changes
    #expect(changes == [0: [], 1: [HistoryJudge.Found(index: 2, pValue: 0.000012)]])
  }

  @Test func anAnswerWithoutChangePointsIsOne() throws {
    #expect(try answer("{\"series-1\": []}\n").changes == [0: [], 1: []])
  }

  @Test func aTestWithoutAnAnswerIsAnErrorAlthoughOtavaExitsWithZero() throws {
    let error = #expect(throws: OtavaAnswer.Misunderstood.self) { try answer("") }
    #expect(error?.description == "Apache Otava gave no answer for series-1.csv.")
    #expect(throws: OtavaAnswer.Misunderstood.self) { try answer(line(test: "series-9")) }
  }

  @Test func aChangePointThatCannotBeIsRefused() throws {
    for wrong in [line(index: 0), line(index: 3), line(run: "b"), line(metric: "latency")] {
      #expect(throws: OtavaAnswer.Misunderstood.self) { try answer(wrong) }
    }
  }

  @Test func anotherFormatIsRefusedByName() throws {
    let texts = [
      "No regressions found.", "{\"series-1\": [{\"changes\": []}]}", "[]", line() + "\nINFO: done",
    ]
    for text in texts {
      let error = #expect(throws: OtavaAnswer.Misunderstood.self) { try answer(text) }
      #expect(error?.description.contains("not the JSON that version 0.8 prints") == true)
    }
    let number = line().replacing("\"0.000012\"", with: "0.000012")
    #expect(try answer(number).changes[1]?.first?.pValue == 0.000012)
    #expect(throws: OtavaAnswer.Misunderstood.self) {
      try answer(line().replacing("\"0.000012\"", with: "\"tiny\""))
    }
  }
}
