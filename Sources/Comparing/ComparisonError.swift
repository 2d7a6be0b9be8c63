import Results

/// Why nothing can be compared: one sentence that says what to do.
public struct ComparisonError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// What was asked for does not fit what there is.
    case usage
    /// The files contradict each other.
    case contradictory
  }

  public var code: Code
  public var message: String
  public var description: String { message }

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

extension ComparisonError {
  static func noSuchMetric(_ name: String, among known: [ComparedMetric]) -> ComparisonError {
    let names = known.filter { $0.better != .none }.map(\.name)
    return ComparisonError(
      .usage,
      "Neither side has a metric '\(name)'; did you mean '\(nearest(to: name, in: names))'? "
        + "Others are \(listed(names, atMost: 12)).")
  }

  static func noDirection(_ name: String, among known: [ComparedMetric]) -> ComparisonError {
    ComparisonError(
      .usage,
      "Of the metric '\(name)' neither more nor less is better, so that nothing can be slower or faster: "
        + "choose one that has a direction, such as \(listed(defaults(known))).")
  }

  private static func defaults(_ known: [ComparedMetric]) -> [String] {
    known.filter {
      $0.better != .none
        && ($0.name.hasSuffix("_p50") || $0.name == "cpu" || $0.name.hasSuffix("_rate"))
    }
    .map(\.name)
  }

  static func contradictory(_ first: ComparedMetric, _ second: ComparedMetric) -> ComparisonError {
    func words(_ metric: ComparedMetric) -> String {
      "'\(metric.unit)' (better: \(metric.better.rawValue))"
    }
    return ComparisonError(
      .contradictory,
      "The files disagree about the metric '\(first.name)': one has it in \(words(first)), another in "
        + "\(words(second)); they were not written by the same version of ipcbench.")
  }
}
