import Comparing
import Results

/// A history as reports look at it: its series sorted by what matters, and what is said of them as a whole.
struct HistoryView {
  let outcome: HistoryOutcome
  let names: CheckNames
  /// `A`, `B`, … for the machines there are; empty where there is only one.
  private let letters: [History.Machine: String]
  /// The worst first.
  let regressions: [HistoryJudgement]
  /// The best first.
  let improvements: [HistoryJudgement]
  let inconclusive: [HistoryJudgement]
  let unchanged: [HistoryJudgement]
  let superseded: [HistoryJudgement]
  let tooShort: [HistoryJudgement]

  init(_ outcome: HistoryOutcome) {
    self.outcome = outcome
    names = CheckNames(outcome.judgements.map(\.series.identity))
    let machines = outcome.history.machines
    let words = machines.indices.map(Self.letter)
    letters = machines.count > 1 ? Dictionary(uniqueKeysWithValues: zip(machines, words)) : [:]
    regressions = outcome.judgements(.regression).sorted { $0.effect > $1.effect }
    improvements = outcome.judgements(.improvement).sorted { $0.effect > $1.effect }
    inconclusive = outcome.judgements(.inconclusive)
    unchanged = outcome.judgements(.unchanged)
    superseded = outcome.judgements(.superseded)
    tooShort = outcome.judgements(.tooShort)
  }

  private var judged: Int { regressions.count + improvements.count + inconclusive.count + unchanged.count }
  var threshold: String { CheckNumbers.share(outcome.criteria.threshold) }
  private var neededRuns: Int { HistoryJudge(outcome.criteria).neededRuns }

  /// `A` to `Z`, then `A2` and so on.
  private static func letter(_ index: Int) -> String {
    let letter = String(UnicodeScalar(UInt8(ascii: "A") + UInt8(index % 26)))
    return index < 26 ? letter : "\(letter)\(index / 26 + 1)"
  }

  /// `pipe round-trip 64 B block`, and the letter of the machine where there are several.
  func name(_ series: History.Series) -> String {
    names.name(series.identity) + (letters[series.machine].map { " [\($0)]" } ?? "")
  }

  // MARK: The answer

  /// `Regression: 1 of 46 series is worse than it has been; 1 inconclusive, 2 better.`
  var headline: String {
    let rest = asides.isEmpty ? "" : "; \(asides.joined(separator: ", "))"
    return answer + rest + "."
  }

  private var answer: String {
    let all = "\(Quantity.grouped(judged)) series"
    switch outcome.answer {
    case .ok: return "No regression: \(all), none worse by \(threshold) or more than it has been"
    case .regression:
      return
        "Regression: \(regressions.count) of \(all) \(regressions.count == 1 ? "is" : "are") worse than before"
    case .inconclusive: return "Inconclusive: \(inconclusive.count) of \(all) may be worse than before"
    case .unusable:
      let longest = tooShort.map(\.series.points.count).max() ?? 0
      return "Nothing to say yet: a series needs \(neededRuns) runs of one machine, and "
        + (longest == 0 ? "there is none" : "the longest has \(longest)")
    }
  }

  /// What else there is beside the series that the answer counts.
  private var asides: [String] {
    let counts: [(Int, String)] = [
      (outcome.answer == .inconclusive ? 0 : inconclusive.count, "inconclusive"),
      (improvements.count, "better"),
      (superseded.count, "superseded"), (outcome.answer == .unusable ? 0 : tooShort.count, "too short"),
    ]
    return counts.filter { $0.0 > 0 }.map { "\(Quantity.grouped($0.0)) \($0.1)" }
  }

  // MARK: How it came about

  /// What was looked at, by which rule; whole sentences.
  var circumstances: [String] {
    let common = names.common.isEmpty ? "" : " All cases: \(names.common)."
    return ["Read: \(outcome.history.label.oneLine).\(common)"] + machines + [rule]
      + (superseded.isEmpty ? [] : [Self.supersession])
  }

  /// A sentence for each machine, because their series are never joined.
  private var machines: [String] {
    let machines = outcome.history.machines
    let each = machines.map { machine in
      let points = outcome.history.series.filter { $0.machine == machine }.flatMap(\.points)
      let runs = Set(points.map(\.runID)).sorted()
      let environment = outcome.history.environments[machine.environmentHash]
      let facts =
        environment.map { ": \($0.machine), Linux \($0.kernel.release ?? "of unknown release")" } ?? ""
      let range = runs.count > 1 ? "\(runs[0]) to \(runs[runs.count - 1])" : runs.first ?? ""
      return "Machine\(letters[machine].map { " \($0)" } ?? ""): host \(machine.hostID), environment "
        + "\(machine.environmentHash)\(facts); \(counted(runs.count, "run")), \(range)."
    }
    guard machines.count > 1 else { return each.map(\.oneLine) }
    return [
      "The runs come from \(machines.count) machines or environments (kernel, processor, compiler), whose times say "
        + "nothing about each other: each has series of its own."
    ] + each.map(\.oneLine)
  }

  private var rule: String {
    let criteria = outcome.criteria
    let count = outcome.usableCount
    let family = count > 1 ? ", divided by the \(count) series for a verdict" : ""
    let detector = outcome.detector.isEmpty ? "" : " (\(outcome.detector.oneLine))"
    return "A run is one value, the median of its trials. A series is worse when a level that "
      + "\(criteria.minimumPoints) runs have held is worse by more than \(threshold) than the best such level before "
      + "it; levels end at change points\(detector), p < \(shortestDecimal(criteria.pValue))\(family)."
  }

  private static let supersession =
    "Superseded: the host has measured the same case in another environment since, so these decide nothing."
}

extension HistoryJudgement {
  /// How large the decisive change is, as a factor above 1 whichever way it goes.
  var effect: Double {
    guard let decisive else { return 1 }
    let (low, high) = (min(decisive.before, decisive.after), max(decisive.before, decisive.after))
    return low > 0 ? high / low : .infinity
  }
}

extension ComparedMetric {
  /// As a check calls it: `p50`, `CPU/msg`.
  fileprivate var nameInHistory: String {
    CheckedMetric(name: name, unit: unit, better: better, isGate: true).inWords
  }
}

// MARK: Tables

extension HistoryView {
  /// One row for each series: the change that its verdict rests on.
  func decisive(_ title: String, _ judgements: [HistoryJudgement]) -> Table {
    table(title, judgements.flatMap { judgement in judgement.decisive.map { [(judgement, $0)] } ?? [] })
  }

  /// Every change point there is, one row each.
  var everyChange: Table {
    let all = outcome.judgements.flatMap { judgement in judgement.changes.map { (judgement, $0) } }
    return table("All change points", all)
  }

  private func table(_ title: String, _ changes: [(HistoryJudgement, HistoryChange)]) -> Table {
    var table = Table(
      title,
      columns: [
        Table.Column("case", .left), Table.Column("metric", .left), Table.Column("change"),
        Table.Column("from → to"), Table.Column("runs", rank: 1), Table.Column("since run", .left),
        Table.Column("commit", .left, rank: 2), Table.Column("p", rank: 3),
      ])
    for (judgement, change) in changes {
      let metric = judgement.series.metric
      table.rows.append([
        Table.Cell(name(judgement.series)), Table.Cell(metric.nameInHistory),
        Table.Cell(
          change.ratio.map(CheckNumbers.change) ?? Quantity.refused, emphasis: change.isWorse ? .bad : .strong
        ),
        Table.Cell(Self.levels(change, unit: metric.unit)), Table.Cell("\(change.runsAfter)"),
        Table.Cell(change.run.runID.oneLine), Table.Cell(Self.commits(change)),
        Table.Cell(String(CheckNumbers.pValue(change.pValue).drop { $0 == "p" || $0 == " " || $0 == "=" })),
      ])
    }
    if changes.contains(where: { $0.1.isSameCommit }) {
      table.notes.append("same: both runs are of one commit, so something else changed.")
    }
    return table.withoutEmptyColumns
  }

  private static func levels(_ change: HistoryChange, unit: String) -> String {
    "\(Quantity.text(change.before, unit: unit)) → \(Quantity.text(change.after, unit: unit))"
  }

  private static func commits(_ change: HistoryChange) -> String {
    let (old, new) = (change.previous.gitCommit.prefix(9), change.run.gitCommit.prefix(9))
    if old.isEmpty && new.isEmpty { return "" }
    return change.isSameCommit ? "same" : "\(old.isEmpty ? "?" : old) → \(new.isEmpty ? "?" : new)".oneLine
  }

  /// A sentence for each series: what its verdict rests on, and the reason where there is one.
  func sentences(_ judgements: [HistoryJudgement]) -> [String] {
    judgements.map { judgement in
      let metric = judgement.series.metric
      let change = judgement.decisive.map { change in
        let size = change.ratio.map { " \(CheckNumbers.change($0))" } ?? ""
        let commits = Self.commits(change)
        let code = commits.isEmpty ? "" : change.isSameCommit ? ", same commit" : ", commit \(commits)"
        return "\(size) (\(Self.levels(change, unit: metric.unit))) since run \(change.run.runID) "
          + "(\(counted(change.runsAfter, "run"))\(code))"
      }
      let reason = judgement.reason.isEmpty ? "" : " \(judgement.reason)"
      return "\(name(judgement.series)): \(metric.nameInHistory)\(change ?? "").\(reason)".oneLine
    }
  }

  /// `pipe round-trip 64 B block: p50 +15.0 % since run 20261110T031500Z-0a1b2c`
  func brief(_ judgement: HistoryJudgement) -> String {
    let size = judgement.decisive?.ratio.map { " \(CheckNumbers.change($0))" } ?? ""
    let since = judgement.decisive.map { " since run \($0.run.runID)" } ?? ""
    return "\(name(judgement.series)): \(judgement.series.metric.nameInHistory)\(size)\(since)".oneLine
  }
}
