import Glibc
import Testing

@testable import LinuxIPC

struct TopologyTests {
  private func cpu(_ id: Int, core: Int, socket: Int = 0, node: Int = 0, cache: Int = 0) -> Topology.CPU {
    Topology.CPU(id: id, core: core, socket: socket, node: node, lastLevelCache: cache)
  }

  @Test func theDefaultPairIsTwoCoresThatShareACache() {
    let topology = Topology(
      cpus: [
        cpu(0, core: 0), cpu(1, core: 0), cpu(2, core: 1, cache: 2), cpu(3, core: 2, cache: 0),
      ], nodeCount: 1, numaNotice: nil)
    let (first, second) = topology.defaultPair()
    #expect((first.id, second.id) == (0, 3))
    #expect(topology.placement(first, second) == .sameL3)
  }

  @Test func siblingsAreTakenWhenThereIsNothingElse() {
    let topology = Topology(cpus: [cpu(0, core: 0), cpu(1, core: 0)], nodeCount: 1, numaNotice: nil)
    let (first, second) = topology.defaultPair()
    #expect(topology.placement(first, second) == .smtSibling)
  }

  @Test func oneCPUServesBothSides() {
    let topology = Topology(cpus: [cpu(5, core: 0)], nodeCount: 1, numaNotice: nil)
    #expect(topology.placement(topology.defaultPair().0, topology.defaultPair().1) == .sameCore)
  }

  @Test func withoutCacheInformationNoSharedCacheIsClaimed() {
    let (first, second) = (cpu(0, core: 0, cache: -1), cpu(1, core: 1, cache: -1))
    let topology = Topology(cpus: [first, second], nodeCount: 1, numaNotice: nil)
    #expect(topology.placement(first, second) == .sameSocket)
  }

  @Test func nodesSetFurtherApartThanSockets() {
    let (first, second) = (cpu(0, core: 0), cpu(1, core: 1, socket: 1, node: 1))
    let topology = Topology(cpus: [first, second], nodeCount: 2, numaNotice: nil)
    #expect(topology.placement(first, second) == .crossNode)
  }

  @Test func thisMachineHasACPU() {
    let topology = Topology.detect()
    #expect(!topology.cpus.isEmpty && topology.nodeCount >= 1)
    #expect(topology.nodeCount > 1 || topology.numaNotice != nil)
  }
}

struct MemoryPolicyTests {
  @Test func pagesAreCountedWhereTheyAre() throws {
    let mapping = try Mapping.anonymous(byteCount: 64 << 10)
    defer { mapping.unmap() }
    #expect(MemoryPolicy.pagesPerNode(of: mapping).isEmpty)
    mapping.populate()
    #expect(MemoryPolicy.pagesPerNode(of: mapping).values.reduce(0, +) == 16)
  }
}

struct ClockTests {
  @Test func ticksConvertToNanosecondsAtTheirRate() {
    let clock = Clock(source: .ticks, ticksPerSecond: 2.5e9)
    #expect(abs(Double(clock.nanoseconds(2_500_000_000)) - 1e9) < 2)
    #expect(clock.ticks(nanoseconds: 1000) == 2500)
  }

  @Test func theChosenClockAgreesWithTheKernels() {
    let clock = Clock.choose()
    let (ticks, monotonic) = (clock.now(), Clock.monotonicNanoseconds())
    usleep(50_000)
    let measured = Double(clock.nanoseconds(clock.now() - ticks))
    let expected = Double(Clock.monotonicNanoseconds() - monotonic)
    #expect(abs(measured / expected - 1) < 0.02)
  }

  @Test func aReadingHasACostAndAResolution() {
    let (cost, resolution) = Clock.choose().characterise()
    #expect(cost > 0 && cost < 10_000)
    #expect(resolution > 0)
  }
}

struct ResourceScopeTests {
  @Test func namesTellTheirOwner() {
    let scope = ResourceScope()
    let owner = ResourceScope.owner(of: "\(scope.tag)-3-ring")
    #expect(owner?.pid == scope.pid && owner?.startTime == scope.startTime)
    #expect(ResourceScope.owner(of: scope.tag)?.pid == scope.pid)
  }

  @Test(arguments: ["ipcbench", "ipcbench-", "ipcbench-1", "ipcbench-x-1", "other-1-2", "ipcbench-1-x"])
  func namesOfOthersAreLeftAlone(_ name: String) {
    #expect(ResourceScope.owner(of: name) == nil)
  }

  @Test func onlyTheProcessThatStartedThenIsTheOwner() {
    let scope = ResourceScope()
    #expect(Processes.isAlive(pid: scope.pid, startTime: scope.startTime))
    #expect(!Processes.isAlive(pid: scope.pid, startTime: scope.startTime + 1))
  }
}
