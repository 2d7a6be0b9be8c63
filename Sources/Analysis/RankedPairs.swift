/// The values that all pairs of a set give, ranked without ever being listed: memory grows with the values,
/// not with the pairs.
protocol RankedPairs {
  /// How many there are.
  var count: Int { get }
  var smallest: Double { get }
  var largest: Double { get }
  /// In one pass over the sorted values, because what a pair gives does not fall when one of its values
  /// rises; rounding keeps that order.
  func count(atMost limit: Double) -> Int
}

extension RankedPairs {
  /// The value at a rank, counted from 1: the smallest double that at least so many values do not exceed.
  func value(rank: Int) -> Double {
    Bisection.smallest(from: smallest, to: largest) { count(atMost: $0) >= rank }
  }

  var median: Double {
    let upper = value(rank: count / 2 + 1)
    return count.isMultiple(of: 2) ? average(value(rank: count / 2), upper) : upper
  }

  /// - Parameter criticalRank: the rank of the bounds from either end; with 0 they are infinite.
  func estimate(criticalRank: Int, confidence: Double) -> ShiftEstimate {
    guard criticalRank > 0 else {
      return ShiftEstimate(
        estimate: median, lower: -.infinity, upper: .infinity, confidence: confidence)
    }
    return ShiftEstimate(
      estimate: median, lower: value(rank: criticalRank), upper: value(rank: count + 1 - criticalRank),
      confidence: confidence)
  }
}

/// The means of all pairs of values, each with itself too.
struct WalshAverages: RankedPairs {
  /// Ascending.
  let sorted: [Double]

  var count: Int { sorted.count * (sorted.count + 1) / 2 }
  var smallest: Double { sorted[0] }
  var largest: Double { sorted[sorted.count - 1] }

  func count(atMost limit: Double) -> Int {
    var (total, high) = (0, sorted.count - 1)
    for low in sorted.indices {
      while high >= low, average(sorted[low], sorted[high]) > limit { high -= 1 }
      if high < low { break }
      total += high - low + 1
    }
    return total
  }
}

/// The differences of all pairs of a value of one sample and one of another.
struct PairwiseDifferences: RankedPairs {
  /// Ascending.
  let from: [Double]
  let to: [Double]

  var count: Int { from.count * to.count }
  var smallest: Double { to[0] - from[from.count - 1] }
  var largest: Double { to[to.count - 1] - from[0] }

  func count(atMost limit: Double) -> Int {
    var (total, within) = (0, 0)
    for value in from {
      while within < to.count, to[within] - value <= limit { within += 1 }
      total += within
    }
    return total
  }
}

/// The mean of two finite numbers, also where their sum is too large.
private func average(_ first: Double, _ second: Double) -> Double {
  let sum = first + second
  return sum.isFinite ? sum / 2 : first / 2 + second / 2
}
