import Results

/// The trials of one case that are compared, and how they belong together.
struct MatchedCase: Sendable {
  var identity: CaseIdentity
  var design: Contrast.Design
  /// Where they are paired or identical, trial i of one side belongs to trial i of the other.
  var baseline: [TrialTable.Trial]
  var candidate: [TrialTable.Trial]
  /// Usable trials that found no partner, or that both sides hold beside others.
  var baselineWithoutPartner = 0
  var candidateWithoutPartner = 0
  /// Trials with the same run, session and number on both sides whose values differ.
  var contradictions = 0
}

/// Finds which trials of two sides belong together.
struct Matcher {
  let baseline: SideTrials
  let candidate: SideTrials
  /// The index of the baseline's metric in the candidate's table; nil where it has no such metric.
  private let metricIndices: [Int?]

  init(_ baseline: SideTrials, _ candidate: SideTrials) {
    self.baseline = baseline
    self.candidate = candidate
    metricIndices = baseline.table.metrics.map { candidate.table.metric($0.name) }
  }

  /// The cases that were measured on both sides, in the order in which people compare them.
  ///
  /// - Parameter isPairing: false where the machines differ: a session is on one machine.
  func matches(isPairing: Bool) -> [MatchedCase] {
    let common = baseline.cases.keys.filter { candidate.cases[$0] != nil }.sorted()
    var matches = common.compactMap { identity -> MatchedCase? in
      guard let first = baseline.cases[identity], let second = candidate.cases[identity],
        first.measuredCount > 0, second.measuredCount > 0
      else { return nil }
      // A run compared with itself is the same even where none of its trials may be used for anything else.
      return first.usable.isEmpty && second.usable.isEmpty
        ? identical(identity, first.unsteady, second.unsteady)
        : withoutShared(identity, first.usable, second.usable)
    }
    guard isPairing else { return matches }
    let paired = matches.map(pairing)
    // A side that was measured in pairs is compared in pairs, or not at all: what has no partner was not measured
    // at the same time.
    guard paired.contains(where: { $0.design == .paired && !$0.baseline.isEmpty }) else {
      return matches
    }
    for index in matches.indices where matches[index].design != .identical {
      matches[index] = paired[index]
    }
    return matches
  }

  // MARK: The same trials on both sides

  private struct TrialKey: Hashable {
    var run: String
    var session: String
    var trial: Int
    var order: Int
  }

  private func key(_ trial: TrialTable.Trial, of side: SideTrials) -> TrialKey {
    let origin = side.origin(of: trial)
    return TrialKey(
      run: origin.runID, session: origin.sessionID, trial: trial.trial, order: trial.orderInSession)
  }

  /// Takes the trials that both sides hold out of the side that has others, or pairs each with itself where neither
  /// has: a trial says nothing about how two sides differ.
  private func withoutShared(
    _ identity: CaseIdentity, _ first: [TrialTable.Trial], _ second: [TrialTable.Trial]
  ) -> MatchedCase {
    var match = MatchedCase(
      identity: identity, design: .unpaired, baseline: first, candidate: second)
    var byKey: [TrialKey: TrialTable.Trial] = [:]
    for trial in second { byKey[key(trial, of: candidate)] = trial }
    var shared: [TrialKey: TrialTable.Trial] = [:]
    for trial in first {
      let key = key(trial, of: baseline)
      guard let other = byKey[key] else { continue }
      if haveSameValues(trial, other) { shared[key] = other } else { match.contradictions += 1 }
    }
    guard !shared.isEmpty else { return match }
    let firstOthers = first.filter { shared[key($0, of: baseline)] == nil }
    let secondOthers = second.filter { shared[key($0, of: candidate)] == nil }
    if firstOthers.isEmpty && secondOthers.isEmpty {
      match.design = .identical
      match.candidate = first.compactMap { shared[key($0, of: baseline)] }
      return match
    }
    if !firstOthers.isEmpty {
      match.baseline = firstOthers
      match.baselineWithoutPartner = first.count - firstOthers.count
    }
    if !secondOthers.isEmpty {
      match.candidate = secondOthers
      match.candidateWithoutPartner = second.count - secondOthers.count
    }
    return match
  }

  /// A case without a usable trial: nothing to compare, unless both sides are the same trials.
  private func identical(
    _ identity: CaseIdentity, _ first: [TrialTable.Trial], _ second: [TrialTable.Trial]
  ) -> MatchedCase {
    let match = withoutShared(identity, first, second)
    return match.design == .identical
      ? match : MatchedCase(identity: identity, design: .unpaired, baseline: [], candidate: [])
  }

  /// Whether every metric that both have is the same: a file that lacks some columns' rows is still the same run.
  private func haveSameValues(_ first: TrialTable.Trial, _ second: TrialTable.Trial) -> Bool {
    first.values.allSatisfy { value in
      guard let index = metricIndices[value.metric], let other = second.value(index) else {
        return true
      }
      return other == value.value
    }
  }

  // MARK: Pairs

  private struct PairKey: Hashable {
    var session: String
    var pair: Int
  }

  /// The trials by session and pair; of several with one key the last counts.
  private func pairs(_ trials: [TrialTable.Trial], of side: SideTrials) -> [PairKey: TrialTable
    .Trial]
  {
    var pairs: [PairKey: TrialTable.Trial] = [:]
    for trial in trials {
      guard let pair = trial.pairIndex else { continue }
      pairs[PairKey(session: side.origin(of: trial).sessionID, pair: pair)] = trial
    }
    return pairs
  }

  private func pairing(_ match: MatchedCase) -> MatchedCase {
    var match = match
    let partners = pairs(match.candidate, of: candidate)
    let own = pairs(match.baseline, of: baseline)
    let keys = own.keys.filter { partners[$0] != nil }
      .sorted { ($0.session, $0.pair) < ($1.session, $1.pair) }
    match.design = .paired
    match.baselineWithoutPartner += match.baseline.count - keys.count
    match.candidateWithoutPartner += match.candidate.count - keys.count
    match.baseline = keys.compactMap { own[$0] }
    match.candidate = keys.compactMap { partners[$0] }
    return match
  }
}
