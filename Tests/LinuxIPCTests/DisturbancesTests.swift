import Foundation
import LinuxIPC
import Testing

struct DisturbancesTests {
  /// A machine made of files.
  private final class Machine {
    let root = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    init(_ files: [String: String]) throws {
      for (path, text) in files {
        let file = URL(fileURLWithPath: "\(root)/\(path)")
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: true, encoding: .utf8)
      }
    }
    deinit { try? FileManager.default.removeItem(atPath: root) }
  }

  private func files(steal: Int, pressure: Int, own: Int, parent: Int, hot: Int) -> [String: String] {
    [
      "proc/stat": "cpu  1 1 1 1 1 1 1 9 0 0\ncpu0 1 1 1 1 1 1 1 \(steal) 0 0\ncpu1 1 1 1 1 1 1 1 50 0 0\n",
      "proc/pressure/cpu": "some avg10=3.13 avg60=1.84 avg300=0.83 total=\(pressure)\nfull avg10=0 total=7\n",
      "proc/self/cgroup": "0::/a/b\n",
      "sys/fs/cgroup/a/b/cpu.stat": "usage_usec 5\nnr_throttled 1\nthrottled_usec \(own)\n",
      "sys/fs/cgroup/a/cpu.stat": "usage_usec 5\nthrottled_usec \(parent)\n",
      "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "\(hot)\n",
      "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "100\n",
    ]
  }

  @Test func tellsWhatHappenedInBetween() throws {
    let before = try Machine(files(steal: 10, pressure: 1000, own: 5, parent: 7, hot: 3))
    let after = try Machine(files(steal: 13, pressure: 1500, own: 6, parent: 9, hot: 5))
    let between = Disturbances.now(cpus: [0], root: after.root)
      .since(Disturbances.now(cpus: [0], root: before.root))
    // Clock ticks of 10 ms, microseconds, a quota of the group and one of its parent, events.
    #expect(between.stealNanoseconds == 30_000_000)
    #expect(between.pressureNanoseconds == 500_000)
    #expect(between.throttledNanoseconds == 3000)
    #expect(between.thermalThrottles == 2)
  }

  @Test func whatIsNotCountedIsAbsent() throws {
    let machine = try Machine(["proc/self/cgroup": "0::/\n"])
    let now = Disturbances.now(cpus: [0], root: machine.root)
    #expect(now == Disturbances() && now.since(now) == Disturbances())
    let counted = try Machine(files(steal: 1, pressure: 1, own: 1, parent: 1, hot: 1))
    let some = Disturbances.now(cpus: [0], root: counted.root)
    #expect((some + now) == Disturbances())
    #expect((some + some).thermalThrottles == 2)
  }
}
