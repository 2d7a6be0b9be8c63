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
      let sentence = "Not shown for lack of room: \(Self.list(dropped))."
      lines += style.wrapped(sentence, first: "  ", rest: "  ")
    }
    return lines
  }

  /// `payload/s 1 KiB, 16 KiB, CPU/msg`: a group is named where it starts.
  private static func list(_ columns: [Column]) -> String {
    var group = ""
    return columns.map { column in
      defer { group = column.group }
      return column.group.isEmpty || column.group == group ? column.title : "\(column.group) \(column.title)"
    }.joined(separator: ", ")
  }

  private func fitted(to style: TextStyle) -> (table: Table, dropped: [Column]) {
    var table = totalWidth(style) > style.width ? shortened : self
    var kept = Array(columns.indices)
    while table.totalWidth(style) > style.width {
      let ranks = table.columns.map(\.rank)
      guard let highest = ranks.max(), highest > 0, let index = ranks.lastIndex(of: highest) else { break }
      kept.remove(at: index)
      table = table.removingColumn(at: index)
    }
    return (table, columns.indices.filter { !kept.contains($0) }.map { columns[$0] })
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
    var widths = columns.indices.map { column in
      let cells = rows.map { style.encoded($0[column].text).count }.max() ?? 0
      return max(cells, style.encoded(columns[column].title).count)
    }
    var end = 0
    for group in groups {
      let start = end
      end += group.columns
      let width = widths[start..<end].reduce(0, +) + 2 * (group.columns - 1)
      widths[end - 1] += max(0, group.name.count - width)
    }
    return widths
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
      let text = name.isEmpty ? "" : fill.isEmpty ? "  \(name)" : "  \(name) \(fill)"
      line += text + String(repeating: " ", count: max(0, width - text.count))
      column += group.columns
    }
    return style.coloured(line.trimmedAtEnd, .faint)
  }
}

extension String {
  var trimmedAtEnd: String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
