extension Statistics {
  /// Holm's adjustment of the p-values of a family: rejecting those below α after it keeps the probability of
  /// any false rejection in the whole family at α, however the tests depend on each other.
  ///
  /// The i-th smallest of m is multiplied by m − i + 1; none becomes smaller than one before it, or larger
  /// than 1. (Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
  /// Statistics 6, 1979.)
  ///
  /// - Returns: the adjusted values, in the order in which they came. What is not a number stays so, and
  ///   counts in the family: a test that failed makes no other one more significant.
  public static func holm(_ pValues: [Double]) -> [Double] {
    let order = pValues.indices.sorted {
      pValues[$0] < pValues[$1] || (!pValues[$0].isNaN && pValues[$1].isNaN)
    }
    var adjusted = pValues
    var largest = 0.0
    for (smaller, index) in order.enumerated() where !pValues[index].isNaN {
      largest = max(largest, min(1, pValues[index] * Double(pValues.count - smaller)))
      adjusted[index] = largest
    }
    return adjusted
  }
}
