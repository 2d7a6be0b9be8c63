import Analysis
import Glibc
import Results

/// Stored runs of one machine as a baseline: what its sessions have in common, and how far they are apart.
public struct StoredBaseline: Sendable {
  private let criteria: CheckCriteria
  private let table: TrialTable
  /// Sessions that count, in the order of their ids.
  public let sessions: [String]

  /// Why stored runs cannot serve.
  public enum Unusable: Error, Sendable, CustomStringConvertible {
    /// Nothing to compare with.
    case tooFewSessions(found: Int, needed: Int)
    /// Enough sessions, all of them from elsewhere.
    case anotherMachine(sessions: Int)

    public var description: String {
      switch self {
      case .tooFewSessions(let found, let needed):
        "The baseline has \(found) session\(found == 1 ? "" : "s") of this machine and needs \(needed): "
          + "'make baseline' records them."
      case .anotherMachine(let sessions):
        "The \(sessions) sessions of the baseline come from another machine, whose times say nothing about this "
          + "one: record a baseline here with 'make baseline'."
      }
    }
  }

  /// - Parameter candidate: the session that is to be checked; it chooses which stored sessions count.
  public init(
    _ stored: TrialTable, for candidate: TrialTable.Origin, _ criteria: CheckCriteria
  ) throws(Unusable) {
    let own = stored.origins.filter {
      $0.environmentHash == candidate.environmentHash || $0.hostID == candidate.hostID
    }
    let found = Set(own.map(\.sessionID)).subtracting([candidate.sessionID])
    guard found.count >= criteria.minimumSessions else {
      let elsewhere = Set(stored.origins.map(\.sessionID)).count
      throw found.isEmpty && elsewhere >= criteria.minimumSessions
        ? .anotherMachine(sessions: elsewhere)
        : .tooFewSessions(found: found.count, needed: criteria.minimumSessions)
    }
    table = stored
    sessions = found.sorted()
    self.criteria = criteria
  }

  /// Checks every case that both have; the family of gates shares the false alarms that a whole check may have.
  public func check(_ candidate: TrialTable) -> [CaseCheck] {
    let (stored, fresh) = (SessionMedians(table), SessionMedians(candidate))
    let session = candidate.origins.first?.sessionID ?? ""
    let identities = candidate.cases.filter(Set(table.cases).contains).sorted()
    let gates = identities.reduce(0) { $0 + CheckedMetric.all(in: $1.pattern).count { $0.isGate } }
    // Bonferroni: each gate has its part of the alarms, and only one of the two sides is an alarm.
    let confidence = 1 - 2 * criteria.falseAlarms / Double(max(gates, 1))
    func medians(_ identity: CaseIdentity, _ metric: CheckedMetric) -> [Double] {
      sessions.compactMap { stored.median(identity, metric, session: $0) }
    }
    // Eight sessions of one case may agree by luck; those of all cases together tell how far sessions are apart.
    let usual = Dictionary(
      uniqueKeysWithValues: CheckedMetric.all.map { metric in
        (metric, Self.usualDeviation(identities.map { medians($0, metric) }))
      })
    return identities.map { identity in
      if let failure = fresh.failure(of: identity) {
        return CaseCheck(identity: identity, status: .failed, reason: failure)
      }
      let metrics = CheckedMetric.all(in: identity.pattern).compactMap { metric -> MetricCheck? in
        guard let value = fresh.median(identity, metric, session: session) else { return nil }
        return check(metric, medians(identity, metric), value, confidence, usual[metric] ?? 0)
      }
      let reason =
        metrics.contains { $0.verdict != nil } ? "" : "the stored sessions have no figure to decide by."
      return CaseCheck(identity: identity, status: .ok, reason: reason, metrics: metrics)
    }
  }

  /// The median over cases of the standard deviation of their sessions' logarithms.
  private static func usualDeviation(_ cases: [[Double]]) -> Double {
    let deviations = cases.filter { $0.count >= 2 }.map { medians -> Double in
      let logs = medians.map { log($0) }
      let mean = logs.reduce(0, +) / Double(logs.count)
      let squares = logs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (squares / Double(logs.count - 1)).squareRoot()
    }
    return Statistics.median(deviations) ?? 0
  }

  private func check(
    _ metric: CheckedMetric, _ medians: [Double], _ value: Double, _ confidence: Double, _ usual: Double
  ) -> MetricCheck? {
    guard medians.count >= criteria.minimumSessions,
      let result = StageResult(
        sessionMedians: medians, candidate: value, confidence: confidence, leastDeviation: usual)
    else { return nil }
    guard metric.isGate else { return MetricCheck(metric: metric, first: result, verdict: nil) }
    let limit = max(result.upper, 1 + criteria.threshold)
    if result.ratio > limit { return MetricCheck(metric: metric, first: result, verdict: .regression) }
    if result.ratio < 1 / limit { return MetricCheck(metric: metric, first: result, verdict: .improvement) }
    guard result.smallestDetectableChange > criteria.threshold else {
      return MetricCheck(metric: metric, first: result, verdict: .unchanged)
    }
    return MetricCheck(
      metric: metric, first: result, verdict: .inconclusive,
      reason:
        "stored sessions as far apart as these show changes from \(percent(result.smallestDetectableChange)) on only."
    )
  }
}

/// The median over a session's trials, which is one observation: the trials of a session share what the machine was
/// like in it.
struct SessionMedians {
  private struct Key: Hashable { var identity: CaseIdentity, metric: String, session: String }
  private var values: [Key: [Double]] = [:]
  private var failures: [CaseIdentity: String] = [:]

  init(_ table: TrialTable) {
    let names = table.metrics.map(\.name)
    for trial in table.finalTrials {
      let identity = table.cases[trial.caseIndex]
      guard trial.status == .ok else {
        if trial.status == .failed { failures[identity] = trial.reason }
        continue
      }
      guard trial.probesAgree else { continue }
      let named = Dictionary(
        trial.values.map { (names[$0.metric], $0.value) }, uniquingKeysWith: { first, _ in first })
      let session = table.origins[trial.origin].sessionID
      for metric in CheckedMetric.all(in: identity.pattern) {
        guard let value = metric.value({ named[$0] }) else { continue }
        values[Key(identity: identity, metric: metric.name, session: session), default: []].append(value)
      }
    }
  }

  func median(_ identity: CaseIdentity, _ metric: CheckedMetric, session: String) -> Double? {
    values[Key(identity: identity, metric: metric.name, session: session)].flatMap(Statistics.median)
  }

  func failure(of identity: CaseIdentity) -> String? { failures[identity] }
}
