import Results
import Testing

@testable import Exporting

/// The formats that are lines of text: what exactly is written.
@Suite struct TextExportTests {
  static let records = [
    MadeUp.record(trial: 0, order: 0, measures: MadeUp.roundTrip(p50: 1_000, p99: 2_000.5, cpu: 1_200)),
    MadeUp.record(trial: 1, order: 1, measures: MadeUp.roundTrip(p50: 1_250)),
    MadeUp.record(
      MadeUp.identity("vsock"), order: 2, status: .skipped, reason: "vsock has no loopback here: load it."),
  ]

  @Test func goTextHasALinePerTrialAndNamesWhatIsMissing() throws {
    let exported = try MadeUp.export(.go, Self.records)
    #expect(
      exported.files.map(\.text) == [
        """
        Unit ns/op better=lower
        Unit p99-ns/op better=lower
        Unit msgs/s better=higher
        Unit B/s better=higher
        Unit cpu-ns/op better=lower
        goos: linux
        goarch: amd64
        pkg: ipcbench
        cpu: Some CPU @ 2 GHz
        host: aa
        # run 20260131T090500Z-3f9a1c, commit c0ffee, environment bb
        BenchmarkRoundTrip/mechanism=pipe/size=64/wait=block/placement=same-l3/attach=inherit-2 5000 \
        1000 ns/op 2000.5 p99-ns/op 1000000 msgs/s 64000000 B/s 1200 cpu-ns/op
        BenchmarkRoundTrip/mechanism=pipe/size=64/wait=block/placement=same-l3/attach=inherit-2 5000 \
        1250 ns/op 800000 msgs/s 51200000 B/s 100 cpu-ns/op
        # round-trip/vsock/64B/block/same-l3/inherit: skipped: vsock has no loopback here: load it.

        """
      ])
    #expect(
      exported.notes == [
        "1 case was not measured, or not in every trial, and this format has no place for that:",
        "  round-trip/vsock/64B/block/same-l3/inherit: skipped: vsock has no loopback here: load it.",
      ])
  }

  /// benchstat would go on with the first machine's otherwise.
  @Test func aLaterRunOfAnUnknownMachineTakesBackWhatWasSaid() throws {
    var set = MadeUp.set([
      MadeUp.record(measures: MadeUp.roundTrip(p50: 1)),
      MadeUp.record(run: "20260201T090500Z-3f9a1c", host: "zz", measures: MadeUp.roundTrip(p50: 2)),
    ])
    set.table = TrialTable([
      MadeUp.record(measures: MadeUp.roundTrip(p50: 1)),
      {
        var other = MadeUp.record(
          run: "20260201T090500Z-3f9a1c", host: "zz", measures: MadeUp.roundTrip(p50: 2))
        other.environmentHash = "unknown"
        return other
      }(),
    ])
    guard case .trials(let make) = Export.go.maker else { return }
    let text = try make(Selection(set)).files[0].text
    #expect(text.contains("\ngoarch:\npkg: ipcbench\ncpu:\nhost: zz\n"))
  }

  @Test(arguments: [
    ("latency_rtt_p50", "ns", "ns/op"), ("latency_rtt_p99_9", "ns", "p99-9-ns/op"),
    ("latency_service_p50", "ns", "latency-service-p50-ns/op"), ("setup_time", "ns", "setup-time-ns"),
    ("cpu_user_producer", "ns/message", "cpu-user-producer-ns/op"), ("goodput", "B/s", "B/s"),
    ("message_rate", "1/s", "msgs/s"), ("achieved_rate", "1/s", "achieved-rate-msgs/s"),
    ("stalls_producer", "1", "stalls-producer-count"), ("odd", "a b", "odd-a%20b"),
  ])
  func aGoUnitEndsWithTheUnitOfMeasurement(name: String, unit: String, expected: String) {
    let metric = TrialTable.Metric(name: name, unit: unit, better: .lower)
    #expect(Export.goUnit(metric, latency: "latency_rtt") == expected)
  }

  @Test func whereNothingWasMeasuredTheReasonIsGiven() throws {
    for format in [Export.go, .googleBenchmark, .gitHubAction, .bencher] {
      let error = #expect(throws: ExportError.self) {
        try MadeUp.export(format, [Self.records[2], Self.records[0]], filters: ["mechanism:vsock"])
      }
      #expect(error?.description.contains("skipped: vsock has no loopback here") == true, "\(format.name)")
    }
  }

  @Test func aPartOfACSVHasTheSameColumnsAndEveryTrial() throws {
    let records =
      [MadeUp.record(trial: 0, attempt: 0, order: 3, probesAgree: false, measures: MadeUp.roundTrip(p50: 1))]
      + Self.records
    let text = try MadeUp.export(.csv, records, metrics: ["latency_rtt_p99"]).files[0].text
    #expect(
      text == """
        schema_version,run_id,session_id,host_id,environment_hash,git_commit,mechanism,variant,pattern,wait,\
        placement,attach,scope,producers,consumers,message_bytes,rate_target_per_s,trial,pair_index,\
        order_in_session,metric,value,unit,better,samples,status,reason,touch,attempt,probes_agree\r
        1,20260131T090500Z-3f9a1c,s1,aa,bb,c0ffee,pipe,,round-trip,block,same-l3,inherit,host,1,1,64,,0,,\
        0,latency_rtt_p99,2000.5,ns,lower,5000,ok,,all,0,true\r
        1,20260131T090500Z-3f9a1c,s1,aa,bb,c0ffee,pipe,,round-trip,block,same-l3,inherit,host,1,1,64,,1,,\
        1,,,,,,ok,,all,0,true\r
        1,20260131T090500Z-3f9a1c,s1,aa,bb,c0ffee,vsock,,round-trip,block,same-l3,inherit,host,1,1,64,,0,,\
        2,,,,,,skipped,vsock has no loopback here: load it.,all,0,true\r
        1,20260131T090500Z-3f9a1c,s1,aa,bb,c0ffee,pipe,,round-trip,block,same-l3,inherit,host,1,1,64,,0,,\
        3,,,,,,ok,,all,0,false\r

        """)
  }

  /// What is mailed is what was measured.
  @Test func aWholeCSVReadsBackAsTheSameTable() throws {
    let records = (0..<300).map { order in
      let identity = MadeUp.identity(["pipe", "fifo", "a,\"b\" c"][order % 3], bytes: 1 << (order % 5))
      let status = [Status.ok, .ok, .ok, .failed, .skipped, .ok, .ok][order % 7]
      let p50 = Double(order + 1) * 1e9 / 7
      return MadeUp.record(
        identity, trial: order, order: order, status: status,
        reason: status == .ok ? "" : "Because, \"so\".\nAnd on.",
        measures: status == .ok ? MadeUp.roundTrip(p50: p50, p99: p50 / 3e18) : [])
    }
    let table = TrialTable(records)
    let text = try MadeUp.export(.csv, records).files[0].text
    let again = try TrialTable.parse(Array(text.utf8), path: "results.csv")
    // Half a megabyte of differences would help nobody.
    let (sameTrials, sameMetrics) = (again.trials == table.trials, again.metrics == table.metrics)
    #expect(sameTrials && sameMetrics)
    #expect(again.cases == table.cases && again.origins == table.origins)
  }

  @Test func aDerivedMetricIsMailedAsWhatItIsDerivedFrom() throws {
    let text = try MadeUp.export(.csv, [Self.records[0]], metrics: ["cpu"]).files[0].text
    #expect(DerivedMetric.cpuParts.allSatisfy { text.contains(",\($0),300,ns/message,") })
    #expect(!text.contains("latency_rtt_p50"))
  }

  @Test func theScriptForDuckDBQuotesWhatItNames() throws {
    let text = try MadeUp.export(.parquetSQL, [], filters: ["it's/[a]*?.csv", "b.csv"]).files[0].text
    #expect(text.contains("  'it''s/[[]a][*][?].csv',\n  'b.csv'\n"))
    #expect(text.contains("coalesce(CAST(attempt AS INTEGER), 0) AS attempt"))
    #expect(text.contains("CAST(pair_index AS INTEGER) AS pair_index"))
    for column in TidyRow.columns { #expect(text.contains("NULL::VARCHAR AS \(column)")) }
  }
}
