extension Environment {
  /// What keeps other work off the CPUs, and what keeps us from using all of them. CPU lists are in the
  /// kernel's notation: `2-3`.
  public struct Isolation: Codable, Sendable, Equatable {
    /// CPUs without load balancing (`isolcpus=`).
    public var isolated: String?
    /// CPUs whose timer tick stops while one task runs (`nohz_full=`).
    public var nohzFull: String?
    /// CPUs we may run on.
    public var allowed: String?
    /// Memory nodes we may allocate from.
    public var allowedNodes: String?
    /// How many CPUs' worth of time our control group may use; nil without a quota.
    public var quotaCPUs: Double?
    /// Our control group, as /proc/self/cgroup names it.
    public var controlGroup: String?

    public init() {}

    private enum CodingKeys: String, CodingKey {
      case isolated, nohzFull, allowed, allowedNodes, quotaCPUs = "quotaCpus", controlGroup
    }
  }
}

extension Environment.Isolation {
  init(reading files: SystemFiles) {
    isolated = files.list("sys/devices/system/cpu/isolated")
    nohzFull = files.list("sys/devices/system/cpu/nohz_full")
    let status = files.fields("proc/self/status")
    allowed = status?["Cpus_allowed_list"]
    allowedNodes = status?["Mems_allowed_list"]
    let groups = files.lines("proc/self/cgroup") ?? []
    controlGroup = Self.path(in: groups, controller: "") ?? Self.path(in: groups, controller: "cpu")
    quotaCPUs = Self.quota(files, groups)
  }

  /// The path of a line such as `0::/user.slice` (version 2, no controller) or `4:cpu,cpuacct:/`.
  private static func path(in lines: [Substring], controller: String) -> String? {
    for line in lines {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let controllers = parts[1].split(separator: ",", omittingEmptySubsequences: false)
      if controllers.contains(Substring(controller)) { return String(parts[2]) }
    }
    return nil
  }

  /// The tightest quota on the way from our group to the root: every ancestor's applies.
  private static func quota(_ files: SystemFiles, _ groups: [Substring]) -> Double? {
    var quotas: [Double] = []
    if let own = path(in: groups, controller: "") {
      for base in ["sys/fs/cgroup", "sys/fs/cgroup/unified"] {
        quotas += ancestors(of: own).compactMap { maximum(files.text("\(base)\($0)/cpu.max")) }
      }
    }
    if let own = path(in: groups, controller: "cpu") {
      for base in ["sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct"] {
        quotas += ancestors(of: own).compactMap { path in
          guard let quota = files.integer("\(base)\(path)/cpu.cfs_quota_us"), quota > 0,
            let period = files.integer("\(base)\(path)/cpu.cfs_period_us"), period > 0
          else { return nil }
          return Double(quota) / Double(period)
        }
      }
    }
    return quotas.min()
  }

  /// `200000 100000` is two CPUs, `max 100000` is no quota.
  private static func maximum(_ text: String?) -> Double? {
    let numbers = text?.split(separator: " ").map { Double($0) } ?? []
    guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], period > 0 else { return nil }
    return quota / period
  }

  /// `/a/b`, `/a` and the root's empty path.
  private static func ancestors(of path: String) -> [String] {
    var paths: [String] = []
    var rest = path[...]
    while let slash = rest.lastIndex(of: "/") {
      if rest.count > 1 { paths.append(String(rest)) }
      rest = rest[..<slash]
    }
    return paths + [""]
  }
}
