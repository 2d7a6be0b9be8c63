import Analysis
import Comparing
import Results

/// What `aa` found, for a terminal.
public func aaText(_ tally: AATally, criteria: CheckCriteria, style: TextStyle) -> String {
  let report = AAReport(tally: tally, criteria: criteria)
  var lines = style.wrapped(report.headline, rest: "  ").map { style.coloured($0, .strong) }
  lines += report.sentences.flatMap { style.wrapped($0, first: "  ", rest: "  ") }
  for table in report.tables {
    lines += [""] + style.wrapped(table.title, first: "  ", rest: "    ") + table.text(style)
  }
  return lines.joined(separator: "\n") + "\n"
}

/// The same as Markdown.
public func aaMarkdown(_ tally: AATally, criteria: CheckCriteria) -> String {
  let report = AAReport(tally: tally, criteria: criteria)
  let parts =
    ["**\(markdown(report.headline))**"] + report.sentences.map { markdown($0) }
    + report.tables.map(\.markdown)
  return parts.joined(separator: "\n\n") + "\n"
}

/// The same for other programs: counts, shares and bounds as they are.
public func aaJSON(_ tally: AATally, criteria: CheckCriteria) -> String {
  prettyJSON(JSONTally(tally, criteria))
}

/// One check of `aa` as one line: when it was an injected slow-down, how large; what each gate said.
public func aaJournalLine(_ outcome: CheckOutcome, slowDown: Double) -> String {
  let entry = JournalEntry(
    slowDown: slowDown, answer: outcome.answer,
    cases: outcome.cases.map { check in
      JournalCase(
        identity: check.identity, status: check.status, reason: check.reason, usablePairs: check.usablePairs,
        gates: check.gates.map(JournalGate.init))
    })
  let data = (try? ResultsJSON.encode(entry)) ?? .init()
  return String(decoding: data, as: UTF8.self)
}

// MARK: Words

private struct AAReport {
  let tally: AATally
  let criteria: CheckCriteria

  var headline: String {
    let alarms = tally.falseAlarms
    return "\(Quantity.grouped(alarms.count)) false alarm\(alarms.count == 1 ? "" : "s") in "
      + "\(Quantity.grouped(alarms.of)) checks of a program against itself: at most \(bound(alarms)) of such "
      + "checks alarm, with 95 % confidence."
  }

  var sentences: [String] {
    let answers = tally.answers
    let gates = tally.gateAlarms
    return [
      "Of the checks, \(answers[.ok] ?? 0) said that nothing changed, \(answers[.inconclusive] ?? 0) were "
        + "inconclusive, \(answers[.failed] ?? 0) failed.",
      "Single gates (a case's p50 or CPU time): \(Quantity.grouped(gates.count)) of \(Quantity.grouped(gates.of)) "
        + "alarmed, at most \(bound(gates)); stage 1 alone flagged \(Quantity.grouped(tally.gateFlags.count)); "
        + "\(share(tally.gateInconclusive)) were inconclusive.",
      "Threshold \(Quantity.percent(criteria.threshold)), \(criteria.pairs) pairs a case, "
        + "\(criteria.confirmationPairs) more for a flagged one.",
    ]
  }

  var tables: [Table] { [visible, matrix].filter { !$0.rows.isEmpty } }

  /// What a check can see of each case, between identical programs.
  private var visible: Table {
    let rows = tally.detectable.keys.sorted().map { identity in
      [
        Table.Cell(identity.id), Table.Cell(identity.wait),
        Table.Cell(Quantity.size(bytes: Double(identity.messageBytes))),
        percent(tally.medianDetectable(identity)),
      ]
    }
    return Table(
      "Smallest change of p50 that \(criteria.pairs) pairs show here (80 % of the time; median over checks)",
      columns: [
        Table.Column("mechanism", .left), Table.Column("wait", .left), Table.Column("size"),
        Table.Column("smallest"),
      ], rows: rows)
  }

  private var matrix: Table {
    let cells = tally.cells.sorted { ($0.identity, $0.slowDown) < ($1.identity, $1.slowDown) }
    let rows = cells.map { cell in
      let interval = cell.found.interval.map { "\(whole($0.lowerBound))–\(whole($0.upperBound)) %" } ?? ""
      return [
        Table.Cell(cell.identity.id), Table.Cell(cell.identity.wait),
        Table.Cell("+\(Quantity.percent(cell.slowDown))"), percent(cell.medianRatio.map { $0 - 1 }),
        Table.Cell("\(cell.found.count) of \(cell.found.of)"), Table.Cell(share(cell.found)),
        Table.Cell(interval), Table.Cell("\(cell.inconclusive.count)"), percent(cell.medianDetectable),
      ]
    }
    return Table(
      "Injected slow-downs: a spin in the echo, found by p50",
      columns: [
        Table.Column("mechanism", .left), Table.Column("wait", .left), Table.Column("asked"),
        Table.Column("was"), Table.Column("found"), Table.Column("share"),
        Table.Column("95 % interval", rank: 2),
        Table.Column("inconcl.", rank: 1), Table.Column("smallest", rank: 3),
      ], rows: rows,
      notes: [
        "“was” is the median ratio that stage 1 measured; “found” means called a regression after both stages; "
          + "“smallest” is the median smallest change those pairs could have shown."
      ])
  }

  private func percent(_ value: Double?) -> Table.Cell {
    guard let value, value.isFinite else { return Table.Cell(Quantity.refused) }
    return Table.Cell(Quantity.percent(value))
  }

  private func share(_ rate: Rate) -> String { rate.share.map(Quantity.percent) ?? Quantity.refused }
  private func whole(_ share: Double) -> String { Quantity.grouped(Int((share * 100).rounded())) }

  /// With two digits: it is compared with 1 %.
  private func bound(_ rate: Rate) -> String {
    guard let bound = rate.upperBound else { return Quantity.refused }
    let hundredths = Int((bound * 10_000).rounded(.up))
    let fraction = String(hundredths % 100)
    return "\(hundredths / 100).\(String(repeating: "0", count: 2 - fraction.count))\(fraction) %"
  }
}

// MARK: JSON

private struct JSONTally: Encodable {
  struct JSONRate: Encodable {
    var count: Int
    var of: Int
    var share: Double?
    var upperBound: Double?

    init(_ rate: Rate) { (count, of, share, upperBound) = (rate.count, rate.of, rate.share, rate.upperBound) }
  }

  struct JSONCell: Encodable {
    var identity: CaseIdentity
    var slowDown: Double
    var found: JSONRate
    var inconclusive: JSONRate
    var medianRatio: Double?
    var medianSmallestDetectableChange: Double?

    enum CodingKeys: String, CodingKey {
      case identity = "case"
      case slowDown, found, inconclusive, medianRatio, medianSmallestDetectableChange
    }
  }

  var schemaVersion = 1
  var criteria: CheckCriteria
  var checks: Int
  var answers: [String: Int]
  var falseAlarms: JSONRate
  var gateAlarms: JSONRate
  var gateFlags: JSONRate
  var gateInconclusive: JSONRate
  var slowDowns: [JSONCell]

  init(_ tally: AATally, _ criteria: CheckCriteria) {
    self.criteria = criteria
    checks = tally.checks
    answers = Dictionary(uniqueKeysWithValues: tally.answers.map { ($0.key.rawValue, $0.value) })
    falseAlarms = JSONRate(tally.falseAlarms)
    gateAlarms = JSONRate(tally.gateAlarms)
    gateFlags = JSONRate(tally.gateFlags)
    gateInconclusive = JSONRate(tally.gateInconclusive)
    slowDowns = tally.cells.map { cell in
      JSONCell(
        identity: cell.identity, slowDown: cell.slowDown, found: JSONRate(cell.found),
        inconclusive: JSONRate(cell.inconclusive), medianRatio: cell.medianRatio?.ifFinite,
        medianSmallestDetectableChange: cell.medianDetectable?.ifFinite)
    }
  }
}

private struct JournalEntry: Encodable {
  var slowDown: Double
  var answer: CheckOutcome.Answer
  var cases: [JournalCase]
}

private struct JournalCase: Encodable {
  var identity: CaseIdentity
  var status: Status
  var reason: String
  var usablePairs: Int
  var gates: [JournalGate]

  enum CodingKeys: String, CodingKey {
    case identity = "case"
    case status, reason, usablePairs, gates
  }
}

private struct JournalGate: Encodable {
  var metric: String
  var verdict: GateVerdict?
  var reason: String
  var first: Stage
  var second: Stage?

  struct Stage: Encodable {
    var count: Int
    var ratio: Double
    var lower: Double?
    var upper: Double?
    var pValue: Double?
    var smallestDetectableChange: Double?

    init(_ stage: StageResult) {
      (count, ratio, pValue) = (stage.count, stage.ratio, stage.pValue)
      lower = stage.lower.ifFinite
      upper = stage.upper.ifFinite
      smallestDetectableChange = stage.smallestDetectableChange.ifFinite
    }
  }

  init(_ check: MetricCheck) {
    metric = check.metric.name
    verdict = check.verdict
    reason = check.reason
    first = Stage(check.first)
    second = check.second.map { Stage($0) }
  }
}
