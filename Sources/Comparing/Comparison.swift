import Analysis
import Results

/// What to compare, and how.
public struct ComparisonRequest: Sendable {
  public var criteria = Criteria()
  public var filter = CaseFilter()
  public var metrics = MetricSelection()
  /// Instead of a measured or assumed floor, as a share.
  public var noiseFloor: Double?
  /// The mechanism that others are measured by between machines; nil to choose one.
  public var reference: String?
  /// What is chosen where both sides have it.
  public var usualReference = ""
  /// The mechanism whose figures are the tool's own cost. It has verdicts of its own, but is in no floor, mean,
  /// ranking or crossover; empty where there is none.
  public var ownCost = ""
  /// What else to show of two machines.
  public var context: [ContextMechanism] = []

  public init() {}
}

/// Several sides compared with the first of them.
public struct Comparison: Sendable {
  public var criteria: Criteria
  /// The baseline first.
  public var sides: [ComparedSide]
  /// One for each further side, in their order.
  public var comparisons: [SideComparison]

  /// Of the JSON and the CSV; raised when a field changes its meaning.
  public static let schemaVersion = 1

  /// - Parameter sides: two or more.
  /// - Throws: `usage` where nothing can be compared, `contradictory` where the files disagree.
  public init(
    _ sides: [ResultsSet], _ request: ComparisonRequest = ComparisonRequest()
  ) throws(ComparisonError) {
    guard sides.count >= 2 else {
      throw ComparisonError(
        .usage, "A comparison needs two sides: a baseline and what to compare with it.")
    }
    var trials: [SideTrials] = []
    for side in sides { trials.append(try SideTrials(checking: side, request.filter)) }
    let unfiltered = request.filter.isEmpty ? trials : sides.map { SideTrials($0, CaseFilter()) }
    criteria = request.criteria
    self.sides = zip(sides, trials).map(ComparedSide.init)
    let metrics = try request.metrics.metrics(of: sides.map(\.table))
    comparisons = []
    for (index, candidate) in trials.enumerated().dropFirst() {
      let pair = PairOfSides(
        baseline: trials[0], candidate: candidate, unfiltered: [unfiltered[0], unfiltered[index]],
        metrics: metrics, request: request)
      var comparison = try pair.compare()
      comparison.candidateIndex = index
      comparisons.append(comparison)
    }
  }
}

/// Where the results of a side come from.
public struct ComparedSide: Sendable {
  /// As the user named it.
  public var label: String
  public var runs: [String]
  public var sessions: [String]
  public var hosts: [String]
  public var environmentHashes: [String]
  public var gitCommits: [String]
  /// Cases and final trials that the filter lets through, whatever became of them.
  public var cases: Int
  public var trials: Int
  /// What was tolerated while reading, one sentence each.
  public var warnings: [String]

  init(_ set: ResultsSet, _ side: SideTrials) {
    func distinct(_ read: (TrialTable.Origin) -> String) -> [String] {
      Set(side.origins.map(read).filter { !$0.isEmpty }).sorted()
    }
    label = set.label
    runs = distinct(\.runID)
    sessions = distinct(\.sessionID)
    hosts = distinct(\.hostID)
    environmentHashes = distinct(\.environmentHash)
    gitCommits = distinct(\.gitCommit)
    cases = side.cases.count
    trials = side.cases.values.reduce(0) { $0 + $1.trialCount }
    warnings = set.warnings
  }
}

/// A side compared with the baseline.
public struct SideComparison: Sendable {
  /// Index into the comparison's sides.
  public var candidateIndex = 1
  public var kind: ComparisonKind
  /// The gravest first: slower by its effect, faster by its effect, inconclusive, equivalent.
  public var cases: [CaseComparison]
  public var uncompared: [UncomparedCase]
  /// One for each metric, where sessions differ; empty otherwise.
  public var noiseFloors: [NoiseFloor] = []
  public var environmentDifferences: [EnvironmentDifference] = []
  /// One for each metric.
  public var overall: [OverallRatio] = []
  /// What the reader should know beside the numbers, one sentence each.
  public var remarks: [String] = []
  /// The mechanism that others are measured by; nil on one machine.
  public var reference: String?
  /// Between machines only; the largest change first.
  public var relatives: [RelativeToReference] = []
  /// Between machines only.
  public var context: [ContextFigure] = []
  public var rankings: [RankingAgreement] = []
  public var crossovers: [Crossover] = []

  public func count(_ verdict: Verdict) -> Int { cases.count { $0.verdict == verdict } }
}
