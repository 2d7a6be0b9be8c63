import Glibc
import Results

/// When sessions were, as far as their ids tell: `20260131T090500Z-3f9a1c`.
enum SessionTime {
  /// Seconds since 1970; nil for an id that does not begin with a time.
  static func seconds(_ id: String) -> Int? {
    let text = Array(id.utf8.prefix(16))
    guard text.count == 16, text[8] == UInt8(ascii: "T"), text[15] == UInt8(ascii: "Z") else { return nil }
    func number(_ range: Range<Int>) -> Int32? {
      let digits = text[range]
      guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
      return Int32(String(decoding: digits, as: UTF8.self))
    }
    guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8),
      let hour = number(9..<11), let minute = number(11..<13), let second = number(13..<15)
    else { return nil }
    var fields = tm()
    (fields.tm_year, fields.tm_mon, fields.tm_mday) = (year - 1900, month - 1, day)
    (fields.tm_hour, fields.tm_min, fields.tm_sec) = (hour, minute, second)
    return timegm(&fields)
  }

  /// The seconds between a session of one side and the nearest one of the other; nil where an id tells no time.
  static func gap(_ first: SideTrials, _ second: SideTrials) -> Int? {
    let times = [first, second].map { side in
      Set(side.origins.map(\.sessionID)).compactMap(seconds).sorted()
    }
    let distances = times[0].compactMap { time in times[1].map { abs($0 - time) }.min() }
    return distances.min()
  }
}
