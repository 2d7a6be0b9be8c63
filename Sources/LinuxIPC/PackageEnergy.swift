import Glibc

/// Energy that the processor's packages have used, as their own counters say (Intel's and AMD's RAPL).
///
/// The kernel shows them under /sys/class/powercap, readable for root only, and updated about once a millisecond;
/// see Documentation/power/powercap. Virtual machines have none.
public struct PackageEnergy: Sendable {
  private struct Domain: Sendable {
    var microjoules: UInt64
    /// Where the counter begins anew.
    var range: UInt64
  }

  private let domains: [Domain]

  /// Nil where there are no counters, or they may not be read.
  ///
  /// - Parameter directory: for tests.
  public static func now(in directory: String = "/sys/class/powercap") -> PackageEnergy? {
    var domains: [Domain] = []
    // Beside the packages there may be a domain of the whole machine, which has them in it.
    for number in 0... {
      let place = "\(directory)/intel-rapl:\(number)"
      guard let name = TextFile.read("\(place)/name") else { break }
      guard name.hasPrefix("package") else { continue }
      guard let used = TextFile.read("\(place)/energy_uj").flatMap({ UInt64($0) }),
        let range = TextFile.read("\(place)/max_energy_range_uj").flatMap({ UInt64($0) })
      else { return nil }
      domains.append(Domain(microjoules: used, range: range))
    }
    return domains.isEmpty ? nil : PackageEnergy(domains: domains)
  }

  /// Of all packages together; nil where their number has changed.
  public func microjoules(since before: PackageEnergy) -> UInt64? {
    guard domains.count == before.domains.count else { return nil }
    return zip(domains, before.domains).reduce(0) { total, pair in
      let (after, before) = pair
      let used =
        after.microjoules >= before.microjoules
        ? after.microjoules - before.microjoules : after.microjoules &+ (after.range &- before.microjoules)
      return total &+ used
    }
  }
}
