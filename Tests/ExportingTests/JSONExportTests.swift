import Foundation
import Results
import Testing

@testable import Exporting

/// The formats that are JSON: what exactly stands in them.
@Suite struct JSONExportTests {
  private func object(_ file: Exported.File) throws -> NSObject {
    try #require(try JSONSerialization.jsonObject(with: Data(file.text.utf8)) as? NSObject)
  }

  private func expected(_ text: String) throws -> NSObject {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSObject)
  }

  @Test func googleBenchmarkHasRepetitionsAggregatesAndErrors() throws {
    let file = try MadeUp.export(.googleBenchmark, TextExportTests.records).files[0]
    let document = try #require(try object(file) as? [String: NSObject])
    #expect(
      try document["context"]
        == expected(
          """
          {"date": "2026-01-31T09:05:00Z", "host_name": "aa", "executable": "ipcbench", "num_cpus": 2,
           "caches": [{"type": "Data", "level": 1, "size": 49152, "num_sharing": 3}], "load_avg": [],
           "library_build_type": "release", "ipcbench_runs": "20260131T090500Z-3f9a1c",
           "ipcbench_commits": "c0ffee"}
          """))
    let entries = try #require(document["benchmarks"] as? [[String: NSObject]])
    let name = "round-trip/pipe/64B/block/same-l3/inherit"
    #expect(
      entries.map { $0["name"] as? String } == [
        name, name, "\(name)_mean", "\(name)_median", "\(name)_stddev", "\(name)_cv",
        "round-trip/vsock/64B/block/same-l3/inherit_error",
      ])
    #expect(
      try entries[0] as NSObject
        == expected(
          """
          {"name": "\(name)", "family_index": 0, "per_family_instance_index": 0, "run_name": "\(name)",
           "run_type": "iteration", "repetitions": 2, "repetition_index": 0, "threads": 2, "iterations": 5000,
           "real_time": 1000, "cpu_time": 1200, "time_unit": "ns", "label": "latency_rtt_p50",
           "latency_rtt_p99_ns": 2000.5, "items_per_second": 1000000, "bytes_per_second": 64000000}
          """))
    // The second repetition has no p99, so no aggregate has one.
    #expect(
      try entries[4] as NSObject
        == expected(
          """
          {"name": "\(name)_stddev", "family_index": 0, "per_family_instance_index": 0, "run_name": "\(name)",
           "run_type": "aggregate", "repetitions": 2, "threads": 2, "aggregate_name": "stddev",
           "aggregate_unit": "time", "iterations": 2, "real_time": \((31_250.0).squareRoot()),
           "cpu_time": \((605_000.0).squareRoot()), "time_unit": "ns", "label": "latency_rtt_p50",
           "items_per_second": \((2e10).squareRoot()), "bytes_per_second": \((8.192e13).squareRoot())}
          """))
    #expect(entries[6]["error_occurred"] == NSNumber(true))
    #expect(entries[6]["error_message"] as? String == "skipped: vsock has no loopback here: load it")
    #expect(entries[6]["run_type"] as? String == "aggregate")
  }

  @Test func aStreamsTimeIsTheTimePerMessage() throws {
    let stream = MadeUp.record(
      MadeUp.identity(pattern: "stream"),
      measures: [Measure("message_rate", 4e6, unit: "1/s", better: .higher)])
    let file = try MadeUp.export(.googleBenchmark, [stream]).files[0]
    let document = try #require(try object(file) as? [String: NSObject])
    let entries = try #require(document["benchmarks"] as? [[String: NSObject]])
    #expect(entries.map { $0["real_time"] as? Double } == [250])
    #expect(entries.map { $0["label"] as? String } == ["time per message"])
  }

  @Test func theActionGetsOneFilePerDirection() throws {
    let exported = try MadeUp.export(
      .gitHubAction, TextExportTests.records, metrics: ["latency_rtt_p50", "goodput"])
    #expect(exported.files.map(\.name) == ["smaller-is-better.json", "bigger-is-better.json"])
    let extra = "median of 2 trials\\nrun 20260131T090500Z-3f9a1c"
    #expect(
      try object(exported.files[0])
        == expected(
          """
          [{"name": "round-trip/pipe/64B/block/same-l3/inherit/latency_rtt_p50", "unit": "ns", "value": 1125,
            "range": "1000 to 1250, smallest and largest", "extra": "\(extra)"}]
          """))
    #expect(
      try object(exported.files[1])
        == expected(
          """
          [{"name": "round-trip/pipe/64B/block/same-l3/inherit/goodput", "unit": "B/s", "value": 57600000,
            "range": "51200000 to 64000000, smallest and largest", "extra": "\(extra)"}]
          """))
  }

  @Test func whatHasNoBetterDirectionIsLeftOutAndNamed() throws {
    let neutral = Measure("clock_offset", 3, unit: "ns", better: .none)
    let record = MadeUp.record(measures: MadeUp.roundTrip(p50: 1) + [neutral])
    let exported = try MadeUp.export(.gitHubAction, [record], metrics: ["clock_offset", "cpu"])
    #expect(exported.files.map(\.name) == ["smaller-is-better.json"])
    #expect(exported.notes == ["Left out, because neither direction is better: clock_offset."])
    #expect(throws: ExportError.self) {
      try MadeUp.export(.gitHubAction, [record], metrics: ["clock_offset"])
    }
  }

  @Test func bencherGetsItsOwnMeasuresAndAnIntervalFromSixTrials() throws {
    let records = (0..<6).map { trial in
      MadeUp.record(
        trial: trial, order: trial, measures: MadeUp.roundTrip(p50: Double(1_000 + trial), cpu: 400))
    }
    let few = try MadeUp.export(.bencher, Array(records[..<2]), metrics: ["latency_rtt_p50", "cpu"])
    #expect(
      try object(few.files[0])
        == expected(
          """
          {"round-trip/pipe/64B/block/same-l3/inherit":
            {"latency": {"value": 1000.5}, "cpu_ns_per_message": {"value": 400}}}
          """))
    let many = try MadeUp.export(.bencher, records, metrics: ["latency_rtt_p50"])
    #expect(
      try object(many.files[0])
        == expected(
          """
          {"round-trip/pipe/64B/block/same-l3/inherit":
            {"latency": {"value": 1002.5, "lower_value": 1000, "upper_value": 1005}}}
          """))
  }

  @Test func runsOfOneMachineArePooled() throws {
    let records = ["20260131T090500Z-3f9a1c", "20260201T090500Z-3f9a1c"].enumerated().map { index, run in
      MadeUp.record(run: run, measures: MadeUp.roundTrip(p50: Double(1_000 + 100 * index)))
    }
    let exported = try MadeUp.export(.bencher, records, metrics: ["latency_rtt_p50"])
    #expect(exported.files[0].text.contains("\"value\" : 1050"))
    let action = try MadeUp.export(.gitHubAction, records, metrics: ["latency_rtt_p50"])
    #expect(action.files[0].text.contains("run 20260131T090500Z-3f9a1c, 20260201T090500Z-3f9a1c"))
  }
}
