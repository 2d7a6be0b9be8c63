import Results

/// What several mechanisms can be ranked by: the same pattern, load, waiting and placement. How a channel is attached
/// is the mechanism's own business, so it is left out.
public struct Contest: Sendable, Hashable, Comparable {
  /// A case without mechanism, attachment and scope.
  private var question: CaseIdentity

  init(_ identity: CaseIdentity) {
    question = identity
    (question.mechanism, question.variant, question.attach, question.scope) = ("", "", "", "")
  }

  public var pattern: String { question.pattern }
  public var messageBytes: Int { question.messageBytes }
  public var rateTargetPerSecond: Double? { question.rateTargetPerSecond }
  public var producers: Int { question.producers }
  public var consumers: Int { question.consumers }
  public var wait: String { question.wait }
  public var placement: String { question.placement }
  public var touch: String { question.touch }

  /// The same contest over all message sizes.
  var overSizes: Contest {
    var contest = self
    contest.question.messageBytes = 0
    return contest
  }

  public static func < (left: Contest, right: Contest) -> Bool { left.question < right.question }
}

/// The contestants of all contests, on both sides.
struct Contests {
  struct Entry {
    var identity: CaseIdentity
    /// The mechanism's id; with its attachment and scope where one mechanism is in a contest in several forms.
    var name: String
    var metric: ComparedMetric
    var baseline: Double
    var candidate: Double
  }

  /// By contest, each in the order of the names.
  private(set) var entries: [Contest: [Entry]] = [:]

  /// - Parameter cases: of these, one metric of each case counts: what its pattern is about.
  init(_ cases: [CaseComparison]) {
    var groups: [Contest: [Entry]] = [:]
    for (identity, own) in Dictionary(grouping: cases, by: \.identity) {
      guard let main = own.min(by: { Self.rank($0.metric) < Self.rank($1.metric) }),
        let baseline = main.baseline.median, let candidate = main.candidate.median
      else { continue }
      groups[Contest(identity), default: []].append(
        Entry(
          identity: identity, name: identity.id, metric: main.metric, baseline: baseline,
          candidate: candidate))
    }
    entries = groups.mapValues(Self.named)
  }

  var sorted: [(contest: Contest, entries: [Entry])] {
    entries.sorted { $0.key < $1.key }.map { (contest: $0.key, entries: $0.value) }
  }

  /// A pattern is about its latency, or else about its rate.
  static func rank(_ metric: ComparedMetric) -> (Int, String) {
    let order = ["latency_", "message_rate", "goodput", "achieved_rate", ""]
    return (order.firstIndex { metric.name.hasPrefix($0) } ?? order.count, metric.name)
  }

  private static func named(_ entries: [Entry]) -> [Entry] {
    let forms = Dictionary(grouping: entries, by: \.identity.id)
    return entries.map { entry in
      var entry = entry
      if forms[entry.identity.id]?.count ?? 0 > 1 {
        entry.name += " (\(entry.identity.attach), \(entry.identity.scope))"
      }
      return entry
    }.sorted { $0.name < $1.name }
  }
}
