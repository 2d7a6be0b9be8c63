import Results

/// A mechanism, and why a requirement rules it out, if it does: facts that need no measurement.
public struct Candidate: Sendable, Hashable {
  public var mechanism: String
  public var variant: String
  /// Acceptable ways of waiting that it has.
  public var waits: [String]
  /// Acceptable ways in which its sides get hold of the channel.
  public var attach: [String]
  /// Its messages' size: that of the requirement, or its own where it carries nothing else.
  public var messageBytes: Int
  /// One sentence; nil where it fits.
  public var whyNot: String?

  public init(
    mechanism: String, variant: String, waits: [String] = [], attach: [String] = [], messageBytes: Int,
    whyNot: String? = nil
  ) {
    self.mechanism = mechanism
    self.variant = variant
    self.waits = waits
    self.attach = attach
    self.messageBytes = messageBytes
    self.whyNot = whyNot
  }

  public var id: String { variant.isEmpty ? mechanism : "\(mechanism):\(variant)" }
}

/// The mechanisms that meet a requirement, the best first, by the figures of results; and why each of the others is out.
///
/// Every way of waiting, attaching and placing that was measured is a line of its own. Cases are ranked by the median of
/// their trials' values, as comparisons are. A line whose trials overlap those of the best one is as good, as far as
/// these results can tell.
public struct Choice: Sendable {
  public struct Line: Sendable {
    public var summary: CaseSummary
    public var value: RankingFigure.Value
    /// How many times the best one's value; 1 and more in either direction.
    public var timesBest: Double
    public var isAsGoodAsBest: Bool

    public var identity: CaseIdentity { summary.identity }
  }

  public struct Exclusion: Sendable, Hashable {
    /// Of the mechanism.
    public var id: String
    /// Empty where it is out in every way of waiting.
    public var wait: String
    /// One sentence.
    public var reason: String
    /// Whether it would fit, and only figures are missing.
    public var isUnmeasured: Bool
  }

  public var requirement: Requirement
  public var figure: RankingFigure
  public var lines: [Line]
  public var exclusions: [Exclusion]
  /// How many ways of waiting of fitting mechanisms there are, measured or not.
  public var fittingCount: Int

  /// - Returns: nil where the goal has no figure in the requirement's pattern.
  public init?(_ requirement: Requirement, _ candidates: [Candidate], _ summaries: [CaseSummary]) {
    guard let figure = requirement.figure(requirement.goal) else { return nil }
    self.requirement = requirement
    self.figure = figure
    exclusions = candidates.compactMap { candidate in
      candidate.whyNot.map { Exclusion(id: candidate.id, wait: "", reason: $0, isUnmeasured: false) }
    }
    let fitting = candidates.filter { $0.whyNot == nil }
    fittingCount = fitting.reduce(0) { $0 + $1.waits.count }
    var read: [(CaseSummary, RankingFigure.Value)] = []
    let byMechanism = Dictionary(grouping: summaries.filter { requirement.asksFor($0.identity) }) {
      $0.identity.id
    }
    for candidate in fitting {
      for wait in candidate.waits {
        let own = (byMechanism[candidate.id] ?? []).filter { candidate.offers($0.identity, wait) }
        let values = own.compactMap { summary in figure.read(summary).map { (summary, $0) } }
        read += values
        if values.isEmpty {
          exclusions.append(
            Exclusion(
              id: candidate.id, wait: wait, reason: Self.whyNoFigure(own, figure), isUnmeasured: true))
        }
      }
    }
    let isLower = figure.better == .lower
    read.sort { one, other in
      let (a, b) = (one.1.median, other.1.median)
      return a == b ? one.0.identity < other.0.identity : isLower ? a < b : a > b
    }
    guard let best = read.first?.1 else {
      lines = []
      return
    }
    lines = read.map { summary, value in
      let ratio = isLower ? value.median / best.median : best.median / value.median
      let overlaps = isLower ? value.lowest <= best.highest : value.highest >= best.lowest
      return Line(summary: summary, value: value, timesBest: ratio, isAsGoodAsBest: overlaps)
    }
  }

  private static func whyNoFigure(_ cases: [CaseSummary], _ figure: RankingFigure) -> String {
    guard let first = cases.first else { return "It was not measured in these results." }
    if first.status != .ok { return first.reason }
    let reason = first.metric(figure.metric)?.reason.map { ": \($0)" } ?? "."
    return "It was measured, but has no \(figure.metric)\(reason)"
  }
}

extension Requirement {
  /// Whether a case of some mechanism was measured under what is required.
  func asksFor(_ identity: CaseIdentity) -> Bool {
    // A notification's is marked: round-trip:notification.
    identity.pattern.prefix { $0 != ":" } == pattern && identity.scope == reach.rawValue
      && identity.touch == "all"
      && identity.rateTargetPerSecond == rateTargetPerSecond && identity.producers == producers
      && identity.consumers == consumers
  }
}

extension Candidate {
  fileprivate func offers(_ identity: CaseIdentity, _ wait: String) -> Bool {
    identity.wait == wait && attach.contains(identity.attach) && identity.messageBytes == messageBytes
  }
}
