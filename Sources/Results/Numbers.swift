/// Numbers as `results.csv` writes them, read from bytes: no hexadecimal, no infinity, no not-a-number, no spaces,
/// and the same in every locale.
extension UnsafeRawBufferPointer {
  /// Decimal digits, perhaps after a minus sign; nil for anything else and for what an `Int` cannot hold.
  var integer: Int? {
    let isNegative = first == UInt8(ascii: "-")
    guard count > (isNegative ? 1 : 0), count <= Self.longestNumber else { return nil }
    var magnitude = 0
    for index in (isNegative ? 1 : 0)..<count {
      guard let digit = digit(at: index) else { return nil }
      let (tenfold, overflowed) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, overflowedAgain) = tenfold.addingReportingOverflow(Int(digit))
      guard !overflowed && !overflowedAgain else { return nil }
      magnitude = sum
    }
    return isNegative ? -magnitude : magnitude
  }

  /// A finite decimal number, with a fraction and an exponent if need be: `405000.25`, `1e-09`.
  var finiteNumber: Double? {
    guard count <= Self.longestNumber, let parts = DecimalParts(self) else { return nil }
    if let exact = parts.exactValue { return exact }
    return Double(text).flatMap { $0.isFinite ? $0 : nil }
  }

  /// Longer than any number that is written by a program, and short enough to be converted at once.
  private static var longestNumber: Int { 64 }

  fileprivate func digit(at index: Int) -> UInt64? {
    let byte = self[index]
    return byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
      ? UInt64(byte &- UInt8(ascii: "0")) : nil
  }
}

/// A decimal number taken apart.
private struct DecimalParts {
  private var isNegative = false
  private var digits: UInt64 = 0
  private var exponent = 0
  /// False when there were more digits than fit.
  private var isWhole = true

  /// Nil when the bytes are not `-digits.digits e±digits`, of which only the first digits must be there.
  init?(_ bytes: UnsafeRawBufferPointer) {
    var index = 0
    if bytes.first == UInt8(ascii: "-") {
      isNegative = true
      index = 1
    }
    guard takeDigits(bytes, &index, areFraction: false) else { return nil }
    if index < bytes.count && bytes[index] == UInt8(ascii: ".") {
      index += 1
      guard takeDigits(bytes, &index, areFraction: true) else { return nil }
    }
    if index < bytes.count && (bytes[index] | 0x20) == UInt8(ascii: "e") {
      index += 1
      guard takeExponent(bytes, &index) else { return nil }
    }
    guard index == bytes.count else { return nil }
  }

  private mutating func takeDigits(
    _ bytes: UnsafeRawBufferPointer, _ index: inout Int, areFraction: Bool
  ) -> Bool {
    let first = index
    while index < bytes.count, let digit = bytes.digit(at: index) {
      if digits < 1_000_000_000_000_000_000 {
        digits = digits * 10 + digit
        if areFraction { exponent -= 1 }
      } else {
        isWhole = false
      }
      index += 1
    }
    return index > first
  }

  private mutating func takeExponent(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> Bool {
    var sign = 1
    if index < bytes.count
      && (bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+"))
    {
      sign = bytes[index] == UInt8(ascii: "-") ? -1 : 1
      index += 1
    }
    let first = index
    var magnitude = 0
    while index < bytes.count, let digit = bytes.digit(at: index) {
      magnitude = min(magnitude * 10 + Int(digit), 100_000)
      index += 1
    }
    exponent += sign * magnitude
    return index > first
  }

  /// The value where one multiplication or division of two exact doubles gives it, and so is rounded once
  /// (W. D. Clinger, How to Read Floating Point Numbers Accurately, 1990); else nil.
  var exactValue: Double? {
    guard isWhole, digits <= 1 << 53, abs(exponent) < Self.powersOfTen.count else { return nil }
    let power = Self.powersOfTen[abs(exponent)]
    let magnitude = exponent < 0 ? Double(digits) / power : Double(digits) * power
    return isNegative ? -magnitude : magnitude
  }

  /// Those that a double holds exactly.
  private static let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
    1e18, 1e19,
    1e20, 1e21, 1e22,
  ]
}
