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

  /// Identical probes on an undisturbed machine stay within this share of each other.
  static let tolerance = 0.25

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
    for (probe, values) in zip(all, zip(baseline, candidate)) {
      guard let first = values.0, let second = values.1,
        !Statistics.probesAgree(before: first, after: second, tolerance: tolerance)
      else { continue }
      return
        "the machine changed: the \(probe.name) took \(time(first)) on the baseline's side "
        + "and \(time(second)) on the candidate's"
    }
    return nil
  }
}
