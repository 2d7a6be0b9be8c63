import Analysis
import Glibc
import Results

/// A case measured by a reference mechanism that did the same work on the same machine: what of a result carries over
/// to another machine.
public struct RelativeToReference: Sendable {
  public var identity: CaseIdentity
  public var reference: CaseIdentity
  public var metric: ComparedMetric
  /// The case over the reference, each on its own machine.
  public var baseline: Double
  public var candidate: Double
  /// How many rounds of each side have both.
  public var baselineRounds: Int
  public var candidateRounds: Int
  /// The candidate's ratio over the baseline's. 1 means that the advantage carries over.
  ///
  /// The unit is the round: the case's value over the reference's in the same round of the same run, which cancels
  /// what drifts from round to round. Hodges–Lehmann, from the rounds of one machine to those of the other; few
  /// rounds have infinite bounds.
  public var change: ShiftEstimate
}

extension RelativeToReference {
  /// - Parameter matches: the cases that both sides have.
  static func all(
    _ matches: [MatchedCase], metrics: [ComparedMetric], selection: MetricSelection,
    reference: String,
    baseline: SideTrials, candidate: SideTrials, confidence: Double
  ) -> [RelativeToReference] {
    let references = Dictionary(
      grouping: matches.filter { $0.identity.id == reference }, by: { Contest($0.identity) })
    return metrics.flatMap { metric -> [RelativeToReference] in
      let (first, second) = (Rounds(metric, baseline), Rounds(metric, candidate))
      return matches.compactMap { match in
        guard match.identity.id != reference,
          selection.includes(metric, in: match.identity.pattern),
          let own = best(references[Contest(match.identity)] ?? [], for: match.identity)
        else { return nil }
        let before = first.logRatios(match.baseline, to: own.baseline)
        let after = second.logRatios(match.candidate, to: own.candidate)
        guard
          let shift = Statistics.hodgesLehmannShift(
            from: before, to: after, confidence: confidence),
          let one = Statistics.median(before).map({ exp($0) }),
          let other = Statistics.median(after).map({ exp($0) }), one > 0, one.isFinite, other > 0,
          other.isFinite
        else { return nil }
        return RelativeToReference(
          identity: match.identity, reference: own.identity, metric: metric, baseline: one,
          candidate: other, baselineRounds: before.count, candidateRounds: after.count,
          change: ShiftEstimate(
            estimate: exp(shift.estimate), lower: exp(shift.lower), upper: exp(shift.upper),
            confidence: confidence))
      }
    }
  }

  /// The reference attached in the same way, if there is one.
  private static func best(_ references: [MatchedCase], for identity: CaseIdentity) -> MatchedCase? {
    references.first {
      $0.identity.attach == identity.attach && $0.identity.scope == identity.scope
    }
      ?? references.min { $0.identity < $1.identity }
  }

  /// The mechanism that most can be measured by.
  ///
  /// - Parameter usual: taken where both sides have it.
  static func defaultReference(_ matches: [MatchedCase], usual: String) -> String? {
    if matches.contains(where: { $0.identity.id == usual }) { return usual }
    let contests = Dictionary(grouping: matches, by: \.identity.id)
      .mapValues { Set($0.map { Contest($0.identity) }).count }
    return contests.min { ($1.value, $0.key) < ($0.value, $1.key) }?.key
  }
}

/// Values by the round they were measured in.
private struct Rounds {
  let side: SideTrials
  let reader: MetricReader

  init(_ metric: ComparedMetric, _ side: SideTrials) {
    self.side = side
    reader = MetricReader(metric, in: side.table)
  }

  private struct Round: Hashable {
    var run: String
    var trial: Int
  }

  func logRatios(_ trials: [TrialTable.Trial], to reference: [TrialTable.Trial]) -> [Double] {
    var references: [Round: Double] = [:]
    for trial in reference { references[round(trial)] = reader.value(in: trial) }
    return trials.compactMap { trial in
      guard let value = reader.value(in: trial), let other = references[round(trial)], value > 0,
        other > 0
      else { return nil }
      return log(value) - log(other)
    }
  }

  private func round(_ trial: TrialTable.Trial) -> Round {
    Round(run: side.origin(of: trial).runID, trial: trial.trial)
  }
}
