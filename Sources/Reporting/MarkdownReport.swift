import Results

/// The report as Markdown (GitHub's dialect): environment, command, tables, links to the plots.
public func markdownReport(_ run: Run, plots: [Plot] = [], ownCost: String = "") -> String {
  markdownReport(RunReports(run, ownCost: ownCost), plots: plots)
}

public func markdownReport(_ reports: RunReports, plots: [Plot] = []) -> String {
  let (view, sections) = (reports.view, reports.sections)
  var parts = ["# IPC benchmark", markdown(view.headline), "**\(markdown(view.trust.sentence))**"]
  let warnings = view.warnings
  if !warnings.isEmpty { parts.append(warnings.map { "> - \(markdown($0))" }.joined(separator: "\n")) }
  parts += answers(view)
  for section in sections {
    parts += ["## \(markdown(section.title))", markdown(section.lead)]
    for (index, table) in section.full.enumerated() {
      parts.append(table.markdown)
      if index == 0 {
        parts += section.plots.compactMap { name in plots.first { $0.name == name } }.map {
          image($0, view.run)
        }
      }
    }
  }
  parts += [Status.failed, .skipped].compactMap { view.troubles($0)?.markdown }
  parts += ["## How to read it"] + [view.howToRead.map { "- \(markdown($0))" }.joined(separator: "\n")]
  parts += [
    "## Environment", facts(view), "## Do it again", "```sh\n\(view.run.plan.reproducingCommand)\n```",
  ]
  return parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
}

private func answers(_ view: RunView) -> [String] {
  let answers = view.answers
  let told = answers.filter(\.isAnswered).flatMap { answer in
    [
      "### \(answer.question.rawValue). \(markdown(answer.question.text))",
      answer.sentences.map { "- \(markdown($0))" }.joined(separator: "\n"),
    ] + answer.tables.map(\.markdown)
  }
  let missing = answers.filter { !$0.isAnswered }.map {
    "- \($0.question.rawValue). \(markdown($0.question.text)) `\($0.measure)`"
  }
  return ["## Answers"] + told
    + (missing.isEmpty ? [] : ["Not in this run, and what measures it:", missing.joined(separator: "\n")])
}

private func facts(_ view: RunView) -> String {
  let rows = view.run.fullFacts.map { [Table.Cell($0.name), Table.Cell($0.text)] }
  return Table("", columns: [Table.Column("", .left), Table.Column("", .left)], rows: rows).markdown
}

private func image(_ plot: Plot, _ run: Run) -> String {
  let path = relativePath(plot.path, from: run.path).replacing(" ", with: "%20")
  return "![\(markdown(plot.title))](\(path))\n\n\(markdown(plot.caption))"
}

/// Text without anything that Markdown or the HTML in it would act on.
func markdown(_ text: String) -> String {
  text.reduce(into: "") { result, character in
    switch character {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\\", "|", "`", "*", "_", "[", "]", "#": result += "\\\(character)"
    case "\n", "\r\n", "\r": result += " "
    default: result.append(character)
    }
  }
}

extension Table {
  /// The table with its title and notes. A folded one is inside `<details>`.
  public var markdown: String {
    var lines = [row(columns.map { Cell(($0.group.isEmpty ? "" : $0.group + " ") + $0.title) })]
    lines.append("|" + columns.map { $0.alignment == .left ? " :-- |" : " --: |" }.joined())
    lines += rows.map(row)
    let escape = Reporting.markdown
    let table = lines.joined(separator: "\n") + notes.map { "\n\n\(escape($0))" }.joined()
    if isFolded { return "<details><summary>\(escape(title))</summary>\n\n\(table)\n\n</details>" }
    return title.isEmpty ? table : "**\(escape(title))**\n\n\(table)"
  }

  private func row(_ cells: [Cell]) -> String {
    "|" + cells.map { " \(Reporting.markdown($0.text)) |" }.joined()
  }
}
