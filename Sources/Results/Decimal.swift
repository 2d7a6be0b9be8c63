/// The shortest decimal that reads back as the same number, without a needless `.0`: `5`, `0.1`, `1e-09`.
///
/// CSV and JSON never contain a formatted number: no rounding, no thousands separators, no scaling.
public func shortestDecimal(_ value: Double) -> String {
  let text = value.description
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
