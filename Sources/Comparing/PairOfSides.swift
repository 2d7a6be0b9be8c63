import Analysis
import Glibc
import Results

/// Two sides and what was asked of them; `compare` reads as the flow of the data.
struct PairOfSides {
  let baseline: SideTrials
  let candidate: SideTrials
  /// The same sides with every case, whatever the filter: how much sessions differ is a matter of the machine.
  let unfiltered: [SideTrials]
  let metrics: [ComparedMetric]
  let request: ComparisonRequest

  private var criteria: Criteria { request.criteria }

  func compare() throws(ComparisonError) -> SideComparison {
    let environments = baseline.environments.merging(candidate.environments) { first, _ in first }
    let relation = try Machines(environments: environments).relation(baseline, candidate)
    let matches = Matcher(baseline, candidate).matches(isPairing: relation == .same)
    guard !matches.isEmpty else { throw nothingInCommon() }
    let kind = ComparisonKind(relation, matches)

    var measured = matches.flatMap(contrasts)
    guard !measured.isEmpty else { throw noMetricInCommon(matches) }
    let floors = noiseFloors(kind, matches, comparisons: measured.count)
    judge(&measured, kind, floors)

    var comparison = SideComparison(
      kind: kind, cases: measured.map(\.comparison).sorted(by: Self.isGraver),
      uncompared: uncompared)
    comparison.noiseFloors = floors
    comparison.environmentDifferences = EnvironmentDifference.all(baseline, candidate)
    comparison.overall = overall(measured)
    comparison.remarks = remarks(kind, matches)
    let contests = Contests(comparison.cases.filter { isMechanism($0.identity) })
    comparison.rankings = RankingAgreement.all(contests)
    comparison.crossovers = Crossover.all(contests, threshold: criteria.threshold)
    if kind == .crossMachine {
      comparison.context = ContextFigure.all(unfiltered[0], unfiltered[1], mechanisms: request.context)
      try carryOver(&comparison, matches)
    }
    return comparison
  }

  private func isMechanism(_ identity: CaseIdentity) -> Bool { identity.id != request.ownCost }

  // MARK: Values

  /// A comparison with the values it was made from.
  private struct Measured {
    var comparison: CaseComparison
    var values: OverallRatio.Values
    /// Why the sides did not meet the same machine.
    var objection: String?
  }

  /// One for each metric of the case.
  private func contrasts(_ match: MatchedCase) -> [Measured] {
    let (first, second) = (MachineProbes(in: baseline.table), MachineProbes(in: candidate.table))
    let objection = MachineProbes.difference(
      baseline: first.medians(of: match.baseline), candidate: second.medians(of: match.candidate))
    return metrics.filter { request.metrics.includes($0, in: match.identity.pattern) }
      .compactMap { metric in
        let values = values(of: metric, match)
        guard values.baseline + values.candidate != [] || isMeasured(metric, match.identity) else {
          return nil
        }
        return Measured(
          comparison: comparison(match, metric, values), values: values,
          objection: match.design == .identical ? nil : objection)
      }
  }

  /// Whether a usable trial of either side has the metric, even if it has no partner.
  private func isMeasured(_ metric: ComparedMetric, _ identity: CaseIdentity) -> Bool {
    [baseline, candidate].contains { side in
      let reader = MetricReader(metric, in: side.table)
      return side.cases[identity]?.usable.contains { reader.value(in: $0) != nil } == true
    }
  }

  private func values(of metric: ComparedMetric, _ match: MatchedCase) -> OverallRatio.Values {
    let first = MetricReader(metric, in: baseline.table)
    let second = MetricReader(metric, in: candidate.table)
    var values = OverallRatio.Values(design: match.design, baseline: [], candidate: [])
    guard match.design != .unpaired else {
      values.baseline = match.baseline.compactMap(first.value)
      values.candidate = match.candidate.compactMap(second.value)
      return values
    }
    for (one, other) in zip(match.baseline, match.candidate) {
      guard let before = first.value(in: one), let after = second.value(in: other) else { continue }
      values.baseline.append(before)
      values.candidate.append(after)
    }
    return values
  }

  private func comparison(
    _ match: MatchedCase, _ metric: ComparedMetric, _ values: OverallRatio.Values
  ) -> CaseComparison {
    let (before, after) = (values.baseline, values.candidate)
    let contrast: Contrast =
      switch match.design {
      case .paired:
        .paired(baseline: before, candidate: after, better: metric.better, criteria: criteria)
      case .unpaired:
        .unpaired(baseline: before, candidate: after, better: metric.better, criteria: criteria)
      case .identical: .identical(before, better: metric.better, criteria: criteria)
      }
    return CaseComparison(
      identity: match.identity, metric: metric,
      baseline: side(
        baseline.cases[match.identity], contrast.baselineCount, match.baselineWithoutPartner,
        contrast.baselineMedian),
      candidate: side(
        candidate.cases[match.identity], contrast.candidateCount, match.candidateWithoutPartner,
        contrast.candidateMedian),
      contrast: contrast, reason: "")
  }

  private func side(
    _ trials: SideTrials.Case?, _ count: Int, _ withoutPartner: Int, _ median: Double?
  ) -> CaseComparison.Side {
    CaseComparison.Side(
      trials: count, unsteadyTrials: trials?.unsteady.count ?? 0,
      trialsWithoutPartner: withoutPartner,
      failedTrials: trials?.failed.count ?? 0, median: median)
  }

  // MARK: Verdicts

  private func judge(_ measured: inout [Measured], _ kind: ComparisonKind, _ floors: [NoiseFloor]) {
    guard kind != .crossMachine else {
      // A test would be about the machines' speed, which everybody knows to differ.
      for index in measured.indices { measured[index].comparison.contrast.test = nil }
      return
    }
    let tested = measured.indices.filter { measured[$0].comparison.contrast.test != nil }
    let adjusted = Statistics.holm(tested.compactMap { measured[$0].comparison.contrast.pValue })
    let byIndex = Dictionary(uniqueKeysWithValues: zip(tested, adjusted))
    let floorOf = Dictionary(uniqueKeysWithValues: floors.map { ($0.metric, $0) })
    let judge = Judge(criteria: criteria, comparisons: tested.count)
    for index in measured.indices {
      let identity = measured[index].comparison.identity
      measured[index].comparison.noiseFloor =
        floorOf[measured[index].comparison.metric.name]?.share(of: identity)
      judge.judge(
        &measured[index].comparison, adjustedPValue: byIndex[index],
        objection: measured[index].objection)
    }
  }

  /// Sessions of one machine differ on their own; trials of one session were measured under the same roof.
  private func noiseFloors(
    _ kind: ComparisonKind, _ matches: [MatchedCase], comparisons: Int
  ) -> [NoiseFloor] {
    guard kind == .unpaired, !isOneSession(matches) else { return [] }
    let shown = metrics.filter { metric in
      matches.contains { request.metrics.includes(metric, in: $0.identity.pattern) }
    }
    return shown.map { metric in
      request.noiseFloor.map { .given($0, metric: metric) }
        ?? .measured(
          metric, sides: unfiltered, criteria: criteria, comparisons: comparisons,
          gap: SessionTime.gap(baseline, candidate),
          where: isMechanism)
    }
  }

  func isOneSession(_ matches: [MatchedCase]) -> Bool {
    var sessions = Set<String>()
    for match in matches {
      sessions.formUnion(match.baseline.map { baseline.origin(of: $0).sessionID })
      sessions.formUnion(match.candidate.map { candidate.origin(of: $0).sessionID })
    }
    return sessions.count == 1 && sessions != [""]
  }

  /// Slower first, then faster, inconclusive and equivalent; of each the largest difference first.
  private static func isGraver(_ first: CaseComparison, _ second: CaseComparison) -> Bool {
    let order: [Verdict?] = [.slower, .faster, .inconclusive, .equivalent, nil]
    let ranks = [first, second].map { order.firstIndex(of: $0.verdict) ?? order.count }
    if ranks[0] != ranks[1] { return ranks[0] < ranks[1] }
    let effects = [first, second].map { abs($0.contrast.logRatio?.estimate ?? 0) }
    if effects[0] != effects[1] { return effects[0] > effects[1] }
    if first.identity != second.identity { return first.identity < second.identity }
    return first.metric.name < second.metric.name
  }

  // MARK: The whole

  private func overall(_ measured: [Measured]) -> [OverallRatio] {
    metrics.compactMap { metric in
      let own = measured.filter {
        $0.comparison.metric == metric && $0.comparison.contrast.obstacle == nil
          && isMechanism($0.comparison.identity)
      }
      let values = own.map(\.values).filter { ($0.baseline + $0.candidate).allSatisfy { $0 > 0 } }
      return OverallRatio(metric, values, confidence: criteria.confidence)
    }
  }

  private var uncompared: [UncomparedCase] {
    Set(baseline.cases.keys).union(candidate.cases.keys).sorted().compactMap {
      UncomparedCase($0, baseline: baseline.cases[$0], candidate: candidate.cases[$0])
    }
  }

  private func carryOver(
    _ comparison: inout SideComparison, _ matches: [MatchedCase]
  ) throws(ComparisonError) {
    let matches = matches.filter { isMechanism($0.identity) }
    let reference =
      request.reference
      ?? RelativeToReference.defaultReference(matches, usual: request.usualReference)
    guard let reference else { return }
    guard matches.contains(where: { $0.identity.id == reference }) else {
      let known = Set(matches.map(\.identity.id)).sorted()
      throw ComparisonError(
        .usage,
        "No case of the mechanism '\(reference)' was measured on both sides; did you mean "
          + "'\(nearest(to: reference, in: known))'? Choose another with --reference.")
    }
    comparison.reference = reference
    comparison.relatives = RelativeToReference.all(
      matches, metrics: metrics, selection: request.metrics, reference: reference,
      baseline: baseline,
      candidate: candidate, confidence: criteria.confidence
    ).sorted { first, second in
      let changes = [first, second].map { abs(log($0.change.estimate)) }
      if changes[0] != changes[1] { return changes[0] > changes[1] }
      return first.identity == second.identity
        ? first.metric.name < second.metric.name : first.identity < second.identity
    }
  }
}
