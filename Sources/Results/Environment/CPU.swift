extension Environment {
  public struct CPU: Codable, Sendable, Equatable {
    /// `x86_64`, `aarch64`: what the tool was built for.
    public var architecture: String?
    /// As the processor names itself.
    public var model: String?
    /// `AuthenticAMD`; on Arm the implementer's code, `0x41`.
    public var vendor: String?
    public var family: String?
    public var modelNumber: String?
    public var stepping: String?
    public var microcode: String?
    /// The flags that bear on measuring and moving messages, sorted; see `CPU.relevantFlags`.
    public var flags: [String]?
    /// CPUs the kernel schedules on.
    public var logical: Int?
    public var cores: Int?
    public var sockets: Int?
    /// Whether hardware threads of one core are both in use.
    public var smtActive: Bool?
    /// `on`, `off`, `forceoff`, `notsupported`, `notimplemented`.
    public var smtControl: String?
    /// The caches of the first CPU, smallest first.
    public var caches: [Cache]?
    /// Of the first CPU, in MHz: now, and the limits of its frequency driver.
    public var megahertz: Double?
    public var minimumMegahertz: Double?
    public var maximumMegahertz: Double?
    /// Frequency governor of the first CPU: `performance`, `schedutil`.
    public var governor: String?
    /// Frequency driver: `amd-pstate-epp`, `intel_pstate`.
    public var driver: String?
    /// Whether the processor may exceed its nominal frequency.
    public var boost: Bool?
    /// Driver of the idle states: `intel_idle`, `haltpoll`.
    public var idleDriver: String?

    public init() {}
  }

  public struct Cache: Codable, Sendable, Equatable {
    public var level: Int
    /// `Data`, `Instruction`, `Unified`.
    public var type: String
    /// As the kernel writes it: `32K`.
    public var size: String?
    public var lineBytes: Int?
    /// CPUs that share it, in list notation: `0-3`.
    public var sharedBy: String?

    public init(
      level: Int, type: String, size: String? = nil, lineBytes: Int? = nil, sharedBy: String? = nil
    ) {
      self.level = level
      self.type = type
      self.size = size
      self.lineBytes = lineBytes
      self.sharedBy = sharedBy
    }
  }
}

extension Environment.CPU {
  /// Flags worth keeping: the clock's, copying's, waiting's and virtualisation's.
  static let relevantFlags: Set<String> = [
    "constant_tsc", "nonstop_tsc", "tsc_known_freq", "tsc_reliable", "rdtscp", "hypervisor",
    "erms", "fsrm", "avx", "avx2", "avx512f", "avx512bw", "clflushopt", "clwb", "movdiri", "movdir64b",
    "waitpkg", "mwaitx", "monitor", "pcid", "invpcid", "smap", "pti", "fsgsbase", "ht",
    "atomics", "lrcpc", "ilrcpc", "wfxt", "sve", "asimd",
  ]

  init(reading files: SystemFiles) {
    #if arch(x86_64)
      architecture = "x86_64"
    #elseif arch(arm64)
      architecture = "aarch64"
    #endif
    readProcessorInformation(files)
    readTopology(files)
    readFrequency(files)
    caches = Environment.Cache.all(reading: files)
  }

  private mutating func readProcessorInformation(_ files: SystemFiles) {
    guard let fields = files.fields("proc/cpuinfo") else { return }
    model = fields["model name"] ?? fields["Model"]
    vendor = fields["vendor_id"] ?? fields["CPU implementer"]
    family = fields["cpu family"] ?? fields["CPU architecture"]
    modelNumber = fields["model"] ?? fields["CPU part"]
    stepping = fields["stepping"] ?? fields["CPU revision"]
    microcode = fields["microcode"]
    megahertz = fields["cpu MHz"].flatMap { Double($0) }
    flags = (fields["flags"] ?? fields["Features"]).map { text in
      text.split(separator: " ").map(String.init).filter(Self.relevantFlags.contains).sorted()
    }
  }

  private mutating func readTopology(_ files: SystemFiles) {
    let directory = "sys/devices/system/cpu"
    let numbers = files.numbers(in: directory, prefix: "cpu")
    let online = files.list("\(directory)/online").flatMap { cpuNumbers(inList: $0) }
    logical = online?.count ?? (numbers.isEmpty ? nil : numbers.count)
    var packages = Set<Int>()
    var coreKeys = Set<[Int]>()
    for number in numbers {
      let topology = "\(directory)/cpu\(number)/topology"
      guard let package = files.integer("\(topology)/physical_package_id"),
        let core = files.integer("\(topology)/core_id")
      else { continue }
      packages.insert(package)
      // A core's number is unique within its die only.
      coreKeys.insert([package, files.integer("\(topology)/die_id") ?? 0, core])
    }
    cores = coreKeys.isEmpty ? nil : coreKeys.count
    sockets = packages.isEmpty ? nil : packages.count
    smtActive = files.flag("\(directory)/smt/active")
    smtControl = files.text("\(directory)/smt/control")
  }

  private mutating func readFrequency(_ files: SystemFiles) {
    let all = "sys/devices/system/cpu"
    let first = "\(all)/cpu0/cpufreq"
    let megahertzOf = { (name: String) in files.integer("\(first)/\(name)").map { Double($0) / 1000 } }
    megahertz = megahertzOf("scaling_cur_freq") ?? megahertz
    minimumMegahertz = megahertzOf("scaling_min_freq")
    maximumMegahertz = megahertzOf("scaling_max_freq")
    governor = files.text("\(first)/scaling_governor")
    driver = files.text("\(first)/scaling_driver")
    boost =
      files.flag("\(all)/cpufreq/boost") ?? files.flag("\(all)/intel_pstate/no_turbo").map { !$0 }
    idleDriver = files.text("\(all)/cpuidle/current_driver").flatMap { $0 == "none" ? nil : $0 }
  }
}

extension Environment.Cache {
  static func all(reading files: SystemFiles) -> [Environment.Cache]? {
    let directory = "sys/devices/system/cpu/cpu0/cache"
    let caches = files.numbers(in: directory, prefix: "index").compactMap { index -> Environment.Cache? in
      let path = "\(directory)/index\(index)"
      guard let level = files.integer("\(path)/level"), let type = files.text("\(path)/type") else {
        return nil
      }
      return Environment.Cache(
        level: level, type: type, size: files.text("\(path)/size"),
        lineBytes: files.integer("\(path)/coherency_line_size"),
        sharedBy: files.list("\(path)/shared_cpu_list"))
    }
    return caches.isEmpty ? nil : caches
  }
}

/// The numbers of a list such as `0-3,8`; nil when it is not one, or claims more than a million.
func cpuNumbers(inList text: String) -> [Int]? {
  var numbers: [Int] = []
  for part in text.trimmed.split(separator: ",") {
    let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 0,
      first <= last, last < 1_000_000
    else { return nil }
    numbers += first...last
  }
  return numbers
}
