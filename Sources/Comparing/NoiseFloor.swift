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
  /// What is not called a difference, as a share: 0.4 means ratios up to 1.4 and down to 1/1.4.
  public var share: Double
  /// Within which 95 of 100 ratios between two sessions lie; nil where that is not known.
  public var typicalShare: Double?
  /// How many ratios between two sessions of one case it is made of.
  public var ratios: Int
  /// Of how many sessions.
  public var sessions: Int
  /// From the first to the last of them, in seconds; nil where their ids do not begin with a time.
  public var span: Int?
  /// How far apart the sides are in time, where that is further than the sessions: then the floor is at least the
  /// assumed one, because sessions of one minute agree better than those of one day.
  public var gap: Int?
  /// Larger floors of cases whose own sessions are further apart.
  public var ofCases: [CaseIdentity: Double] = [:]

  /// The floor of a case.
  public func share(of identity: CaseIdentity) -> Double { max(share, ofCases[identity] ?? 0) }

  /// Measured on virtual machines for kernel mechanisms at p50: 19 to 22 %.
  public static let assumedShare = 0.2
  public static let assumption =
    "on virtual machines 19 to 22 % was measured for kernel mechanisms at p50"

  /// Of the differences; it needs 20 of them.
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
  /// divided by each other: nothing differs between them but the session. All cases' log ratios together give the
  /// spread, because what makes sessions differ (where the host puts the CPUs) concerns them all, and a case alone
  /// has too few sessions. As their 95 % quantile it is robust, and unlike a median it sees the cases that are worse
  /// than most. Were it the floor itself, one case in twenty would be called different by chance; so it is taken as
  /// 1.96 standard deviations and extended to as many as leave a chance of α over all results together.
  ///
  /// A case with three sessions or more whose own largest difference is beyond that has that one instead. A case's
  /// floor is never below the common one: three sessions that agree prove little.
  ///
  /// - Parameters:
  ///   - comparisons: how many results are looked at together.
  ///   - gap: how far apart the sides are in time, in seconds; nil where that is not known.
  static func measured(
    _ metric: ComparedMetric, sides: [SideTrials], criteria: Criteria, comparisons: Int, gap: Int?,
    where isCounted: (CaseIdentity) -> Bool
  ) -> NoiseFloor {
    let found = differences(metric, sides, isCounted)
    var floor = NoiseFloor(
      metric: metric.name, source: .assumed, share: assumedShare, ratios: found.all.count,
      sessions: found.sessions, span: found.span, ofCases: found.ofCases)
    guard let typical = Statistics.quantile(quantile, of: found.all), let largest = found.all.max() else {
      return floor
    }
    if found.all.count < requiredRatios {
      floor.share = max(assumedShare, share(largest))
      return floor
    }
    let deviations =
      Statistics.normalQuantile(1 - criteria.alpha / Double(2 * max(1, comparisons)))
      / Statistics.normalQuantile((1 + quantile) / 2)
    floor.source = .measured
    floor.typicalShare = share(typical)
    floor.share = share(typical * max(1, deviations))
    if let gap, let span = found.span, gap > span {
      floor.gap = gap
      floor.share = max(floor.share, assumedShare)
    }
    return floor
  }

  /// Of a log ratio; beyond a factor of a million nothing is to be told any more.
  private static func share(_ logRatio: Double) -> Double { min(expm1(logRatio), 1e6) }

  private struct Differences {
    /// Absolute log ratios between sessions.
    var all: [Double] = []
    var sessions = 0
    var span: Int?
    /// The largest of each case that has several, as a share.
    var ofCases: [CaseIdentity: Double] = [:]

    mutating func extend(to sessions: [String]) {
      let times = sessions.compactMap(SessionTime.seconds)
      guard let first = times.min(), let last = times.max() else { return }
      span = max(span ?? 0, last - first)
    }
  }

  private static func differences(
    _ metric: ComparedMetric, _ sides: [SideTrials], _ isCounted: (CaseIdentity) -> Bool
  ) -> Differences {
    var found = Differences()
    var sessions = Set<String>()
    for side in sides {
      let reader = MetricReader(metric, in: side.table)
      for (identity, trials) in side.cases where isCounted(identity) {
        for group in sessionMedians(trials.usable, side, reader) where group.count > 1 {
          let differences = absoluteDifferences(group.map(\.logMedian))
          found.all += differences
          sessions.formUnion(group.map(\.session))
          found.extend(to: group.map(\.session))
          guard group.count >= sessionsOfCase, let largest = differences.max() else { continue }
          found.ofCases[identity] = max(found.ofCases[identity] ?? 0, share(largest))
        }
      }
    }
    found.sessions = sessions.count
    return found
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
