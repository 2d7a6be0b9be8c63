import Analysis
import Comparing
import LinuxIPC
import Measurement
import Results

/// Which program a trial of a check belongs to.
public enum CheckSide: String, Sendable, CaseIterable {
  case baseline, candidate
}

/// Where the trials of a check come from: two programs in the command, made-up records in tests.
public protocol CheckSource {
  mutating func measure(_ side: CheckSide, _ planned: PlannedCase, seed: UInt64) -> TrialProgram.Outcome
}

/// Where the trials of a check are kept.
public protocol CheckSink {
  mutating func append(_ record: TrialRecord, _ side: CheckSide) throws(ResultsError)
}

/// What is shown while a check goes on.
public protocol CheckProgress {
  mutating func willMeasure(_ planned: PlannedCase, stage: Int, done: Int, of total: Int)
  mutating func finish()
}

/// Measures two programs in pairs of trials, in two stages, and judges them; see `CheckJudge`.
///
/// The two trials of a pair follow each other at once, in random order, so that what the machine does in the
/// meantime happens to both sides alike.
public struct CheckLoop {
  private let cases: [PlannedCase]
  private let judge: CheckJudge
  private let identity: RunIdentity
  private var generator: SplitMix64
  private var order = 0
  private var pairs: [CaseIdentity: (first: [TrialPair], second: [TrialPair])] = [:]
  /// Cases of which a trial failed: measuring them again would only take time.
  private var failed = Set<CaseIdentity>()

  public init(cases: [PlannedCase], criteria: CheckCriteria, identity: RunIdentity, seed: UInt64) {
    self.cases = cases
    judge = CheckJudge(criteria)
    self.identity = identity
    generator = SplitMix64(seed: seed)
  }

  /// - Returns: a check for every case, or nil when the user asked to stop.
  public mutating func run(
    _ source: inout some CheckSource, into sink: inout some CheckSink, _ progress: inout some CheckProgress
  ) throws(ResultsError) -> [CaseCheck]? {
    defer { progress.finish() }
    let criteria = judge.criteria
    guard try measure(cases, stage: 1, rounds: 0..<criteria.pairs, &source, &sink, &progress) else {
      return nil
    }
    let flagged = cases.filter { planned in
      !failed.contains(planned.identity) && judge.isFlagged(pairs[planned.identity]?.first ?? [])
    }
    let rounds = criteria.pairs..<criteria.pairs + criteria.confirmationPairs
    guard try measure(flagged, stage: 2, rounds: rounds, &source, &sink, &progress) else { return nil }
    return cases.map { planned in
      let own = pairs[planned.identity] ?? ([], [])
      return judge.judge(planned.identity, first: own.first, second: own.second)
    }
  }

  /// Every case once a round, in a random order. Returns false when the user asked to stop.
  private mutating func measure(
    _ cases: [PlannedCase], stage: Int, rounds: Range<Int>, _ source: inout some CheckSource,
    _ sink: inout some CheckSink, _ progress: inout some CheckProgress
  ) throws(ResultsError) -> Bool {
    var done = 0
    for round in rounds {
      for planned in cases.shuffled(using: &generator) where !failed.contains(planned.identity) {
        progress.willMeasure(planned, stage: stage, done: done, of: rounds.count * cases.count)
        guard let pair = try measurePair(planned, round, &source, &sink) else { return false }
        if stage == 1 {
          pairs[planned.identity, default: ([], [])].first.append(pair)
        } else {
          pairs[planned.identity, default: ([], [])].second.append(pair)
        }
        done += 1
      }
    }
    return true
  }

  /// A pair in which the machine changed is measured again, twice at most; every attempt stays in the results.
  private static let attempts = 3

  private mutating func measurePair(
    _ planned: PlannedCase, _ index: Int, _ source: inout some CheckSource, _ sink: inout some CheckSink
  ) throws(ResultsError) -> TrialPair? {
    var last: TrialPair?
    for attempt in 0..<Self.attempts {
      let seed = generator.next() % 1_000_000
      var records: [CheckSide: TrialRecord] = [:]
      for side in CheckSide.allCases.shuffled(using: &generator) {
        guard let record = record(source.measure(side, planned, seed: seed), planned, index, attempt) else {
          return nil
        }
        try sink.append(record, side)
        records[side] = record
      }
      guard let baseline = records[.baseline], let candidate = records[.candidate] else { return nil }
      let pair = TrialPair(index: index, baseline: baseline, candidate: candidate)
      if baseline.status != .ok || candidate.status != .ok {
        failed.insert(planned.identity)
        return pair
      }
      last = pair
      if pair.defect(judge.criteria) == nil { break }
    }
    return last
  }

  /// The program's own record under the check's names; nil when the user asked to stop.
  private mutating func record(
    _ outcome: TrialProgram.Outcome, _ planned: PlannedCase, _ index: Int, _ attempt: Int
  ) -> TrialRecord? {
    defer { order += 1 }
    var record = TrialRecord(
      runID: identity.runID, sessionID: identity.sessionID, hostID: identity.hostID,
      environmentHash: identity.environmentHash, gitCommit: identity.gitCommit, identity: planned.identity,
      trial: index, orderInSession: order, status: .failed, startedAt: "")
    switch outcome {
    case .interrupted: return nil
    case .failed(let reason): record.reason = reason
    case .measured(let records, let environment):
      // The program repeats a trial under which the machine changed; the last attempt counts.
      guard let measured = records.last else { break }
      record = measured
      (record.runID, record.sessionID) = (identity.runID, identity.sessionID)
      record.gitCommit = environment.tool.gitCommit ?? ""
      record.identity = planned.identity
      (record.trial, record.orderInSession) = (index, order)
    }
    (record.pairIndex, record.attempt) = (index, attempt)
    return record
  }
}

/// Two programs, measured through their command lines.
public struct ProgramPair: CheckSource {
  public var baseline: TrialProgram
  public var candidate: TrialProgram
  private let plan: Plan
  private let scope: ResourceScope

  public init(baseline: TrialProgram, candidate: TrialProgram, plan: Plan, scope: ResourceScope) {
    self.baseline = baseline
    self.candidate = candidate
    self.plan = plan
    self.scope = scope
  }

  public func measure(_ side: CheckSide, _ planned: PlannedCase, seed: UInt64) -> TrialProgram.Outcome {
    let program = side == .baseline ? baseline : candidate
    return program.measure(planned, plan, seed: seed, in: scope)
  }
}
