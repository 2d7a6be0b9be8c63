import Results

/// The table that a person reads when a run has ended: numbers scaled, the fastest mechanism first.
///
/// - Parameters:
///   - width: columns of a line, 80 unless there is reason for more.
///   - files: what else was written, named at the end.
public func textReport(_ run: Run, width: Int = 80, files: [String] = []) -> String {
  textReport(run, style: TextStyle(width: width), files: files)
}

/// The same in the style of a given terminal.
///
/// - Parameter ownCost: id of the mechanism that measures the tool itself; its lines are marked and come last.
public func textReport(
  _ run: Run, style: TextStyle, files: [String] = [], ownCost: String = ""
) -> String {
  textReport(RunReports(run, ownCost: ownCost), style: style, files: files)
}

/// For a terminal.
public func textReport(_ reports: RunReports, style: TextStyle, files: [String] = []) -> String {
  let (view, sections) = (reports.view, reports.sections)
  var lines = style.wrapped(view.headline, rest: "  ").map { style.coloured($0, .strong) }
  lines += style.wrapped(view.trust.sentence, first: "  ", rest: "    ")
  lines += view.run.briefFacts.flatMap { fact in
    style.wrapped(
      fact.text, first: "  \(fact.name.padded(to: 8))  ", rest: String(repeating: " ", count: 12))
  }
  lines += warningLines(view, style)
  for section in sections {
    lines += ["", style.coloured(style.encoded(section.title), .strong)]
    lines += style.wrapped(section.lead, first: "  ", rest: "  ").map { style.coloured($0, .faint) }
    for table in section.brief {
      lines += [""] + style.wrapped(table.title, first: "  ", rest: "    ") + table.text(style)
    }
  }
  lines += [Status.failed, .skipped].compactMap(view.troubles).flatMap { troubleLines($0, style) }
  lines +=
    ["", style.encoded("How to read it")]
    + view.howToRead.flatMap { style.wrapped($0, first: "  ", rest: "  ") }
  if !files.isEmpty { lines += [""] + files.map { "  \($0)" } }
  return lines.joined(separator: "\n") + "\n"
}

private func warningLines(_ view: RunView, _ style: TextStyle) -> [String] {
  let warnings = view.warnings
  guard !warnings.isEmpty else { return [] }
  return [""] + warnings.flatMap { style.wrapped($0, first: "! ", rest: "  ") }
}

/// One entry per reason, wrapped: reasons are sentences and fit no column.
private func troubleLines(_ table: Table, _ style: TextStyle) -> [String] {
  ["", style.coloured(table.title, .strong)]
    + table.rows.flatMap { row -> [String] in
      let count = Int(row[2].text) ?? 0
      let text = "\(row[0].text), \(row[1].text), \(counted(count, "case")): \(row[3].text)"
      return style.wrapped(text, first: "  ", rest: "    ")
    }
}

extension RunView {
  /// What every reader has to know, in any of the formats, and what this run adds to it.
  var howToRead: [String] { alwaysToKnow + (betweenHosts.map { [$0] } ?? []) }

  /// Nothing where all cases are of one scope, or where the labels tell them apart.
  private var betweenHosts: String? {
    let scopes = Dictionary(grouping: measured, by: \.identity.id).mapValues { Set($0.map(\.identity.scope)) }
    let remote = scopes.filter { $0.value == ["network"] }.keys.sorted()
    guard !remote.isEmpty, remote.count < scopes.count else { return nil }
    return
      "Everything is on one host but \(list(remote)): there the sides are in two network namespaces, joined by "
      + "virtual cables, with no wire between them."
  }

  private func list(_ words: [String]) -> String {
    words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " and " + words.last!
  }
}

private let alwaysToKnow = [
  "Percentiles are of all trials' samples together, by one clock for both processes. Spread is the distance "
    + "between the slowest and the fastest trial, as a share of the median one.",
  "Every payload byte is written by the producer and read by the consumer, in zero-copy mechanisms too. "
    + "CPU/msg is user and system time of both processes; what a server between them spends (an X server, a message "
    + "bus) is not in it.",
  "A line marked “the tool” is the same loop around nothing at all. It is what measuring costs; nothing has "
    + "been subtracted from the other numbers.",
]

extension RunView {
  /// `ipcbench 0.1 · suite quick · 231 cases, 693 trials · 2026-11-21 05:42 UTC`
  var headline: String {
    var parts = [
      ([run.environment.tool.name, run.environment.tool.version].compactMap { $0 }).joined(separator: " ")
    ]
    if !run.plan.suite.isEmpty { parts.append("suite \(run.plan.suite)") }
    parts.append("\(counted(summaries.count, "case")), \(counted(run.trials.count, "trial"))")
    parts.append(Self.readableTime(run.plan.startedAt))
    return parts.joined(separator: " · ")
  }

  /// `2026-11-21 05:42 UTC` of `2026-11-21T05:42:17Z`; what is not of that form stays as it is.
  static func readableTime(_ iso8601: String) -> String {
    let parts = iso8601.split(separator: "T")
    guard parts.count == 2, iso8601.hasSuffix("Z"), parts[1].count >= 6 else { return iso8601 }
    return "\(parts[0]) \(parts[1].prefix(5)) UTC"
  }
}

extension String {
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
