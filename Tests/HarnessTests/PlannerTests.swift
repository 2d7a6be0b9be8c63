import Foundation
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms
import Results
import TestSupport
import Testing

@testable import Harness

struct UnitsTests {
  @Test(arguments: [("64", 64), ("4KiB", 4096), ("4k", 4096), ("1MiB", 1 << 20), ("1.5KiB", 1536), ("8B", 8)])
  func sizesAreRead(text: String, bytes: Int) { #expect(Units.byteCount(text) == bytes) }

  @Test(arguments: ["", "x", "4XiB", "-1", "1.0001", "KiB", "4 KiB"])
  func nonsenseIsNoSize(_ text: String) { #expect(Units.byteCount(text) == nil) }

  @Test(arguments: [
    ("250ms", 250_000_000), ("10s", 10_000_000_000), ("1min", 60_000_000_000), ("50us", 50_000),
  ])
  func timesAreRead(text: String, nanoseconds: UInt64) { #expect(Units.nanoseconds(text) == nanoseconds) }

  @Test func aTimeNeedsAUnit() { #expect(Units.nanoseconds("250") == nil) }

  @Test(arguments: [("500", 500.0), ("100k", 1e5), ("1M", 1e6), ("10k/s", 1e4)])
  func ratesAreRead(text: String, perSecond: Double) { #expect(Units.rate(text) == perSecond) }
}

struct PlannerTests {
  private func planner() -> Planner {
    let cpus = [0, 1].map { Topology.CPU(id: $0, core: $0, socket: 0, node: 0, lastLevelCache: 0) }
    return Planner(
      entries: Registry.entries, topology: Topology(cpus: cpus, nodeCount: 1, numaNotice: nil),
      scope: ResourceScope())
  }

  private func plan(_ block: Suite.Block, pin: PinRequest = .auto, seed: UInt64 = 7) throws -> Plan {
    try planner().plan(
      Suite(name: "test", description: "", blocks: [block]), pin: pin, memory: .local, seed: seed)
  }

  @Test func everyRoundHasEveryCaseOnce() throws {
    let plan = try plan(Suite.Block(sizes: [8, 64], waits: [.spin], trials: 4))
    for round in 0..<4 {
      let identities = plan.order.filter { $0.trial == round }.map(\.planned.identity)
      #expect(Set(identities) == Set(plan.cases.map(\.identity)))
      #expect(identities.count == plan.cases.count)
    }
  }

  @Test func theSameSeedGivesTheSameOrderAndAnotherSeedAnother() throws {
    let block = Suite.Block(sizes: [8, 64, 4096], waits: [.spin], trials: 2)
    let order = { (seed: UInt64) in try plan(block, seed: seed).order.map(\.planned.identity) }
    #expect(try order(1) == order(1))
    #expect(try order(1) != order(2))
  }

  @Test func roundsAreInDifferentOrders() throws {
    let plan = try plan(Suite.Block(sizes: [8, 64, 4096], waits: [.spin], trials: 2))
    let rounds = (0..<2).map { round in plan.order.filter { $0.trial == round }.map(\.planned.identity) }
    #expect(rounds[0] != rounds[1])
  }

  @Test func everyGapOfAWakeUpIsACaseOfItsOwn() throws {
    let plan = try plan(
      Suite.Block(
        mechanisms: ["pipe"], patterns: [.wakeUp], sizes: [8], waits: [.block], gaps: [1000, 2_000_000]))
    #expect(plan.cases.map(\.identity.pattern) == ["wake-up:1us", "wake-up:2ms"])
    #expect(plan.cases.map(\.identity.gapNanoseconds) == [1000, 2_000_000])
    #expect(plan.cases.map(\.gapNanoseconds) == [1000, 2_000_000])
    #expect(Set(plan.cases.map(\.identity.family)) == ["wake-up"])
  }

  @Test func everySizeOfABatchIsACaseOfItsOwn() throws {
    var block = Suite.Block(mechanisms: ["pipe", "sysv-mq"], patterns: [.stream], waits: [.block])
    block.batches = [1, 16]
    let plan = try plan(block)
    #expect(plan.cases.map(\.identity.pattern) == ["stream:batch-1", "stream:batch-16"])
    #expect(plan.cases.map(\.identity.batch) == [1, 16] && plan.cases.map(\.batch) == [1, 16])
    #expect(Set(plan.cases.map(\.identity.family)) == ["stream:batch"])
    #expect(plan.skips.count == 2 && plan.skips.allSatisfy { $0.reason.contains("no batches") })
    block.sizes = [8, 2 << 20]
    // The send time needs its bytes, and memory has an end.
    let reasons = try self.plan(block).skips.filter { $0.identity.mechanism == "pipe" }.map(\.reason)
    #expect(reasons.count == 3 && reasons.filter { $0.contains("send time") }.count == 2, "\(reasons)")
  }

  @Test func aNotificationWakesUpAndConnectsButStreamsNothing() throws {
    let plan = try plan(
      Suite.Block(
        mechanisms: ["futex"], patterns: [.wakeUp, .connect, .stream], waits: [.block], gaps: [1000]))
    #expect(plan.cases.map(\.identity.pattern).sorted() == ["connect", "wake-up:1us"])
    #expect(plan.skips.count == 1)
  }

  @Test func whatCrossesNoProcessHasNobodyToWake() throws {
    let plan = try plan(Suite.Block(mechanisms: ["null"], patterns: [.wakeUp, .connect], waits: [.spin]))
    #expect(plan.cases.isEmpty && !plan.skips.isEmpty)
  }

  @Test func aSweepOfLoadsIsTwelveLoads() {
    #expect(Suite.Block.rates("sweep")?.count == 12)
    #expect(Suite.Block.rates("10k") == [10_000])
    #expect(Suite.Block.rates("fast") == nil)
  }

  @Test func aRelationIsPinnedToTheFirstPairThatHasIt() throws {
    let block = Suite.Block(mechanisms: ["pipe"], waits: [.spin])
    let near = try plan(block, pin: .relation(.sameL3))
    #expect(near.producerCPU == 0 && near.consumerCPU == 1 && near.placement == .sameL3)
    let same = try plan(block, pin: .relation(.sameCore))
    #expect(same.producerCPU == 0 && same.consumerCPU == 0 && same.placement == .sameCore)
    let error = #expect(throws: UsageError.self) { try plan(block, pin: .relation(.crossNode)) }
    #expect(
      error?.description
        == "This machine has no two CPUs that are 'cross-node'; it has same-core, same-l3.")
  }

  @Test(arguments: [
    "auto", "none", "2,3", "same-core", "smt-sibling", "same-l3", "same-socket", "cross-node",
  ])
  func aPinIsReadAsItIsWritten(_ word: String) { #expect(PinRequest(word)?.description == word) }

  @Test(arguments: ["", "2", "2,", "2,3,4", "cross-host", "unpinned", "near"])
  func nonsenseIsNoPin(_ word: String) { #expect(PinRequest(word) == nil) }

  @Test func anUnknownMechanismNamesTheNearest() {
    let error = #expect(throws: UsageError.self) { try plan(Suite.Block(mechanisms: ["pip"])) }
    #expect(error?.description.contains("'pipe'") == true)
    let variant = #expect(throws: UsageError.self) {
      try plan(Suite.Block(mechanisms: ["shared-memory:memdf"]))
    }
    #expect(variant?.description.contains("'shared-memory:memfd'") == true)
  }

  @Test func anIdAloneMeansEveryVariant() throws {
    let plan = try plan(Suite.Block(mechanisms: ["shared-memory"], waits: [.spin]))
    #expect(plan.cases.map(\.identity.variant) == ["posix", "memfd", "sysv", "huge"])
  }

  @Test func anIdAloneMeansThePlainFormWhereThereIsOne() throws {
    #expect(try plan(Suite.Block(mechanisms: ["pipe"])).cases.map(\.identity.variant) == [""])
    let all = try plan(Suite.Block(mechanisms: ["pipe:*"])).cases.map(\.identity.variant)
    #expect(all == ["", "stdio", "packet", "splice"])
  }

  @Test func aNotificationIsMeasuredOnceWhateverTheSizes() throws {
    let plan = try plan(Suite.Block(patterns: [.roundTrip, .stream], sizes: [8, 64, 4096], waits: [.block]))
    let cases = plan.cases.filter { $0.identity.mechanism == "eventfd" }
    #expect(cases.map(\.identity.messageBytes) == [0])
    #expect(cases.map(\.pattern) == [.roundTrip])
  }

  @Test func aNotificationThatIsAskedToCarryMoreIsSkippedWithTheReason() throws {
    let plan = try plan(Suite.Block(mechanisms: ["signal"], sizes: [4096]))
    #expect(plan.cases.isEmpty)
    #expect(plan.skips[0].reason.contains("8 bytes of its own"))
  }

  @Test func aMessageThatMayBeLostMustCarryItsNumber() throws {
    let plan = try plan(Suite.Block(mechanisms: ["udp"], patterns: [.stream], sizes: [4]))
    #expect(plan.skips[0].reason.contains("8 bytes"))
  }

  @Test func aNamedCombinationThatDoesNotExistIsSkippedWithItsReason() throws {
    let plan = try plan(Suite.Block(mechanisms: ["pipe", "fifo"], waits: [.block], attach: [.name]))
    #expect(plan.cases.map(\.identity.mechanism) == ["fifo"])
    #expect(plan.skips.count == 1)
    #expect(plan.skips[0].reason.contains("inherit"))
  }

  @Test func anUnnamedCombinationThatDoesNotExistIsLeftOut() throws {
    let plan = try plan(Suite.Block(waits: [.block], attach: [.name]))
    #expect(!plan.cases.contains { $0.identity.mechanism == "pipe" })
    #expect(!plan.skips.contains { $0.identity.mechanism == "pipe" })
  }

  @Test func anImpossibleSizeIsSkippedWithTheLimit() throws {
    let plan = try plan(Suite.Block(mechanisms: ["pipe"], sizes: [1 << 40]))
    #expect(plan.cases.isEmpty)
    #expect(plan.skips[0].reason.contains("256MiB"))
  }

  private static let sides: [(Int?, Int?, Bool, String)] = [
    (0, 1, true, "same-l3"), (1, 1, true, "same-core"), (0, 1, false, "cross-host"),
    (0, nil, true, "unpinned"),
    (nil, 0, false, "unpinned"), (0, 99, true, "unpinned"),
  ]

  @Test(arguments: sides)
  func theSidesOfAServedPlanAreWhereTheyAreSaidToBe(
    producer: Int?, consumer: Int?, sharesKernel: Bool, placement: String
  ) throws {
    var plan = try plan(Suite.Block(mechanisms: ["tcp", "mailslot"], sizes: [64, 1 << 30], attach: [.name]))
    plan.setSides(
      producerCPU: producer, consumerCPU: consumer, sharesKernel: sharesKernel, scope: .network)
    let identities = plan.cases.map(\.identity) + plan.skips.map(\.identity)
    #expect(!plan.cases.isEmpty && !plan.skips.isEmpty)
    #expect(identities.allSatisfy { $0.placement == placement && $0.scope == "network" })
    #expect(plan.order.allSatisfy { $0.planned.scope == .network })
  }

  @Test func aPacedLoadNeedsARate() {
    let error = #expect(throws: UsageError.self) { try plan(Suite.Block(patterns: [.paced])) }
    #expect(error?.description.contains("--rate") == true)
  }

  @Test func aPacedMessageMustHoldItsSendTime() throws {
    let plan = try plan(Suite.Block(mechanisms: ["pipe"], patterns: [.paced], sizes: [8], rates: [1000]))
    #expect(plan.skips[0].reason.contains("32 bytes"))
  }

  @Test func aCPUThatDoesNotExistIsNamed() {
    let error = #expect(throws: UsageError.self) {
      try plan(Suite.Block(mechanisms: ["pipe"]), pin: .cpus(0, 99))
    }
    #expect(error?.description.contains("no CPU 99") == true)
    #expect(error?.description.contains("0, 1") == true)
  }

  @Test func aCaseAskedForTwiceIsMeasuredOnceAsTheLastBlockSays() throws {
    let blocks = [
      Suite.Block(mechanisms: ["pipe"], durationNanoseconds: 1),
      Suite.Block(mechanisms: ["pipe"], durationNanoseconds: 2),
    ]
    let plan = try planner().plan(
      Suite(name: "", description: "", blocks: blocks), pin: .auto, memory: .local, seed: 1)
    #expect(plan.cases.map(\.durationNanoseconds) == [2])
  }

  @Test func loadsThatDifferInArrivalAreDifferentCases() throws {
    let plan = try plan(
      Suite.Block(
        mechanisms: ["pipe"], patterns: [.paced], rates: [1000], arrivals: [.constant, .poisson]))
    #expect(plan.cases.map(\.identity.pattern) == ["paced", "paced-poisson"])
  }

  @Test func payloadsThatAreNotTouchedAreLabelled() throws {
    let plan = try plan(Suite.Block(mechanisms: ["pipe"], patterns: [.stream], touch: .header))
    #expect(plan.cases[0].identity.pattern == "stream:header")
  }
}

struct SuiteFileTests {
  @Test(arguments: ["smoke", "quick", "standard", "full"])
  func theCommittedSuitesLoadAndPlan(_ name: String) throws {
    let path = Programs.packageRoot.appendingPathComponent("Benchmarks/Suites/\(name).json").path
    let suite = try Suite.load(path: path)
    let planner = Planner(
      entries: Registry.entries, topology: Topology.detect(), scope: ResourceScope())
    let plan = try planner.plan(suite, pin: .auto, memory: .local, seed: 1)
    #expect(!plan.cases.isEmpty)
    let limits: [String: UInt64] = ["smoke": 20, "quick": 120, "standard": 900]
    if let limit = limits[name] { #expect(plan.predictedNanoseconds < limit * 1_000_000_000) }
  }

  @Test(arguments: [
    ("[]", "not a JSON object"), ("{", "not valid JSON"), (#"{"trials":1,"duration":"1s"}"#, "blocks"),
    (#"{"trials":1,"duration":"1s","blocks":[{"pattern":["stream"]}]}"#, "'pattern'"),
    (#"{"trials":1,"duration":"1","blocks":[{"patterns":["stream"]}]}"#, "duration"),
    (#"{"trials":0,"duration":"1s","blocks":[{"patterns":["stream"]}]}"#, "trials"),
    (#"{"trials":1,"duration":"1s","blocks":[{"patterns":["streem"]}]}"#, "'streem'"),
  ])
  func aMistakeInASuiteIsNamed(text: String, word: String) throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appendingPathComponent("mine.json").path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let error = #expect(throws: UsageError.self) { try Suite.load(path: path) }
    #expect(error?.description.contains(word) == true, "\(String(describing: error))")
  }
}
