import Analysis
import Comparing
import Results

/// A comparison for other programs: everything it rests on, plain numbers with their units, always in the same order.
///
/// `results/schema/comparison.schema.json` describes it.
public func jsonText(_ comparison: Comparison) -> String { prettyJSON(ComparisonJSON(comparison)) }

private struct ComparisonJSON: Encodable {
  var schemaVersion = Comparison.schemaVersion
  var headline: String
  var criteria: Criteria
  var sides: [SideJSON]
  var comparisons: [PairJSON]

  init(_ comparison: Comparison) {
    headline = comparison.headline
    criteria = comparison.criteria
    sides = comparison.sides.map(SideJSON.init)
    comparisons = comparison.comparisons.map { PairJSON($0, comparison.sides) }
  }
}

private struct SideJSON: Encodable {
  var label: String
  var runs: [String]
  var sessions: [String]
  var hosts: [String]
  var environmentHashes: [String]
  var gitCommits: [String]
  var cases: Int
  var trials: Int
  var warnings: [String]

  init(_ side: ComparedSide) {
    label = side.label
    runs = side.runs
    sessions = side.sessions
    hosts = side.hosts
    environmentHashes = side.environmentHashes
    gitCommits = side.gitCommits
    cases = side.cases
    trials = side.trials
    warnings = side.warnings
  }
}

private struct PairJSON: Encodable {
  var baseline: String
  var candidate: String
  var kind: ComparisonKind
  var description: String
  /// How many results have each verdict; absent between machines.
  var verdicts: [String: Int]?
  var remarks: [String]
  var noiseFloors: [NoiseFloorJSON]
  var environmentDifferences: [DifferenceJSON]
  var results: [ResultJSON]
  var notCompared: [UncomparedJSON]
  var overall: [OverallJSON]
  var reference: String?
  var context: [ContextJSON]
  var relativeToReference: [RelativeJSON]
  var rankings: [RankingJSON]
  var crossovers: [CrossoverJSON]

  init(_ pair: SideComparison, _ sides: [ComparedSide]) {
    baseline = sides[0].label
    candidate = sides[pair.candidateIndex].label
    kind = pair.kind
    description = pair.kind.sentence
    verdicts =
      pair.kind == .crossMachine
      ? nil : Dictionary(uniqueKeysWithValues: Verdict.allCases.map { ($0.rawValue, pair.count($0)) })
    remarks = pair.remarks
    noiseFloors = pair.noiseFloors.map(NoiseFloorJSON.init)
    environmentDifferences = pair.environmentDifferences.map {
      DifferenceJSON(fact: $0.fact, baseline: $0.baseline, candidate: $0.candidate)
    }
    results = pair.cases.map(ResultJSON.init)
    notCompared = pair.uncompared.map {
      UncomparedJSON(identity: $0.identity, baseline: $0.baseline, candidate: $0.candidate, reason: $0.reason)
    }
    overall = pair.overall.map {
      OverallJSON(
        metric: $0.metric.name, unit: $0.metric.unit, better: $0.metric.better, cases: $0.cases,
        ratio: RatioJSON($0.ratio))
    }
    reference = pair.reference
    context = pair.context.map {
      ContextJSON(name: $0.name, unit: $0.unit, baseline: $0.baseline, candidate: $0.candidate)
    }
    relativeToReference = pair.relatives.map(RelativeJSON.init)
    rankings = pair.rankings.map {
      RankingJSON(
        contest: ContestJSON($0.contest, hasSize: true), metric: $0.metric.name, tau: $0.tau,
        baseline: $0.baseline, candidate: $0.candidate)
    }
    crossovers = pair.crossovers.map(CrossoverJSON.init)
  }
}

// MARK: Results

private struct ResultJSON: Encodable {
  var identity: CaseIdentity
  var metric: String
  var unit: String
  var better: Direction
  var design: Contrast.Design
  var baseline: ResultSideJSON
  var candidate: ResultSideJSON
  var ratio: RatioJSON?
  var pValue: Double?
  var pAdjusted: Double?
  var isExact: Bool?
  var cliffsDelta: Double?
  var minimumDetectableEffect: OrNull?
  var noiseFloor: Double?
  var verdict: Verdict?
  var cause: CaseComparison.Cause?
  var reason: String

  enum CodingKeys: String, CodingKey {
    case identity = "case"
    case metric, unit, better, design, baseline, candidate, ratio, pValue, pAdjusted, isExact, cliffsDelta
    case minimumDetectableEffect, noiseFloor, verdict, cause, reason
  }

  init(_ result: CaseComparison) {
    let contrast = result.contrast
    identity = result.identity
    metric = result.metric.name
    unit = result.metric.unit
    better = result.metric.better
    design = contrast.design
    baseline = ResultSideJSON(result.baseline)
    candidate = ResultSideJSON(result.candidate)
    ratio = contrast.ratio.map(RatioJSON.init)
    pValue = contrast.pValue
    pAdjusted = result.adjustedPValue
    isExact = contrast.test?.isExact
    cliffsDelta = contrast.cliffsDelta
    minimumDetectableEffect = result.minimumDetectableEffect.map { OrNull($0) }
    noiseFloor = result.noiseFloor
    verdict = result.verdict
    cause = result.cause
    reason = result.reason
  }
}

private struct ResultSideJSON: Encodable {
  var trials: Int
  var median: Double?
  var trialsUnsteady: Int
  var trialsWithoutPartner: Int
  var trialsFailed: Int

  init(_ side: CaseComparison.Side) {
    trials = side.trials
    median = side.median
    trialsUnsteady = side.unsteadyTrials
    trialsWithoutPartner = side.trialsWithoutPartner
    trialsFailed = side.failedTrials
  }
}

/// Candidate over baseline. The bounds are null where the values are too few for an interval.
private struct RatioJSON: Encodable {
  var estimate: OrNull
  var lower: OrNull
  var upper: OrNull
  var confidence: Double

  init(_ ratio: ShiftEstimate) {
    estimate = OrNull(ratio.estimate)
    lower = OrNull(ratio.ratioBounds?.lowerBound ?? .infinity)
    upper = OrNull(ratio.ratioBounds?.upperBound ?? .infinity)
    confidence = ratio.confidence
  }
}

/// A number that is null where JSON has no word for it: it is there, and not finite.
private struct OrNull: Encodable {
  var value: Double

  init(_ value: Double) { self.value = value }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if value.isFinite { try container.encode(value) } else { try container.encodeNil() }
  }
}

private struct UncomparedJSON: Encodable {
  var identity: CaseIdentity
  var baseline: UncomparedCase.Fate
  var candidate: UncomparedCase.Fate
  var reason: String

  enum CodingKeys: String, CodingKey {
    case identity = "case"
    case baseline, candidate, reason
  }
}

private struct OverallJSON: Encodable {
  var metric: String
  var unit: String
  var better: Direction
  var cases: Int
  var ratio: RatioJSON
}

// MARK: Circumstances

private struct NoiseFloorJSON: Encodable {
  var metric: String
  var source: NoiseFloor.Source
  var share: Double
  var typicalShare: Double?
  var sessions: Int
  var ratios: Int
  var spanSeconds: Int?
  var gapSeconds: Int?

  init(_ floor: NoiseFloor) {
    metric = floor.metric
    source = floor.source
    share = floor.share
    typicalShare = floor.typicalShare
    sessions = floor.sessions
    ratios = floor.ratios
    spanSeconds = floor.span
    gapSeconds = floor.gap
  }
}

private struct DifferenceJSON: Encodable {
  var fact: String
  var baseline: String?
  var candidate: String?
}

private struct ContextJSON: Encodable {
  var name: String
  var unit: String
  var baseline: Double?
  var candidate: Double?
}

// MARK: What carries over

private struct RelativeJSON: Encodable {
  var identity: CaseIdentity
  var reference: CaseIdentity
  var metric: String
  var baseline: Double
  var candidate: Double
  var baselineRounds: Int
  var candidateRounds: Int
  var change: RatioJSON

  enum CodingKeys: String, CodingKey {
    case identity = "case"
    case reference, metric, baseline, candidate, baselineRounds, candidateRounds, change
  }

  init(_ relative: RelativeToReference) {
    identity = relative.identity
    reference = relative.reference
    metric = relative.metric.name
    baseline = relative.baseline
    candidate = relative.candidate
    baselineRounds = relative.baselineRounds
    candidateRounds = relative.candidateRounds
    change = RatioJSON(relative.change)
  }
}

private struct ContestJSON: Encodable {
  var pattern: String
  /// Absent where the contest is over all sizes.
  var messageBytes: Int?
  var rateTargetPerSecond: Double?
  var producers: Int
  var consumers: Int
  var wait: String
  var placement: String
  var touch: String

  init(_ contest: Contest, hasSize: Bool) {
    pattern = contest.pattern
    messageBytes = hasSize ? contest.messageBytes : nil
    rateTargetPerSecond = contest.rateTargetPerSecond
    producers = contest.producers
    consumers = contest.consumers
    wait = contest.wait
    placement = contest.placement
    touch = contest.touch
  }
}

private struct RankingJSON: Encodable {
  var contest: ContestJSON
  var metric: String
  var tau: Double?
  var baseline: [String]
  var candidate: [String]
}

private struct CrossoverJSON: Encodable {
  struct Crossing: Encodable {
    var lastBytes: Int
    var firstBytes: Int
    var bytes: Double
    var betterAbove: String

    init(_ crossing: Crossover.Crossing) {
      lastBytes = crossing.lastBytes
      firstBytes = crossing.firstBytes
      bytes = crossing.bytes
      betterAbove = crossing.betterAbove
    }
  }

  var contest: ContestJSON
  var metric: String
  var first: String
  var second: String
  var baseline: [Crossing]
  var candidate: [Crossing]
  var baselineBetterBelow: String?
  var candidateBetterBelow: String?

  init(_ crossover: Crossover) {
    contest = ContestJSON(crossover.contest, hasSize: false)
    metric = crossover.metric.name
    first = crossover.first
    second = crossover.second
    baseline = crossover.baseline.map(Crossing.init)
    candidate = crossover.candidate.map(Crossing.init)
    baselineBetterBelow = crossover.baselineBetterBelow
    candidateBetterBelow = crossover.candidateBetterBelow
  }
}
