extension Statistics {
  /// Cliff's δ, an effect size without a unit: the probability that a value of the second sample is above one
  /// of the first, less the probability that it is below. 1 when all are above, 0 when as many are above as
  /// below.
  ///
  /// (Cliff, Dominance statistics: ordinal analyses to answer ordinal questions, Psychological Bulletin 114,
  /// 1993.) Exchanged samples have the negated δ.
  ///
  /// - Returns: nil when either sample is empty or any value is not a number.
  public static func cliffsDelta(_ first: [Double], _ second: [Double]) -> Double? {
    guard !first.isEmpty, !second.isEmpty, !first.contains(where: \.isNaN), !second.contains(where: \.isNaN)
    else { return nil }
    let sorted = first.sorted()
    var (below, notAbove, balance) = (0, 0, 0)
    for value in second.sorted() {
      while below < sorted.count, sorted[below] < value { below += 1 }
      while notAbove < sorted.count, sorted[notAbove] <= value { notAbove += 1 }
      balance += below - (sorted.count - notAbove)
    }
    return Double(balance) / Double(first.count * second.count)
  }
}
