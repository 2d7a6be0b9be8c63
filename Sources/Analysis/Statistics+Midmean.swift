extension Statistics {
  /// The mean of the middle half of a set of counted values, nil for fewer than four.
  ///
  /// As robust as the median, but not tied to the steps of the clock: where a counter advances by 10 ns at a
  /// time, medians jump by 10 ns and this does not. Quarters that fall inside a count are weighted.
  ///
  /// - Parameters:
  ///   - values: ascending.
  ///   - counts: how often each value occurred.
  public static func interquartileMean(values: [Double], counts: [UInt64]) -> Double? {
    let total = Double(counts.reduce(0, +))
    guard total >= 4 else { return nil }
    let (low, high) = (total / 4, total * 3 / 4)
    var (passed, sum) = (0.0, 0.0)
    for (value, count) in zip(values, counts) {
      let (from, to) = (passed, passed + Double(count))
      sum += value * max(0, min(to, high) - max(from, low))
      passed = to
    }
    return sum / (high - low)
  }
}
