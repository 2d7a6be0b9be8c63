import Analysis
import Results

/// What repeated checks of a program against itself came to: false alarms, and injected slow-downs found.
public struct AATally: Sendable {
  /// Whole checks of identical programs, by their answer.
  public private(set) var answers: [CheckOutcome.Answer: Int] = [:]
  /// Single gates of those checks: called a regression, flagged by stage 1 alone, inconclusive.
  public private(set) var gateAlarms = Rate()
  public private(set) var gateFlags = Rate()
  public private(set) var gateInconclusive = Rate()
  public private(set) var cells: [Cell] = []
  /// Smallest detectable changes of p50 in the checks of identical programs, by case.
  public private(set) var detectable: [CaseIdentity: [Double]] = [:]

  /// One case under one slow-down.
  public struct Cell: Sendable {
    public var identity: CaseIdentity
    /// As asked for, relative to the case's p50: 0.1.
    public var slowDown: Double
    /// Checks that called p50 a regression, and those that could not say.
    public var found = Rate()
    public var inconclusive = Rate()
    /// Ratios of p50 that stage 1 estimated: what the injected spin really was.
    public var ratios: [Double] = []
    /// The smallest change that stage 1 of each check could have shown.
    public var detectable: [Double] = []

    public var medianRatio: Double? { Statistics.median(ratios) }
    public var medianDetectable: Double? { Statistics.median(detectable) }
  }

  public init() {}

  public var checks: Int { answers.values.reduce(0, +) }

  /// Whole checks that called identical programs different.
  public var falseAlarms: Rate { Rate(count: answers[.regression] ?? 0, of: checks) }

  /// The median of p50's smallest detectable changes, over the checks of identical programs.
  public func medianDetectable(_ identity: CaseIdentity) -> Double? {
    detectable[identity].flatMap(Statistics.median)
  }

  /// Counts a check of a program against itself.
  public mutating func add(_ outcome: CheckOutcome) {
    answers[outcome.answer, default: 0] += 1
    for check in outcome.cases where check.status == .ok {
      for gate in check.gates {
        gateAlarms.add(gate.verdict == .regression)
        gateFlags.add(gate.isFlagged)
        gateInconclusive.add(gate.verdict == .inconclusive)
      }
      guard let median = check.median else { continue }
      detectable[check.identity, default: []].append(median.first.smallestDetectableChange)
    }
  }

  /// Counts a check of a program whose echo was slowed down.
  public mutating func add(_ check: CaseCheck, slowDown: Double) {
    let known = cells.firstIndex { $0.identity == check.identity && $0.slowDown == slowDown }
    var cell = known.map { cells[$0] } ?? Cell(identity: check.identity, slowDown: slowDown)
    if let median = check.median {
      cell.found.add(median.verdict == .regression)
      cell.inconclusive.add(median.verdict == .inconclusive)
      cell.ratios.append(median.first.ratio)
      cell.detectable.append(median.first.smallestDetectableChange)
    } else {
      cell.found.add(false)
      cell.inconclusive.add(true)
    }
    if let known { cells[known] = cell } else { cells.append(cell) }
  }
}

extension CaseCheck {
  /// The gate on the median latency; nil where the pattern has none.
  public var median: MetricCheck? { gates.first { $0.metric.name.hasSuffix("_p50") } }
}
