import Results

/// A case that cannot be compared, because a side did not measure it.
public struct UncomparedCase: Sendable, Hashable {
  /// What became of a case on one side.
  public enum Fate: String, Sendable, Codable {
    /// At least one trial can be used.
    case measured
    /// There are measured trials, and the machine changed under every one of them.
    case unsteady
    case failed, skipped
    /// The side does not have the case.
    case missing
  }

  public var identity: CaseIdentity
  public var baseline: Fate
  public var candidate: Fate
  /// Why, in the trial's own words, or in ours; for both sides where both did not.
  public var reason: String
}

extension UncomparedCase {
  /// Nil where both sides have trials to compare.
  init?(_ identity: CaseIdentity, baseline: SideTrials.Case?, candidate: SideTrials.Case?) {
    let fates = [baseline, candidate].map(Self.fate)
    guard fates != [.measured, .measured] else { return nil }
    let reasons = zip(["baseline", "candidate"], zip(fates, [baseline, candidate]))
      .compactMap { side, what in Self.reason(side, what.0, what.1) }
    // Most often both sides could not do something for the same reason.
    let isOne = reasons.count == 2 && reasons[0].why == reasons[1].why && fates[0] == fates[1]
    self.init(
      identity: identity, baseline: fates[0], candidate: fates[1],
      reason: isOne
        ? "\(reasons[0].what) on both sides\(reasons[0].why)"
        : reasons.map { "\($0.what) \($0.place)\($0.why)" }.joined(separator: "; "))
  }

  private static func fate(_ trials: SideTrials.Case?) -> Fate {
    guard let trials else { return .missing }
    if !trials.usable.isEmpty { return .measured }
    if !trials.failed.isEmpty { return .failed }
    return trials.unsteady.isEmpty ? .skipped : .unsteady
  }

  private static func reason(
    _ side: String, _ fate: Fate, _ trials: SideTrials.Case?
  ) -> (what: String, place: String, why: String)? {
    let own = (trials?.failed.first ?? trials?.skipped.first)?.reason ?? ""
    let why = own.isEmpty ? "" : ": \(own)"
    switch fate {
    case .measured: return nil
    case .unsteady: return ("the machine changed under every trial", "of the \(side)", "")
    case .failed: return ("failed", "on the \(side)'s side", why)
    case .skipped: return ("skipped", "on the \(side)'s side", why)
    case .missing: return ("not measured", "on the \(side)'s side", "")
    }
  }
}
