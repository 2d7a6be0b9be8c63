import Comparing
import Foundation

/// The numbers of a check as people read them.
enum CheckNumbers {
  /// `+11.8 %` of 1.118, `−3.2 %`; from 100 % on without decimals.
  static func change(_ ratio: Double) -> String {
    guard ratio.isFinite else { return Quantity.refused }
    let text = percent(ratio - 1)
    return ratio > 1 && text != "0.0 %" ? "+" + text : text
  }

  /// `9.9 to 13.6 %`; refused where the pairs are too few for both bounds.
  static func interval(_ result: StageResult) -> String {
    guard hasInterval(result) else { return Quantity.refused }
    let (low, high) = (percent(result.lower - 1), percent(result.upper - 1))
    return "\(low.dropLast(2)) to \(high)"
  }

  /// What the interval says, within a sentence: of the ratio where pairs were measured, and otherwise of the stored
  /// sessions, whose own scatter it is. Nil without both bounds.
  static func bounds(_ result: StageResult) -> String? {
    guard hasInterval(result) else { return nil }
    guard result.pValue == nil else { return interval(result) }
    return "stored sessions lie between \(change(result.lower)) and \(change(result.upper))"
  }

  private static func hasInterval(_ result: StageResult) -> Bool { result.lower > 0 && result.upper.isFinite }

  /// A share that somebody chose: `5 %`, `2.5 %`.
  static func share(_ share: Double) -> String {
    // More digits than anybody chooses, and few enough to hide what binary fractions add.
    "\(String(format: "%.4g", share * 100)) %"
  }

  /// The smallest change that could be seen: `1.8 %`, `38 %`.
  static func smallest(_ change: Double) -> String { Quantity.percent(change) }

  /// `9.20 → 10.3 µs`, `850 ns → 1.10 µs`.
  static func medians(_ result: StageResult, unit: String) -> String {
    let before = Quantity.text(result.baselineMedian, unit: unit)
    let after = Quantity.text(result.candidateMedian, unit: unit)
    let (first, last) = (before.split(separator: " "), after.split(separator: " "))
    let isShared = first.count == 2 && last.count == 2 && first[1] == last[1]
    return "\(isShared ? String(first[0]) : before) → \(after)"
  }

  /// `p = 0.0004`, `p <0.0001`.
  static func pValue(_ value: Double) -> String {
    let text = Quantity.pValue(value)
    return text.hasPrefix("<") ? "p \(text)" : "p = \(text)"
  }

  private static func percent(_ share: Double) -> String {
    let value = 100 * share
    let magnitude = abs(value)
    let text = magnitude < 99.95 ? String(format: "%.1f", magnitude) : Self.grouped(magnitude)
    return (value < 0 && text != "0.0" ? "−" : "") + text + " %"
  }

  /// A ratio may be anything; an integer may not.
  private static func grouped(_ value: Double) -> String {
    value < 1e15 ? Quantity.grouped(Int(value.rounded())) : String(format: "%.0e", value)
  }
}
