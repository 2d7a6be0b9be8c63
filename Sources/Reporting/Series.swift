import Results

/// One row of a table or one line of a plot: a mechanism used in one way, over sizes and offered loads.
struct Series {
  /// The identity of its first case; message size, rate, gap and batch mean nothing here.
  var identity: CaseIdentity
  /// The mechanism's id, and what tells this series from others of the same mechanism and wait strategy.
  var label: String
  /// Whether it measures the tool itself.
  var isOwnCost: Bool
  var cases: [CaseSummary]

  /// The case of a size and, in a paced pattern, of an offered load.
  func at(_ messageBytes: Int, rate: Double? = nil) -> CaseSummary? {
    cases.first { $0.identity.messageBytes == messageBytes && $0.identity.rateTargetPerSecond == rate }
  }

  /// The case of a gap between wake-ups: that of a cache line where several sizes were measured.
  func at(gap nanoseconds: UInt64) -> CaseSummary? {
    let cases = cases.filter { $0.identity.gapNanoseconds == nanoseconds }
    return cases.first { $0.identity.messageBytes == 64 } ?? cases.first
  }

  func at(_ messageBytes: Int, batch: Int) -> CaseSummary? {
    cases.first { $0.identity.messageBytes == messageBytes && $0.identity.batch == batch }
  }

  /// For a table whose title says how many take part.
  var withoutCrew: Series {
    var series = self
    series.label = label.replacing(", \(identity.crewRatio)", with: "")
    return series
  }

  /// How the series is called where its wait strategy does not stand beside it.
  var name: String { identity.wait.isEmpty ? label : "\(label) \(identity.wait)" }
}

/// A run as reports look at it: cases that were measured, gathered into series.
struct RunView {
  var run: Run
  /// Every case, also those that failed or were skipped.
  var summaries: [CaseSummary]
  /// Id of the mechanism that measures the tool itself; empty when there is none.
  var ownCostMechanism: String

  init(_ run: Run, ownCost ownCostMechanism: String) {
    self.run = run
    self.summaries = run.summaries
    self.ownCostMechanism = ownCostMechanism
  }

  /// The patterns as the method names them; their variants follow them in reports.
  static let usualPatterns = [
    "round-trip", "stream", "stream:batch", "paced", "wake-up", "fan-in", "fan-out", "connect",
  ]

  /// The patterns that were measured: the usual ones first, whatever order the plan shuffled them into.
  var patterns: [String] {
    let place = { (pattern: String) in
      Self.usualPatterns.lastIndex { pattern.hasPrefix($0) } ?? Self.usualPatterns.count
    }
    return Set(measured.map(\.identity.family)).sorted { (place($0), $0) < (place($1), $1) }
  }

  /// The cases that have numbers.
  var measured: [CaseSummary] { summaries.filter { $0.okTrials > 0 } }

  func sizes(_ pattern: String) -> [Int] {
    Set(measured.lazy.filter { $0.identity.family == pattern }.map(\.identity.messageBytes)).sorted()
  }

  /// Where one size has to stand for all: 64 B, a cache line, or else the smallest that was measured.
  func referenceSize(_ pattern: String) -> Int? {
    let sizes = sizes(pattern)
    return sizes.contains(64) ? 64 : sizes.first
  }

  func loads(_ pattern: String, size: Int) -> [Double] {
    let cases = measured.lazy.filter { $0.identity.family == pattern && $0.identity.messageBytes == size }
    return Set(cases.compactMap(\.identity.rateTargetPerSecond)).sorted()
  }

  /// Nanoseconds between wake-ups.
  func gaps(_ pattern: String) -> [UInt64] {
    Set(measured.filter { $0.identity.family == pattern }.compactMap(\.identity.gapNanoseconds)).sorted()
  }

  /// How many messages left together.
  func batches(_ pattern: String) -> [Int] {
    Set(measured.filter { $0.identity.family == pattern }.compactMap(\.identity.batch)).sorted()
  }

  /// Who takes part, the smallest company first.
  func crews(_ pattern: String) -> [String] {
    let cases = measured.filter { $0.identity.family == pattern }.map(\.identity)
    let order = Dictionary(cases.map { ($0.crew, ($0.producers, $0.consumers)) }) { first, _ in first }
    return order.keys.sorted { (order[$0] ?? (0, 0)) < (order[$1] ?? (0, 0)) }
  }

  /// The series of a pattern by mechanism and wait strategy, the tool's own cost last.
  func series(_ pattern: String) -> [Series] {
    let cases = Dictionary(grouping: measured.filter { $0.identity.family == pattern }) {
      $0.identity.withoutLoad
    }
    let order = cases.keys.sorted { ($0.id, $0.wait, $0) < ($1.id, $1.wait, $1) }
    let all = order.map { key in
      let isOwnCost = key.id == ownCostMechanism
      let label = key.id + key.distinction(among: order) + (isOwnCost ? " (the tool)" : "")
      return Series(identity: key, label: label, isOwnCost: isOwnCost, cases: cases[key] ?? [])
    }
    return all.filter { !$0.isOwnCost } + all.filter(\.isOwnCost)
  }
}

extension CaseIdentity {
  fileprivate var withoutLoad: CaseIdentity {
    var key = self
    key.pattern = family
    key.messageBytes = 0
    key.rateTargetPerSecond = nil
    return key
  }

  /// `2:1`, producers to consumers.
  var crewRatio: String { "\(producers):\(consumers)" }

  /// `2 producers, 1 consumer`.
  var crew: String {
    let count = { (count: Int, name: String) in "\(count) \(name)\(count == 1 ? "" : "s")" }
    return "\(count(producers, "producer")), \(count(consumers, "consumer"))"
  }

  /// What tells this series from the others of its mechanism and wait strategy, `, name`; mostly nothing.
  fileprivate func distinction(among others: [CaseIdentity]) -> String {
    let kin = others.filter { $0.id == id && $0.wait == wait }
    var parts: [String] = []
    let add = { (field: KeyPath<CaseIdentity, String>) in
      if Set(kin.map { $0[keyPath: field] }).count > 1 { parts.append(self[keyPath: field]) }
    }
    add(\.attach)
    add(\.placement)
    add(\.scope)
    if Set(kin.map { [$0.producers, $0.consumers] }).count > 1 { parts.append(crewRatio) }
    add(\.touch)
    return parts.map { ", \($0)" }.joined()
  }
}
