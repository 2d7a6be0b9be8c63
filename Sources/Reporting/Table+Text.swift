extension Table {
  /// The table as lines no longer than the style allows, without its title, its notes at the end.
  ///
  /// A table that is too wide first takes the short form of its cells, then loses the columns of the highest
  /// rank, and says which.
  public func text(_ style: TextStyle) -> [String] {
    let (table, dropped) = fitted(to: style)
    let widths = table.widths(style)
    var lines: [String] = []
    if table.columns.contains(where: { !$0.group.isEmpty }) { lines.append(table.groupLine(style, widths)) }
    lines.append(style.coloured(table.line(table.columns.map { Cell($0.title) }, style, widths), .faint))
    lines += table.rows.map { table.line($0, style, widths) }
    lines += notes.flatMap { style.wrapped($0, first: "  ", rest: "  ") }
    if !dropped.isEmpty {
      let list = dropped.joined(separator: ", ")
      lines += style.wrapped("Not shown for lack of room: \(list).", first: "  ", rest: "  ")
    }
    return lines
  }

  private func fitted(to style: TextStyle) -> (table: Table, dropped: [String]) {
    var table = self
    var dropped: [(index: Int, title: String)] = []
    var originals = Array(columns.indices)
    if table.totalWidth(style) > style.width { table = table.shortened }
    while table.totalWidth(style) > style.width {
      guard let index = table.columns.indices.reversed().max(by: { table.columns[$0].rank < table.columns[$1].rank }),
        table.columns[index].rank > 0
      else { break }
      let column = table.columns[index]
      dropped.append((originals.remove(at: index), "\(column.group) \(column.title)".trimmed))
      table = table.removingColumn(at: index)
    }
    return (table, dropped.sorted { $0.index < $1.index }.map(\.title))
  }

  private var shortened: Table {
    var table = self
    for row in table.rows.indices {
      for column in table.rows[row].indices {
        if let short = table.rows[row][column].short { table.rows[row][column].text = short }
      }
    }
    return table
  }

  private func widths(_ style: TextStyle) -> [Int] {
    columns.indices.map { column in
      let cells = rows.map { style.encoded($0[column].text).count }.max() ?? 0
      return max(cells, style.encoded(columns[column].title).count)
    }
  }

  private func totalWidth(_ style: TextStyle) -> Int {
    widths(style).reduce(0, +) + 2 * columns.count
  }

  private func line(_ cells: [Cell], _ style: TextStyle, _ widths: [Int]) -> String {
    var line = ""
    for (column, cell) in cells.enumerated() {
      let text = style.encoded(cell.text)
      let padding = String(repeating: " ", count: max(0, widths[column] - text.count))
      let coloured = style.coloured(text, cell.emphasis)
      line += "  " + (columns[column].alignment == .left ? coloured + padding : padding + coloured)
    }
    return line.trimmedAtEnd
  }

  /// The groups' names, each from the left edge of its first column's text.
  private func groupLine(_ style: TextStyle, _ widths: [Int]) -> String {
    var line = ""
    var column = 0
    for group in groups {
      let width = widths[column..<column + group.columns].reduce(0, +) + 2 * group.columns
      let name = style.encoded(group.name)
      let rule = style.isUnicode ? "─" : "-"
      // A rule over the whole group shows where it starts and ends.
      let fill = String(repeating: rule, count: max(0, width - 3 - name.count))
      let text = name.isEmpty ? "" : "  \(name) \(fill)"
      line += text + String(repeating: " ", count: max(0, width - text.count))
      column += group.columns
    }
    return style.coloured(line.trimmedAtEnd, .faint)
  }
}

extension String {
  var trimmed: String {
    String(drop { $0 == " " }).trimmedAtEnd
  }

  var trimmedAtEnd: String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
