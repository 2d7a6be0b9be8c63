import Glibc

/// A moment in UTC, to the second: all the calendar that results need. (DateFormatter costs
/// milliseconds and a locale.)
struct Timestamp: Sendable, Hashable {
  /// Seconds since 1970-01-01T00:00:00Z.
  var secondsSinceEpoch: Int

  init(secondsSinceEpoch: Int) { self.secondsSinceEpoch = secondsSinceEpoch }

  static var now: Timestamp { Timestamp(secondsSinceEpoch: time(nil)) }

  /// `2026-01-31T09:05:00Z`
  var iso8601: String { text("%Y-%m-%dT%H:%M:%SZ") }

  /// `20260131T090500Z`: no characters that a file name or a shell minds.
  var compact: String { text("%Y%m%dT%H%M%SZ") }

  private func text(_ format: String) -> String {
    var seconds = time_t(secondsSinceEpoch)
    var fields = tm()
    gmtime_r(&seconds, &fields)
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      let count = strftime(buffer.baseAddress!, buffer.count, format, &fields)
      return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
}

/// Names runs: `20260131T090500Z-3f9a1c`.
public enum RunID {
  /// A new id. Ids sort by time, as text; six random digits tell runs of the same second apart.
  public static func make() -> String {
    var generator = SystemRandomNumberGenerator()
    return make(at: .now, using: &generator)
  }

  static func make(at time: Timestamp, using generator: inout some RandomNumberGenerator) -> String {
    let digits = String(UInt32.random(in: 0..<0x100_0000, using: &generator), radix: 16)
    return time.compact + "-" + String(repeating: "0", count: 6 - digits.count) + digits
  }
}
