import Results

/// A whole check: what was compared, case by case, and the answer.
public struct CheckOutcome: Sendable {
  /// What the candidate was checked against, in words: `main (1a2b3c4d)`, a path, a folder of stored runs.
  public var baseline: String
  public var candidate: String
  public var criteria: CheckCriteria
  public var cases: [CaseCheck]
  /// What the reader should know beside the verdicts, one sentence each.
  public var notes: [String]

  public init(
    baseline: String, candidate: String, criteria: CheckCriteria, cases: [CaseCheck], notes: [String] = []
  ) {
    self.baseline = baseline
    self.candidate = candidate
    self.criteria = criteria
    self.cases = cases
    self.notes = notes
  }

  public enum Answer: String, Sendable, Codable {
    case ok, regression, failed, inconclusive
  }

  /// One answer for all cases. What is known to be bad comes before what is not known.
  public var answer: Answer {
    if cases.contains(where: { $0.verdict == .regression }) { return .regression }
    if cases.contains(where: { $0.status == .failed }) { return .failed }
    let measured = cases.filter { $0.status == .ok }
    if measured.isEmpty || measured.contains(where: { $0.verdict == .inconclusive }) { return .inconclusive }
    return .ok
  }

  public func cases(_ verdict: GateVerdict) -> [CaseCheck] { cases.filter { $0.verdict == verdict } }
}
