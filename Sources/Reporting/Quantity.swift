import Foundation

/// Numbers as people read them: scaled, with three significant digits and their unit, `11.8 µs`.
///
/// Files for machines never go through here; they hold the plain number and name its unit beside it.
public enum Quantity {
  /// What stands where a number must not be given; a footnote says why.
  public static let refused = "–"

  /// A value in one of the units that measures have: `ns`, `ns/message`, `1/s`, `B/s`, `B`, `J/message`, `1/message`, `1`.
  public static func text(_ value: Double, unit: String) -> String {
    switch unit {
    case "ns", "ns/message": time(nanoseconds: value)
    case "1/s": rate(perSecond: value)
    case "B/s": goodput(bytesPerSecond: value)
    case "B": size(bytes: value)
    case "J/message": energy(joules: value)
    case "1", "1/message", "": count(value)
    default: "\(count(value)) \(unit)"
    }
  }

  /// `0.42 ns`, `237 ns`, `11.8 µs`, `1.25 s`.
  public static func time(nanoseconds: Double) -> String {
    scaled(nanoseconds, by: 1000, ["ns", "µs", "ms", "s"])
  }

  /// A time that needs no more digits than it has: `1 ns` rather than `1.00 ns`.
  public static func roundTime(nanoseconds: Double) -> String {
    scaled(nanoseconds, by: 1000, ["ns", "µs", "ms", "s"], trimmed: true, digits: 3)
  }

  /// `12.5 nJ`, `3.40 µJ`.
  public static func energy(joules: Double) -> String {
    scaled(joules * 1e9, by: 1000, ["nJ", "µJ", "mJ", "J"])
  }

  /// `950 /s`, `11.4 k/s`, `182 M/s`.
  public static func rate(perSecond: Double) -> String {
    scaled(perSecond, by: 1000, ["/s", "k/s", "M/s", "G/s", "T/s"])
  }

  /// A rate under a heading that says `/s`: `182 M`.
  public static func bareRate(perSecond: Double) -> String {
    scaled(perSecond, by: 1000, ["", "k", "M", "G", "T"])
  }

  /// Goodput under a heading that says `/s`: `4.02 GiB`.
  public static func bareGoodput(bytesPerSecond: Double) -> String {
    scaled(bytesPerSecond, by: 1024, ["B", "KiB", "MiB", "GiB", "TiB"])
  }

  /// A rate that somebody chose: `10 k/s` rather than `10.0 k/s`.
  public static func load(perSecond: Double) -> String {
    scaled(perSecond, by: 1000, ["/s", "k/s", "M/s", "G/s"], trimmed: true)
  }

  /// A duration that somebody chose: `100 µs`.
  public static func gap(_ nanoseconds: UInt64) -> String {
    scaled(Double(nanoseconds), by: 1000, ["ns", "µs", "ms", "s"], trimmed: true)
  }

  /// `14.1 MiB/s`, `4.02 GiB/s`.
  public static func goodput(bytesPerSecond: Double) -> String {
    scaled(bytesPerSecond, by: 1024, ["B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s"])
  }

  /// A size that somebody chose: `64 B`, `4 KiB`, `1.5 MiB`.
  public static func size(bytes: Double) -> String {
    scaled(bytes, by: 1024, ["B", "KiB", "MiB", "GiB", "TiB"], trimmed: true)
  }

  /// `0.25`, `12`, `1,024`; from a million on `1.05 M`.
  public static func count(_ value: Double) -> String {
    if abs(value) >= 1e6 { return scaled(value, by: 1000, ["", "k", "M", "G", "T"]) }
    if value.rounded() == value { return grouped(Int(value)) }
    return abs(value) >= 1000 ? grouped(Int(value.rounded())) : significant(value)
  }

  /// A share of one: `0.4 %`, `12 %`.
  public static func percent(_ fraction: Double) -> String {
    guard fraction.isFinite else { return refused }
    let value = 100 * fraction
    guard abs(value) < 1e15 else { return String(format: "%.0e %%", value) }
    return abs(value) < 9.95 ? String(format: "%.1f %%", value) : "\(grouped(Int(value.rounded()))) %"
  }

  /// A whole number with commas between thousands: `10,000`.
  public static func grouped(_ value: Int) -> String {
    var digits = String(value.magnitude)
    var index = digits.count - 3
    while index > 0 {
      digits.insert(",", at: digits.index(digits.startIndex, offsetBy: index))
      index -= 3
    }
    return value < 0 ? "-" + digits : digits
  }

  /// Climbs to the unit in which the rounded number has at most three digits before the point.
  private static func scaled(
    _ value: Double, by factor: Double, _ units: [String], trimmed: Bool = false, digits: Int = 4
  ) -> String {
    guard value.isFinite else { return refused }
    var value = value
    var unit = 0
    // 999.6 ns would round to 1000 ns, and 1010 KiB/s has four digits, which 0.99 MiB/s has not. A size that
    // somebody chose keeps its unit up to 1023 B.
    while unit + 1 < units.count, abs(value) >= (trimmed ? factor : 999.5) {
      value /= factor
      unit += 1
    }
    let number = trimmed ? trim(significant(value, digits: digits)) : significant(value)
    return units[unit].isEmpty ? number : "\(number) \(units[unit])"
  }

  /// Three significant digits, and never more than two decimals: below 0.01 nothing here has a meaning.
  private static func significant(_ value: Double, digits: Int = 3) -> String {
    guard value != 0 else { return "0" }
    let magnitude = Int(log10(abs(value)).rounded(.down))
    var decimals = min(2, max(0, digits - 1 - magnitude))
    let text = String(format: "%.\(decimals)f", value)
    // 9.996 has two decimals before rounding and needs one after it: 10.0.
    if decimals > 0, text.count(where: \.isNumber) > max(digits, decimals + 1) {
      decimals -= 1
      return String(format: "%.\(decimals)f", value)
    }
    return text
  }

  private static func trim(_ number: String) -> String {
    guard number.contains(".") else { return number }
    var number = number
    while number.hasSuffix("0") { number.removeLast() }
    if number.hasSuffix(".") { number.removeLast() }
    return number
  }
}
