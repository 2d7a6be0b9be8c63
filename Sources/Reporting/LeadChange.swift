import Results

/// At which message sizes the order changes.
struct LeadChange {
  /// Between the two sizes, in bytes: their geometric mean.
  var bytes: Double
  /// Who leads from there on; several where the trials cannot tell them apart.
  var leaders: [String]

  /// `pipe`, `pipe, tcp`, `3 alike`.
  var label: String { leaders.count > 2 ? "\(leaders.count) alike" : leaders.joined(separator: ", ") }
}

extension RunView {
  /// Who is best at each size, of the mechanisms that were measured at every size; empty where there is nothing to
  /// cross.
  func leaders(_ pattern: String, _ figure: Figure, wait: String) -> (
    count: Int, [(size: Int, ids: [String])]
  ) {
    let sizes = sizes(pattern)
    // Only what was measured at every size can lead at some.
    let everywhere = series(pattern).filter { series in
      !series.isOwnCost && series.identity.wait == wait && series.identity.scope == "host"
        && sizes.allSatisfy { size in series.at(size).map { figure.read($0).value != nil } == true }
    }
    guard sizes.count > 2, everywhere.count > 1 else { return (0, []) }
    return (
      everywhere.count,
      sizes.compactMap { size in
        let cases = everywhere.compactMap { $0.at(size) }
        guard let first = best(cases, figure) else { return nil }
        let level = cases.filter {
          $0.identity == first.summary.identity || overlap(figure, $0, first.summary)
        }
        return (size, Set(level.map(\.identity.id)).sorted())
      }
    )
  }

  /// A change is one of which the trials are sure: nobody leads on both sides of it.
  func leadChanges(_ pattern: String, _ figure: Figure, wait: String) -> [LeadChange] {
    let (_, leaders) = leaders(pattern, figure, wait: wait)
    guard var current = leaders.first.map({ Set($0.ids) }) else { return [] }
    var changes: [LeadChange] = []
    for (before, next) in zip(leaders, leaders.dropFirst()) {
      let remaining = current.intersection(next.ids)
      if remaining.isEmpty {
        let bytes = (Double(before.size) * Double(next.size)).squareRoot()
        changes.append(LeadChange(bytes: bytes, leaders: next.ids))
      }
      current = remaining.isEmpty ? Set(next.ids) : remaining
    }
    return changes
  }
}
