import Foundation
import Glibc
import LinuxIPC
import Testing

/// What is counted of a process, and what energy the processor's counters say it took.
struct CountersTests {
  @Test func leavesOutWhatIsNotAskedFor() {
    #expect(
      EventCounters(EventCounters.Kinds(systemCallEntry: nil, processor: false)).stop() == EventCounts())
  }

  @Test func aCounterThatCannotBeOpenedIsAbsentAndNotZero() {
    let none = EventCounters(EventCounters.Kinds(systemCallEntry: .max, processor: false)).stop()
    #expect(none.systemCalls == nil)
  }

  // MARK: Energy

  private func powercap(_ domains: [(name: String, used: UInt64)]) throws -> String {
    let root = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    for (number, domain) in domains.enumerated() {
      let place = "\(root)/intel-rapl:\(number)"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      try "\(domain.name)\n".write(toFile: "\(place)/name", atomically: true, encoding: .utf8)
      try "\(domain.used)\n".write(toFile: "\(place)/energy_uj", atomically: true, encoding: .utf8)
      try "1000\n".write(toFile: "\(place)/max_energy_range_uj", atomically: true, encoding: .utf8)
    }
    return root
  }

  @Test func addsThePackagesAndNothingThatHoldsThem() throws {
    let before = try powercap([("package-0", 100), ("psys", 5), ("package-1", 990)])
    let after = try powercap([("package-0", 150), ("psys", 900), ("package-1", 20)])
    defer { [before, after].forEach { try? FileManager.default.removeItem(atPath: $0) } }
    let first = try #require(PackageEnergy.now(in: before))
    let second = try #require(PackageEnergy.now(in: after))
    // The second package's counter began anew at 1000.
    #expect(second.microjoules(since: first) == 50 + 30)
  }

  @Test func absentWhereThereAreNoCounters() throws {
    #expect(PackageEnergy.now(in: "/nonexistent") == nil)
    let other = try powercap([("psys", 5)])
    defer { try? FileManager.default.removeItem(atPath: other) }
    #expect(PackageEnergy.now(in: other) == nil)
  }
}
