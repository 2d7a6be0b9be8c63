import Comparing

/// The answer with what it rests on, in one line and without a full stop, for standard error:
/// `regression: pipe round-trip 64 B block: p50 +11.8 % (9.9 to 13.6 %), and 1 more case`.
public func checkReason(_ outcome: CheckOutcome) -> String {
  let view = CheckView(outcome)
  switch outcome.answer {
  case .ok: return "no regression in \(counted(view.attempted, "case"))"
  case .regression: return "regression: \(regression(view))"
  case .failed: return "failed: \(first(view.failed, view))\(more(view.failed))"
  case .inconclusive: return "inconclusive: \(inconclusive(view))"
  }
}

private func regression(_ view: CheckView) -> String {
  let worst = view.regressions[0]
  let gates = worst.gates.filter { $0.verdict == .regression }
  let text = gates.max { $0.effect(.regression) < $1.effect(.regression) }.map(\.inBrief) ?? ""
  let failed = view.failed.isEmpty ? "" : "; \(counted(view.failed.count, "case")) failed"
  return "\(view.names.name(worst.identity)): \(text)\(more(view.regressions))\(failed)"
}

private func inconclusive(_ view: CheckView) -> String {
  let all = counted(view.attempted, "case")
  if view.outcome.cases.isEmpty {
    let note = view.outcome.notes.first.map { ": \($0.oneLine.withoutFullStop)" } ?? ""
    return "there was nothing to check\(note)"
  }
  guard view.attempted > 0 else {
    return "nothing could be measured: \(first(view.skipped, view))\(more(view.skipped))"
  }
  guard let noisiest = view.noisy.last?.smallestVisibleChange else {
    return
      "\(view.disturbed.count) of \(all) cannot tell: \(first(view.disturbed, view))\(more(view.disturbed))"
  }
  let one = noisiest.isFinite ? "only one of \(CheckNumbers.smallest(noisiest))" : "none at all"
  let alone = noisiest.isFinite ? one : "nor any other"
  let limit = view.noisy.count == 1 ? ", \(alone)" : "; the noisiest \(one)"
  let rest = view.disturbed.isEmpty ? "" : "; \(view.disturbed.count) more cannot tell for other reasons"
  return "\(view.noisy.count) of \(all) cannot show a change of \(view.threshold)\(limit)\(rest)"
}

/// The first of the cases with its reason.
private func first(_ cases: [CaseCheck], _ view: CheckView) -> String {
  cases.first.map { "\(view.names.name($0.identity)): \($0.why.withoutFullStop)" } ?? ""
}

private func more(_ cases: [CaseCheck]) -> String {
  cases.count > 1 ? ", and \(counted(cases.count - 1, "more case"))" : ""
}

extension MetricCheck {
  /// `p50 +11.8 % (9.9 to 13.6 %)`
  var inBrief: String {
    let change = "\(metric.inWords) \(CheckNumbers.change(decisive.ratio))"
    return CheckNumbers.bounds(decisive).map { "\(change) (\($0))" } ?? change
  }
}
