import CLinuxShims
import Glibc
import Synchronization
import SystemPackage

/// A word in shared memory.
public typealias SharedWord = UnsafePointer<Atomic<UInt64>>

/// One side's entry in shared memory, and its view of the other side's: who has attached, and whether waiting
/// for it still makes sense.
///
/// Everything here is off the hot path: it is consulted while a side waits, every few thousand looks.
public struct PeerWatch: ~Copyable {
  public enum Verdict: Sendable {
    case present
    /// Closed or dead: nothing more will come than what is already there.
    case gone
    /// Nothing has moved for longer than the stall limit.
    case stalled
  }

  /// Nil where the kernel itself reports the peer's end; then only the stall limit is watched.
  private let own: UnsafeMutableRawPointer?
  private let peer: UnsafeMutableRawPointer?
  private let stallLimitNanoseconds: UInt64
  private var peerDescriptor: Int32 = -1
  private var position: UInt64 = .max
  private var waitingSince: UInt64 = 0
  private var lastLookAtProcess: UInt64 = 0

  /// Byte offsets inside an entry: a state, and the pid of the process that attached.
  static var stateOffset: Int { 0 }
  static var pidOffset: Int { 8 }
  enum State {
    static var free: UInt64 { 0 }
    static var attached: UInt64 { 1 }
    static var closed: UInt64 { 2 }
  }
  /// A dead peer is noticed within this time of its death.
  static var processCheckIntervalNanoseconds: UInt64 { 10_000_000 }

  /// Takes this side's entry; nil when another process has it already.
  public init?(
    own: UnsafeMutableRawPointer, peer: UnsafeMutableRawPointer, stallLimitNanoseconds: UInt64
  ) {
    self.own = own
    self.peer = peer
    self.stallLimitNanoseconds = stallLimitNanoseconds
    let (taken, _) = Self.word(own, Self.stateOffset).pointee.compareExchange(
      expected: State.free, desired: State.attached, ordering: .acquiringAndReleasing)
    guard taken else { return nil }
    Self.word(own, Self.pidOffset).pointee.store(
      UInt64(Self.pidNamespace) << 32 | UInt64(getpid()), ordering: .releasing)
  }

  /// In whose numbers this process has its pid; pid_namespaces(7). 0 where /proc does not tell.
  private static var pidNamespace: UInt32 {
    var status = stat()
    return stat("/proc/self/ns/pid", &status) == 0 ? UInt32(truncatingIfNeeded: status.st_ino) : 0
  }

  /// Watches a peer that does not watch back.
  public init(peer: UnsafeMutableRawPointer, stallLimitNanoseconds: UInt64) {
    own = nil
    self.peer = peer
    self.stallLimitNanoseconds = stallLimitNanoseconds
  }

  /// Whether somebody has ever attached to the side of an entry.
  public static func isTaken(_ entry: UnsafeMutableRawPointer) -> Bool {
    word(entry, stateOffset).pointee.load(ordering: .acquiring) != State.free
  }

  /// Watches the stall limit only.
  public init(stallLimitNanoseconds: UInt64) {
    own = nil
    peer = nil
    self.stallLimitNanoseconds = stallLimitNanoseconds
  }

  deinit {
    if peerDescriptor >= 0 { Glibc.close(peerDescriptor) }
  }

  /// Tells the peer that this side will send nothing more.
  public func leave() {
    if let own { Self.word(own, Self.stateOffset).pointee.store(State.closed, ordering: .releasing) }
  }

  /// Whether waiting still makes sense.
  ///
  /// - Parameter position: how far this side has come; the stall limit counts from its last change.
  public mutating func look(at position: UInt64) -> Verdict {
    let now = Clock.monotonicNanoseconds()
    if position != self.position {
      self.position = position
      waitingSince = now
    }
    if let peer {
      if Self.word(peer, Self.stateOffset).pointee.load(ordering: .acquiring) == State.closed { return .gone }
      if now &- lastLookAtProcess >= Self.processCheckIntervalNanoseconds {
        lastLookAtProcess = now
        if processIsGone(peer) { return .gone }
      }
    }
    return now &- waitingSince > stallLimitNanoseconds ? .stalled : .present
  }

  /// Whether the process that attached to the other side has ended. A peer that lies about its pid delays its
  /// own detection and nothing else.
  private mutating func processIsGone(_ peer: UnsafeMutableRawPointer) -> Bool {
    if peerDescriptor < 0 {
      let word = Self.word(peer, Self.pidOffset).pointee.load(ordering: .acquiring)
      // A pid of another container says nothing here: such a peer's end is seen when it closes, and its death never.
      guard word >> 32 == UInt64(Self.pidNamespace) else { return false }
      let pid = word & 0xFFFF_FFFF
      guard pid > 0, pid < UInt64(Int32.max), pid != UInt64(getpid()) else { return false }
      do throws(SystemError) {
        peerDescriptor = try Child.descriptor(of: Int32(pid)).rawValue
      } catch {
        return error.errno == .noSuchProcess
      }
    }
    var poll = pollfd(fd: peerDescriptor, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, 0) > 0
  }

  private static func word(_ base: UnsafeMutableRawPointer, _ offset: Int) -> SharedWord {
    SharedWord((base + offset).assumingMemoryBound(to: Atomic<UInt64>.self))
  }
}

/// A page of shared memory in which two workers without a connection between them find each other: pid, state,
/// and a few words each. It carries no messages, except those that a mechanism hands over by reference.
public struct Meeting: Sendable {
  /// Where the page is: inherited, or in a file.
  public enum Place: Sendable {
    case inherited(Mapping)
    case file(String)

    public var path: String {
      if case .file(let path) = self { path } else { "" }
    }

    /// Makes an empty page: a file where the workers are to find it by its path.
    public static func create(path: String?) throws(SystemError) -> Place {
      guard let path else { return .inherited(try Mapping.anonymous(byteCount: Meeting.byteCount)) }
      let descriptor = try SharedObject.createFile(path: path, byteCount: Meeting.byteCount)
      descriptor.closeQuietly()
      return .file(path)
    }

    public func remove() {
      switch self {
      case .inherited(let mapping): mapping.unmap()
      case .file(let path): SharedObject.removeFile(path: path)
      }
    }
  }

  public static var byteCount: Int { 4096 }
  /// Entries are pairs of cache lines apart; what one side writes lies in its own.
  private static var entryStride: Int { 512 }
  private static var wordsOffset: Int { 128 }

  private let mapping: Mapping
  public let isFirst: Bool

  /// How many meet.
  public enum Company: Sendable {
    case two
    /// This one is one of several that meet the same one, and share an entry.
    case oneOfSeveral
    /// This one meets several. Whether they are still there, somebody else watches.
    case several
  }
  private let company: Company

  /// - Parameter isFirst: which of the two entries is this side's.
  public init(_ place: Place, isFirst: Bool, _ company: Company = .two) throws(SystemError) {
    self.isFirst = isFirst
    self.company = company
    switch place {
    case .inherited(let mapping): self.mapping = mapping
    case .file(let path):
      let descriptor = try SharedObject.openFile(path: path)
      defer { descriptor.closeQuietly() }
      guard try SharedObject.byteCount(of: descriptor) == Self.byteCount else {
        throw SystemError("mmap", "\(path) is not a meeting page", errno: .invalidArgument)
      }
      mapping = try Mapping.shared(descriptor, byteCount: Self.byteCount)
    }
  }

  private func entry(isFirst: Bool) -> UnsafeMutableRawPointer {
    mapping.base + (isFirst ? 0 : Self.entryStride)
  }

  /// Takes this side's entry.
  public func watch(stallLimitNanoseconds: UInt64) throws(SystemError) -> PeerWatch {
    if company == .oneOfSeveral {
      return PeerWatch(peer: entry(isFirst: !isFirst), stallLimitNanoseconds: stallLimitNanoseconds)
    }
    guard
      let watch = PeerWatch(
        own: entry(isFirst: isFirst), peer: entry(isFirst: !isFirst),
        stallLimitNanoseconds: stallLimitNanoseconds)
    else { throw SystemError("attach", "this side of the channel is in use", errno: .resourceBusy) }
    return watch
  }

  /// Number `index`, of 0 to 23, of the words that a side writes for the other one.
  public func word(_ index: Int, ofPeer: Bool = false) -> SharedWord {
    let offset = Self.wordsOffset + index * 16
    return SharedWord(
      (entry(isFirst: isFirst != ofPeer) + offset).assumingMemoryBound(to: Atomic<UInt64>.self))
  }

  /// A word on which a side can sleep; the two directions' words of one index are 512 bytes apart.
  public func futex(_ index: Int, ofPeer: Bool = false) -> Futex {
    Futex(at: UnsafeMutableRawPointer(mutating: word(index, ofPeer: ofPeer)))
  }

  /// Both sides come here, and neither leaves before the other has come; returns the peer's pid. One that meets several
  /// does not wait for them, and has no use for a pid.
  public func greet() throws(SystemError) -> Int32 {
    if company == .several {
      word(22).pointee.store(UInt64(getpid()), ordering: .releasing)
      return 0
    }
    if company == .oneOfSeveral { return Int32(truncatingIfNeeded: try awaitWord(22)) }
    word(22).pointee.store(UInt64(getpid()), ordering: .releasing)
    return Int32(truncatingIfNeeded: try awaitWord(22))
  }

  /// Neither side leaves before the other one has come: to be used once, when both are ready for messages. Several wait for
  /// nobody here.
  public func becomeReady() throws(SystemError) {
    guard company == .two else { return }
    word(21).pointee.store(1, ordering: .releasing)
    _ = try awaitWord(21)
  }

  /// Waits until the other side has stored something else than 0 in one of its words, and returns it.
  public func awaitWord(_ index: Int, milliseconds: UInt64 = 5000) throws(SystemError) -> UInt64 {
    let word = word(index, ofPeer: true)
    let deadline = Clock.monotonicNanoseconds() + milliseconds * 1_000_000
    while true {
      let value = word.pointee.load(ordering: .acquiring)
      if value != 0 { return value }
      if Clock.monotonicNanoseconds() > deadline {
        throw SystemError("attach", "the peer did not come within \(milliseconds) ms", errno: .timedOut)
      }
      usleep(200)
    }
  }
}

/// Interrupts blocking calls now and then, so that a side that sleeps in the kernel looks after its peer although
/// nothing of that is on the measured path.
public enum Heartbeat {
  /// The time between two looks. A peer's death is noticed within twice of it.
  public static var milliseconds: UInt32 { 50 }

  /// The corresponding C functions are `setitimer` and `sigaction` without SA_RESTART.
  public static func start() { _ = ipcb_heartbeat(milliseconds) }
  public static func stop() { _ = ipcb_heartbeat(0) }
}
