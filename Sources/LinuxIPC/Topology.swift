import CLinuxShims
import CNuma
import Glibc

/// The CPUs of this machine and how near they are to each other.
public struct Topology: Sendable {
  public struct CPU: Sendable, Equatable {
    public var id: Int
    public var core: Int
    public var socket: Int
    public var node: Int
    /// The lowest CPU that shares this one's last-level cache; equal numbers share it.
    public var lastLevelCache: Int

    public init(id: Int, core: Int, socket: Int, node: Int, lastLevelCache: Int) {
      self.id = id
      self.core = core
      self.socket = socket
      self.node = node
      self.lastLevelCache = lastLevelCache
    }
  }

  /// The CPUs that this process may use, ascending.
  public var cpus: [CPU]
  public var nodeCount: Int
  /// Set where NUMA placement is not to be had, with the reason to tell once.
  public var numaNotice: String?

  public init(cpus: [CPU], nodeCount: Int, numaNotice: String?) {
    self.cpus = cpus
    self.nodeCount = nodeCount
    self.numaNotice = numaNotice
  }

  /// The corresponding C functions are `numa_available`, `numa_node_of_cpu` and `sched_getaffinity`.
  public static func detect() -> Topology {
    let numaWorks = numa_available() >= 0
    let nodes = numaWorks ? Int(numa_num_configured_nodes()) : 1
    let cpus = allowedCPUs().map { id in
      let base = "/sys/devices/system/cpu/cpu\(id)"
      return CPU(
        id: id, core: integer("\(base)/topology/core_id") ?? id,
        socket: integer("\(base)/topology/physical_package_id") ?? 0,
        node: numaWorks ? max(0, Int(numa_node_of_cpu(Int32(id)))) : 0,
        lastLevelCache: lastLevelCache(of: base) ?? -1)
    }
    let notice: String? =
      !numaWorks
      ? "The kernel offers no NUMA policy here; memory policies are ignored."
      : nodes == 1 ? "This machine has one NUMA node; memory policies make no difference." : nil
    return Topology(cpus: cpus, nodeCount: nodes, numaNotice: notice)
  }

  private static func allowedCPUs() -> [Int] {
    guard let mask = numa_allocate_cpumask() else { return [0] }
    defer { numa_bitmask_free(mask) }
    guard numa_sched_getaffinity(0, mask) >= 0 else { return [0] }
    let allowed = (0..<Int(mask.pointee.size)).filter { numa_bitmask_isbitset(mask, UInt32($0)) != 0 }
    return allowed.isEmpty ? [0] : allowed
  }

  private static func integer(_ path: String) -> Int? { TextFile.read(path).flatMap { Int($0) } }

  private static func lastLevelCache(of cpuPath: String) -> Int? {
    var best: (level: Int, first: Int)?
    for index in 0..<8 {
      let base = "\(cpuPath)/cache/index\(index)"
      guard let level = integer("\(base)/level") else { break }
      guard let shared = TextFile.read("\(base)/shared_cpu_list") else { continue }
      guard let first = Int(shared.prefix { $0.isNumber }) else { continue }
      if best == nil || level > best!.level { best = (level, first) }
    }
    return best?.first
  }
}

/// How near two CPUs are, the nearest first.
public enum Placement: String, CaseIterable, Codable, Sendable {
  case sameCore = "same-core"
  case smtSibling = "smt-sibling"
  case sameL3 = "same-l3"
  case sameSocket = "same-socket"
  case crossSocket = "cross-socket"
  case crossNode = "cross-node"
  /// CPUs of different machines.
  case crossHost = "cross-host"
  case unpinned
}

extension Topology {
  /// The relation between two CPUs.
  public func placement(_ first: CPU, _ second: CPU) -> Placement {
    if first.id == second.id { return .sameCore }
    if first.node != second.node { return .crossNode }
    if first.socket != second.socket { return .crossSocket }
    if first.core == second.core { return .smtSibling }
    // Without cache information (-1) the claim of a shared cache would be a guess.
    if first.lastLevelCache >= 0 && first.lastLevelCache == second.lastLevelCache { return .sameL3 }
    return .sameSocket
  }

  public func cpu(_ id: Int) -> CPU? { cpus.first { $0.id == id } }

  /// Nearest first: cores of their own before the second thread of this one, which takes from it.
  public func cpusByDistance(from id: Int) -> [Int] {
    guard let own = cpu(id) else { return cpus.map(\.id) }
    let order: [Placement] = [.sameCore, .sameL3, .sameSocket, .crossSocket, .smtSibling, .crossNode]
    let distance = { (cpu: CPU) in order.firstIndex(of: self.placement(own, cpu)) ?? order.count }
    return cpus.sorted { (distance($0), $0.id) < (distance($1), $1.id) }.map(\.id)
  }

  /// The pair to measure on unless told otherwise: different cores that share a cache, else the nearest pair
  /// of different cores, else one CPU for both.
  public func defaultPair() -> (CPU, CPU) {
    let preference: [Placement] = [.sameL3, .sameSocket, .crossSocket, .crossNode, .smtSibling]
    return preference.lazy.compactMap { pair($0) }.first ?? (cpus[0], cpus[0])
  }

  /// The first pair that is as near as wanted; nil where this machine has none.
  public func pair(_ wanted: Placement) -> (CPU, CPU)? {
    if wanted == .sameCore { return cpus.first.map { ($0, $0) } }
    for first in cpus {
      for second in cpus where second.id > first.id && placement(first, second) == wanted {
        return (first, second)
      }
    }
    return nil
  }

  /// The relations that this machine's CPUs have, the nearest first.
  public var placements: [Placement] { Placement.allCases.filter { pair($0) != nil } }
}

/// Where a worker runs.
public enum Affinity {
  /// Pins the calling thread and verifies that the kernel followed.
  ///
  /// The corresponding C function is `numa_sched_setaffinity` (libnuma, numa(3)).
  public static func pin(to cpu: Int) throws(SystemError) {
    guard let mask = numa_allocate_cpumask() else { throw SystemError.last("numa_allocate_cpumask") }
    defer { numa_bitmask_free(mask) }
    numa_bitmask_setbit(mask, UInt32(cpu))
    try check("sched_setaffinity", "CPU \(cpu)", numa_sched_setaffinity(0, mask))
    guard currentCPU() == cpu else {
      throw SystemError("sched_setaffinity", "CPU \(cpu) was not given", errno: .invalidArgument)
    }
  }

  /// The corresponding system call is `getcpu`.
  public static func currentCPU() -> Int {
    var (cpu, node): (UInt32, UInt32) = (0, 0)
    _ = ipcb_getcpu(&cpu, &node)
    return Int(cpu)
  }
}

/// On which nodes the pages of a shared mapping are.
public enum MemoryPolicy: Sendable, Equatable, Codable {
  /// No binding: the node of the producer's CPU, as if it touched each page first, or another one where that is full.
  /// Unpinned, the node on which the harness happens to run.
  case local
  case node(Int)
  case interleave

  /// Pages that `body` touches first come from a node, as long as it has some; nil for the node on which it runs.
  ///
  /// The corresponding C functions are `get_mempolicy` and `set_mempolicy` with MPOL_PREFERRED.
  public static func preferring<Value, Failure: Error>(
    _ node: Int?, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    var mode: Int32 = 0
    var before: UInt = 0
    guard let node, get_mempolicy(&mode, &before, UInt(UInt.bitWidth), nil, 0) == 0 else { return try body() }
    var wanted: UInt = 1 << UInt(node)
    set_mempolicy(1, &wanted, UInt(UInt.bitWidth))
    defer { set_mempolicy(mode, &before, UInt(UInt.bitWidth)) }
    return try body()
  }

  /// Binds the pages of a mapping that nobody has touched yet.
  ///
  /// The corresponding C function is `mbind` with MPOL_MF_STRICT | MPOL_MF_MOVE.
  public func apply(to mapping: Mapping, topology: Topology) throws(SystemError) {
    guard topology.nodeCount > 1 else { return }
    let mode: Int32
    var nodes: UInt = 0
    switch self {
    case .local: return
    case .node(let node):
      mode = 2  // MPOL_BIND
      nodes = 1 << UInt(node)
    case .interleave:
      mode = 3  // MPOL_INTERLEAVE
      nodes = (1 << UInt(topology.nodeCount)) - 1
    }
    let flags: UInt32 = 1 | 2  // MPOL_MF_STRICT | MPOL_MF_MOVE
    try check(
      "mbind", "", mbind(mapping.base, UInt(mapping.byteCount), mode, &nodes, UInt(UInt.bitWidth), flags))
  }

  /// How many of a mapping's pages are on each node, as far as this process has touched them; of more than 65,535 pages
  /// some stand for all.
  ///
  /// The corresponding C function is `move_pages` with no target nodes.
  public static func pagesPerNode(of mapping: Mapping) -> [Int: Int] {
    guard numa_available() >= 0 else { return [:] }
    let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
    let pageCount = max(1, mapping.byteCount / pageSize)
    let stride = pageCount / 65_536 + 1
    var pages: [UnsafeMutableRawPointer?] = Swift.stride(from: 0, to: pageCount, by: stride).map {
      mapping.base + $0 * pageSize
    }
    var status = [Int32](repeating: -1, count: pages.count)
    guard move_pages(0, UInt(pages.count), &pages, nil, &status, 0) == 0 else { return [:] }
    return status.filter { $0 >= 0 }.reduce(into: [:]) { $0[Int($1), default: 0] += 1 }
  }
}
