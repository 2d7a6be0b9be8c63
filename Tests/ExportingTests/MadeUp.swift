import Results

@testable import Exporting

/// Results that nobody measured, small enough to be written out in a test.
enum MadeUp {
  static let runID = "20260131T090500Z-3f9a1c"

  static func identity(
    _ mechanism: String = "pipe", variant: String = "", pattern: String = "round-trip", bytes: Int = 64,
    rate: Double? = nil
  ) -> CaseIdentity {
    CaseIdentity(
      mechanism: mechanism, variant: variant, pattern: pattern, wait: "block", placement: "same-l3",
      attach: "inherit", messageBytes: bytes, rateTargetPerSecond: rate)
  }

  static func record(
    _ identity: CaseIdentity = identity(), run: String = runID, host: String = "aa", trial: Int = 0,
    attempt: Int = 0, order: Int = 0, status: Status = .ok, reason: String = "", probesAgree: Bool = true,
    measures: [Measure] = [], histograms: [StoredHistogram] = []
  ) -> TrialRecord {
    TrialRecord(
      runID: run, sessionID: "s1", hostID: host, environmentHash: "bb", gitCommit: "c0ffee",
      identity: identity, trial: trial, attempt: attempt, orderInSession: order, status: status,
      reason: reason, startedAt: "2026-01-31T09:05:0\(trial)Z", durationSeconds: 0.25,
      probesAgree: probesAgree, measures: measures, histograms: histograms)
  }

  /// What a round trip gives: percentiles, rates, and CPU time of both sides.
  static func roundTrip(p50: Double, p99: Double? = nil, cpu: Double = 100) -> [Measure] {
    [
      Measure("latency_rtt_p50", p50, unit: "ns", better: .lower, samples: 5_000),
      Measure("latency_rtt_p99", p99, unit: "ns", better: .lower, samples: 5_000),
      Measure("message_rate", 1e9 / p50, unit: "1/s", better: .higher, samples: 5_000),
      Measure("goodput", 64e9 / p50, unit: "B/s", better: .higher, samples: 5_000),
    ] + DerivedMetric.cpuParts.map { Measure($0, cpu / 4, unit: "ns/message", better: .lower) }
  }

  static func set(_ records: [TrialRecord]) -> ResultsSet {
    var environment = Environment()
    environment.time = "2026-01-31T09:05:00Z"
    environment.cpu.architecture = "x86_64"
    environment.cpu.model = "Some CPU @ 2 GHz"
    environment.cpu.logical = 2
    environment.cpu.caches = [Environment.Cache(level: 1, type: "Data", size: "48K", sharedBy: "0,2-3")]
    environment.toolchain.configuration = "release"
    return ResultsSet(label: "results/latest", table: TrialTable(records), environments: ["bb": environment])
  }

  static func selection(
    _ records: [TrialRecord], filters: [String] = [], metrics: [String] = []
  ) throws -> Selection {
    try Selection(set(records), cases: try CaseFilter(filters), metrics: metrics)
  }

  /// What a format makes of the records.
  static func export(
    _ format: Export, _ records: [TrialRecord], filters: [String] = [], metrics: [String] = []
  ) throws -> Exported {
    switch format.maker {
    case .trials(let make): return try make(try selection(records, filters: filters, metrics: metrics))
    case .histograms(let make):
      let runs = Set(records.map(\.runID)).sorted().map { id in
        run(id, records.filter { $0.runID == id })
      }
      return try make(try HistogramSelection(runs, cases: try CaseFilter(filters), metrics: metrics))
    case .files(let make): return try make(filters)
    }
  }

  private static func run(_ id: String, _ records: [TrialRecord]) -> Run {
    let plan = RunPlan(
      runID: id, suite: "smoke", command: [], seed: 1, rounds: 1, order: [], startedAt: "2026-01-31T09:05:00Z"
    )
    return Run(plan: plan, environment: Environment(), trials: records, path: "results/\(id)")
  }

  static func histogram(_ samples: [UInt64], name: String = "latency_rtt") -> StoredHistogram {
    let buckets = MergedHistogram().histogram
    var counts: [UInt64: UInt64] = [:]
    for sample in samples { counts[buckets.lowestEquivalentForValue(sample), default: 0] += 1 }
    let values = counts.keys.sorted()
    return StoredHistogram(
      name: name, values: values, counts: values.map { counts[$0]! }, minimum: samples.min() ?? 0,
      maximum: samples.max() ?? 0, sum: samples.reduce(0) { $0 + Double($1) })
  }
}
