/// Sizes, times and rates as people type them.
public enum Units {
  /// `64`, `4KiB`, `1MiB`, `1GiB`; also `4k`, `1M` in the same binary sense. Nil for anything else.
  public static func byteCount(_ text: String) -> Int? {
    scaled(text, binaryUnits).flatMap { $0 == $0.rounded() && $0 >= 0 && $0 < 1e15 ? Int($0) : nil }
  }

  private static let binaryUnits: [String: Double] = [
    "": 1, "b": 1, "k": 0x1p10, "kib": 0x1p10, "m": 0x1p20, "mib": 0x1p20, "g": 0x1p30, "gib": 0x1p30,
  ]

  /// `250ms`, `10s`, `2min`, `1h`; nanoseconds.
  public static func nanoseconds(_ text: String) -> UInt64? {
    scaled(text, ["ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "min": 60e9, "h": 3600e9])
      .flatMap { $0 >= 0 && $0 < 1e18 ? UInt64($0) : nil }
  }

  /// `500`, `100k`, `1M`, each perhaps followed by `/s`; messages per second.
  public static func rate(_ text: String) -> Double? {
    let bare = text.hasSuffix("/s") ? String(text.dropLast(2)) : text
    return scaled(bare, ["": 1, "k": 1e3, "m": 1e6, "g": 1e9]).flatMap { $0 > 0 && $0 <= 1e9 ? $0 : nil }
  }

  private static func scaled(_ text: String, _ factors: [String: Double]) -> Double? {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = text.dropFirst(number.count).lowercased()
    guard let value = Double(number), let factor = factors[unit] else { return nil }
    return value * factor
  }

  /// `4KiB` for 4096: the shortest exact form.
  public static func describe(byteCount: Int) -> String {
    for (factor, unit) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
    where byteCount >= factor && byteCount % factor == 0 { return "\(byteCount / factor)\(unit)" }
    return "\(byteCount)"
  }

  /// `100us` for 100,000: the shortest exact form, as it is typed.
  public static func name(nanoseconds: UInt64) -> String {
    for (factor, unit) in [(1_000_000_000, "s"), (1_000_000, "ms"), (1000, "us")] as [(UInt64, String)]
    where nanoseconds >= factor && nanoseconds % factor == 0 { return "\(nanoseconds / factor)\(unit)" }
    return "\(nanoseconds)ns"
  }

  /// `850ms`, `12s`, `3min 20s`: for people.
  public static func describe(nanoseconds: UInt64) -> String {
    let seconds = Double(nanoseconds) / 1e9
    if seconds < 1 { return "\(nanoseconds / 1_000_000)ms" }
    if seconds < 90 { return "\(Int(seconds.rounded()))s" }
    let whole = Int(seconds.rounded())
    return whole < 5400 ? "\(whole / 60)min \(whole % 60)s" : "\(whole / 3600)h \(whole % 3600 / 60)min"
  }
}
