import Analysis
import Results

/// One metric of a case on two sides: how it differs, how sure that is, and what it means.
public struct CaseComparison: Sendable {
  /// Why a verdict is what it is; the sentence is in `reason`.
  public enum Cause: String, Sendable, Codable, CaseIterable {
    /// Fewer trials than a verdict may rest on.
    case tooFewTrials = "too-few-trials"
    /// A side has no value of this metric.
    case noValues = "no-values"
    /// A value has no logarithm.
    case notPositive = "not-positive"
    /// The probes of the two sides differ.
    case machineChanged = "machine-changed"
    /// Significant, and perhaps no more than what sessions differ by on their own.
    case withinNoiseFloor = "within-noise-floor"
    /// No difference was found, and one that matters could have been missed.
    case notDetected = "not-detected"
  }

  /// What one side brings.
  public struct Side: Sendable, Hashable {
    /// Usable trials that have the metric and, in pairs, a partner that has it.
    public var trials: Int
    /// Measured trials that were left out because their probes disagree.
    public var unsteadyTrials: Int
    /// Usable trials left out because they have no partner, or are on the other side too.
    public var trialsWithoutPartner: Int
    public var failedTrials: Int
    public var median: Double?
  }

  public var identity: CaseIdentity
  public var metric: ComparedMetric
  public var baseline: Side
  public var candidate: Side
  public var contrast: Contrast
  /// Holm's, over everything the comparison shows.
  public var adjustedPValue: Double?
  /// The smallest relative change that these trials would have shown among so many comparisons; nil where that is
  /// no question, infinite where none could have been.
  public var minimumDetectableEffect: Double?
  /// What sessions differ by on their own; nil where both sides are of one session.
  public var noiseFloor: Double?
  /// Nil between machines.
  public var verdict: Verdict?
  public var cause: Cause?
  /// One sentence; empty where the numbers say it all.
  public var reason: String
}

/// Turns contrasts into verdicts.
struct Judge {
  let criteria: Criteria
  /// How many contrasts are looked at together.
  let comparisons: Int

  /// Fills in what depends on the whole family.
  ///
  /// - Parameter objection: why the two sides did not meet the same machine; nil when they did.
  func judge(_ comparison: inout CaseComparison, adjustedPValue: Double?, objection: String?) {
    comparison.adjustedPValue = adjustedPValue
    let contrast = comparison.contrast
    if contrast.design != .identical && contrast.obstacle == nil {
      let effect = contrast.minimumDetectableEffect(criteria, comparisons: comparisons)
      // To be called one, a difference must stand out from the floor as it otherwise would from nothing.
      comparison.minimumDetectableEffect = (1 + effect) * (1 + (comparison.noiseFloor ?? 0)) - 1
    }
    let (verdict, cause, reason) = verdict(comparison, objection)
    comparison.verdict = verdict
    comparison.cause = cause
    comparison.reason = reason
  }

  private typealias Answer = (Verdict, CaseComparison.Cause?, String)

  private func verdict(_ comparison: CaseComparison, _ objection: String?) -> Answer {
    let contrast = comparison.contrast
    if contrast.design == .identical && contrast.obstacle == nil { return (.equivalent, nil, "") }
    if contrast.obstacle == .noValues { return (.inconclusive, .noValues, whyNoValues(comparison)) }
    let count = min(contrast.baselineCount, contrast.candidateCount)
    if count < criteria.minimumTrials { return (.inconclusive, .tooFewTrials, tooFew(comparison)) }
    if let objection { return (.inconclusive, .machineChanged, objection) }
    switch contrast.obstacle {
    case .allZero: return (.equivalent, nil, "every value is 0 on both sides")
    case .notPositive(let baseline, let candidate):
      return (.inconclusive, .notPositive, notPositive(contrast, baseline, candidate))
    case .noValues, nil: break
    }
    if contrast.isWithin(criteria.threshold) { return (.equivalent, nil, "") }
    if let adjusted = comparison.adjustedPValue, adjusted < criteria.alpha,
      let isImprovement = contrast.isImprovement
    {
      if let floor = comparison.noiseFloor, !contrast.isBeyond(floor) {
        return (.inconclusive, .withinNoiseFloor, withinFloor(floor))
      }
      return (isImprovement ? .faster : .slower, nil, "")
    }
    return (.inconclusive, .notDetected, notDetected(comparison))
  }

  // MARK: Reasons

  private func whyNoValues(_ comparison: CaseComparison) -> String {
    let sides = [("baseline", comparison.baseline), ("candidate", comparison.candidate)]
      .filter { $0.1.trials == 0 }
    if comparison.contrast.design == .paired { return "no pair has a value that can be used on both sides" }
    let isUnsteady = sides.allSatisfy { $0.1.unsteadyTrials > 0 && $0.1.trialsWithoutPartner == 0 }
    let names = sides.map { "the \($0.0)" }.joined(separator: " and ")
    return isUnsteady
      ? "the machine changed under every trial of \(names)"
      : "no trial of \(names) has a value"
  }

  private func tooFew(_ comparison: CaseComparison) -> String {
    let (first, second) = (comparison.contrast.baselineCount, comparison.contrast.candidateCount)
    let needed = criteria.minimumTrials
    if comparison.contrast.design == .paired {
      return "\(counted(first, "pair")) can be used, and \(needed) are needed"
    }
    return first == second
      ? "\(counted(first, "trial")) a side can be used, and \(needed) are needed"
      : "\(counted(first, "trial")) of the baseline and \(second) of the candidate can be used, "
        + "and \(needed) of each are needed"
  }

  private func notPositive(_ contrast: Contrast, _ baseline: Int, _ candidate: Int) -> String {
    let sides = [
      ("baseline", baseline, contrast.baselineCount),
      ("candidate", candidate, contrast.candidateCount),
    ]
    let parts = sides.filter { $0.1 > 0 }.map {
      "\($0.1) of \(counted($0.2, "trial")) of the \($0.0)"
    }
    return
      "a ratio needs values above 0, and \(listed(parts)) \(baseline + candidate == 1 ? "has" : "have") none"
  }

  private func withinFloor(_ floor: Double) -> String {
    "sessions of this machine differ by up to \(percent(floor)) on their own, and this need not be more"
  }

  private func notDetected(_ comparison: CaseComparison) -> String {
    let contrast = comparison.contrast
    let trials =
      contrast.design == .paired
      ? counted(contrast.baselineCount, "pair")
      : contrast.baselineCount == contrast.candidateCount
        ? "\(counted(contrast.baselineCount, "trial")) a side"
        : "\(contrast.baselineCount) and \(counted(contrast.candidateCount, "trial"))"
    guard let effect = comparison.minimumDetectableEffect, effect.isFinite else {
      return
        "\(trials) cannot show any difference among \(counted(comparisons, "comparison")): "
        + "choose fewer cases, or measure more trials"
    }
    return "\(trials) as noisy as these show a difference from \(percent(effect)) on"
  }
}
