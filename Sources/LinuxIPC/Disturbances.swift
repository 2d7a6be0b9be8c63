import Glibc

/// What others did to a machine, as the kernel has counted it: since boot, or between two looks. Nil where the
/// kernel does not count.
public struct Disturbances: Sendable, Equatable {
  /// Time in which the host ran something else on the CPUs (proc_stat(5), steal).
  public var stealNanoseconds: UInt64?
  /// Time in which some task of the machine wanted a CPU and had none: the workers themselves count, where they share
  /// one (Documentation/accounting/psi.rst).
  public var pressureNanoseconds: UInt64?
  /// Time in which a control group of ours had used its quota up (Documentation/admin-guide/cgroup-v2.rst, cpu.stat).
  public var throttledNanoseconds: UInt64?
  /// How often the processor slowed the CPUs down because it was too hot (sysfs, thermal_throttle).
  public var thermalThrottles: UInt64?

  public init() {}

  /// - Parameters:
  ///   - cpus: those that are looked at, all where it is empty; pressure and quotas are of the whole machine.
  ///   - root: for tests, where /proc and /sys are.
  public static func now(cpus: [Int] = [], root: String = "") -> Disturbances {
    var now = Disturbances()
    now.stealNanoseconds = StealTime.nanoseconds(cpus: cpus, root: root)
    now.pressureNanoseconds = pressure(root)
    now.throttledNanoseconds = throttled(root)
    now.thermalThrottles = thermalThrottles(cpus, root)
    return now
  }

  public func since(_ before: Disturbances) -> Disturbances {
    func difference(_ value: KeyPath<Disturbances, UInt64?>) -> UInt64? {
      guard let after = self[keyPath: value], let before = before[keyPath: value] else { return nil }
      return after >= before ? after - before : 0
    }
    var between = Disturbances()
    between.stealNanoseconds = difference(\.stealNanoseconds)
    between.pressureNanoseconds = difference(\.pressureNanoseconds)
    between.throttledNanoseconds = difference(\.throttledNanoseconds)
    between.thermalThrottles = difference(\.thermalThrottles)
    return between
  }

  /// Of several stretches of time together.
  public static func + (one: Disturbances, other: Disturbances) -> Disturbances {
    func sum(_ value: KeyPath<Disturbances, UInt64?>) -> UInt64? {
      guard let one = one[keyPath: value], let other = other[keyPath: value] else { return nil }
      return one + other
    }
    var both = Disturbances()
    both.stealNanoseconds = sum(\.stealNanoseconds)
    both.pressureNanoseconds = sum(\.pressureNanoseconds)
    both.throttledNanoseconds = sum(\.throttledNanoseconds)
    both.thermalThrottles = sum(\.thermalThrottles)
    return both
  }

  /// From `some avg10=3.13 avg60=1.84 avg300=0.83 total=6392793`, in microseconds.
  private static func pressure(_ root: String) -> UInt64? {
    let line = TextFile.read("\(root)/proc/pressure/cpu")?.split(separator: "\n").first {
      $0.hasPrefix("some ")
    }
    let total = line?.split(separator: " ").first { $0.hasPrefix("total=") }
    return total.flatMap { UInt64($0.dropFirst(6)) }.map { $0 * 1000 }
  }

  /// A quota of any group on the way to the root stops us.
  private static func throttled(_ root: String) -> UInt64? {
    let groups = TextFile.read("\(root)/proc/self/cgroup")?.split(separator: "\n")
    guard var path = groups?.first(where: { $0.hasPrefix("0::/") })?.dropFirst(3) else { return nil }
    var total: UInt64?
    while !path.isEmpty {
      let lines = TextFile.read("\(root)/sys/fs/cgroup\(path == "/" ? "" : path)/cpu.stat")?.split(
        separator: "\n")
      let line = lines?.first { $0.hasPrefix("throttled_usec ") }
      if let microseconds = line.flatMap({ UInt64($0.dropFirst(15)) }) {
        total = (total ?? 0) + microseconds * 1000
      }
      path = path == "/" ? "" : path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
    }
    return total
  }

  private static func thermalThrottles(_ cpus: [Int], _ root: String) -> UInt64? {
    let cpus = cpus.isEmpty ? Array(0..<Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) : cpus
    let counts = cpus.flatMap { cpu in
      ["core", "package"].compactMap { part in
        TextFile.read("\(root)/sys/devices/system/cpu/cpu\(cpu)/thermal_throttle/\(part)_throttle_count")
          .flatMap { UInt64($0) }
      }
    }
    return counts.isEmpty ? nil : counts.reduce(0, +)
  }
}

/// How fast a CPU runs.
public enum CPUFrequency {
  /// In Hz, as its frequency driver says (sysfs, cpufreq/scaling_cur_freq); nil where there is none, as on most
  /// virtual machines.
  public static func hertz(ofCPU cpu: Int) -> UInt64? {
    TextFile.read("/sys/devices/system/cpu/cpu\(cpu)/cpufreq/scaling_cur_freq").flatMap { UInt64($0) }
      .map { $0 * 1000 }
  }
}
