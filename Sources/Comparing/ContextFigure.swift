import Analysis
import Results

/// A figure that tells two machines apart at a glance. Shown beside a comparison and never used as a divisor:
/// normalising by such figures was found to make the error larger.
public struct ContextFigure: Sendable {
  public var name: String
  /// As in `Measure.unit`.
  public var unit: String
  /// Medians; nil where a side has none.
  public var baseline: Double?
  public var candidate: Double?
}

/// A mechanism whose round trip says something of the machine.
public struct ContextMechanism: Sendable {
  /// What the figure is called.
  public var name: String
  /// The mechanism's id.
  public var id: String

  public init(name: String, id: String) {
    self.name = name
    self.id = id
  }
}

extension ContextFigure {
  /// - Parameters:
  ///   - baseline: every case of the side, whatever the filter.
  ///   - mechanisms: of each, the smallest round trip that both sides have.
  static func all(
    _ baseline: SideTrials, _ candidate: SideTrials, mechanisms: [ContextMechanism]
  ) -> [ContextFigure] {
    let first = MachineProbes(in: baseline.table).medians(of: baseline.measured)
    let second = MachineProbes(in: candidate.table).medians(of: candidate.measured)
    let probes = zip(MachineProbes.all, zip(first, second)).map { probe, values in
      ContextFigure(name: probe.name, unit: "ns", baseline: values.0, candidate: values.1)
    }
    let roundTrip = ComparedMetric(name: "latency_rtt_p50", unit: "ns", better: .lower)
    let (one, other) = (
      MetricReader(roundTrip, in: baseline.table), MetricReader(roundTrip, in: candidate.table)
    )
    let figures = mechanisms.compactMap { mechanism -> ContextFigure? in
      let cases = baseline.cases.keys.filter { $0.id == mechanism.id && candidate.cases[$0] != nil }
      return cases.sorted().lazy.compactMap { identity -> ContextFigure? in
        let before = baseline.cases[identity]?.usable.compactMap(one.value) ?? []
        let after = candidate.cases[identity]?.usable.compactMap(other.value) ?? []
        guard !before.isEmpty, !after.isEmpty else { return nil }
        return ContextFigure(
          name: mechanism.name, unit: "ns", baseline: Statistics.median(before),
          candidate: Statistics.median(after))
      }.first
    }
    return (figures + probes).filter { $0.baseline != nil || $0.candidate != nil }
  }
}
