extension Environment {
  public struct Memory: Codable, Sendable, Equatable {
    public var totalBytes: Int?
    public var availableBytes: Int?
    public var swapTotalBytes: Int?
    public var swapUsedBytes: Int?
    /// Transparent huge pages: `always`, `madvise`, `never`.
    public var transparentHugePages: String?
    /// When they are made on a page fault: `defer`, `madvise`, ….
    public var transparentHugePagesDefrag: String?
    /// The same for shared memory: `never`, `within_size`, `advise`, ….
    public var transparentHugePagesShared: String?
    /// Reserved huge pages of the default size.
    public var hugePagesTotal: Int?
    public var hugePagesFree: Int?
    public var hugePageBytes: Int?
    /// Whether the kernel moves pages between nodes by itself.
    public var numaBalancing: Int?

    public init() {}
  }

  /// A memory node.
  public struct Node: Codable, Sendable, Equatable {
    public var id: Int
    /// Its CPUs in list notation: `0-3`; nil for a node of memory only.
    public var cpus: String?
    public var memoryBytes: Int?

    public init(id: Int, cpus: String? = nil, memoryBytes: Int? = nil) {
      self.id = id
      self.cpus = cpus
      self.memoryBytes = memoryBytes
    }
  }
}

extension Environment.Memory {
  init(reading files: SystemFiles) {
    let fields = files.fields("proc/meminfo") ?? [:]
    let bytes = { (name: String) in fields[name]?.leadingInteger.map { $0 &* 1024 } }
    totalBytes = bytes("MemTotal")
    availableBytes = bytes("MemAvailable")
    swapTotalBytes = bytes("SwapTotal")
    if let total = swapTotalBytes, let free = bytes("SwapFree") { swapUsedBytes = total &- free }
    hugePagesTotal = fields["HugePages_Total"]?.leadingInteger
    hugePagesFree = fields["HugePages_Free"]?.leadingInteger
    hugePageBytes = bytes("Hugepagesize")
    let hugePages = "sys/kernel/mm/transparent_hugepage"
    transparentHugePages = files.chosen("\(hugePages)/enabled")
    transparentHugePagesDefrag = files.chosen("\(hugePages)/defrag")
    transparentHugePagesShared = files.chosen("\(hugePages)/shmem_enabled")
    numaBalancing = files.integer("proc/sys/kernel/numa_balancing")
  }
}

extension Environment.Node {
  static func all(reading files: SystemFiles) -> [Environment.Node] {
    let directory = "sys/devices/system/node"
    return files.numbers(in: directory, prefix: "node").map { number in
      Environment.Node(
        id: number, cpus: files.list("\(directory)/node\(number)/cpulist"),
        memoryBytes: memoryBytes(files, "\(directory)/node\(number)/meminfo"))
    }
  }

  /// From `Node 0 MemTotal:       24684084 kB`.
  private static func memoryBytes(_ files: SystemFiles, _ path: String) -> Int? {
    files.lines(path)?.first { $0.contains("MemTotal:") }.flatMap { line in
      line.split(separator: " ").dropLast().last.flatMap { Int($0) }.map { $0 &* 1024 }
    }
  }
}
