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
    static var agreed: Int { 384 }
    static var probe: Int { 512 }  // one pair of lines for each direction
    static var idle: Int { 768 }  // an IdleLine
    static var arrivals: Int { 4096 }  // one pair of lines for each seat
    static var ends: Int { 8192 }  // an EndLines
    static var tally: Int { 10752 }  // a word for each of the workers of the side that has several
    static var reports: Int { 12288 }  // 1 KiB for each seat
    static var histograms: Int { reports + 2 * Crew.most * 1024 }
  }

  /// Two for a pair; one for each consumer of a fan-out.
  public static var histogramCount: Int { Crew.most }
  private static var histogramStride: Int { (SharedHistogram.byteCount + 4095) / 4096 * 4096 }
  public static var byteCount: Int { Offset.histograms + histogramCount * histogramStride }

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
  ///
  /// - Parameter histograms: how many will be recorded to.
  public func reset(histograms: Int = 2) {
    memset(mapping.base, 0, Offset.histograms + histograms * Self.histogramStride)
    word(Offset.owner).pointee.store(UInt64(getpid()), ordering: .releasing)
  }

  /// Whether the harness has ended without taking this worker with it.
  private var isAbandoned: Bool {
    kill(Int32(truncatingIfNeeded: word(Offset.owner).pointee.load(ordering: .acquiring)), 0) != 0
      && errno == ESRCH
  }

  public func histogram(_ index: Int) -> SharedHistogram {
    SharedHistogram(at: mapping.base + Offset.histograms + index * Self.histogramStride)
  }

  // MARK: Reports

  func reportPointer(_ seat: Seat) -> UnsafeMutablePointer<WorkerReport> {
    (mapping.base + Offset.reports + number(seat) * 1024).assumingMemoryBound(to: WorkerReport.self)
  }

  public func report(_ seat: Seat) -> WorkerReport { reportPointer(seat).pointee }
  public func report(_ role: Role) -> WorkerReport { report(Seat(role)) }

  private func number(_ seat: Seat) -> Int { seat.role == .producer ? seat.rank : Crew.most + seat.rank }

  /// Bytes of the sentence that a failing worker leaves behind its report.
  private static var messageCapacity: Int { 512 }

  func setMessage(_ text: String, _ seat: Seat) {
    let target = UnsafeMutableRawPointer(reportPointer(seat)) + 512
    let bytes = Array(text.utf8.prefix(Self.messageCapacity - 1)) + [0]
    target.copyMemory(from: bytes, byteCount: bytes.count)
  }

  public func message(_ seat: Seat) -> String {
    String(cString: (UnsafeRawPointer(reportPointer(seat)) + 512).assumingMemoryBound(to: CChar.self))
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

  /// Waits until all others have come as far. They sleep, so that one that is not pinned yet gets a CPU.
  ///
  /// - Returns: false when one of them gave up, or the harness is gone.
  func barrier(_ seat: Seat, _ crew: Crew) -> Bool {
    if let link { return meet(seat.role, over: link) }
    let mine = arrivals(seat)
    let stage = mine.load() + 1
    mine.announce(stage)
    mine.wake(.max)
    for other in crew.seats where other != seat {
      guard wait(for: arrivals(other), stage) else { return false }
    }
    return true
  }

  private func wait(for theirs: Futex, _ stage: UInt32) -> Bool {
    while true {
      let reached = theirs.load()
      if reached >= stage { return stop.load() == 0 }
      if stop.load() != 0 { return false }
      theirs.wait(while: reached, nanoseconds: 50_000_000)
      if theirs.load() == reached && isAbandoned { return false }
    }
  }

  private func meet(_ role: Role, over link: PeerLink) -> Bool {
    let stage = arrivals(Seat(role)).load() &+ 1
    arrivals(Seat(role)).store(stage)
    let own = PeerLink.Word(stage: UInt64(stage), agreed: role == .producer ? agreed : 0)
    guard let theirs = link.meet(own, isAbandoned: { isAbandoned }) else { return false }
    if role == .consumer { agreed = theirs.agreed }
    return true
  }

  var idleLine: IdleLine { IdleLine(at: mapping.base + Offset.idle) }

  var endLines: EndLines { EndLines(at: mapping.base + Offset.ends) }

  public var tally: FanInTally { FanInTally(at: mapping.base + Offset.tally) }

  private func arrivals(_ seat: Seat) -> Futex {
    Futex(at: mapping.base + Offset.arrivals + number(seat) * 128)
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
  /// Of the phase that was counted, and its messages; 0 where none was.
  public var counts = EventCounts()
  public var countedMessages: UInt64 = 0
  /// Of all packages during the measured phase; only from the lead, and nil where the machine does not tell.
  public var packageMicrojoules: UInt64?
  /// How fast its CPU ran when the measured phase ended; nil where the machine does not tell.
  public var hertz: UInt64?
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
