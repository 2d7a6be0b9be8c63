import Analysis
import Comparing
import Results

/// A comparison as people read it, before it is known where: blocks that text and Markdown write in their own ways.
struct ComparisonView {
  enum Block {
    case heading(String)
    case paragraph(String)
    /// What must be known before a number is believed.
    case warning(String)
    case items([String])
    case table(Table)
  }

  let comparison: Comparison
  /// Which of the comparisons.
  let pair: SideComparison
  /// Whether every case is listed.
  let showsAll: Bool

  /// `A`, `B`: sides are called by letters, because paths fit no column.
  static func letter(_ index: Int) -> String {
    index < 26 ? String(UnicodeScalar(UInt8(65 + index))) : "\(index + 1)"
  }

  var baselineLetter: String { Self.letter(0) }
  var candidateLetter: String { Self.letter(pair.candidateIndex) }
  var criteria: Criteria { comparison.criteria }
  var confidence: String { chosen(criteria.confidence) }

  /// `5 %`: a share that somebody chose.
  func chosen(_ share: Double) -> String { "\(shortestDecimal((share * 1000).rounded() / 10)) %" }

  /// A verdict with few cases is listed without being asked.
  static let few = 4

  var blocks: [Block] {
    warnings.map(Block.warning) + environment
      + (pair.kind == .crossMachine ? crossMachine : verdicts)
      + uncompared + [.heading("Summary"), .table(summary)]
  }

  // MARK: What to know first

  private var warnings: [String] {
    var warnings: [String] = []
    if let banner = noiseFloorBanner { warnings.append(banner) }
    return warnings + pair.remarks
  }

  /// How much sessions differ on their own, and where that is known from.
  private var noiseFloorBanner: String? {
    guard !pair.noiseFloors.isEmpty else { return nil }
    return
      "Sessions of one machine differ although nothing has changed. \(noiseFloorSources) A smaller difference "
      + "is called neither slower nor faster, and “equivalent” means that these sessions agree: a change of that "
      + "size could hide behind them."
  }

  private var noiseFloorSources: String {
    if let given = pair.noiseFloors.first(where: { $0.source == .given }) {
      return "As asked for, up to \(chosen(given.share)) is taken for that."
    }
    let measured = pair.noiseFloors.filter { $0.source == .measured }
    let assumed = pair.noiseFloors.filter { $0.source == .assumed }
    var sentences: [String] = []
    if let sessions = measured.map(\.sessions).max() {
      let floors = measured.map { floor in
        let typical = floor.typicalShare.map { " (\(Quantity.percent($0)))" } ?? ""
        return "\(title(floor.metric)) \(Quantity.percent(floor.share))\(typical)"
      }
      sentences.append(
        "Measured from \(counted(sessions, "session")) of the same commit, and extended so that chance is unlikely to "
          + "exceed it in any result (in brackets, what 95 of 100 ratios between two sessions are within): "
          + "\(floors.joined(separator: ", ")).")
    }
    let unknown = assumed.filter { $0.ratios == 0 }
    if !unknown.isEmpty {
      sentences.append(
        "\(subject(unknown)) cannot be measured here, because no side holds several sessions of the same commit; "
          + "\(NoiseFloor.assumption), so \(chosen(NoiseFloor.assumedShare)) is assumed (--noise-floor sets it)."
      )
    }
    let scarce = assumed.filter { $0.ratios > 0 }
    if !scarce.isEmpty {
      let floors = scarce.map { Quantity.percent($0.share) }
      sentences.append(
        "\(subject(scarce)) is known from too few sessions of the same commit; the largest of what they show and of "
          + "the \(chosen(NoiseFloor.assumedShare)) that virtual machines were found to have is taken: "
          + "\(floors.joined(separator: ", ")) (--noise-floor sets it).")
    }
    return sentences.joined(separator: " ")
  }

  private func subject(_ floors: [NoiseFloor]) -> String {
    floors.count == pair.noiseFloors.count
      ? "By how much" : "By how much in \(floors.map { title($0.metric) }.joined(separator: ", "))"
  }

  private func title(_ name: String) -> String {
    pair.cases.first { $0.metric.name == name }?.metric.title ?? name
  }

  /// Short facts side by side, long ones below each other.
  private var environment: [Block] {
    let differences = pair.environmentDifferences.filter { $0.fact != "commit of the tool" }
    guard !differences.isEmpty else { return [] }
    let isLong = { (difference: EnvironmentDifference) in
      [difference.baseline, difference.candidate].contains { ($0?.count ?? 0) > Self.longestFact }
    }
    let columns = [
      Table.Column("fact", .left), Table.Column(baselineLetter, .left),
      Table.Column(candidateLetter, .left),
    ]
    let rows = differences.filter { !isLong($0) }.map { difference in
      [Table.Cell(difference.fact), cell(difference.baseline), cell(difference.candidate)]
    }
    let items = differences.filter(isLong).map { difference in
      "\(difference.fact): \(baselineLetter) \(difference.baseline ?? Self.unknown); "
        + "\(candidateLetter) \(difference.candidate ?? Self.unknown)"
    }
    let sides = pair.kind == .crossMachine ? "machines" : "sides"
    return [.heading("What differs between the \(sides)")]
      + (rows.isEmpty ? [] : [.table(Table("", columns: columns, rows: rows))])
      + (items.isEmpty ? [] : [.items(items)])
  }

  /// Two of them, and what they are about, fit a line.
  private static let longestFact = 24
  private static let unknown = "not known"

  private func cell(_ fact: String?) -> Table.Cell {
    fact.map { Table.Cell($0) } ?? Table.Cell(Self.unknown, emphasis: .faint)
  }

  // MARK: Verdicts

  private var verdicts: [Block] {
    [Verdict.slower, .faster, .inconclusive, .equivalent].flatMap(section)
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
        "\(count) have fewer than \(criteria.minimumTrials) usable trials a side: measure with --trials 12 or more."
    case .noValues: return "\(count) have no value on one side."
    case .notPositive: return "\(count) have values of 0, of which there is no ratio."
    case .machineChanged:
      return "\(count) met another machine on the other side: their probes differ by more than 25 %, "
        + "such as “\(cases[0].reason)”."
    case .withinNoiseFloor:
      return "\(count) differ, but by no more than sessions of this machine do on their own."
    case .notDetected: return "\(count) show no difference; \(detectable(cases))."
    }
  }

  private func detectable(_ cases: [CaseComparison]) -> String {
    let effects = cases.compactMap(\.minimumDetectableEffect).filter(\.isFinite).sorted()
    guard let least = effects.first, let most = effects.last, let middle = Statistics.median(effects) else {
      let needed = criteria.trialsNeeded(comparisons: pair.cases.count, design: cases[0].contrast.design)
      return "none could have shown among so many results from so few trials: measure with --trials "
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
      Table.Column("case", .left), Table.Column(baselineLetter), Table.Column(candidateLetter),
      Table.Column("ratio"), Table.Column(confidence + " interval"), Table.Column("δ"),
      Table.Column("p", rank: isInconclusive ? 2 : 1), Table.Column("detectable", rank: 1),
      Table.Column(unit, rank: 3),
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
    let title = topic.title(
      hasPatterns: Set(pair.cases.lazy.filter { $0.metric == metric }.map(\.identity.pattern)).count > 1)
    return Table(
      title + (counts.count == 1 ? ", \(counts.first ?? "") \(unit)" : ""), columns: columns, rows: rows
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
    CaseLabels(pair.cases.lazy.filter { self.topic(of: $0) == topic }.map(\.identity))
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

    /// `RTT p50, round-trip (latency_rtt_p50, lower is better)`; the pattern only where the metric has several.
    func title(hasPatterns: Bool) -> String {
      let words = [metric.title, hasPatterns ? pattern : nil, wait].compactMap { $0 }
      let name = metric.title == metric.name ? "" : "\(metric.name), "
      return "\(words.joined(separator: ", ")) (\(name)\(metric.better.rawValue) is better)"
    }
  }

  /// In the order in which the results first have them.
  func topics(of cases: [CaseComparison]) -> [Topic] {
    var seen = Set<Topic>()
    return cases.map(topic).filter { seen.insert($0).inserted }
  }

  // MARK: What is missing, and the whole

  private var uncompared: [Block] {
    guard !pair.uncompared.isEmpty else { return [] }
    var order: [String] = []
    var mechanisms: [String: [String]] = [:]
    var counts: [String: Int] = [:]
    for one in pair.uncompared {
      if mechanisms[one.reason] == nil { order.append(one.reason) }
      counts[one.reason, default: 0] += 1
      if mechanisms[one.reason]?.contains(one.identity.id) != true {
        mechanisms[one.reason, default: []].append(one.identity.id)
      }
    }
    let items = order.map { reason -> String in
      let names = mechanisms[reason] ?? []
      let shown =
        names.prefix(6).joined(separator: ", ") + (names.count > 6 ? ", and \(names.count - 6) more" : "")
      return
        "\(counted(counts[reason] ?? 0, "case")) (\(shown)): \(reason)\(reason.hasSuffix(".") ? "" : ".")"
    }
    return [.heading("Not compared: \(counted(pair.uncompared.count, "case"))"), .items(items)]
  }

  /// One row for each metric, with the geometric mean of all its ratios: the last lines, where the eye rests.
  private var summary: Table {
    var metrics: [ComparedMetric] = []
    for metric in pair.cases.map(\.metric) where !metrics.contains(metric) { metrics.append(metric) }
    metrics.sort { ($0.title.lowercased(), $0.name) < ($1.title.lowercased(), $1.name) }
    let mean = "\(candidateLetter)/\(baselineLetter), geometric mean"
    let isJudged = pair.kind != .crossMachine
    var columns = [Table.Column("metric", .left)] + (isJudged ? [] : [Table.Column("results")])
    let verdicts: [Verdict] =
      isJudged ? [.slower, .faster, .equivalent, .inconclusive] : []
    columns += verdicts.map { Table.Column($0.rawValue) }
    columns += [Table.Column("ratio", group: mean), Table.Column(confidence + " interval", group: mean)]
    let rows = metrics.map { metric -> [Table.Cell] in
      let cases = pair.cases.filter { $0.metric == metric }
      let overall = pair.overall.first { $0.metric == metric }
      return [Table.Cell(metric.title)] + (isJudged ? [] : [Table.Cell(Quantity.grouped(cases.count))])
        + verdicts.map { verdict in
          let count = cases.count { $0.verdict == verdict }
          let emphasis: Table.Emphasis =
            count == 0 ? .faint : verdict == .slower ? .bad : verdict == .faster ? .strong : .plain
          return Table.Cell(Quantity.grouped(count), emphasis: emphasis)
        } + [
          Table.Cell(overall.map { Quantity.ratio($0.ratio.estimate) } ?? Quantity.refused),
          Table.Cell(overall.map { Quantity.interval($0.ratio) } ?? Quantity.refused),
        ]
    }
    return Table("", columns: columns, rows: rows, notes: summaryNotes(metrics))
  }

  private func summaryNotes(_ metrics: [ComparedMetric]) -> [String] {
    var notes: [String] = []
    if Set(metrics.map(\.better)).count > 1 {
      notes.append("Above 1 is worse for times, and better for rates.")
    }
    if !pair.noiseFloors.isEmpty {
      notes.append(
        "The interval is about cases and trials; how much sessions differ on their own is not in it.")
    }
    return notes
  }
}
