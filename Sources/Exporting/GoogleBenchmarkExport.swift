import Analysis
import Results

extension Export {
  /// What google-benchmark writes with `--benchmark_format=json` and several repetitions; its `compare.py`
  /// reads two of them.
  ///
  /// A repetition is a trial. Its `real_time` is the first of the metrics that is in nanoseconds, normally the
  /// median of the latency, or where there is none the time per message; `cpu_time` is the CPU time of both
  /// sides per message; everything else is a counter.
  static let googleBenchmark = Export(
    name: "google-benchmark",
    summary: "JSON with repetitions, for google-benchmark's compare.py",
    maker: .trials { selection throws(ExportError) in
      try selection.requireOneMachine("google-benchmark")
      let pooled = selection.pooledCases
      let entries = pooled.flatMap { GoogleBenchmark.entries(of: $0, selection) }
      guard entries.contains(where: { $0.errorMessage == nil }) else { throw selection.nothingMeasured }
      let document = GoogleBenchmark(
        context: GoogleBenchmark.Context(selection.runs), benchmarks: entries)
      return Exported(
        [Exported.File(name: "benchmarks.json", text: jsonText(document))], notes: selection.disturbedNotes)
    })
}

private struct GoogleBenchmark: Encodable {
  var context: Context
  var benchmarks: [Entry]

  struct Context: Encodable {
    var date: String?
    /// The id that tells machines apart; names of hosts are nobody else's business.
    var hostName: String
    var executable = "ipcbench"
    var numCpus: Int?
    var mhzPerCpu: Int?
    var cpuScalingEnabled: Bool?
    /// Always there: some readers insist.
    var caches: [Cache]
    var loadAvg: [Double]
    var libraryBuildType: String?
    /// Comma-separated, since a context holds text.
    var ipcbenchRuns: String
    var ipcbenchCommits: String

    init(_ runs: [Selection.Run]) {
      let environment = runs.lazy.compactMap(\.environment).first
      date = environment.map(\.time)
      hostName = runs.first?.origin.hostID ?? ""
      numCpus = environment?.cpu.logical
      mhzPerCpu = environment?.cpu.megahertz.map { Int($0.rounded()) }
      cpuScalingEnabled = environment?.cpu.governor.map { $0 != "performance" }
      caches = (environment?.cpu.caches ?? []).compactMap(Cache.init)
      let load = environment?.load
      loadAvg = [load?.oneMinute, load?.fiveMinutes, load?.fifteenMinutes].compactMap(\.self)
      libraryBuildType = environment?.toolchain.configuration
      ipcbenchRuns = runs.map(\.origin.runID).joined(separator: ",")
      ipcbenchCommits = runs.map(\.origin.gitCommit).joined(separator: ",")
    }
  }

  struct Cache: Encodable {
    var type: String
    var level: Int
    var size: Int
    var numSharing: Int

    init?(_ cache: Environment.Cache) {
      guard let size = cache.size.flatMap(Units.byteCount) else { return nil }
      (type, level, self.size) = (cache.type, cache.level, size)
      numSharing = cache.sharedBy.map(Self.count(ofCPUs:)) ?? 1
    }

    /// How many CPUs a list of the kernel names: 3 for `0,4-5`.
    private static func count(ofCPUs list: String) -> Int {
      list.split(separator: ",").reduce(0) { sum, range in
        let ends = range.split(separator: "-").compactMap { Int($0) }
        return sum + (ends.count == 2 && ends[1] >= ends[0] ? ends[1] - ends[0] + 1 : 1)
      }
    }
  }

  /// A repetition, an aggregate of them, or what is said in place of either.
  struct Entry: Encodable {
    var name: String
    var familyIndex: Int
    var runName: String
    var runType = "iteration"
    var repetitions: Int
    var repetitionIndex: Int?
    var threads: Int
    var aggregateName: String?
    var aggregateUnit: String?
    var errorMessage: String?
    var iterations: Int
    var realTime: Double
    var cpuTime: Double
    /// What `real_time` is.
    var label: String
    var counters: [(name: String, value: Double)] = []

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(name, forKey: "name")
      try container.encode(familyIndex, forKey: "family_index")
      try container.encode(0, forKey: "per_family_instance_index")
      try container.encode(runName, forKey: "run_name")
      try container.encode(runType, forKey: "run_type")
      try container.encode(repetitions, forKey: "repetitions")
      try container.encodeIfPresent(repetitionIndex, forKey: "repetition_index")
      try container.encode(threads, forKey: "threads")
      try container.encodeIfPresent(aggregateName, forKey: "aggregate_name")
      try container.encodeIfPresent(aggregateUnit, forKey: "aggregate_unit")
      if let errorMessage {
        try container.encode(true, forKey: "error_occurred")
        try container.encode(errorMessage, forKey: "error_message")
      }
      try container.encode(iterations, forKey: "iterations")
      try container.encode(realTime, forKey: "real_time")
      try container.encode(cpuTime, forKey: "cpu_time")
      try container.encode("ns", forKey: "time_unit")
      if !label.isEmpty { try container.encode(label, forKey: "label") }
      for counter in counters { try container.encode(counter.value, forKey: Key(stringValue: counter.name)) }
    }
  }

  struct Key: CodingKey, ExpressibleByStringLiteral {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init(stringLiteral value: String) { stringValue = value }
    init?(intValue: Int) { nil }
  }
}

extension GoogleBenchmark {
  static func entries(of pooled: Selection.PooledCase, _ selection: Selection) -> [Entry] {
    let identity = pooled.chosen.identity
    let blank = Entry(
      name: identity.benchmarkName, familyIndex: pooled.index, runName: identity.benchmarkName,
      repetitions: 0,
      threads: identity.producers + identity.consumers, iterations: 0, realTime: 0, cpuTime: 0, label: "")
    let repetitions = self.repetitions(of: pooled.chosen, blank, selection)
    var entries = repetitions + aggregates(of: repetitions)
    if let loss = pooled.chosen.loss { entries.append(error(loss.reason, blank)) }
    if entries.isEmpty { entries.append(error("it has no time and no message rate to export", blank)) }
    return entries
  }

  private static func repetitions(
    of chosen: Selection.Case, _ blank: Entry, _ selection: Selection
  ) -> [Entry] {
    let metrics = selection.metrics(of: chosen)
    let time = metrics.first { $0.unit == "ns" }
    var entries = chosen.trials.compactMap { trial -> Entry? in
      let rate = selection.value("message_rate", of: trial)
      let perMessage = rate.flatMap { $0 > 0 ? 1e9 / $0 : nil }
      guard let realTime = time.map({ selection.value($0.name, of: trial) }) ?? perMessage else { return nil }
      var entry = blank
      entry.iterations = selection.samples(of: trial, metrics)
      entry.realTime = realTime
      entry.cpuTime = selection.value(DerivedMetric.cpu.name, of: trial) ?? 0
      entry.label = time?.name ?? "time per message"
      entry.counters = metrics.filter { $0.name != time?.name && $0.name != DerivedMetric.cpu.name }
        .compactMap { metric in selection.value(metric.name, of: trial).map { (counterName(metric), $0) } }
      return entry
    }
    for index in entries.indices {
      entries[index].repetitions = entries.count
      entries[index].repetitionIndex = index
    }
    return entries
  }

  /// The library's own names where it has one.
  private static func counterName(_ metric: TrialTable.Metric) -> String {
    switch metric.name {
    case "message_rate": "items_per_second"
    case "goodput": "bytes_per_second"
    default: ResultsCSV.columnName(metric: metric.name, unit: metric.unit)
    }
  }

  /// What the library computes with `--benchmark_repetitions`: nothing from one repetition.
  private static func aggregates(of repetitions: [Entry]) -> [Entry] {
    guard repetitions.count > 1 else { return [] }
    let statistics: [(name: String, unit: String, function: ([Double]) -> Double)] = [
      ("mean", "time", mean), ("median", "time", { Statistics.median($0) ?? 0 }),
      ("stddev", "time", standardDeviation),
      ("cv", "percentage", { mean($0) == 0 ? 0 : standardDeviation($0) / mean($0) }),
    ]
    // Only what every repetition has: an average over some of them would be of something else.
    let counters = repetitions[0].counters.map(\.name).filter { name in
      repetitions.allSatisfy { $0.counters.contains { $0.name == name } }
    }
    return statistics.map { statistic in
      var entry = repetitions[0]
      entry.name += "_" + statistic.name
      entry.runType = "aggregate"
      entry.repetitionIndex = nil
      entry.aggregateName = statistic.name
      entry.aggregateUnit = statistic.unit
      entry.iterations = repetitions.count
      entry.realTime = statistic.function(repetitions.map(\.realTime))
      entry.cpuTime = statistic.function(repetitions.map(\.cpuTime))
      entry.counters = counters.map { name in
        (name, statistic.function(repetitions.compactMap { $0.counters.first { $0.name == name }?.value }))
      }
      return entry
    }
  }

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  private static func standardDeviation(_ values: [Double]) -> Double {
    let mean = mean(values)
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
  }

  /// As the library says that a benchmark failed, but as an aggregate: `compare.py` takes the zero time of a
  /// repetition that failed into its geometric mean, which is then zero.
  private static func error(_ reason: String, _ blank: Entry) -> Entry {
    var entry = blank
    entry.name += "_error"
    entry.runType = "aggregate"
    entry.aggregateName = "error"
    entry.errorMessage = reason
    return entry
  }
}
