/// Rows and columns for people, the same for the terminal, Markdown and HTML.
public struct Table: Sendable {
  public enum Alignment: Sendable { case left, right }

  /// How a cell wants to be read.
  public enum Emphasis: Sendable { case plain, faint, strong, bad }

  public struct Column: Sendable {
    public var title: String
    /// A heading over several neighbouring columns of the same group; empty without one.
    public var group: String
    public var alignment: Alignment
    /// Where a line is too narrow for all columns, the one with the highest rank goes first; 0 always stays.
    public var rank: Int

    public init(_ title: String, group: String = "", _ alignment: Alignment = .right, rank: Int = 0) {
      self.title = title
      self.group = group
      self.alignment = alignment
      self.rank = rank
    }
  }

  public struct Cell: Sendable, ExpressibleByStringLiteral {
    public var text: String
    /// What may stand here when the line is too narrow for `text`.
    public var short: String?
    /// A second, less important line where there is room for it (HTML).
    public var detail: String?
    public var emphasis: Emphasis

    public init(
      _ text: String, short: String? = nil, detail: String? = nil, emphasis: Emphasis = .plain
    ) {
      self.text = text
      self.short = short
      self.detail = detail
      self.emphasis = emphasis
    }

    public init(stringLiteral text: String) { self.init(text) }
  }

  public var title: String
  public var columns: [Column]
  /// As many cells in each as there are columns.
  public var rows: [[Cell]]
  /// Footnotes: whole sentences, in the order in which the table needs them.
  public var notes: [String]
  /// Whether HTML and Markdown fold it away until somebody asks.
  public var isFolded: Bool

  public init(
    _ title: String, columns: [Column], rows: [[Cell]] = [], notes: [String] = [], isFolded: Bool = false
  ) {
    self.title = title
    self.columns = columns
    self.rows = rows
    self.notes = notes
    self.isFolded = isFolded
  }

  /// The table without the column at an index.
  func removingColumn(at index: Int) -> Table {
    var table = self
    table.columns.remove(at: index)
    for row in table.rows.indices { table.rows[row].remove(at: index) }
    return table
  }

  /// The table without the columns in which no row has anything to say.
  var withoutEmptyColumns: Table {
    guard !rows.isEmpty else { return self }
    var table = self
    for index in columns.indices.reversed() where rows.allSatisfy({ $0[index].text.isEmpty }) {
      table = table.removingColumn(at: index)
    }
    return table
  }

  /// The column titles with runs of the same group: `[("", 2), ("goodput", 3)]`.
  var groups: [(name: String, columns: Int)] {
    columns.reduce(into: []) { groups, column in
      if let last = groups.last, last.name == column.group {
        groups[groups.count - 1].columns += 1
      } else {
        groups.append((column.group, 1))
      }
    }
  }
}
