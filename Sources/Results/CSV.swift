/// Comma-separated values as RFC 4180 has them: a header line, CRLF after every record, quotes around fields
/// that need them, quotes doubled inside.
public enum CSV {
  public static func line(_ fields: [String]) -> String { fields.map(quoted).joined(separator: ",") + "\r\n" }

  static func quoted(_ field: String) -> String {
    // By byte: Swift takes CR LF for one character, which is neither of the two.
    let special = [quote, comma, newline, carriageReturn]
    guard field.utf8.contains(where: special.contains) else { return field }
    let parts = field.split(separator: "\"", omittingEmptySubsequences: false)
    return "\"" + parts.joined(separator: "\"\"") + "\""
  }

  /// A record and the number of the line it starts on, from 1.
  struct Record: Equatable {
    var line: Int
    var fields: [String]
  }

  /// Why a text is not comma-separated values.
  struct SyntaxError: Error, Equatable {
    var line: Int
    var text: String
  }

  /// The records of a text. LF alone is accepted as a line break too, since mail and editors change them, and
  /// so is a byte order mark.
  ///
  /// - Throws: when a quoted field is not closed, or is followed by anything but a comma or a line break, or
  ///   when a quote stands inside an unquoted field.
  static func parse(_ bytes: some Collection<UInt8>) throws(SyntaxError) -> [Record] {
    var parser = Parser()
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    for byte in bytes.starts(with: mark) ? bytes.dropFirst(3) : bytes[...] { try parser.take(byte) }
    return try parser.end()
  }

  fileprivate static let (quote, comma) = (UInt8(ascii: "\""), UInt8(ascii: ","))
  fileprivate static let (newline, carriageReturn) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
}

extension CSV {
  private struct Parser {
    /// Where in a field the next byte stands.
    enum State { case start, unquoted, quoted, afterQuote, afterReturn }

    var state = State.start
    var line = 1
    var record = Record(line: 1, fields: [])
    var field: [UInt8] = []
    var records: [Record] = []

    mutating func take(_ byte: UInt8) throws(SyntaxError) {
      switch (state, byte) {
      case (.quoted, quote): state = .afterQuote
      case (.quoted, _):
        field.append(byte)
        if byte == newline { line += 1 }
      case (.afterQuote, quote):
        field.append(quote)
        state = .quoted
      case (_, newline): endRecord()
      case (.afterReturn, _): throw SyntaxError(line: line, text: "a carriage return without a line feed")
      case (_, carriageReturn): state = .afterReturn
      case (_, comma): endField()
      case (.start, quote): state = .quoted
      case (.unquoted, quote): throw SyntaxError(line: line, text: "a quote inside an unquoted field")
      case (.afterQuote, _): throw SyntaxError(line: line, text: "text after a closing quote")
      default:
        field.append(byte)
        state = .unquoted
      }
    }

    mutating func endField() {
      record.fields.append(String(decoding: field, as: UTF8.self))
      field.removeAll(keepingCapacity: true)
      state = .start
    }

    mutating func endRecord() {
      endField()
      // An empty line is not a record of one empty field: editors leave one at the end.
      if record.fields != [""] { records.append(record) }
      line += 1
      record = Record(line: line, fields: [])
    }

    mutating func end() throws(SyntaxError) -> [Record] {
      if state == .quoted {
        throw SyntaxError(line: record.line, text: "a quoted field that is never closed")
      }
      if state != .start || !field.isEmpty || !record.fields.isEmpty { endRecord() }
      return records
    }
  }
}
