import Analysis
import Results

/// The probes that each trial takes of its own two CPUs: whether a case met the same machine on both sides.
struct MachineProbes {
  struct Probe {
    /// In a sentence, and as context of a comparison between machines.
    var name: String
    var metrics: [String]
  }

  static let all = [
    Probe(
      name: "cache-line round trip", metrics: ["probe_cache_line_before", "probe_cache_line_after"]),
    Probe(
      name: "producer's arithmetic loop",
      metrics: ["probe_arithmetic_producer_before", "probe_arithmetic_producer_after"]),
    Probe(
      name: "consumer's arithmetic loop",
      metrics: ["probe_arithmetic_consumer_before", "probe_arithmetic_consumer_after"]),
  ]

  /// For each probe its metrics' indices in the table.
  private let indices: [[Int]]

  init(in table: TrialTable) {
    indices = Self.all.map { $0.metrics.compactMap(table.metric) }
  }

  /// The median reading of each probe over the trials; nil where they have none.
  func medians(of trials: [TrialTable.Trial]) -> [Double?] {
    indices.map { metrics in
      Statistics.median(trials.flatMap { trial in metrics.compactMap(trial.value) })
    }
  }

  /// The sentence that says how the machine changed between two sides; nil where no probe says so.
  static func difference(baseline: [Double?], candidate: [Double?]) -> String? {
    firstDisagreement(baseline, candidate, tolerance: Statistics.probeTolerance).map { found in
      "the machine changed: the \(found.probe) took \(time(found.first)) on the baseline's side "
        + "and \(time(found.second)) on the candidate's"
    }
  }

  /// The mean reading of each probe around one trial; nil where it has none. Its readings agree, or the trial itself
  /// would not count.
  static func readings(of record: TrialRecord) -> [Double?] {
    all.map { probe in
      let values = probe.metrics.compactMap(record.value)
      return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
  }

  /// The first probe whose readings are too far apart for one machine.
  static func firstDisagreement(
    _ first: [Double?], _ second: [Double?], tolerance: Double
  ) -> (probe: String, first: Double, second: Double)? {
    for (probe, values) in zip(all, zip(first, second)) {
      guard let first = values.0, let second = values.1,
        !Statistics.probesAgree(before: first, after: second, tolerance: tolerance)
      else { continue }
      return (probe.name, first, second)
    }
    return nil
  }
}
