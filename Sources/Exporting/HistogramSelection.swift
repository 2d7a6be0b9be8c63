import Foundation
import Results

/// The distributions that were chosen: one for each run, case and latency, its trials merged.
public struct HistogramSelection: Sendable {
  public struct Entry: Sendable {
    public var runID: String
    public var identity: CaseIdentity
    /// `latency_rtt`.
    public var name: String
    public var histogram: MergedHistogram
    /// From the start of the case's first trial to the end of its last; nil where the times are not known.
    public var startSecondsSinceEpoch: Double?
    public var durationSeconds: Double
  }

  /// In the order of runs, then in the order in which people compare.
  public var entries: [Entry]
  /// Cases without a distribution, in words.
  public var losses: [String]
  /// How many runs there are to choose from.
  public var runCount: Int

  /// - Parameter metrics: names of latencies such as `latency_rtt`, or of their percentiles; `*` stands for
  ///   any characters. None: all.
  /// - Throws: when nothing is left.
  public init(
    _ runs: [Run], cases filter: CaseFilter = CaseFilter(), metrics patterns: [String] = []
  ) throws(ExportError) {
    (entries, losses, runCount) = ([], [], runs.count)
    let cases = Set(runs.flatMap(\.trials).map(\.identity))
    if let reason = filter.whyNone(of: Array(cases)) { throw ExportError(reason.description) }
    for run in runs.sorted(by: { $0.plan.runID < $1.plan.runID }) {
      let chosen = run.trials.filter { filter.includes($0.identity) }
      let spans = Self.spans(of: chosen)
      for summary in summarise(chosen).sorted(by: { $0.identity < $1.identity }) {
        let own = summary.histograms.filter { Self.isAsked($0.key, patterns) }.sorted { $0.key < $1.key }
        entries += own.map { name, histogram in
          Entry(
            runID: run.plan.runID, identity: summary.identity, name: name, histogram: histogram,
            startSecondsSinceEpoch: spans[summary.identity]?.lowerBound,
            durationSeconds: spans[summary.identity].map { $0.upperBound - $0.lowerBound } ?? 0)
        }
        if summary.status != .ok {
          losses.append(
            "\(summary.identity.benchmarkName): \(summary.status): \(summary.reason.withoutPeriod).")
        }
      }
    }
    guard entries.isEmpty else { return }
    throw ExportError(
      "Nothing to export: no chosen case has a distribution of a chosen latency; streams have none.")
  }

  private static func isAsked(_ histogram: String, _ patterns: [String]) -> Bool {
    patterns.isEmpty
      || patterns.contains { pattern in
        pattern.hasPrefix("\(histogram)_p")
          || Selection.matches(Array(histogram.utf8)[...], Array(pattern.utf8)[...])
      }
  }

  private static func spans(of trials: [TrialRecord]) -> [CaseIdentity: ClosedRange<Double>] {
    var spans: [CaseIdentity: ClosedRange<Double>] = [:]
    for trial in trials where trial.status == .ok {
      guard let start = (try? Date(trial.startedAt, strategy: .iso8601))?.timeIntervalSince1970 else {
        continue
      }
      let span = start...(start + max(0, trial.durationSeconds))
      let known = spans[trial.identity] ?? span
      spans[trial.identity] =
        min(known.lowerBound, span.lowerBound)...max(known.upperBound, span.upperBound)
    }
    return spans
  }

  var notes: [String] { LossNote.list(losses) }
}
