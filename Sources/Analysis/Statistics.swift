/// Statistics over arrays: values in, values out; no files, no clocks, no globals.
public enum Statistics {
  /// The quantile of per-trial values by Hyndman and Fan's definition 7: the value at rank
  /// `(n − 1) · probability`, counted from 0, linearly interpolated between its neighbours. (R, NumPy and
  /// spreadsheets use the same rule, so a reader can check our numbers.) Histograms use nearest rank instead,
  /// because their buckets have nothing to interpolate between.
  ///
  /// - Parameter probability: from 0 to 1.
  /// - Returns: nil when there is no value, when any value is not a number, or when the probability is
  ///   outside 0…1.
  public static func quantile(_ probability: Double, of values: [Double]) -> Double? {
    guard !values.isEmpty, probability >= 0, probability <= 1, !values.contains(where: \.isNaN) else {
      return nil
    }
    let sorted = values.sorted()
    let rank = Double(sorted.count - 1) * probability
    let below = Int(rank)
    let fraction = rank - Double(below)
    // Without a fraction the neighbour is not looked at: it may not exist, and infinity · 0 is not a number.
    guard fraction > 0 else { return sorted[below] }
    let (low, high) = (sorted[below], sorted[below + 1])
    return low == high ? low : low * (1 - fraction) + high * fraction
  }

  /// The median: the middle value, or the mean of the two middle ones.
  ///
  /// - Returns: nil when there is no value or any value is not a number.
  public static func median(_ values: [Double]) -> Double? { quantile(0.5, of: values) }
}
