import Analysis
import Results

/// Decides what the change points of a series mean for its present.
///
/// A change point alone decides nothing. The series is cut into levels at its change points; levels that too few runs
/// have held are set aside; of the others each is measured by the best one before it. So a regression that is only
/// partly repaired stays one, one that is repaired is history, and many small steps for the worse add up.
///
/// All change points cut, but a verdict needs one that is rare among all series looked at. Dropping the others would
/// join what lies on both sides of them: a regression whose end is less certain than its beginning would never end.
public struct HistoryJudge: Sendable {
  public let criteria: HistoryCriteria
  /// How many series are looked at in all.
  public let seriesCount: Int

  public init(_ criteria: HistoryCriteria, seriesCount: Int = 1) {
    self.criteria = criteria
    self.seriesCount = seriesCount
  }

  /// A change point as it was found.
  public struct Found: Sendable, Hashable {
    /// Of the first point at the new level.
    public var index: Int
    public var pValue: Double

    public init(index: Int, pValue: Double) {
      self.index = index
      self.pValue = pValue
    }
  }

  public func isUsable(_ series: History.Series) -> Bool { series.points.count >= neededRuns }

  /// How many runs a series must have to be looked at.
  public var neededRuns: Int { max(criteria.minimumRuns, 2 * criteria.minimumPoints) }

  /// - Parameter found: in any order; indices from 1 to below the number of points.
  public func judge(_ series: History.Series, _ found: [Found]) -> HistoryJudgement {
    guard isUsable(series) else {
      return HistoryJudgement(
        series: series, verdict: .tooShort,
        reason: "\(counted(series.points.count, "run")), and \(neededRuns) are needed.")
    }
    let levels = levels(of: series, found)
    var judgement = HistoryJudgement(
      series: series, changes: zip(levels, levels.dropFirst()).map { change(series, from: $0, to: $1) },
      verdict: .unchanged)
    if series.isSuperseded {
      judgement.verdict = .superseded
      judgement.reason = "The host has gone on in another environment."
    } else {
      decide(&judgement, series, levels)
    }
    return judgement
  }

  // MARK: Levels

  /// Runs between two change points.
  private struct Level {
    var range: Range<Int>
    var mean: Double
    /// Of the change point it begins with; 1 at the start of the series.
    var pValue: Double
    /// In the order of `MachineProbes.all`.
    var probes: [Double?]
  }

  private func levels(of series: History.Series, _ found: [Found]) -> [Level] {
    let found = found.sorted { $0.index < $1.index }
    let starts = [0] + found.map(\.index)
    let ends = found.map(\.index) + [series.points.count]
    return zip(zip(starts, ends), [1] + found.map(\.pValue)).map { bounds, pValue in
      let points = series.points[bounds.0..<bounds.1]
      return Level(
        range: bounds.0..<bounds.1, mean: points.map(\.value).reduce(0, +) / Double(points.count),
        pValue: pValue,
        probes: MachineProbes.all.indices.map { probe in
          Statistics.median(points.compactMap { $0.probes.indices.contains(probe) ? $0.probes[probe] : nil })
        })
    }
  }

  private func lasts(_ level: Level) -> Bool { level.range.count >= criteria.minimumPoints }

  private func change(
    _ series: History.Series, from: Level, to: Level, pValue: Double? = nil
  ) -> HistoryChange {
    HistoryChange(
      index: to.range.lowerBound, run: series.points[to.range.lowerBound],
      previous: series.points[to.range.lowerBound - 1], before: from.mean, after: to.mean,
      runsBefore: from.range.count, runsAfter: to.range.count, pValue: pValue ?? to.pValue,
      isWorse: (to.mean > from.mean) == (series.metric.better == .lower), isCertain: lasts(from) && lasts(to))
  }

  /// How many times as bad one level is as another: above 1 for the worse.
  private func worsening(_ series: History.Series, from: Level, to: Level) -> Double {
    let (good, bad) = series.metric.better == .lower ? (from.mean, to.mean) : (to.mean, from.mean)
    if good == bad { return 1 }
    return good > 0 ? bad / good : .infinity
  }

  // MARK: Deciding

  private func decide(_ judgement: inout HistoryJudgement, _ series: History.Series, _ levels: [Level]) {
    guard var best = levels.first(where: lasts) else {
      judgement.verdict = .inconclusive
      judgement.reason = "No level has lasted \(criteria.minimumPoints) runs."
      return
    }
    // Of the change points since the best level, the one that is least likely a coincidence.
    var pValue = 1.0
    for level in levels where level.range.lowerBound >= best.range.upperBound {
      pValue = min(pValue, level.pValue)
      let step = Step(
        from: best, to: level, worsening: worsening(series, from: best, to: level),
        change: change(series, from: best, to: level, pValue: pValue))
      if !lasts(level) {
        if level.range.upperBound == series.points.count { weigh(fresh: step, &judgement) }
      } else if weigh(step, &judgement) {
        best = level
        pValue = 1
      }
    }
  }

  /// From the best level so far to a later one.
  private struct Step {
    var from: Level
    var to: Level
    /// Above 1 for the worse.
    var worsening: Double
    var change: HistoryChange
  }

  private func isWorse(_ step: Step) -> Bool { step.worsening > 1 + criteria.threshold }
  private func isBetter(_ step: Step) -> Bool { step.worsening < 1 / (1 + criteria.threshold) }

  /// Takes one more lasting level into account.
  ///
  /// - Returns: whether later levels are measured by this one.
  private func weigh(_ step: Step, _ judgement: inout HistoryJudgement) -> Bool {
    let since = judgement.verdict == .regression ? judgement.decisive : nil
    (judgement.verdict, judgement.decisive, judgement.reason) = (.unchanged, nil, "")
    guard isWorse(step) || isBetter(step) else { return step.worsening <= 1 }
    guard isRare(step, &judgement) else { return false }
    judgement.decisive = step.change
    if let disagreement = disagreement(step.from, step.to) {
      judgement.verdict = .inconclusive
      judgement.reason = disagreement
      // What comes later is measured by the machine as it is now.
      return true
    }
    judgement.verdict = isWorse(step) ? .regression : .improvement
    // A regression began where the first of several worse levels did.
    if let since, isWorse(step) {
      judgement.decisive = since.extended(to: step.change, end: step.to.range.upperBound)
    }
    return isBetter(step)
  }

  /// Takes the last level into account, which too few runs have held.
  private func weigh(fresh step: Step, _ judgement: inout HistoryJudgement) {
    let runs = "\(counted(step.to.range.count, "run")) of \(criteria.minimumPoints)"
    if judgement.verdict == .regression {
      if !isWorse(step) { judgement.reason = "It may be over: \(runs) are back at the old level." }
    } else if isWorse(step), isRare(step, &judgement) {
      judgement.verdict = .inconclusive
      judgement.decisive = step.change
      judgement.reason = "Not yet certain: \(runs) at the new level."
    }
  }

  /// Whether a step is more than what so many series show by chance; where it is not, says so.
  private func isRare(_ step: Step, _ judgement: inout HistoryJudgement) -> Bool {
    if step.change.pValue <= criteria.pValue(forEachOf: seriesCount) { return true }
    judgement.reason =
      "A step at run \(step.change.run.runID) is not counted: among \(seriesCount) series one like it "
      + "can be chance."
    return false
  }

  /// The sentence about a probe that took a different time at the two levels; nil where all agree.
  private func disagreement(_ first: Level, _ second: Level) -> String? {
    for (index, probe) in MachineProbes.all.enumerated() {
      guard let before = first.probes[index], let after = second.probes[index],
        !Statistics.probesAgree(before: before, after: after, tolerance: Statistics.probeTolerance)
      else { continue }
      return "The machine changed: the \(probe.name) took \(Int(before.rounded())) ns before and "
        + "\(Int(after.rounded())) ns after."
    }
    return nil
  }
}

extension HistoryChange {
  /// The change that begins here and, over further ones, has come to a later level.
  fileprivate func extended(to later: HistoryChange, end: Int) -> HistoryChange {
    var whole = self
    whole.after = later.after
    whole.runsAfter = end - index
    whole.pValue = later.pValue
    return whole
  }
}
