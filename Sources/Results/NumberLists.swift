import Foundation

/// The lists of whole numbers of a JSON text, read apart from the rest of it: a general decoder takes some 100 ns for each
/// number, and a trial's histograms have thousands.
struct NumberLists {
  /// The text, in which each list has become one of one number: its index in `lists`.
  private(set) var rest = Data()
  private(set) var lists: [[UInt64]] = []

  /// Nil where a list of numbers holds anything but whole ones, as no program of this suite writes it.
  init?(_ text: Data) {
    let isWhole = text.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) -> Bool in
      var (copied, index) = (0, 0)
      while index < bytes.count {
        switch bytes[index] {
        case UInt8(ascii: "\""): index = Self.afterString(bytes, index)
        case UInt8(ascii: "[") where index + 1 < bytes.count && Self.isDigit(bytes[index + 1]):
          guard let (numbers, end) = Self.list(bytes, index + 1) else { return false }
          rest.append(contentsOf: bytes[copied...index])
          rest.append(contentsOf: "\(lists.count)]".utf8)
          lists.append(numbers)
          (copied, index) = (end, end)
        default: index += 1
        }
      }
      rest.append(contentsOf: bytes[copied...])
      return true
    }
    guard isWhole else { return nil }
  }

  /// The list for which one number stands; none for any other.
  subscript(_ standIn: [UInt64]) -> [UInt64]? {
    if standIn.isEmpty { return [] }
    guard standIn.count == 1, standIn[0] < UInt64(lists.count) else { return nil }
    return lists[Int(standIn[0])]
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  private static func afterString(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var index = start + 1
    while index < bytes.count && bytes[index] != UInt8(ascii: "\"") {
      index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return index + 1
  }

  /// Numbers separated by commas, and where the text goes on after their bracket.
  private static func list(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> (numbers: [UInt64], end: Int)? {
    var numbers: [UInt64] = []
    var (number, index, digits) = (UInt64(0), start, 0)
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if isDigit(byte) {
        // JSON has no leading zeros.
        if digits > 0 && number == 0 { return nil }
        let (product, isLarge) = number.multipliedReportingOverflow(by: 10)
        let (sum, isLarger) = product.addingReportingOverflow(UInt64(byte &- UInt8(ascii: "0")))
        if isLarge || isLarger { return nil }
        (number, digits) = (sum, digits + 1)
      } else {
        guard digits > 0 else { return nil }
        numbers.append(number)
        (number, digits) = (0, 0)
        if byte == UInt8(ascii: "]") { return (numbers, index) }
        guard byte == UInt8(ascii: ",") else { return nil }
      }
    }
    return nil
  }
}

extension TrialRecord {
  /// A line of `trials.jsonl` whose lists of numbers were read apart; nil where that is not how it is made, so that a general
  /// decoder says what is wrong.
  init?(apart line: Data) {
    guard let lists = NumberLists(line),
      var record = try? ResultsJSON.decoder.decode(TrialRecord.self, from: lists.rest),
      record.schemaVersion <= TrialRecord.currentSchemaVersion
    else { return nil }
    for (index, histogram) in record.histograms.enumerated() {
      guard let values = lists[histogram.values], let counts = lists[histogram.counts] else { return nil }
      record.histograms[index].values = values
      record.histograms[index].counts = counts
    }
    self = record
  }
}
