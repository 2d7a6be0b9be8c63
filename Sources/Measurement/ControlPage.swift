import Glibc
import IPCTransport
import LinuxIPC
import Synchronization

/// The memory through which a trial's processes and the harness talk: barriers, the agreed message count,
/// what each worker found, and the histograms.
///
/// It is mapped before the fork and inherited, or opened by its path. Words that different processes write while the trial runs are on
/// different pairs of cache lines. Reports and histograms are plain memory: the harness reads them after the
/// worker that wrote them has been reaped.
public struct ControlPage: Sendable {
  public let mapping: Mapping
  /// Set in a worker whose peer has a page of its own.
  public var link: PeerLink?

  /// Offsets in bytes.
  enum Offset {
    static var stop: Int { 0 }
    static var owner: Int { 64 }
    static var arrivals: Int { 128 }  // one pair of lines for each role
    static var agreed: Int { 384 }
    static var endSeen: Int { 448 }
    static var probe: Int { 512 }  // one pair of lines for each direction
    static var idle: Int { 768 }  // an IdleLine
    static var reports: Int { 1024 }  // 1 KiB for each role
    static var histograms: Int { 4096 }
  }

  public static var histogramCount: Int { 2 }
  public static var byteCount: Int {
    Offset.histograms + histogramCount * ((SharedHistogram.byteCount + 4095) / 4096 * 4096)
  }

  /// A file in memory, so that spawned workers can map it too.
  public init(creating path: String) throws(SystemError) {
    let descriptor = try SharedObject.createFile(path: path, byteCount: Self.byteCount)
    defer { descriptor.closeQuietly() }
    mapping = try Mapping.shared(descriptor, byteCount: Self.byteCount)
  }

  /// In a spawned worker.
  public init(opening path: String) throws(SystemError) {
    let descriptor = try SharedObject.openFile(path: path)
    defer { descriptor.closeQuietly() }
    guard try SharedObject.byteCount(of: descriptor) == Self.byteCount else {
      throw SystemError("mmap", "\(path) was made by another version", errno: .invalidArgument)
    }
    mapping = try Mapping.shared(descriptor, byteCount: Self.byteCount)
  }

  /// Before each trial, while no worker lives: everything is zero. Also takes the page faults that recording would
  /// take.
  public func reset() {
    mapping.populate()
    word(Offset.owner).pointee.store(UInt64(getpid()), ordering: .releasing)
  }

  /// Whether the harness has ended without taking this worker with it.
  private var isAbandoned: Bool {
    kill(Int32(truncatingIfNeeded: word(Offset.owner).pointee.load(ordering: .acquiring)), 0) != 0
      && errno == ESRCH
  }

  public func histogram(_ index: Int) -> SharedHistogram {
    let stride = (SharedHistogram.byteCount + 4095) / 4096 * 4096
    return SharedHistogram(at: mapping.base + Offset.histograms + index * stride)
  }

  // MARK: Reports

  func reportPointer(_ role: Role) -> UnsafeMutablePointer<WorkerReport> {
    let index = role == .producer ? 0 : 1
    return (mapping.base + Offset.reports + index * 1024).assumingMemoryBound(to: WorkerReport.self)
  }

  public func report(_ role: Role) -> WorkerReport { reportPointer(role).pointee }

  /// Bytes of the sentence that a failing worker leaves behind its report.
  private static var messageCapacity: Int { 512 }

  func setMessage(_ text: String, _ role: Role) {
    let target = UnsafeMutableRawPointer(reportPointer(role)) + 512
    let bytes = Array(text.utf8.prefix(Self.messageCapacity - 1)) + [0]
    target.copyMemory(from: bytes, byteCount: bytes.count)
  }

  public func message(_ role: Role) -> String {
    String(cString: (UnsafeRawPointer(reportPointer(role)) + 512).assumingMemoryBound(to: CChar.self))
  }

  // MARK: Agreement

  private func word(_ offset: Int) -> UnsafePointer<Atomic<UInt64>> {
    UnsafePointer((mapping.base + offset).assumingMemoryBound(to: Atomic<UInt64>.self))
  }

  /// A number the producer settles before a barrier and the consumer reads after it.
  var agreed: UInt64 {
    get { word(Offset.agreed).pointee.load(ordering: .acquiring) }
    nonmutating set { word(Offset.agreed).pointee.store(newValue, ordering: .releasing) }
  }

  var agreedStart: UInt64 {
    get { word(Offset.agreed + 8).pointee.load(ordering: .acquiring) }
    nonmutating set { word(Offset.agreed + 8).pointee.store(newValue, ordering: .releasing) }
  }

  /// Waits until the peer has come as far. Both sleep, so that one that is not pinned yet gets a CPU.
  ///
  /// - Returns: false when the peer gave up, or the harness is gone.
  func barrier(_ role: Role) -> Bool {
    if let link { return meet(role, over: link) }
    let mine = arrivals(role)
    let theirs = arrivals(role == .producer ? .consumer : .producer)
    let stage = mine.load() + 1
    mine.announce(stage)
    mine.wake()
    while true {
      let reached = theirs.load()
      if reached >= stage { return stop.load() == 0 }
      if stop.load() != 0 { return false }
      theirs.wait(while: reached, nanoseconds: 50_000_000)
      if theirs.load() == reached && isAbandoned { return false }
    }
  }

  private func meet(_ role: Role, over link: PeerLink) -> Bool {
    let stage = arrivals(role).load() &+ 1
    arrivals(role).store(stage)
    let own = PeerLink.Word(stage: UInt64(stage), agreed: role == .producer ? agreed : 0)
    guard let theirs = link.meet(own, isAbandoned: { isAbandoned }) else { return false }
    if role == .consumer { agreed = theirs.agreed }
    return true
  }

  var idleLine: IdleLine { IdleLine(at: mapping.base + Offset.idle) }

  var endSeen: Futex { Futex(at: mapping.base + Offset.endSeen) }

  private func arrivals(_ role: Role) -> Futex {
    Futex(at: mapping.base + Offset.arrivals + (role == .producer ? 0 : 128))
  }

  /// Set by a worker that cannot go on; its peer leaves at the next barrier.
  private var stop: Futex { Futex(at: mapping.base + Offset.stop) }
  func giveUp() { stop.store(1) }

  var probeLines: (UnsafePointer<Atomic<UInt64>>, UnsafePointer<Atomic<UInt64>>) {
    (word(Offset.probe), word(Offset.probe + 128))
  }
}

/// What one worker found out. A plain value in shared memory; all times in nanoseconds.
public struct WorkerReport: Sendable, BitwiseCopyable, Codable {
  public enum Stage: UInt32, Sendable, BitwiseCopyable, Codable {
    case starting, attached, ready, measuring, done
  }
  public enum Failure: UInt32, Sendable, BitwiseCopyable, Codable {
    case none, pinning, attaching, exchanging, corrupted, clocksDisagree
  }

  public var stage = Stage.starting
  public var failure = Failure.none
  /// Messages of the measured phase.
  public var messages: UInt64 = 0
  public var stalls: UInt64 = 0
  /// Clock ticks just before and just after this side's half of the measured phase.
  public var startTicks: UInt64 = 0
  public var endTicks: UInt64 = 0
  public var usage = ResourceUsage()
  public var migrations: UInt64 = 0
  public var hasMigrations = false
  public var cpu: Int32 = -1
  /// 0 until the worker has begun: the harness may not have started it itself.
  public var pid: Int32 = 0
  /// From being pinned to the end of attaching; in a connection, from the moment at which both were.
  public var attachNanoseconds: UInt64 = 0
  /// Telling the peer that no more will come, and giving the transport up.
  public var tearDownNanoseconds: UInt64 = 0
  /// Pages of the shared mapping on NUMA nodes 0 to 7, of up to 1,024 looked at; only from the producer.
  public var pagesPerNode = SIMD8<UInt16>()
  public var facts = TransportFacts()
  public var probeBefore = ProbeReport()
  public var probeAfter = ProbeReport()

  public init() {}
}
