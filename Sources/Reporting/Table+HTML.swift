extension Table {
  /// The table with its title and notes, in a box that scrolls where the page is too narrow.
  public var html: String {
    let escape = Reporting.html
    let body = rows.map { row in
      "<tr>" + row.enumerated().map { cell($0.element, at: $0.offset) }.joined() + "</tr>"
    }
    let table = """
      <div class="scroll" tabindex="0"><table>
      <thead>
      \(head)
      </thead>
      <tbody>
      \(body.joined(separator: "\n"))
      </tbody>
      </table></div>
      """
    let footnotes = notes.map { "<p class=\"note\">\(escape($0))</p>" }.joined(separator: "\n")
    if isFolded {
      return "<details><summary>\(escape(title)) (\(rows.count))</summary>\n\(table)\n\(footnotes)</details>"
    }
    return "<h3>\(escape(title))</h3>\n\(table)\n\(footnotes)"
  }

  private var head: String {
    let escape = Reporting.html
    let titles = columns.map { "<th scope=\"col\"\(attribute($0.alignment))>\(escape($0.title))</th>" }
    guard columns.contains(where: { !$0.group.isEmpty }) else { return "<tr>\(titles.joined())</tr>" }
    let spans = groups.map { group in
      let type = group.name.isEmpty ? "td" : "th scope=\"colgroup\" class=\"group\""
      return "<\(type) colspan=\"\(group.columns)\">\(escape(group.name))</\(type.prefix(2))>"
    }
    return "<tr>\(spans.joined())</tr>\n<tr>\(titles.joined())</tr>"
  }

  private func cell(_ cell: Cell, at column: Int) -> String {
    let escape = Reporting.html
    var classes = columns[column].alignment == .left ? ["left"] : []
    switch cell.emphasis {
    case .plain: break
    case .faint: classes.append("faint")
    case .strong: classes.append("strong")
    case .bad: classes.append("bad")
    }
    let attributes = classes.isEmpty ? "" : " class=\"\(classes.joined(separator: " "))\""
    let detail = cell.detail.map { "<small>\(escape($0))</small>" } ?? ""
    let type = column == 0 ? "th scope=\"row\"" : "td"
    // An id may break where its variant starts, and nowhere else.
    let text = column == 0 ? escape(cell.text).replacing(":", with: ":<wbr>") : escape(cell.text)
    return "<\(type)\(attributes)>\(text)\(detail)</\(type.prefix(2))>"
  }

  private func attribute(_ alignment: Alignment) -> String { alignment == .left ? " class=\"left\"" : "" }
}
