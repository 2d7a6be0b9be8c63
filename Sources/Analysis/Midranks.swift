/// Ranks from 1, where equal values share the mean of the ranks they take up.
struct Midranks {
  /// Twice the ranks, which are whole numbers, in the order of the values.
  private(set) var doubled: [Int]
  /// Σ(t³ − t) over the groups of t equal values, by which ties narrow the distribution of a rank sum.
  private(set) var tieTerm = 0.0

  init(_ values: [Double]) {
    doubled = Array(repeating: 0, count: values.count)
    let order = values.indices.sorted { values[$0] < values[$1] }
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for index in order[start..<end] { doubled[index] = start + 1 + end }
      let size = Double(end - start)
      tieTerm += size * size * size - size
      start = end
    }
  }
}
