import Glibc

/// What a process has used, as the kernel accounts for it.
///
/// The corresponding C functions are `getrusage` and, for CPU time in nanoseconds, `clock_gettime`. A plain
/// value, so that a worker can leave it in shared memory.
public struct ResourceUsage: Sendable, BitwiseCopyable, Codable {
  public var userNanoseconds: UInt64 = 0
  public var systemNanoseconds: UInt64 = 0
  public var voluntarySwitches: UInt64 = 0
  public var involuntarySwitches: UInt64 = 0
  public var minorFaults: UInt64 = 0
  public var majorFaults: UInt64 = 0

  public init() {}

  public static func ofThisProcess() -> ResourceUsage {
    var raw = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &raw)
    var usage = ResourceUsage()
    usage.userNanoseconds = nanoseconds(raw.ru_utime)
    usage.systemNanoseconds = nanoseconds(raw.ru_stime)
    usage.voluntarySwitches = UInt64(raw.ru_nvcsw)
    usage.involuntarySwitches = UInt64(raw.ru_nivcsw)
    usage.minorFaults = UInt64(raw.ru_minflt)
    usage.majorFaults = UInt64(raw.ru_majflt)
    return usage
  }

  private static func nanoseconds(_ time: timeval) -> UInt64 {
    UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_usec) * 1000
  }

  public static func - (after: ResourceUsage, before: ResourceUsage) -> ResourceUsage {
    var difference = ResourceUsage()
    difference.userNanoseconds = after.userNanoseconds &- before.userNanoseconds
    difference.systemNanoseconds = after.systemNanoseconds &- before.systemNanoseconds
    difference.voluntarySwitches = after.voluntarySwitches &- before.voluntarySwitches
    difference.involuntarySwitches = after.involuntarySwitches &- before.involuntarySwitches
    difference.minorFaults = after.minorFaults &- before.minorFaults
    difference.majorFaults = after.majorFaults &- before.majorFaults
    return difference
  }

  public static func + (one: ResourceUsage, other: ResourceUsage) -> ResourceUsage {
    one - (ResourceUsage() - other)
  }

  /// Times the scheduler moved this process to another CPU (/proc/self/sched, se.nr_migrations); nil where the
  /// kernel does not tell.
  public static func migrationsOfThisProcess() -> UInt64? {
    guard let text = TextFile.read("/proc/self/sched") else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix("se.nr_migrations") {
      return line.split(separator: ":").last.flatMap { UInt64($0.drop { $0 == " " }) }
    }
    return nil
  }
}

/// Time that the host took away from this machine's CPUs.
public enum StealTime {
  /// Nanoseconds stolen since boot from the CPUs given, all of them when the list is empty; nil where
  /// /proc/stat has no such column (proc_stat(5)).
  ///
  /// - Parameter root: for tests, where /proc is.
  public static func nanoseconds(cpus: [Int] = [], root: String = "") -> UInt64? {
    guard let text = TextFile.read("\(root)/proc/stat") else { return nil }
    let names = cpus.isEmpty ? ["cpu"] : cpus.map { "cpu\($0)" }
    var ticks: UInt64 = 0
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard let name = fields.first, names.contains(String(name)) else { continue }
      guard fields.count > 8, let stolen = UInt64(fields[8]) else { return nil }
      ticks += stolen
    }
    return ticks * (1_000_000_000 / UInt64(sysconf(Int32(_SC_CLK_TCK))))
  }
}
