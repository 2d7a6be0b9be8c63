import Results

/// The report as one page that needs nothing beside itself: no script, no font, no network.
public func htmlReport(_ run: Run, plots: [Plot] = [], ownCost: String = "") -> String {
  htmlReport(RunReports(run, ownCost: ownCost), plots: plots)
}

public func htmlReport(_ reports: RunReports, plots: [Plot] = []) -> String {
  let (view, sections) = (reports.view, reports.sections)
  let run = view.run
  let title = "IPC benchmark"
  let body = [
    "<header><h1>\(title)</h1><p class=\"headline\">\(html(view.headline))</p>",
    "<p class=\"machine\">\(html(run.environment.machine))</p>"
      + "<p class=\"trust \(view.trust.level.rawValue)\">\(html(view.trust.sentence))</p></header>",
    navigation(sections), warnings(view), answers(view),
    sections.map { section($0, plots) }.joined(separator: "\n"),
    troubles(view), reading(view), environment(view), reproduction(run),
  ]
  return """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
    <title>\(html("\(title) – \(run.environment.machine)"))</title>
    <style>
    \(pageStyle)
    </style>
    </head>
    <body>
    <main>
    \(body.filter { !$0.isEmpty }.joined(separator: "\n"))
    </main>
    </body>
    </html>

    """
}

private func navigation(_ sections: [Section]) -> String {
  let targets =
    [("answers", "Answers")] + sections.map { ($0.anchor, $0.title) } + [
      ("reading", "How to read it"), ("environment", "Environment"),
    ]
  return "<nav>" + targets.map { "<a href=\"#\($0.0)\">\(html($0.1))</a>" }.joined(separator: " ") + "</nav>"
}

private func warnings(_ view: RunView) -> String {
  let warnings = view.warnings
  guard !warnings.isEmpty else { return "" }
  let items = warnings.map { "<li>\(html($0))</li>" }.joined(separator: "\n")
  return "<section class=\"warnings\" aria-label=\"Warnings\"><ul>\n\(items)\n</ul></section>"
}

private func answers(_ view: RunView) -> String {
  let answers = view.answers
  let told = answers.filter(\.isAnswered).map { answer in
    let items = answer.sentences.map { "<li>\(html($0))</li>" }.joined(separator: "\n")
    return
      "<h3 id=\"question-\(answer.question.rawValue)\">\(answer.question.rawValue). \(html(answer.question.text))</h3>\n"
      + "<ul>\n\(items)\n</ul>\n" + answer.tables.map(\.html).joined(separator: "\n")
  }
  let missing = answers.filter { !$0.isAnswered }.map { answer in
    "<li>\(answer.question.rawValue). \(html(answer.question.text)) <code>\(html(answer.measure))</code></li>"
  }
  let rest =
    missing.isEmpty
    ? "" : "<p>Not in this run, and what measures it:</p>\n<ul>\n\(missing.joined(separator: "\n"))\n</ul>"
  return "<section id=\"answers\"><h2>Answers</h2>\n\(told.joined(separator: "\n"))\n\(rest)\n</section>"
}

private func section(_ section: Section, _ plots: [Plot]) -> String {
  let figures = section.plots.compactMap { name in plots.first { $0.name == name } }.compactMap(figure)
  let (first, rest) = (section.full.prefix(1), section.full.dropFirst())
  let parts =
    [
      "<section id=\"\(section.anchor)\"><h2>\(html(section.title))</h2>",
      "<p class=\"lead\">\(html(section.lead))</p>",
    ]
    + first.map(\.html) + figures + rest.map(\.html) + ["</section>"]
  return parts.joined(separator: "\n")
}

private func figure(_ plot: Plot) -> String? {
  guard let svg = plot.inlined else { return nil }
  return """
    <figure class="\(plot.name)"><div class="card" role="img" aria-label="\(html(plot.title))" tabindex="0">\(svg)</div>
    <figcaption>\(html(plot.caption))</figcaption></figure>
    """
}

private func troubles(_ view: RunView) -> String {
  let tables = [Status.failed, .skipped].compactMap(view.troubles)
  guard !tables.isEmpty else { return "" }
  return
    "<section id=\"troubles\"><h2>Not measured</h2>\n" + tables.map(\.html).joined(separator: "\n")
    + "\n</section>"
}

private func reading(_ view: RunView) -> String {
  let items = view.howToRead.map { "<li>\(html($0))</li>" }.joined(separator: "\n")
  let range = "Below a number, in small print: the lowest and the highest trial."
  return "<section id=\"reading\"><h2>How to read it</h2><ul>\n\(items)\n<li>\(range)</li>\n</ul></section>"
}

private func environment(_ view: RunView) -> String {
  let facts = view.run.fullFacts.map { "<dt>\(html($0.name))</dt><dd>\(html($0.text))</dd>" }
  return
    "<section id=\"environment\"><h2>Environment</h2>\n<dl>\n" + facts.joined(separator: "\n")
    + "\n</dl></section>"
}

private func reproduction(_ run: Run) -> String {
  let command = html(run.plan.reproducingCommand)
  return "<section id=\"again\"><h2>Do it again</h2>\n<pre><code>\(command)</code></pre></section>"
}

extension Section {
  fileprivate var anchor: String {
    String(title.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
  }
}

/// Text as it may stand in an element or in a quoted attribute.
func html(_ text: String) -> String {
  text.reduce(into: "") { result, character in
    switch character {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    default: result.append(character)
    }
  }
}
