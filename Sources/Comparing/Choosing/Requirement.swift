import Results

/// What somebody needs a mechanism for, and what is to be best about it.
public struct Requirement: Sendable, Codable, Hashable {
  /// Where the two sides are.
  public enum Reach: String, Sendable, Codable, CaseIterable {
    case host, network
  }

  public enum Direction: String, Sendable, Codable, CaseIterable {
    /// A question and its answer, one at a time.
    case requestReply = "request-reply"
    case oneWay = "one-way"
  }

  public enum Processes: String, Sendable, Codable, CaseIterable {
    /// One has started the other, or somebody has started both: descriptors can be inherited.
    case related
    /// They know a name and nothing else.
    case unrelated
  }

  public enum Goal: String, Sendable, Codable, CaseIterable {
    case median, tail, cpu, rate
  }

  public var reach: Reach
  /// Payload bytes of a message; 0 for a wake-up that carries nothing.
  public var messageBytes: Int
  public var direction: Direction
  public var processes: Processes
  public var isLossAcceptable: Bool
  /// Acceptable ways of waiting; empty for all.
  public var waits: [String]
  /// More than one on one side at most.
  public var producers: Int
  public var consumers: Int
  public var goal: Goal
  /// Messages per second at which latencies of messages that go one way are compared.
  public var ratePerSecond: Double

  public init(
    reach: Reach = .host, messageBytes: Int = 64, direction: Direction = .requestReply,
    processes: Processes = .related, isLossAcceptable: Bool = false, waits: [String] = [],
    producers: Int = 1, consumers: Int = 1, goal: Goal = .median, ratePerSecond: Double = 10_000
  ) {
    self.reach = reach
    self.messageBytes = messageBytes
    self.direction = direction
    self.processes = processes
    self.isLossAcceptable = isLossAcceptable
    self.waits = waits
    self.producers = producers
    self.consumers = consumers
    self.goal = goal
    self.ratePerSecond = ratePerSecond
  }

  /// The pattern whose figures decide.
  public var pattern: String {
    if producers > 1 { return "fan-in" }
    if consumers > 1 { return "fan-out" }
    if direction == .requestReply { return "round-trip" }
    return isPaced ? "paced" : "stream"
  }

  /// One-way latencies mean nothing where the sender fills the channel as fast as it can.
  private var isPaced: Bool { goal == .median || goal == .tail }

  /// Nil in a pattern that sets its own pace.
  public var rateTargetPerSecond: Double? { pattern == "paced" ? ratePerSecond : nil }

  /// The histogram of the pattern's latencies; nil where single messages are not timed.
  public var histogram: String? {
    switch pattern {
    case "round-trip": "latency_rtt"
    case "paced": "latency_response"
    case "stream": nil
    default: "latency_one_way"
    }
  }

  /// A figure of the pattern.
  public func figure(_ goal: Goal) -> RankingFigure? {
    switch goal {
    case .median: histogram.map { RankingFigure(metric: "\($0)_p50", unit: "ns", better: .lower) }
    case .tail: histogram.map { RankingFigure(metric: "\($0)_p99", unit: "ns", better: .lower) }
    case .cpu: RankingFigure(metric: RankingFigure.cpuTime, unit: "ns/message", better: .lower)
    case .rate:
      RankingFigure(
        metric: pattern == "paced" ? "achieved_rate" : "message_rate", unit: "1/s", better: .higher)
    }
  }
}

/// One number of a case, and which way it is better.
public struct RankingFigure: Sendable, Codable, Hashable {
  /// A metric of the results, or `cpu_time`.
  public var metric: String
  public var unit: String
  public var better: Direction

  /// User and system time of both sides: the sum of four metrics.
  public static let cpuTime = "cpu_time"

  /// The median of the trials' values, and their range; nil where there is none.
  public func read(_ summary: CaseSummary) -> Value? {
    guard metric != Self.cpuTime else {
      return CPUTime.sum { summary.metric($0)?.median }.map { median in
        let range = [\MetricSummary.minimum, \MetricSummary.maximum].map { bound in
          CPUTime.sum { summary.metric($0)?[keyPath: bound] } ?? median
        }
        return Value(
          median: median, lowest: range[0], highest: range[1],
          trials: summary.metric(CPUTime.parts()[0])?.trials ?? 0)
      }
    }
    guard let found = summary.metric(metric), let median = found.median, let lowest = found.minimum,
      let highest = found.maximum
    else { return nil }
    return Value(median: median, lowest: lowest, highest: highest, trials: found.trials)
  }

  public struct Value: Sendable, Codable, Hashable {
    public var median: Double
    /// Over the trials; of `cpu_time` the sums of its parts' extremes, which is no less than its range.
    public var lowest: Double
    public var highest: Double
    public var trials: Int
  }
}
