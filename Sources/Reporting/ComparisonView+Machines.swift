import Comparing
import Results

extension ComparisonView {
  /// What is said of two machines instead of verdicts.
  var crossMachine: [Block] {
    context + relatives + rankings + crossovers
  }

  /// Rows of a table without `--all`.
  private static let mostRows = 20

  private func shown<Element>(_ elements: [Element]) -> [Element] {
    showsAll ? elements : Array(elements.prefix(Self.mostRows))
  }

  private func rest(_ count: Int, _ noun: String) -> [String] {
    let hidden = showsAll ? 0 : count - Self.mostRows
    return hidden > 0 ? ["\(counted(hidden, "more \(noun)")): --all lists them."] : []
  }

  private var context: [Block] {
    guard !pair.context.isEmpty else { return [] }
    let columns = [
      Table.Column("median", .left), Table.Column(baselineLetter), Table.Column(candidateLetter),
    ]
    let rows = pair.context.map { figure in
      [figure.baseline, figure.candidate].reduce(into: [Table.Cell(figure.name)]) { row, value in
        row.append(Table.Cell(value.map { Quantity.text($0, unit: figure.unit) } ?? Quantity.refused))
      }
    }
    return [
      .heading("The machines"),
      .table(
        Table(
          "", columns: columns, rows: rows,
          notes: ["For orientation; nothing is divided by these figures."])),
    ]
  }

  // MARK: Ratios to the reference

  private var relatives: [Block] {
    guard let reference = pair.reference else { return sideBySide }
    let lead =
      "Each case, and its ratio to \(reference) in the same round on the same machine. A change of 1 means that "
      + "what the mechanism gains or loses against \(reference) carries over. The largest changes first."
    let tables = mainTopics.map { topic in Block.table(relativeTable(topic, reference)) }
    return [.heading("What carries over: ratios to \(reference)"), .paragraph(lead)] + tables
  }

  private var sideBySide: [Block] {
    [.heading("Side by side")] + mainTopics.map { .table(relativeTable($0, "")) }
  }

  /// What each pattern is about; the other metrics are in the JSON, and with `--all` here.
  private var mainTopics: [Topic] {
    let main = Set(pair.rankings.map { [$0.metric.name, $0.contest.pattern] })
    return topics(of: pair.cases).filter {
      showsAll || main.isEmpty || main.contains([$0.metric.name, $0.pattern])
    }
  }

  private func relativeTable(_ topic: Topic, _ reference: String) -> Table {
    let metric = topic.metric
    let labels = labels(topic)
    let own = pair.relatives.filter {
      $0.metric == metric && $0.identity.pattern == topic.pattern && $0.identity.wait == topic.wait
    }
    let relatives = Dictionary(own.map { ($0.identity, $0) }, uniquingKeysWith: { first, _ in first })
    let over = "over \(reference)"
    let columns = [
      Table.Column("case", .left), Table.Column(baselineLetter, group: metric.title),
      Table.Column(candidateLetter, group: metric.title),
      Table.Column("ratio", group: metric.title, rank: 2),
      Table.Column(baselineLetter, group: over, rank: 1), Table.Column(candidateLetter, group: over, rank: 1),
      Table.Column("ratio", group: "change"), Table.Column(confidence + " interval", group: "change"),
    ]
    let cases = pair.cases.filter { self.topic(of: $0) == topic }
    let order = own.map(\.identity)
    let places = Dictionary(
      zip(order, order.indices), uniquingKeysWith: { first, _ in first })
    let sorted = cases.sorted {
      (places[$0.identity] ?? .max, labels.label($0.identity))
        < (places[$1.identity] ?? .max, labels.label($1.identity))
    }
    let rows = shown(sorted).map { result -> [Table.Cell] in
      let own = relatives[result.identity]
      let (before, after) = (result.baseline.median, result.candidate.median)
      let ratio = before.flatMap { before in after.map { $0 / before } }
      return [
        Table.Cell(labels.label(result.identity)), value(before, metric), value(after, metric),
        Table.Cell(ratio.map(Quantity.ratio) ?? ""),
        Table.Cell(own.map { Quantity.ratio($0.baseline) } ?? ""),
        Table.Cell(own.map { Quantity.ratio($0.candidate) } ?? ""),
        Table.Cell(own.map { Quantity.ratio($0.change.estimate) } ?? ""),
        Table.Cell(own.map { Quantity.interval($0.change) } ?? ""),
      ]
    }
    return Table(
      title(topic), columns: columns, rows: rows, notes: rest(sorted.count, "case")
    )
    .withoutEmptyColumns
  }

  // MARK: Rankings

  private var rankings: [Block] {
    guard !pair.rankings.isEmpty else { return [] }
    let contests = pair.rankings.map(\.contest.identity)
    let labels = CaseLabels(contests, among: contests)
    let columns = [
      Table.Column("contest", .left), Table.Column("mechanisms"), Table.Column("τ"),
      Table.Column("best on \(baselineLetter)", .left), Table.Column("best on \(candidateLetter)", .left),
    ]
    let sorted = pair.rankings.sorted { ($0.tau ?? 2, $0.contest) < ($1.tau ?? 2, $1.contest) }
    let rows = shown(sorted).map { ranking in
      [
        Table.Cell(labels.label(ranking.contest.identity)),
        Table.Cell("\(ranking.baseline.count)"),
        Table.Cell(ranking.tau.map(Quantity.effect) ?? Quantity.refused),
        Table.Cell(ranking.baseline.first ?? ""), Table.Cell(ranking.candidate.first ?? ""),
      ]
    }
    return [
      .heading("Rankings of the mechanisms"),
      .paragraph(
        "Kendall's τ of the medians: 1 is the same order on both machines, 0 none, −1 the opposite. "
          + "The least agreement first."),
      .table(
        Table("", columns: columns, rows: rows, notes: rest(sorted.count, "contest"))),
    ]
  }

  // MARK: Crossovers

  private var crossovers: [Block] {
    let involved = pair.crossovers.filter { crossover in
      showsAll || pair.reference.map { crossover.first == $0 || crossover.second == $0 } ?? true
    }
    guard !involved.isEmpty else { return [] }
    let contests = involved.map(\.contest.identity)
    let labels = CaseLabels(contests, among: contests)
    let columns = [
      Table.Column("mechanism", .left), Table.Column("is better than", .left), Table.Column("in", .left),
      Table.Column("on \(baselineLetter)", .left), Table.Column("on \(candidateLetter)", .left),
    ]
    let sorted = involved.filter { !$0.isAgreed } + involved.filter(\.isAgreed)
    let rows = shown(sorted).map { crossover -> [Table.Cell] in
      let (subject, object) =
        crossover.first == pair.reference
        ? (crossover.second, crossover.first) : (crossover.first, crossover.second)
      return [
        Table.Cell(subject), Table.Cell(object),
        Table.Cell(labels.label(crossover.contest.identity)),
        Table.Cell(course(of: subject, crossover.baselineBetterBelow, crossover.baseline)),
        Table.Cell(course(of: subject, crossover.candidateBetterBelow, crossover.candidate)),
      ]
    }
    let hidden = pair.crossovers.count - involved.count
    let notes =
      rest(sorted.count, "crossover")
      + (hidden > 0 ? ["\(counted(hidden, "crossover")) of other mechanisms: --all lists them."] : [])
    return [
      .heading("Crossovers"),
      .paragraph(
        "At which message sizes a mechanism is the better one, between measured sizes by interpolation. First "
          + "those in which the machines differ."),
      .table(Table("", columns: columns, rows: rows, notes: notes).withoutEmptyColumns),
    ]
  }

  /// `from 12 KiB`, `up to 450 B, from 12 KiB`, `always`, `never`.
  private func course(
    of subject: String, _ betterBelow: String?, _ crossings: [Crossover.Crossing]
  ) -> String {
    guard let betterBelow else { return "no difference" }
    guard !crossings.isEmpty else { return betterBelow == subject ? "always" : "never" }
    return crossings.map { crossing in
      "\(crossing.betterAbove == subject ? "from" : "up to") \(roughly(bytes: crossing.bytes))"
    }.joined(separator: ", ")
  }

  /// Two digits: what lies between two measured sizes is not known better.
  private func roughly(bytes: Double) -> String {
    var (value, unit) = (bytes, 1.0)
    while value >= 1024 { (value, unit) = (value / 1024, unit * 1024) }
    let step = value < 10 ? 0.1 : value < 100 ? 1 : 10
    return Quantity.size(bytes: (value / step).rounded() * step * unit)
  }
}

extension Contest {
  /// A case without a mechanism, for its label.
  var identity: CaseIdentity {
    CaseIdentity(
      mechanism: "", variant: "", pattern: pattern, wait: wait, placement: placement, attach: "", scope: "",
      producers: producers, consumers: consumers, messageBytes: messageBytes,
      rateTargetPerSecond: rateTargetPerSecond, touch: touch)
  }
}
