import Analysis
import Comparing
import Results

extension ComparisonView {
  var verdicts: [Block] {
    let sections = [Verdict.slower, .faster, .inconclusive, .equivalent].flatMap(section)
    let hasTables = sections.contains { if case .table = $0 { true } else { false } }
    return (hasTables && pair.kind != .identical ? [.legend(legend)] : []) + sections
  }

  private var legend: String {
    let test = pair.kind == .paired ? "the signed-rank test" : "the rank-sum test"
    return
      "Below, ratio is \(candidateLetter) over \(baselineLetter) (Hodges–Lehmann); δ is Cliff's, +1 where every "
      + "value of \(candidateLetter) is the larger; p is of \(test), by Holm over all "
      + "\(counted(pair.cases.count, "result"))."
  }

  private func section(_ verdict: Verdict) -> [Block] {
    let cases = pair.cases.filter { $0.verdict == verdict }
    guard !cases.isEmpty else { return [] }
    let heading = "\(verdict.rawValue.capitalized): \(counted(cases.count, "result"))"
    switch verdict {
    case .slower, .faster: return [.heading(heading)] + tables(cases)
    case .equivalent:
      let all =
        pair.kind == .identical ? "the same numbers" : "within ±\(chosen(criteria.threshold))"
      return [.heading(heading)] + (isListed(cases) ? tables(cases) : [.items(["\(all); --all lists them"])])
    case .inconclusive:
      let causes = CaseComparison.Cause.allCases.filter { cause in cases.contains { $0.cause == cause } }
      let blocks = causes.flatMap { cause -> [Block] in
        let own = cases.filter { $0.cause == cause }
        return [.items([sentence(cause, own)])] + (isListed(cases) ? tables(own) : [])
      }
      return [.heading(heading + (isListed(cases) ? "" : " (--all lists them)"))] + blocks
    }
  }

  private func isListed(_ cases: [CaseComparison]) -> Bool {
    showsAll || (cases.count <= Self.few && pair.kind != .identical)
  }

  /// Why these are inconclusive, and what would help.
  private func sentence(_ cause: CaseComparison.Cause, _ cases: [CaseComparison]) -> String {
    let count = Quantity.grouped(cases.count)
    // One result has its own reason, with its own figures.
    if cases.count == 1, let only = cases.first {
      return "\(only.metric.title), \(only.identity.id): \(only.reason)."
    }
    switch cause {
    case .tooFewTrials:
      return
        "\(count) have fewer than \(criteria.minimumTrials) usable \(pair.kind == .paired ? "pairs" : "trials a side"): "
        + "measure with \(option) 12 or more."
    case .noValues: return "\(count) have no value on one side."
    case .notPositive: return "\(count) have values of 0, of which there is no ratio."
    case .machineChanged:
      return "\(count) met another machine on the other side: their probes differ by more than 25 %, "
        + "such as “\(cases[0].reason)”."
    case .withinNoiseFloor:
      return "\(count) differ, but need not by more than sessions of this machine do on their own."
    case .notDetected: return "\(count) show no difference; \(detectable(cases))."
    }
  }

  /// What makes for more of them: pairs come from `check`.
  private var option: String { pair.kind == .paired ? "--pairs" : "--trials" }

  private func detectable(_ cases: [CaseComparison]) -> String {
    let effects = cases.compactMap(\.minimumDetectableEffect).filter(\.isFinite).sorted()
    guard let least = effects.first, let most = effects.last, let middle = Statistics.median(effects) else {
      let needed = criteria.trialsNeeded(comparisons: pair.cases.count, design: cases[0].contrast.design)
      return "none could have shown among so many results from so few trials: measure with \(option) "
        + "\(needed) or more, or choose fewer cases"
    }
    return effects.count == cases.count
      ? "one from \(Quantity.percent(middle)) on would have shown (the median of "
        + "\(Quantity.percent(least)) to \(Quantity.percent(most)))"
      : "in \(Quantity.grouped(cases.count - effects.count)) none could have shown, in the others one from "
        + "\(Quantity.percent(middle)) on"
  }

  /// One table for each metric of each pattern, in the order of the cases: the gravest first.
  private func tables(_ cases: [CaseComparison]) -> [Block] {
    topics(of: cases).map { topic in .table(table(topic, cases.filter { self.topic(of: $0) == topic })) }
  }

  private func table(_ topic: Topic, _ cases: [CaseComparison]) -> Table {
    let metric = topic.metric
    let labels = labels(topic)
    let isInconclusive = cases.first?.verdict == .inconclusive
    let counts = Set(cases.map { trials($0.contrast) })
    let unit = pair.kind == .paired ? "pairs" : "trials"
    let columns = [
      Table.Column("case", .left), Table.Column(baselineLetter, rank: 1),
      Table.Column(candidateLetter, rank: 1), Table.Column("ratio"), Table.Column(confidence + " interval"),
      Table.Column("δ", rank: 2), Table.Column("p", rank: isInconclusive ? 4 : 3),
      Table.Column("seen from", rank: 3), Table.Column(unit, rank: 5),
    ]
    let rows = cases.map { result -> [Table.Cell] in
      let contrast = result.contrast
      let emphasis: Table.Emphasis =
        result.verdict == .slower ? .bad : result.verdict == .faster ? .strong : .plain
      return [
        Table.Cell(labels.label(result.identity)), value(contrast.baselineMedian, metric),
        value(contrast.candidateMedian, metric),
        Table.Cell(
          contrast.ratio.map { Quantity.ratio($0.estimate) } ?? Quantity.refused, emphasis: emphasis),
        Table.Cell(contrast.ratio.map(Quantity.interval) ?? Quantity.refused),
        Table.Cell(contrast.cliffsDelta.map(Quantity.effect) ?? ""),
        Table.Cell(result.adjustedPValue.map(Quantity.pValue) ?? ""),
        Table.Cell(isInconclusive ? result.minimumDetectableEffect.map(Quantity.percent) ?? "" : ""),
        // Where all have as many, the title says so.
        Table.Cell(counts.count == 1 ? "" : trials(contrast)),
      ]
    }
    return Table(
      title(topic) + (counts.count == 1 ? ", \(counts.first ?? "") \(unit)" : ""), columns: columns,
      rows: rows
    ).withoutEmptyColumns
  }

  private func trials(_ contrast: Contrast) -> String {
    contrast.baselineCount == contrast.candidateCount
      ? "\(contrast.baselineCount)" : "\(contrast.baselineCount)/\(contrast.candidateCount)"
  }

  func value(_ value: Double?, _ metric: ComparedMetric) -> Table.Cell {
    Table.Cell(value.map { Quantity.text($0, unit: metric.unit) } ?? Quantity.refused)
  }

  func labels(_ topic: Topic) -> CaseLabels {
    CaseLabels(
      pair.cases.lazy.filter { self.topic(of: $0) == topic }.map(\.identity),
      among: pair.cases.map(\.identity),
      without: saidWait(topic) == nil ? [] : [.wait])
  }

  func topic(of result: CaseComparison) -> Topic {
    Topic(
      metric: result.metric, pattern: result.identity.pattern,
      wait: pair.kind == .crossMachine ? result.identity.wait : nil)
  }

  /// What one table is about.
  struct Topic: Hashable {
    var metric: ComparedMetric
    var pattern: String
    /// Only between machines, where mechanisms stand against each other and not each against itself.
    var wait: String?
  }

  /// `RTT p50, round-trip, block (latency_rtt_p50, lower is better)`: the pattern only where the metric has several,
  /// the wait strategy only where it is the same in the whole table, and not in all of them.
  func title(_ topic: Topic) -> String {
    let metric = topic.metric
    let patterns = Set(pair.cases.lazy.filter { $0.metric == metric }.map(\.identity.pattern))
    let words = [metric.title, patterns.count > 1 ? topic.pattern : nil, saidWait(topic)].compactMap { $0 }
    let name = metric.title == metric.name ? "" : "\(metric.name), "
    return "\(words.joined(separator: ", ")) (\(name)\(metric.better.rawValue) is better)"
  }

  /// The wait strategy that a table's title says, so that its rows need not.
  private func saidWait(_ topic: Topic) -> String? {
    let all = Set(pair.cases.map(\.identity.wait))
    let own = Set(pair.cases.lazy.filter { self.topic(of: $0) == topic }.map(\.identity.wait))
    return own.count == 1 && all.count > 1 ? own.first : nil
  }

  /// In the order in which the results first have them.
  func topics(of cases: [CaseComparison]) -> [Topic] {
    var seen = Set<Topic>()
    return cases.map(topic).filter { seen.insert($0).inserted }
  }
}
