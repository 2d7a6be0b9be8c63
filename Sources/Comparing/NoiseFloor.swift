import Analysis
import Glibc
import Results

/// How far one metric is apart between sessions of one machine while nothing has changed: a difference that is not
/// larger says nothing about what is compared.
public struct NoiseFloor: Sendable, Hashable {
  public enum Source: String, Sendable, Codable {
    /// From sessions that a side holds.
    case measured
    /// No side holds enough sessions; the figure is what virtual machines were found to have.
    case assumed
    /// By the user.
    case given
  }

  public var metric: String
  public var source: Source
  /// As a share: 0.2 means that ratios up to 1.2 and down to 1/1.2 happen by themselves.
  public var share: Double
  /// How many ratios between two sessions of one case it is made of.
  public var ratios: Int
  /// Of how many sessions.
  public var sessions: Int
  /// Larger floors of cases whose own sessions are further apart.
  public var ofCases: [CaseIdentity: Double] = [:]

  /// The floor of a case.
  public func share(of identity: CaseIdentity) -> Double { max(share, ofCases[identity] ?? 0) }

  /// Measured on virtual machines for kernel mechanisms at p50: 19 to 22 %.
  public static let assumedShare = 0.2
  public static let assumption =
    "on virtual machines 19 to 22 % was measured for kernel mechanisms at p50"

  /// 95 % of the differences must lie below the floor, and that quantile needs 20 of them.
  static let quantile = 0.95
  static let requiredRatios = 20
  /// A median of fewer trials would show the noise of trials instead of that of sessions.
  static let trialsPerSession = 3
  /// From this many sessions on a case has a floor of its own where it is larger.
  static let sessionsOfCase = 3
}

extension NoiseFloor {
  /// Measures the floor of a metric.
  ///
  /// Of each case, the medians of every two sessions of one side with the same machine, environment and commit are
  /// divided by each other: nothing differs between them but the session. The floor is the 95 % quantile of the
  /// absolute log ratios over all cases and pairs of sessions. One figure for all cases, because what makes sessions
  /// differ (where the host puts the CPUs) concerns them all, and a case has too few sessions for a quantile of its
  /// own. A case with three sessions or more whose own largest difference is beyond it has that one instead. A
  /// case's floor is never below the common one: three sessions that agree prove little.
  static func measured(_ metric: ComparedMetric, sides: [SideTrials]) -> NoiseFloor {
    var all: [Double] = []
    var sessions = Set<String>()
    var ofCases: [CaseIdentity: Double] = [:]
    for side in sides {
      let reader = MetricReader(metric, in: side.table)
      for (identity, trials) in side.cases {
        let groups = sessionMedians(trials.usable, side, reader)
        for group in groups where group.count > 1 {
          let differences = absoluteDifferences(group.map(\.logMedian))
          all += differences
          sessions.formUnion(group.map(\.session))
          guard group.count >= sessionsOfCase, let largest = differences.max() else { continue }
          ofCases[identity] = max(ofCases[identity] ?? 0, expm1(largest))
        }
      }
    }
    let share = Statistics.quantile(quantile, of: all).map { expm1($0) } ?? 0
    let isEnough = all.count >= requiredRatios
    return NoiseFloor(
      metric: metric.name, source: isEnough ? .measured : .assumed,
      share: isEnough ? share : max(share, assumedShare), ratios: all.count,
      sessions: sessions.count,
      ofCases: ofCases)
  }

  static func given(_ share: Double, metric: ComparedMetric) -> NoiseFloor {
    NoiseFloor(metric: metric.name, source: .given, share: share, ratios: 0, sessions: 0)
  }

  private struct SessionMedian {
    var session: String
    var logMedian: Double
  }

  /// One list for each machine, environment and commit: between commits the sessions' difference may be a real one.
  private static func sessionMedians(
    _ trials: [TrialTable.Trial], _ side: SideTrials, _ reader: MetricReader
  ) -> [[SessionMedian]] {
    var groups: [[String]: [String: [Double]]] = [:]
    for trial in trials {
      guard let value = reader.value(in: trial), value > 0 else { continue }
      let origin = side.origin(of: trial)
      let build = [origin.hostID, origin.environmentHash, origin.gitCommit]
      groups[build, default: [:]][origin.sessionID, default: []].append(value)
    }
    return groups.values.map { sessions in
      sessions.filter { $0.value.count >= trialsPerSession }.sorted { $0.key < $1.key }.compactMap {
        session in
        Statistics.median(session.value).map {
          SessionMedian(session: session.key, logMedian: log($0))
        }
      }
    }
  }

  /// The distance of every two of the values.
  private static func absoluteDifferences(_ values: [Double]) -> [Double] {
    values.indices.flatMap { first in
      values[(first + 1)...].map { abs($0 - values[first]) }
    }
  }
}
