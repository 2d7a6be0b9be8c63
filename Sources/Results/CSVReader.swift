import Glibc

/// Reads comma-separated values as RFC 4180 has them, one record at a time, in memory that is bounded whatever
/// the file holds.
///
/// - LF alone is accepted as a line break too, since mail and editors change them, and so is a byte order mark.
/// - An empty line is not a record of one empty field: editors leave one at the end.
/// - A record has at most `longestRecord` bytes. That is told before the rest of it is read.
/// - Every record is UTF-8 without zero bytes, so that what is not text is told on its first line.
struct CSVReader: ~Copyable {
  /// No record of ipcbench comes near it; a disk image or a file of zeros does.
  static let longestRecord = 1 << 20

  /// The line on which the record begins, from 1.
  private(set) var line = 0
  /// Whether the file ended before the record's line break.
  private(set) var isUnterminated = false

  private var window: ByteWindow
  private var nextLine = 1
  /// Where in the window's memory the record's fields are, without their quotes.
  private var fields: [Range<Int>] = []

  init(_ window: consuming ByteWindow) { self.window = window }

  /// Named in errors.
  var path: String { window.path }

  // MARK: The record

  var fieldCount: Int { fields.count }

  /// A field without its quotes; valid until the next record is read.
  subscript(index: Int) -> UnsafeRawBufferPointer { window[fields[index]] }

  /// - Returns: false at the end of the file.
  /// - Throws: `unreadable`; `malformed` for what is not comma-separated values.
  mutating func next() throws(ResultsError) -> Bool {
    fields.removeAll(keepingCapacity: true)
    while let range = try takeLines() {
      guard !range.isEmpty else { continue }
      try check(window[range])
      try split(range)
      return true
    }
    return false
  }

  /// - Parameter text: what is wrong with the record, in a few words. Of a last one without a line break, that is
  ///   most likely that its end was lost.
  func malformed(_ text: String) -> ResultsError {
    isUnterminated ? impossible("the file ends inside this line") : impossible(text)
  }

  /// - Parameter text: what is wrong with the record whatever may follow, in a few words.
  private func impossible(_ text: String) -> ResultsError { .malformedLine(line, of: path, text) }

  // MARK: Lines

  /// The next record without its line break: a line, and those that a quoted field goes on over.
  private mutating func takeLines() throws(ResultsError) -> Range<Int>? {
    line = nextLine
    var (looked, isQuoted) = (0, false)
    while true {
      let rest = window[(window.unread.lowerBound + looked)..<window.unread.upperBound]
      if let newline = rest.offset(of: UInt8(ascii: "\n")) {
        nextLine += 1
        if rest[part: 0..<newline].hasOddQuotes { isQuoted.toggle() }
        looked += newline + 1
        if looked > Self.longestRecord { throw try tooLong(isQuoted) }
        if isQuoted { continue }
        return take(looked, lineBreak: 1)
      }
      if rest.count + looked > Self.longestRecord {
        throw try tooLong(isQuoted || rest.hasOddQuotes)
      }
      guard try window.readMore() else {
        isUnterminated = !window.unread.isEmpty
        return window.unread.isEmpty ? nil : take(window.unread.count, lineBreak: 0)
      }
    }
  }

  private mutating func take(_ count: Int, lineBreak: Int) -> Range<Int> {
    var record = window.unread.prefix(count - lineBreak)
    window.drop(count)
    if lineBreak == 1, let last = record.last, byte(last) == UInt8(ascii: "\r") {
      record.removeLast()
    }
    let isMarked = line == 1 && window[record].starts(with: [0xEF, 0xBB, 0xBF])
    return isMarked ? record.dropFirst(3) : record
  }

  /// A stray quote makes a record of the rest of the file, so the quote is what is named where there is one.
  private mutating func tooLong(_ isQuoted: Bool) throws(ResultsError) -> ResultsError {
    let beginning = window.unread.prefix(Self.longestRecord)
    try check(window[beginning])
    if isQuoted { try split(beginning) }
    return impossible("it is longer than 1 MiB")
  }

  // MARK: Fields

  private func check(_ record: UnsafeRawBufferPointer) throws(ResultsError) {
    if record.contains(0) { throw impossible("a zero byte: it is not text") }
    guard !record.isASCII && record.count < Self.longestRecord else { return }
    if String(validating: record, as: UTF8.self) == nil {
      throw malformed("a byte that is not UTF-8")
    }
  }

  private mutating func split(_ record: Range<Int>) throws(ResultsError) {
    // Most records have neither, and then no field needs to be searched for them.
    let hasQuotes = window[record].contains(UInt8(ascii: "\""))
    let hasReturns = window[record].contains(UInt8(ascii: "\r"))
    var position = record.lowerBound
    while true {
      if hasQuotes && position < record.upperBound && byte(position) == UInt8(ascii: "\"") {
        let field = try unquote(position..<record.upperBound)
        position += field.byteCountWithQuotes
        fields.append(field.content)
      } else {
        let rest = window[position..<record.upperBound]
        let field = rest[part: 0..<(rest.offset(of: UInt8(ascii: ",")) ?? rest.count)]
        if hasQuotes && field.contains(UInt8(ascii: "\"")) {
          throw impossible("a quote inside an unquoted field")
        }
        if hasReturns && field.contains(UInt8(ascii: "\r")) {
          throw malformed("a carriage return without a line feed")
        }
        fields.append(position..<(position + field.count))
        position += field.count
      }
      if position == record.upperBound { return }
      position += 1
    }
  }

  /// Moves what stands between the quotes to where the opening one was, with doubled quotes made single.
  private mutating func unquote(
    _ rest: Range<Int>
  ) throws(ResultsError) -> (content: Range<Int>, byteCountWithQuotes: Int) {
    var (written, position) = (rest.lowerBound, rest.lowerBound + 1)
    while let length = window[position..<rest.upperBound].offset(of: UInt8(ascii: "\"")) {
      memmove(window.base + written, window.base + position, length)
      written += length
      position += length + 1
      if position == rest.upperBound || byte(position) == UInt8(ascii: ",") {
        return (rest.lowerBound..<written, position - rest.lowerBound)
      }
      guard byte(position) == UInt8(ascii: "\"") else {
        throw impossible("text after a closing quote")
      }
      window.base.storeBytes(of: UInt8(ascii: "\""), toByteOffset: written, as: UInt8.self)
      written += 1
      position += 1
    }
    throw malformed("a quoted field that is not closed")
  }

  private func byte(_ offset: Int) -> UInt8 {
    window.base.load(fromByteOffset: offset, as: UInt8.self)
  }
}

extension UnsafeRawBufferPointer {
  fileprivate var hasOddQuotes: Bool {
    var (rest, isOdd) = (self, false)
    while let offset = rest.offset(of: UInt8(ascii: "\"")) {
      isOdd.toggle()
      rest = rest[part: (offset + 1)..<rest.count]
    }
    return isOdd
  }
}
