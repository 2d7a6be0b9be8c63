import Comparing
import Results

extension ComparisonView {
  var warnings: [String] {
    var warnings: [String] = []
    if let banner = noiseFloorBanner { warnings.append(banner) }
    return warnings + pair.remarks
  }

  /// How much sessions differ on their own, and where that is known from.
  private var noiseFloorBanner: String? {
    guard !pair.noiseFloors.isEmpty else { return nil }
    return
      "Sessions of one machine differ although nothing has changed. \(noiseFloorSources) A difference that does "
      + "not lie beyond that with its whole interval is called neither slower nor faster, and “equivalent” means "
      + "that these sessions agree: a change of that size could hide behind them."
  }

  private var noiseFloorSources: String {
    if let given = pair.noiseFloors.first(where: { $0.source == .given }) {
      return "As asked for, up to \(chosen(given.share)) is taken for that."
    }
    let measured = pair.noiseFloors.filter { $0.source == .measured }
    let assumed = pair.noiseFloors.filter { $0.source == .assumed }
    var sentences: [String] = []
    if let sessions = measured.map(\.sessions).max() {
      let floors = measured.map { "\(title($0.metric)) \(Quantity.percent($0.share))" }
      let typical = measured.compactMap { $0.typicalShare.map(Quantity.percent) }
      sentences.append(
        "Measured from \(counted(sessions, "session")) of the same commit: \(floors.joined(separator: ", ")), so that "
          + "chance alone exceeds it in none of \(counted(pair.cases.count, "result")) (95 of 100 ratios between two "
          + "sessions are within \(typical.joined(separator: ", "))).")
    }
    if let far = measured.first(where: { $0.gap != nil }), let gap = far.gap, let span = far.span {
      sentences.append(
        "But those sessions lie within \(duration(span)), and the sides \(duration(gap)) apart, which differ more; so "
          + "at least \(chosen(NoiseFloor.assumedShare)) is taken.")
    }
    let unknown = assumed.filter { $0.ratios == 0 }
    if !unknown.isEmpty {
      sentences.append(
        "\(subject(unknown)) cannot be measured here, because no side holds several sessions of the same commit; "
          + "\(NoiseFloor.assumption), so \(chosen(NoiseFloor.assumedShare)) is assumed (--noise-floor sets it)."
      )
    }
    let scarce = assumed.filter { $0.ratios > 0 }
    if !scarce.isEmpty {
      let floors = scarce.map { Quantity.percent($0.share) }
      sentences.append(
        "\(subject(scarce)) is known from too few sessions of the same commit; the largest of what they show and of "
          + "the \(chosen(NoiseFloor.assumedShare)) that virtual machines were found to have is taken: "
          + "\(floors.joined(separator: ", ")) (--noise-floor sets it).")
    }
    return sentences.joined(separator: " ")
  }

  private func duration(_ seconds: Int) -> String {
    Units.describe(nanoseconds: UInt64(min(seconds, 1_000_000_000)) * 1_000_000_000)
  }

  private func subject(_ floors: [NoiseFloor]) -> String {
    floors.count == pair.noiseFloors.count
      ? "By how much" : "By how much in \(floors.map { title($0.metric) }.joined(separator: ", "))"
  }

  private func title(_ name: String) -> String {
    pair.cases.first { $0.metric.name == name }?.metric.title ?? name
  }

  /// Short facts side by side, long ones below each other.
  var environment: [Block] {
    let differences = pair.environmentDifferences.filter { $0.fact != "commit of the tool" }
    guard !differences.isEmpty else { return [] }
    let isLong = { (difference: EnvironmentDifference) in
      [difference.baseline, difference.candidate].contains { ($0?.count ?? 0) > Self.longestFact }
    }
    let columns = [
      Table.Column("fact", .left), Table.Column(baselineLetter, .left),
      Table.Column(candidateLetter, .left),
    ]
    let rows = differences.filter { !isLong($0) }.map { difference in
      [Table.Cell(difference.fact), cell(difference.baseline), cell(difference.candidate)]
    }
    let items = differences.filter(isLong).map { difference in
      "\(difference.fact): \(baselineLetter) \(difference.baseline ?? Self.unknown); "
        + "\(candidateLetter) \(difference.candidate ?? Self.unknown)"
    }
    let sides = pair.kind == .crossMachine ? "machines" : "sides"
    return [.heading("What differs between the \(sides)")]
      + (rows.isEmpty ? [] : [.table(Table("", columns: columns, rows: rows))])
      + (items.isEmpty ? [] : [.items(items)])
  }

  /// Two of them, and what they are about, fit a line.
  private static let longestFact = 24
  private static let unknown = "not known"

  private func cell(_ fact: String?) -> Table.Cell {
    fact.map { Table.Cell($0) } ?? Table.Cell(Self.unknown, emphasis: .faint)
  }

  var uncompared: [Block] {
    guard !pair.uncompared.isEmpty else { return [] }
    var order: [String] = []
    var mechanisms: [String: [String]] = [:]
    var counts: [String: Int] = [:]
    for one in pair.uncompared {
      if mechanisms[one.reason] == nil { order.append(one.reason) }
      counts[one.reason, default: 0] += 1
      if mechanisms[one.reason]?.contains(one.identity.id) != true {
        mechanisms[one.reason, default: []].append(one.identity.id)
      }
    }
    let items = order.map { reason -> String in
      let names = mechanisms[reason] ?? []
      let shown =
        names.prefix(6).joined(separator: ", ") + (names.count > 6 ? ", and \(names.count - 6) more" : "")
      return
        "\(counted(counts[reason] ?? 0, "case")) (\(shown)): \(reason)\(reason.hasSuffix(".") ? "" : ".")"
    }
    return [.heading("Not compared: \(counted(pair.uncompared.count, "case"))"), .items(items)]
  }
}
