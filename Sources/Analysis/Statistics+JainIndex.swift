extension Statistics {
  /// Jain's fairness index of what several parties got: 1 when all got the same, 1/n when one got everything.
  ///
  /// (Σx)² / (n · Σx²). (Jain, Chiu and Hawe, A quantitative measure of fairness and discrimination for
  /// resource allocation in shared computer systems, DEC Research Report TR-301, 1984.)
  ///
  /// - Returns: nil when there is no value, when all are zero, or when any is negative, infinite or not a
  ///   number.
  public static func jainIndex(_ values: [Double]) -> Double? {
    guard let largest = values.max(), largest > 0, values.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      return nil
    }
    // Relative to the largest, because squares of large values overflow and those of small ones vanish.
    let shares = values.map { $0 / largest }
    let sum = shares.reduce(0, +)
    let index = sum * sum / (Double(values.count) * shares.reduce(0) { $0 + $1 * $1 })
    return min(1, max(1 / Double(values.count), index))
  }
}
