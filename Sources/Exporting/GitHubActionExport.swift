import Analysis
import Results

extension Export {
  /// What the action github-action-benchmark reads with its tools `customSmallerIsBetter` and
  /// `customBiggerIsBetter`: one file for each direction, since a file has only one.
  static let gitHubAction = Export(
    name: "github-action", summary: "JSON for github-action-benchmark, one file per direction",
    makesSeveralFiles: true,
    maker: .trials { selection throws(ExportError) in
      try selection.requireOneMachine("github-action")
      let entries = selection.pooledCases.flatMap { GitHubActionEntry.entries(of: $0, selection) }
      let files = [(Direction.lower, "smaller-is-better.json"), (.higher, "bigger-is-better.json")]
        .compactMap { better, name -> Exported.File? in
          let own = entries.filter { $0.better == better }
          return own.isEmpty ? nil : Exported.File(name: name, text: jsonText(own))
        }
      guard !files.isEmpty else { throw selection.nothingMeasured }
      let neutral = (selection.metrics ?? []).filter { selection.metric($0)?.better == Direction.none }
      let note = "Left out, because neither direction is better: \(neutral.joined(separator: ", "))."
      return Exported(files, notes: selection.notes + (neutral.isEmpty ? [] : [note]))
    })
}

private struct GitHubActionEntry: Encodable {
  var name: String
  var unit: String
  /// The median over trials.
  var value: Double
  /// Free text: what the value lies between, and what kind of bounds these are.
  var range: String?
  var extra: String
  var better: Direction

  private enum CodingKeys: CodingKey { case name, unit, value, range, extra }

  static func entries(of pooled: Selection.PooledCase, _ selection: Selection) -> [GitHubActionEntry] {
    selection.metrics(of: pooled.chosen).compactMap { metric in
      let values = selection.values(metric.name, of: pooled.chosen)
      guard metric.better != .none, let median = Statistics.median(values) else { return nil }
      return GitHubActionEntry(
        name: "\(pooled.chosen.identity.benchmarkName)/\(metric.name)", unit: metric.unit, value: median,
        range: range(of: values),
        extra: "median of \(values.count) trial\(values.count == 1 ? "" : "s")\n"
          + "run \(pooled.runIDs.joined(separator: ", "))",
        better: metric.better)
    }
  }

  private static func range(of values: [Double]) -> String? {
    if let interval = Statistics.medianInterval(values, confidence: 0.95) {
      return "\(shortestDecimal(interval.lower)) to \(shortestDecimal(interval.upper)), 95 % interval"
    }
    guard values.count > 1, let low = values.min(), let high = values.max() else { return nil }
    return "\(shortestDecimal(low)) to \(shortestDecimal(high)), smallest and largest"
  }
}
