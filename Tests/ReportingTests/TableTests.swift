import Testing

@testable import Reporting

@Suite("Tables")
struct TableTests {
  private let table = Table(
    "Sizes",
    columns: [
      Table.Column("mechanism", .left), Table.Column("8 B"), Table.Column("64 B", rank: 2),
      Table.Column("1 MiB"),
    ],
    rows: [
      [Table.Cell("spin-then-block", short: "spin+block"), "1.00 µs", "2 ns", "3 ns"],
      ["pipe", "10.0 µs", "", "–"],
    ], notes: ["– too few."])

  @Test("numbers are aligned to the right, names to the left, and nothing trails")
  func columnsAreAligned() {
    #expect(
      table.text(TextStyle()) == [
        "  mechanism            8 B  64 B  1 MiB",
        "  spin-then-block  1.00 µs  2 ns   3 ns",
        "  pipe             10.0 µs            –",
        "  – too few.",
      ])
  }

  @Test("a narrow line takes short forms first, and then loses the column of the highest rank, by name")
  func aNarrowLineLosesWhatMattersLeast() {
    #expect(table.text(TextStyle(width: 34))[1] == "  spin+block  1.00 µs  2 ns   3 ns")
    let narrow = table.text(TextStyle(width: 32))
    #expect(narrow[1] == "  spin+block  1.00 µs   3 ns")
    #expect(narrow.suffix(2) == ["  Not shown for lack of room:", "  64 B."])
  }

  @Test("a group's heading stands over its columns and never widens the line beyond them")
  func groupsStandOverTheirColumns() {
    var grouped = table
    grouped.columns[1].group = "a long group"
    grouped.columns[2].group = "b"
    let lines = grouped.text(TextStyle())
    #expect(lines[0] == "                   a long group  b ──")
    #expect(lines[2] == "  spin-then-block       1.00 µs  2 ns   3 ns")
  }

  @Test("a column without a single value is left out")
  func emptyColumnsAreLeftOut() {
    var table = table
    for row in table.rows.indices { table.rows[row][2] = "" }
    #expect(table.withoutEmptyColumns.columns.map(\.title) == ["mechanism", "8 B", "1 MiB"])
    table.rows = []
    #expect(table.withoutEmptyColumns.columns.count == 4)
  }

  @Test("where only ASCII arrives, nothing else is written, and columns stay aligned")
  func asciiOnly() {
    let lines = table.text(TextStyle(isUnicode: false))
    #expect(lines.allSatisfy { $0.utf8.allSatisfy { $0 < 0x80 } })
    #expect(lines[1] == "  spin-then-block  1.00 us  2 ns   3 ns")
  }

  @Test("there is colour only where it was asked for, and it takes no room")
  func colourIsAskedFor() {
    var marked = table
    marked.rows[0][1].emphasis = .bad
    #expect(!marked.text(TextStyle()).joined().contains("\u{1B}"))
    #expect(
      marked.text(TextStyle(isColoured: true))[1]
        == "  spin-then-block  \u{1B}[31m1.00 µs\u{1B}[0m  2 ns   3 ns")
  }

  @Test("the style follows NO_COLOR, TERM and the locale")
  func styleFollowsVariables() {
    let utf8 = ["LANG": "de_DE.UTF-8"]
    #expect(TextStyle(isTerminal: true, variables: utf8) == TextStyle(isColoured: true))
    #expect(!TextStyle(isTerminal: false, variables: utf8).isColoured)
    #expect(!TextStyle(isTerminal: true, variables: utf8.merging(["NO_COLOR": "1"]) { $1 }).isColoured)
    #expect(TextStyle(isTerminal: true, variables: utf8.merging(["NO_COLOR": ""]) { $1 }).isColoured)
    #expect(!TextStyle(isTerminal: true, variables: utf8.merging(["TERM": "dumb"]) { $1 }).isColoured)
    #expect(!TextStyle(isTerminal: true, variables: ["LANG": "de_DE.UTF-8", "LC_ALL": "C"]).isUnicode)
  }

  @Test("HTML and Markdown are escaped in every part of a table")
  func everythingIsEscaped() {
    let evil = "<script>alert('|')</script>&\"\n`*_"
    var table = Table(
      evil, columns: [Table.Column(evil, group: evil)], rows: [[Table.Cell(evil, detail: evil)]])
    table.notes = [evil]
    for isFolded in [false, true] {
      table.isFolded = isFolded
      #expect(!table.html.contains("<script"))
      #expect(!table.html.contains("'|'"))
      #expect(!table.markdown.contains("<script"))
      #expect(!table.markdown.contains("('|"))
      #expect(table.markdown.contains("\\`\\*\\_"))
    }
  }
}
