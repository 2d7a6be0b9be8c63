import Analysis
import Glibc
import Results

/// Decides, from pairs of trials, what a check says. Two stages: the first looks at every case and is easily
/// alarmed, the second looks at what alarmed it, with fresh pairs and a stricter test. Both must agree before
/// anything is called a regression.
public struct CheckJudge: Sendable {
  public let criteria: CheckCriteria

  public init(_ criteria: CheckCriteria) { self.criteria = criteria }

  /// Whether stage 1 gives a reason to look again.
  public func isFlagged(_ pairs: [TrialPair]) -> Bool {
    let usable = usable(pairs)
    guard let pattern = pairs.first?.identity.pattern else { return false }
    return CheckedMetric.all(in: pattern).contains { metric in
      metric.isGate && stage(metric, usable, criteria.alpha).map { flags($0, metric) } == true
    }
  }

  /// What both stages together say of a case.
  ///
  /// - Parameters:
  ///   - first: the pairs of stage 1.
  ///   - second: those of stage 2; empty where stage 1 did not flag the case.
  public func judge(_ identity: CaseIdentity, first: [TrialPair], second: [TrialPair]) -> CaseCheck {
    let all = first + second
    var check = CaseCheck(
      identity: identity, status: .ok, pairs: all.count, usablePairs: usable(all).count)
    if let failure = all.lazy.compactMap(failure).first {
      check.status = .failed
      check.reason = failure
      return check
    }
    check.reason = trouble(all, usable: check.usablePairs) ?? ""
    let (usableFirst, usableSecond) = (usable(first), usable(second))
    check.metrics = CheckedMetric.all(in: identity.pattern).compactMap { metric in
      stage(metric, usableFirst, criteria.alpha).map { result in
        let second = stage(metric, usableSecond, criteria.confirmationAlpha)
        return self.check(metric, result, second, trouble: check.reason)
      }
    }
    if check.gates.isEmpty && check.reason.isEmpty {
      check.reason = "no pair has a figure to decide by: longer trials would give one."
    }
    return check
  }

  // MARK: Pairs

  private func usable(_ pairs: [TrialPair]) -> [TrialPair] {
    pairs.filter { $0.baseline.status == .ok && $0.candidate.status == .ok && $0.defect(criteria) == nil }
  }

  private func failure(_ pair: TrialPair) -> String? {
    for (side, record) in [("baseline", pair.baseline), ("candidate", pair.candidate)]
    where record.status != .ok {
      return "The \(side) \(record.status == .failed ? "failed" : "was skipped"): \(record.reason)"
    }
    return nil
  }

  /// What makes a whole case undecidable, whatever its numbers are.
  private func trouble(_ pairs: [TrialPair], usable: Int) -> String? {
    if usable < criteria.minimumPairs {
      let defects = pairs.compactMap { $0.defect(criteria) }
      let example = defects.last.map { "; in one, \($0)" } ?? ""
      return "only \(usable) of \(pairs.count) pairs can be used, and \(criteria.minimumPairs) are needed"
        + "\(example)."
    }
    let steal = pairs.reduce(0) { $0 + $1.stealNanoseconds }
    let duration = pairs.reduce(0) { $0 + $1.durationNanoseconds }
    guard duration > 0, steal > criteria.largestStealShare * duration else { return nil }
    return
      "the host gave \(percent(steal / duration)) of the CPU time to others (steal) while this was measured."
  }

  // MARK: Stages

  private func stage(_ metric: CheckedMetric, _ pairs: [TrialPair], _ alpha: Double) -> StageResult? {
    let values = pairs.compactMap { pair -> (baseline: Double, candidate: Double)? in
      guard let baseline = metric.value(in: pair.baseline), let candidate = metric.value(in: pair.candidate)
      else { return nil }
      return (baseline, candidate)
    }
    return StageResult(values, alpha: alpha, confidence: criteria.confidence, power: criteria.power)
  }

  private func flags(_ result: StageResult, _ metric: CheckedMetric) -> Bool {
    result.shows(metric.worse, threshold: criteria.threshold, alpha: criteria.alpha)
  }

  private func check(
    _ metric: CheckedMetric, _ first: StageResult, _ second: StageResult?, trouble: String
  ) -> MetricCheck {
    var check = MetricCheck(metric: metric, first: first, second: second, verdict: nil)
    guard metric.isGate else { return check }
    check.isFlagged = flags(first, metric)
    (check.verdict, check.reason) =
      trouble.isEmpty ? verdict(metric, first, second) : (.inconclusive, trouble)
    return check
  }

  private func verdict(
    _ metric: CheckedMetric, _ first: StageResult, _ second: StageResult?
  ) -> (GateVerdict, String) {
    if flags(first, metric), let second {
      let isConfirmed = second.shows(
        metric.worse, threshold: criteria.threshold, alpha: criteria.confirmationAlpha)
      if isConfirmed { return (.regression, "") }
      return settled(second, whenUnable: "flagged in stage 1, not confirmed in stage 2, and ")
    }
    if first.shows(metric.worse.opposite, threshold: criteria.threshold, alpha: criteria.alpha) {
      return (.improvement, "")
    }
    return settled(first, whenUnable: "")
  }

  /// A change that was not found is none only where it could have been found.
  private func settled(_ result: StageResult, whenUnable prefix: String) -> (GateVerdict, String) {
    let smallest = result.smallestDetectableChange
    guard smallest > criteria.threshold else { return (.unchanged, "") }
    guard smallest.isFinite else {
      return (.inconclusive, "\(prefix)\(result.count) pairs are too few to show any change.")
    }
    // The interval shrinks with the root of the number of pairs.
    let needed = Double(result.count) * (log1p(smallest) / log1p(criteria.threshold)).squared
    let advice =
      needed < 1000 ? "; about \(Int(needed.rounded(.up))) would show \(percent(criteria.threshold))" : ""
    return (
      .inconclusive,
      "\(prefix)\(result.count) pairs as noisy as these show changes from \(percent(smallest)) on only\(advice)."
    )
  }
}

extension Double {
  fileprivate var squared: Double { self * self }
}

extension CheckedMetric {
  var worse: StageResult.Change { better == .higher ? .down : .up }
}

extension StageResult.Change {
  var opposite: StageResult.Change { self == .up ? .down : .up }
}
