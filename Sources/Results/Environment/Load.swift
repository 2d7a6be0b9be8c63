extension Environment {
  /// How busy the machine was when the run started. Left out of the environment hash.
  public struct Load: Codable, Sendable, Equatable {
    /// Load averages over 1, 5 and 15 minutes.
    public var oneMinute: Double?
    public var fiveMinutes: Double?
    public var fifteenMinutes: Double?
    /// Share of the last ten seconds in which some task waited for a CPU, in per cent.
    public var cpuPressurePercent: Double?
    /// Share of all CPU time since boot that the hypervisor gave to others, in per cent.
    public var stealPercent: Double?

    public init() {}
  }
}

extension Environment.Load {
  init(reading files: SystemFiles) {
    let averages = files.text("proc/loadavg")?.split(separator: " ").prefix(3).map { Double($0) } ?? []
    if averages.count == 3 {
      (oneMinute, fiveMinutes, fifteenMinutes) = (averages[0], averages[1], averages[2])
    }
    cpuPressurePercent = Self.pressure(files)
    stealPercent = Self.steal(files)
  }

  /// From `some avg10=3.13 avg60=1.84 avg300=0.83 total=6392793`.
  private static func pressure(_ files: SystemFiles) -> Double? {
    let line = files.lines("proc/pressure/cpu")?.first { $0.hasPrefix("some ") }
    return line?.split(separator: " ").first { $0.hasPrefix("avg10=") }.flatMap { Double($0.dropFirst(6)) }
  }

  /// From `cpu  user nice system idle iowait irq softirq steal guest guest_nice` (proc_stat(5)). Guest time is
  /// contained in user time and must not be counted twice.
  private static func steal(_ files: SystemFiles) -> Double? {
    let line = files.lines("proc/stat")?.first { $0.hasPrefix("cpu ") }
    let ticks = line?.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) } ?? []
    let total = ticks.reduce(0, +)
    guard ticks.count == 8, total > 0 else { return nil }
    return 100 * ticks[7] / total
  }
}
