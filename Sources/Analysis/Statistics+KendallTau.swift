extension Statistics {
  /// Kendall's τ-b, how far two rankings of the same things agree: 1 when every pair of things is in the same
  /// order in both, −1 when every pair is in the opposite order. Pairs that are tied in one ranking count
  /// less.
  ///
  /// (Kendall, The treatment of ties in ranking problems, Biometrika 33, 1945.) Pairs are looked at one by
  /// one, because what is ranked here has tens of entries.
  ///
  /// - Returns: nil when the lists differ in length or have fewer than two values, when all values of a list
  ///   are equal, or when any value is not a number.
  public static func kendallTau(_ first: [Double], _ second: [Double]) -> Double? {
    guard first.count == second.count, !first.contains(where: \.isNaN), !second.contains(where: \.isNaN)
    else { return nil }
    var (balance, firstUntied, secondUntied) = (0, 0, 0)
    for i in first.indices {
      for j in first.indices.dropFirst(i + 1) {
        let (a, b) = (order(first[i], first[j]), order(second[i], second[j]))
        balance += a * b
        firstUntied += a * a
        secondUntied += b * b
      }
    }
    guard firstUntied > 0, secondUntied > 0 else { return nil }
    return Double(balance) / (Double(firstUntied) * Double(secondUntied)).squareRoot()
  }

  private static func order(_ first: Double, _ second: Double) -> Int {
    first < second ? -1 : first > second ? 1 : 0
  }
}
