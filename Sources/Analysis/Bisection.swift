/// Bisection over doubles by their bit patterns: at most 64 steps, whatever the scale, to the last bit.
enum Bisection {
  /// The smallest double from `low` to `high` for which a condition holds that, once it holds, holds for all
  /// larger doubles. `high` is taken to fulfil it. Zero is found as +0.
  static func smallest(from low: Double, to high: Double, where holds: (Double) -> Bool) -> Double {
    var (low, high) = (key(low), key(high))
    while low < high {
      // The mean, rounded down, of two integers whose sum need not fit.
      let middle = (low & high) + ((low ^ high) >> 1)
      if holds(value(middle)) { high = middle } else { low = middle + 1 }
    }
    return value(low)
  }

  /// Integers in the order of the doubles, those of negated doubles negated, and 0 for both zeros.
  private static func key(_ value: Double) -> Int64 {
    let magnitude = Int64(bitPattern: value.magnitude.bitPattern)
    return value.sign == .minus ? -magnitude : magnitude
  }

  private static func value(_ key: Int64) -> Double {
    let magnitude = Double(bitPattern: key.magnitude)
    return key < 0 ? -magnitude : magnitude
  }
}
