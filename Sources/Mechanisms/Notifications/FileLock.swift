import Glibc
import IPCTransport
import LinuxIPC
import Synchronization
import SystemPackage

/// Locks on the bytes of a file: each side holds all bytes of its range and lets go of one after the other; the
/// other side waits for the next one.
public enum FileLock: ChannelProvider {
  public static var mechanism: Mechanism {
    var traits = Traits.notification(attach: [.name])
    traits.survivesProducer = false
    return Mechanism(
      id: "file-lock", summary: "a wake-up by letting go of a lock on a byte of a file",
      counterpart: "LockFileEx",
      traits: traits, explanation: explanation, manPages: ["fcntl_locking(2)"])
  }

  /// The path of the file, which holds nothing but the page on which the sides meet.
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String {
    try explaining("create the file to lock") { () throws(SystemError) in
      let path = try spec.scope.path(spec.name("lock"))
      _ = try Meeting.Place.create(path: path)
      return path
    }
  }

  public static func close(_ path: String) { SharedObject.removeFile(path: path) }

  /// Bytes that a side can let go of; far beyond the end of the file, and more than it ever will.
  static var rangeByteCount: Int64 { 1 << 61 }

  public struct Attachment: Sendable {
    @usableFromInline var descriptor: FileDescriptor
    var meeting: Meeting
  }

  public static func attach(
    _ path: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Attachment {
    try explaining("lock the first bytes of \(path)") { () throws(SystemError) in
      let descriptor = try SharedObject.openFile(path: path)
      let start = LockBell<Block>.start(role)
      if ByteLock.lock(descriptor.rawValue, start, count: rangeByteCount, wait: false) < 0 {
        throw SystemError.last("fcntl F_OFD_SETLK", path)
      }
      let meeting = try Meeting(.file(path), isFirst: role == .producer)
      // Nobody may look for a byte before its owner has it.
      _ = try meeting.greet()
      return Attachment(descriptor: descriptor, meeting: meeting)
    }
  }
}

/// Sending lets go of the next byte of the own range; receiving locks the next byte of the other one, and keeps
/// it, so that neither file nor lock list grows. A process that ends lets go of everything at once: as long as
/// the last byte of its range is held, it is there.
public struct LockBell<Wait: WaitStrategy>: MessagePort, ~Copyable {
  @usableFromInline let descriptor: Int32
  @usableFromInline var own: Int64
  @usableFromInline var peer: Int64
  private let firstOwn: Int64
  private let firstOfPeer: Int64
  /// Never let go of as long as the peer lives.
  @usableFromInline let lastOfPeer: Int64
  private let meeting: Meeting
  public static func meeting(_ attachment: FileLock.Attachment) -> Meeting? { attachment.meeting }

  static func start(_ role: Role) -> Int64 { role == .producer ? 0 : 1 << 62 }

  public init(
    _ attachment: FileLock.Attachment, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    descriptor = attachment.descriptor.rawValue
    own = Self.start(role)
    peer = Self.start(role.peer)
    (firstOwn, firstOfPeer) = (own, peer)
    lastOfPeer = firstOfPeer + FileLock.rangeByteCount - 1
    meeting = attachment.meeting
  }

  @inlinable @inline(__always)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    if ByteLock.unlock(descriptor, own) < 0 { return -1 }
    own &+= 1
    return 0
  }

  @inlinable @inline(__always)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    if ByteLock.lock(descriptor, peer, wait: Wait.blocksInCalls) < 0 { return -1 }
    guard ByteLock.isHeld(descriptor, lastOfPeer) || wasSent(peer) else { return RawDescriptor.fail(EPIPE) }
    peer &+= 1
    return 0
  }

  /// Whether a byte of the peer's was let go of before the peer closed, which lets go of all the others too.
  @usableFromInline @inline(never)
  func wasSent(_ byte: Int64) -> Bool {
    let sent = meeting.word(0, ofPeer: true).pointee.load(ordering: .acquiring)
    return byte &- firstOfPeer < Int64(truncatingIfNeeded: sent)
  }

  public mutating func close() {
    meeting.word(0).pointee.store(UInt64(own &- firstOwn), ordering: .releasing)
    Glibc.close(descriptor)
  }
}

extension FileLock {
  static var explanation: Explanation {
    Explanation(
      "Locks on single bytes of a file, used as a wake-up. Each side holds a range of 2^61 bytes, far "
        + "beyond the end of the file, and lets go of the next byte for each message; the other side sleeps "
        + "until it gets the lock on that byte. They are open-file-description locks (F_OFD_SETLK), which "
        + "belong to the descriptor and not to the process as POSIX record locks do.",
      producer: [
        .init(
          "open(path, O_RDWR | O_CLOEXEC)",
          "Its own open file description, which will own the locks.",
          answers: "CreateFile"),
        .init(
          "fcntl(fd, F_OFD_SETLK, {F_WRLCK, 0, 2^61 bytes})",
          "Locks all bytes of its range at once.",
          answers: "LockFileEx"),
        .openMeeting,
        .greet,
        .startHeartbeat,
        .init(
          "fcntl(fd, F_OFD_SETLK, {F_UNLCK, own++, 1 byte})",
          "The message: lets go of the next byte, and wakes whoever waits for it.",
          answers: "UnlockFileEx"),
        .init(
          "fcntl(fd, F_OFD_SETLKW, {F_WRLCK, peer, 1 byte}), fcntl(fd, F_OFD_GETLK, …)",
          "In a round trip: waits for the echo as the consumer does.",
          answers: "LockFileEx"),
        .stopHeartbeat,
        .init(
          "atomic_store_explicit(&own->sent, count, memory_order_release)",
          "At the end: how many it let go of on purpose, because closing lets go of all."),
        .init("close(fd)", "Lets go of every lock, as a crash would.", answers: "CloseHandle"),
        .leaveMeeting,
      ],
      consumer: [
        .init("mkdir(\"/tmp/ipcbench-PID-START\", 0700)", "The harness makes the run's directory once."),
        .init(
          "open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), posix_fallocate(fd, 0, 4096), close(fd)",
          "The harness makes the file, whose bytes are the page on which the workers meet.",
          answers: "CreateFile"),
        .init(
          "open(path, O_RDWR | O_CLOEXEC)",
          "Its own open file description, which will own the locks.",
          answers: "CreateFile"),
        .init(
          "fcntl(fd, F_OFD_SETLK, {F_WRLCK, 2^62, 2^61 bytes})",
          "Locks all bytes of its range at once.",
          answers: "LockFileEx"),
        .openMeeting,
        .greet,
        .startHeartbeat,
        .init(
          "fcntl(fd, F_OFD_SETLKW, {F_WRLCK, peer, 1 byte})",
          "Sleeps until the peer has let go of its next byte, and keeps the lock. The spin form calls "
            + "F_OFD_SETLK until it succeeds.",
          answers: "LockFileEx"),
        .init(
          "fcntl(fd, F_OFD_GETLK, {F_WRLCK, the last byte of the peer's range, 1 byte})",
          "Still held: it was a message. Free: the peer is gone, and has let go of all."),
        .init(
          "fcntl(fd, F_OFD_SETLK, {F_UNLCK, own++, 1 byte})",
          "In a round trip: the echo.",
          answers: "UnlockFileEx"),
        .stopHeartbeat,
        .init(
          "atomic_store_explicit(&own->sent, count, memory_order_release)",
          "At the end: how many it let go of on purpose, because closing lets go of all."),
        .init("close(fd)", "Lets go of every lock, as a crash would.", answers: "CloseHandle"),
        .leaveMeeting,
        .init("unlink(path)", "The harness removes the name once both workers are gone."),
      ],
      limits: [
        "The locks are advisory: only processes that ask for them notice, where LockFileEx keeps "
          + "everybody out.",
        "Offsets go up to 2^63 − 1, and a lock may lie beyond the end of the file.",
        "Nobody looks for deadlocks among open-file-description locks (fcntl_locking(2)).",
        "The locks of a file are one list, which is searched on every call; many waiters and many "
          + "ranges make it slow. RLIMIT_LOCKS has no effect since Linux 2.4.25.",
        "Over a network file system it is the server that decides, or nobody.",
      ],
      useWhen: "Mutual exclusion around a file or a single instance of a daemon: a crash gives every "
        + "lock back, without a leftover to clean up.",
      avoidWhen: "You need a wake-up: it is here to be compared, and takes three system calls for a "
        + "wake-up where a futex takes two at most.")
  }
}
