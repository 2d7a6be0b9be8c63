/// Summarises the trials of a run, case by case.
///
/// - The last record of a trial (the same case and round) counts; the attempts before it stay in the files.
/// - Metrics and histograms come from the ok trials whose probes agree; where none agree, from all ok trials,
///   and the reason says so.
/// - Percentiles of a case come from merged histograms, never from averaging; the median, minimum and maximum
///   of a `MetricSummary` are those of the per-trial values and nothing else.
///
/// - Parameter order: puts the cases into this order; cases it lacks follow in the order of their first record.
public func summarise(_ trials: [TrialRecord], order: [CaseIdentity] = []) -> [CaseSummary] {
  var cases: [CaseIdentity] = []
  var records: [CaseIdentity: [TrialRecord]] = [:]
  for record in trials {
    if records[record.identity] == nil { cases.append(record.identity) }
    records[record.identity, default: []].append(record)
  }
  var seen = Set<CaseIdentity>()
  return (order + cases).compactMap { identity in
    guard let own = records[identity], seen.insert(identity).inserted else { return nil }
    return summariseCase(identity, own)
  }
}

private func summariseCase(_ identity: CaseIdentity, _ records: [TrialRecord]) -> CaseSummary {
  var last: [Int: TrialRecord] = [:]
  for record in records { last[record.trial] = record }
  let final = last.values.sorted { $0.trial < $1.trial }

  let ok = final.filter { $0.status == .ok }
  let failed = final.filter { $0.status == .failed }
  let skipped = final.filter { $0.status == .skipped }
  let agreeing = ok.filter(\.probesAgree)
  let used = agreeing.isEmpty ? ok : agreeing

  var reasons: [String] = []
  if let first = failed.first {
    reasons.append("\(failed.count) of \(final.count) trials failed: \(first.reason)")
  }
  if !ok.isEmpty && agreeing.isEmpty {
    reasons.append("the machine changed under every trial: no trial's probes agree")
  } else if agreeing.count < ok.count {
    let changed = ok.count - agreeing.count
    reasons.append("\(changed) of \(ok.count) trials left out: their probes disagree")
  }
  if ok.isEmpty && failed.isEmpty, let first = skipped.first { reasons.append(first.reason) }

  return CaseSummary(
    identity: identity, status: failed.isEmpty ? (ok.isEmpty ? .skipped : .ok) : .failed,
    reason: reasons.joined(separator: "; "), okTrials: ok.count, failedTrials: failed.count,
    skippedTrials: skipped.count, repeatedTrials: records.count { $0.attempt > 0 },
    metrics: summariseMetrics(used), histograms: mergeHistograms(used))
}

private func summariseMetrics(_ trials: [TrialRecord]) -> [MetricSummary] {
  var names: [String] = []
  var measures: [String: [Measure]] = [:]
  for measure in trials.flatMap(\.measures) {
    if measures[measure.metric] == nil { names.append(measure.metric) }
    measures[measure.metric, default: []].append(measure)
  }
  return names.compactMap { name in
    guard let own = measures[name], let first = own.first else { return nil }
    let given = own.filter { $0.value != nil }
    return MetricSummary(
      metric: name, unit: first.unit, better: first.better, values: given.compactMap(\.value),
      samples: given.reduce(0) { $0 &+ ($1.samples ?? 0) },
      reason: given.count == own.count ? nil : own.lazy.compactMap(\.reason).first)
  }
}

private func mergeHistograms(_ trials: [TrialRecord]) -> [String: MergedHistogram] {
  var merged: [String: MergedHistogram] = [:]
  for histogram in trials.flatMap(\.histograms) {
    merged[histogram.name, default: MergedHistogram()].add(histogram)
  }
  return merged
}
