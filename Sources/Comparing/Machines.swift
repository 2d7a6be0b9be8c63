import Results

/// Whether two sides were measured on one machine.
///
/// The same environment hash is the same kind of machine with the same kernel and toolchain; the same host id is the
/// same machine, even if its kernel has changed since. Images that are copied share a machine id, so a host id does
/// not count where both processors are known and differ.
struct Machines {
  /// The environments of both sides, by hash.
  let environments: [String: Environment]

  enum Relation: Equatable { case same, different }

  /// - Throws: `usage` when a side holds results of several machines, because then there is no answer.
  func relation(_ baseline: SideTrials, _ candidate: SideTrials) throws(ComparisonError) -> Relation {
    let (first, second) = (Machine.all(baseline.origins), Machine.all(candidate.origins))
    if groups(first + second).count <= 1 { return .same }
    for (side, machines) in [(baseline, first), (candidate, second)] {
      let groups = groups(machines)
      if groups.count > 1 {
        let hosts = groups.map { "host \($0[0].hostID)" }
        throw ComparisonError(
          .usage,
          "\(side.label) holds results of \(groups.count) machines (\(listed(hosts))): "
            + "give those of one machine at a time.")
      }
    }
    return .different
  }

  /// What a result says of where it comes from.
  private struct Machine: Hashable {
    var hostID: String
    var environmentHash: String

    /// In the order of their first result, each once.
    static func all(_ origins: [TrialTable.Origin]) -> [Machine] {
      var seen = Set<Machine>()
      return origins.map { Machine(hostID: $0.hostID, environmentHash: $0.environmentHash) }
        .filter { seen.insert($0).inserted }
    }
  }

  private func areOne(_ first: Machine, _ second: Machine) -> Bool {
    if !first.environmentHash.isEmpty && first.environmentHash == second.environmentHash {
      return true
    }
    guard !first.hostID.isEmpty && first.hostID == second.hostID else { return false }
    guard let one = environments[first.environmentHash],
      let other = environments[second.environmentHash]
    else { return true }
    return one.cpu.identification == other.cpu.identification
  }

  /// The machines that belong together, directly or through others.
  private func groups(_ machines: [Machine]) -> [[Machine]] {
    machines.reduce(into: []) { groups, machine in
      let related = groups.indices.filter { index in groups[index].contains { areOne($0, machine) }
      }
      let merged = related.flatMap { groups[$0] } + [machine]
      for index in related.reversed() { groups.remove(at: index) }
      groups.insert(merged, at: related.first ?? groups.count)
    }
  }
}

extension Environment.CPU {
  /// What stays the same however a machine is set up.
  fileprivate var identification: [String?] { [architecture, vendor, family, modelNumber, model] }
}
