import Foundation
import Testing

@testable import Results

@Suite struct CSVReaderTests {
  @Test(arguments: [
    ["a", "b"], ["", ""], ["\"", "\"\""], ["a,b", "c\r\nd", "e\nf", "g\rh"],
    ["µs", "日本", "\u{1F600}"],
    [" a ", "\t"], ["", "", ""], ["\n\n\n", "x"],
  ])
  func everyFieldIsReadBackAsItWasWritten(fields: [String]) throws {
    #expect(try csvRecords(CSV.line(fields)).map(\.fields) == [fields])
  }

  @Test func lineFeedsAloneAndAByteOrderMarkAreAccepted() throws {
    let records = try csvRecords("\u{FEFF}a,b\nc,\"d\ne\"\n\nf,g")
    #expect(records.map(\.fields) == [["a", "b"], ["c", "d\ne"], ["f", "g"]])
    #expect(records.map(\.line) == [1, 2, 5])
  }

  @Test func emptyLinesAreNotRecords() throws {
    #expect(try csvRecords("\r\n\na\r\n\r\n\n").map(\.line) == [3])
    #expect(try csvRecords("").isEmpty)
  }

  @Test(arguments: [
    ("a\nb,\"c\"d\n", 2, "text after a closing quote"),
    ("a\nb\nc\"d\n", 3, "a quote inside an unquoted field"),
    ("a\rb\n", 1, "a carriage return without a line feed"), ("a\nb\u{0}\n", 2, "a zero byte"),
    ("a\n\"b\nc\n", 2, "the file ends inside this line"),
    ("a,\"b", 1, "the file ends inside this line"),
  ])
  func whatIsNotCSVIsAnErrorWithItsLine(text: String, line: Int, expected: String) {
    let error = #expect(throws: ResultsError.self) { _ = try csvRecords(text) }
    #expect(error?.code == .malformed)
    #expect(error?.message.hasPrefix("Line \(line) of t.csv") == true)
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
  }

  @Test(arguments: [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0xAF]] as [[UInt8]])
  func bytesThatAreNotUTF8AreAnErrorWithTheirLine(bytes: [UInt8]) throws {
    var reader = CSVReader(ByteWindow(Array("a,µ\nb,".utf8) + bytes + [10], path: "t.csv"))
    #expect(try reader.next())
    let error = #expect(throws: ResultsError.self) { _ = try reader.next() }
    #expect(error?.message.hasPrefix("Line 2 of t.csv") == true)
    #expect(error?.message.contains("not UTF-8") == true)
  }

  /// Whatever the pieces in which the system hands out the file, and wherever they end.
  @Test func recordsLongerThanABufferAreReadFromAFile() throws {
    let temporary = try TemporaryDirectory()
    let rows = (0..<40).map { ["\($0)", String(repeating: "x\"\r\n", count: $0 * 3_000), "end"] }
    try temporary.write("long.csv", rows.map(CSV.line).joined())
    let descriptor = try Files.open("\(temporary.path)/long.csv")
    defer { close(descriptor) }
    var reader = CSVReader(ByteWindow(descriptor: descriptor, path: "long.csv"))
    for row in rows {
      #expect(try reader.next())
      #expect((0..<reader.fieldCount).map { reader[$0].text } == row)
    }
    #expect(try !reader.next())
  }

  @Test func aLineThatIsTooLongIsRefusedBeforeTheRestOfItIsRead() throws {
    let temporary = try TemporaryDirectory()
    try temporary.write("long.csv", "a,b\n1,2\n" + String(repeating: "x", count: 8 << 20))
    let descriptor = try Files.open("\(temporary.path)/long.csv")
    defer { close(descriptor) }
    var reader = CSVReader(ByteWindow(descriptor: descriptor, path: "long.csv"))
    #expect(try reader.next())
    #expect(try reader.next())
    let error = #expect(throws: ResultsError.self) { _ = try reader.next() }
    #expect(error?.message.hasPrefix("Line 3 of long.csv") == true)
    #expect(error?.message.contains("longer than 1 MiB") == true)
    #expect(lseek(descriptor, 0, SEEK_CUR) <= 3 << 20)
  }

  @Test func aStrayQuoteIsNamedRatherThanTheLengthItLeadsTo() throws {
    let rest = String(repeating: "1,2\n", count: 500_000)
    for (text, expected) in [("1,2\"\n", "inside an unquoted field"), ("1,\"2\n", "not closed")] {
      let error = #expect(throws: ResultsError.self) { _ = try csvRecords("a,b\n" + text + rest) }
      #expect(error?.message.hasPrefix("Line 2 of t.csv") == true)
      #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
    }
  }
}

@Suite struct NumberReadingTests {
  private func number(_ text: String) -> Double? {
    Array(text.utf8).withUnsafeBytes { $0.finiteNumber }
  }

  private func integer(_ text: String) -> Int? { Array(text.utf8).withUnsafeBytes { $0.integer } }

  @Test(arguments: [
    "0", "-0", "5", "0.1", "405000.25", "1e-09", "1e+21", "1E5", "-0.5", "156.30605214732108",
    "5e-324",
    "1.7976931348623157e+308", "2.2250738585072014e-308", "9007199254740993", "00012",
    "123456789012345678901234567",
    "0.000000000000000000000000000001", "9007199254740991e22", "1e22", "1e23", "1e-400",
    "18446744073709551616",
  ])
  func aDecimalIsTheNumberThatTheCompilerMakesOfIt(text: String) {
    #expect(number(text) == Double(text))
  }

  @Test func everyNumberThatIsWrittenIsReadBack() {
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<20_000 {
      let any = Double(bitPattern: .random(in: 0 ... .max, using: &generator))
      let usual = Double.random(in: 0..<1e6, using: &generator)
      for value in [any, usual, usual.rounded(), (usual * 100).rounded() / 100] where value.isFinite {
        #expect(number(shortestDecimal(value)) == value)
      }
    }
  }

  @Test(arguments: [
    "", "-", "+1", ".5", "5.", "1e", "1e+", "e5", "1.2.3", "0x10", "inf", "-inf", "Infinity", "nan",
    "NaN", " 1",
    "1 ", "1,5", "1_000", "1e999", "-1e999", "fast", "١", "1d3", "1\n",
    String(repeating: "1", count: 65),
  ])
  func whatIsNotAFiniteDecimalIsNone(text: String) { #expect(number(text) == nil) }

  @Test func anIntegerIsReadOrRefused() {
    for value in [0, 1, -1, 42, .max, -.max] { #expect(integer("\(value)") == value) }
    for text in ["", "-", "+1", "1.0", "1e3", " 1", "9223372036854775808", "0x1", "1a", "--1"] {
      #expect(integer(text) == nil, "\(text)")
    }
  }
}

@Suite struct NameTableTests {
  private func number(_ parts: [String], _ table: inout NameTable) -> (number: Int, isNew: Bool) {
    for part in parts { Array(part.utf8).withUnsafeBytes { table.append($0) } }
    return table.number()
  }

  @Test func namesAreNumberedInTheOrderInWhichTheyAppear() {
    var table = NameTable()
    let names = (0..<5_000).map { ["name", "\($0)", String(repeating: "x", count: $0 % 50)] }
    for (expected, name) in names.enumerated() {
      let (number, isNew) = number(name, &table)
      #expect(number == expected && isNew)
    }
    for (expected, name) in names.enumerated().reversed() {
      let (number, isNew) = number(name, &table)
      #expect(number == expected && !isNew)
    }
    #expect(table.count == 5_000)
  }

  @Test func whereOnePartEndsMatters() {
    var table = NameTable()
    let names = [["ab", "c"], ["a", "bc"], ["abc", ""], ["", "abc"], ["abc"], [""], ["", ""]]
    #expect(names.map { number($0, &table).number } == Array(names.indices))
  }
}
