import Comparing
import Foundation
import Results

/// Which mechanism to use, for people and for programs.
public struct ChoiceReport {
  private let choice: Choice
  /// The run directories that the figures are from.
  private let sources: [String]
  private let environment: Environment
  /// How many lines of the ranking people get to see.
  private let shown: Int

  public init(_ choice: Choice, sources: [String], _ environment: Environment, showsAll: Bool = false) {
    self.choice = choice
    self.sources = sources
    self.environment = environment
    shown = showsAll ? .max : 16
  }

  private var requirement: Requirement { choice.requirement }

  // MARK: Text

  public func text(_ style: TextStyle) -> String {
    let wrapped = { (text: String) in style.wrapped(text, first: "  ", rest: "  ") }
    var lines = style.wrapped(question).map { style.coloured($0, .strong) } + wrapped(environment.machine)
    lines += [""] + wrapped(answer)
    if !choice.lines.isEmpty { lines += [""] + ranking.text(style) }
    lines += reasons("Measured nothing", isUnmeasured: true, style)
    lines += reasons("Out", isUnmeasured: false, style)
    lines += [""] + sources.map { "  figures  \($0)" }
    return lines.joined(separator: "\n")
  }

  /// `What has the lowest median latency for 64 B, request and reply, between related processes on one host?`
  var question: String {
    let goal =
      switch requirement.goal {
      case .median: "the lowest median latency"
      case .tail: "the lowest tail latency (p99)"
      case .cpu: "the lowest CPU time per message"
      case .rate: "the highest message rate"
      }
    var parts = [
      requirement.messageBytes == 0
        ? "waking the other side (with 64 B where it carries messages)"
        : Quantity.size(bytes: Double(requirement.messageBytes))
    ]
    switch requirement.pattern {
    case "round-trip": parts.append("request and reply")
    case "paced": parts.append("one way, \(Quantity.load(perSecond: requirement.ratePerSecond)) offered")
    case "stream": parts.append("one way, as fast as it goes")
    case "fan-in": parts.append("from \(requirement.producers) producers to one consumer")
    default: parts.append("from one producer to \(requirement.consumers) consumers")
    }
    parts.append(
      "\(requirement.processes.rawValue) processes "
        + (requirement.reach == .host ? "on one host" : "on two hosts"))
    if requirement.isLossAcceptable { parts.append("loss acceptable") }
    if !requirement.waits.isEmpty {
      parts.append("waiting by \(requirement.waits.joined(separator: " or "))")
    }
    return "What has \(goal)? For \(parts.joined(separator: "; "))."
  }

  var answer: String {
    guard let best = choice.lines.first else { return "Nothing that fits has been measured." }
    let value = Quantity.text(best.value.median, unit: choice.figure.unit)
    var text = "\(best.identity.id), waiting by \(best.identity.wait): \(value)"
    text += " (\(range(best.value)), \(counted(best.value.trials, "trial")))."
    let equals = choice.lines.dropFirst().filter(\.isAsGoodAsBest)
    if !equals.isEmpty {
      let names = equals.prefix(6).map { "\($0.identity.id) \($0.identity.wait)" }.joined(separator: ", ")
      let more = equals.count > 6 ? " and \(equals.count - 6) more" : ""
      text += " As good, as far as these trials can tell: \(names)\(more)."
    }
    if let blocking = choice.lines.first(where: { $0.identity.wait == "block" }),
      best.identity.wait != "block"
    {
      let value = Quantity.text(blocking.value.median, unit: choice.figure.unit)
      text += " Without a CPU spent on waiting: \(blocking.identity.id), \(value)."
    }
    return text
  }

  private func range(_ value: RankingFigure.Value) -> String {
    let ends = [value.lowest, value.highest].map { Quantity.text($0, unit: choice.figure.unit) }
    return ends[0] == ends[1] ? "all alike" : "\(ends[0]) to \(ends[1])"
  }

  var ranking: Table {
    let others = Requirement.Goal.allCases.filter { $0 != requirement.goal }.compactMap { goal in
      requirement.figure(goal).map { (goal, $0) }
    }
    let titles: [Requirement.Goal: String] = [.median: "p50", .tail: "p99", .cpu: "CPU/msg", .rate: "rate"]
    let tellsAttach = Set(choice.lines.map(\.identity.attach)).count > 1
    let tellsPlacement = Set(choice.lines.map(\.identity.placement)).count > 1
    var columns = [Table.Column(""), Table.Column("mechanism", .left), Table.Column("wait", .left)]
    if tellsAttach { columns.append(Table.Column("attach", .left, rank: 5)) }
    if tellsPlacement { columns.append(Table.Column("placement", .left)) }
    columns += [
      Table.Column(titles[requirement.goal] ?? ""), Table.Column("trials", rank: 6), Table.Column("× best"),
    ]
    columns += others.enumerated().map { Table.Column(titles[$1.0] ?? "", rank: 1 + $0) }
    let rows = choice.lines.prefix(shown).enumerated().map { index, line in
      var row = [
        Table.Cell("\(index + 1)"), Table.Cell(line.identity.id),
        Table.Cell(line.identity.wait, short: line.identity.wait.replacing("-then-", with: "+")),
      ]
      if tellsAttach { row.append(Table.Cell(line.identity.attach)) }
      if tellsPlacement { row.append(Table.Cell(line.identity.placement)) }
      row += [
        Table.Cell(
          Quantity.text(line.value.median, unit: choice.figure.unit), detail: range(line.value),
          emphasis: line.isAsGoodAsBest ? .strong : .plain), Table.Cell("\(line.value.trials)"),
        Table.Cell(line.isAsGoodAsBest ? "as good" : Quantity.count(line.timesBest)),
      ]
      row += others.map { _, figure in
        Table.Cell(
          figure.read(line.summary).map { Quantity.text($0.median, unit: figure.unit) } ?? Quantity.refused)
      }
      return row
    }
    let placements = Set(choice.lines.map(\.identity.placement))
    var notes = [
      "Medians of the trials' values"
        + (placements.count == 1 ? ", CPUs \(placements.first ?? "")" : "")
        + "; “as good” where the trials' range overlaps that of the best."
    ]
    if choice.lines.count > shown {
      notes.append("\(choice.lines.count - shown) more lines: --all, or --format json.")
    }
    return Table("", columns: columns, rows: rows, notes: notes)
  }

  /// One paragraph per reason.
  private func reasons(_ title: String, isUnmeasured: Bool, _ style: TextStyle) -> [String] {
    let exclusions = choice.exclusions.filter { $0.isUnmeasured == isUnmeasured }
    guard !exclusions.isEmpty else { return [] }
    var order: [String] = []
    var names: [String: [String]] = [:]
    for exclusion in exclusions {
      if names[exclusion.reason] == nil { order.append(exclusion.reason) }
      names[exclusion.reason, default: []].append(
        exclusion.wait.isEmpty ? exclusion.id : "\(exclusion.id) \(exclusion.wait)")
    }
    return ["", "  \(title)"]
      + order.flatMap { reason in
        style.wrapped(
          "\(names[reason]?.joined(separator: ", ") ?? ""): \(reason)", first: "    ", rest: "      ")
      }
  }

  // MARK: JSON

  public var json: String {
    let ranked = choice.lines.enumerated().map { index, line in
      ChoiceJSON.Line(
        rank: index + 1, identity: line.identity, value: line.value.median, lowest: line.value.lowest,
        highest: line.value.highest, trials: line.value.trials, timesBest: line.timesBest,
        isAsGoodAsBest: line.isAsGoodAsBest,
        figures: Dictionary(
          uniqueKeysWithValues: Requirement.Goal.allCases.compactMap { goal in
            requirement.figure(goal).flatMap { figure in
              figure.read(line.summary).map { (figure.metric, $0.median) }
            }
          }))
    }
    let excluded = choice.exclusions.map {
      ChoiceJSON.Exclusion(mechanism: $0.id, wait: $0.wait, reason: $0.reason, unmeasured: $0.isUnmeasured)
    }
    let answer = ChoiceJSON(
      schemaVersion: 1, question: question, requirement: requirement, results: sources,
      metric: choice.figure.metric, unit: choice.figure.unit, better: choice.figure.better.rawValue,
      ranked: ranked, excluded: excluded)
    return (try? ResultsJSON.encode(answer, pretty: true)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}

private struct ChoiceJSON: Encodable {
  struct Line: Encodable {
    var rank: Int
    var identity: CaseIdentity
    var value: Double
    var lowest: Double
    var highest: Double
    var trials: Int
    var timesBest: Double
    var isAsGoodAsBest: Bool
    var figures: [String: Double]

    enum CodingKeys: String, CodingKey {
      case rank, identity = "case", value, lowest, highest, trials, timesBest, isAsGoodAsBest, figures
    }
  }
  struct Exclusion: Encodable {
    var mechanism: String
    var wait: String
    var reason: String
    var unmeasured: Bool
  }

  var schemaVersion: Int
  var question: String
  var requirement: Requirement
  var results: [String]
  var metric: String
  var unit: String
  var better: String
  var ranked: [Line]
  var excluded: [Exclusion]
}
