import Analysis
import Comparing
import Foundation

extension Quantity {
  /// A ratio: `1.004`, `0.998`, `12.3`, `0.0412`; always enough digits to see a change of one per mille near 1.
  static func ratio(_ value: Double) -> String {
    guard value.isFinite else { return refused }
    switch abs(value) {
    case 0.0995..<9.9995: return String(format: "%.3f", value)
    case 9.9995..<99.95: return String(format: "%.1f", value)
    case 99.95...: return grouped(Int(value.rounded()))
    default:
      guard value != 0 else { return "0" }
      return String(format: "%.\(min(6, 2 - Int(log10(abs(value)).rounded(.down))))f", value)
    }
  }

  /// `1.012–1.034`; refused where the values are too few for bounds.
  static func interval(_ ratio: ShiftEstimate) -> String {
    ratio.ratioBounds.map { "\(Self.ratio($0.lowerBound))–\(Self.ratio($0.upperBound))" } ?? refused
  }

  /// `0.0042`, `0.31`, `<0.0001`.
  static func pValue(_ value: Double) -> String {
    if value < 0.0001 { return "<0.0001" }
    return String(format: value < 0.01 ? "%.4f" : value < 0.1 ? "%.3f" : "%.2f", value)
  }

  /// Cliff's δ: `+0.98`, `−0.12`.
  static func effect(_ value: Double) -> String {
    String(format: "%+.2f", value).replacing("-", with: "−")
  }
}

extension ShiftEstimate {
  /// The interval of a ratio; nil where the values are too few for bounds, which are then 0 and infinity.
  var ratioBounds: ClosedRange<Double>? {
    lower > 0 && upper.isFinite && lower <= upper ? lower...upper : nil
  }
}

extension ComparedMetric {
  /// For people: `RTT p50`, `response p99.9`, `CPU/msg`, `consumer CPU`, `message rate`.
  var title: String {
    if name == "cpu" { return "CPU/msg" }
    if let side = name.wholeMatch(of: /cpu_(producer|consumer)/) { return "\(side.1) CPU" }
    if let latency = name.wholeMatch(of: /latency_(.+)_p(\d+(?:_\d+)?)/) {
      let kind = latency.1 == "rtt" ? "RTT" : latency.1.replacing("_", with: " ")
      return "\(kind) p\(latency.2.replacing("_", with: "."))"
    }
    return name.replacing("_", with: " ")
  }
}
