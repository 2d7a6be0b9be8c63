import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// A counter in the kernel for each direction; writing adds, reading takes all and waits for something to take.
public enum EventFD: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "eventfd", summary: "a wake-up by a counter in the kernel", counterpart: "event object",
      traits: .notification(reach: .processTree), explanation: explanation, manPages: ["eventfd(2)"])
  }

  public struct Channel: Sendable {
    var forth: FileDescriptor
    var back: FileDescriptor
    var place: Meeting.Place
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    try explaining("create two eventfds") { () throws(SystemError) in
      Channel(
        forth: try EventCounter.create(), back: try EventCounter.create(), place: try .create(path: nil))
    }
  }

  public static func relinquish(_ channel: Channel) {
    channel.forth.closeQuietly()
    channel.back.closeQuietly()
  }

  public static func close(_ channel: Channel) { channel.place.remove() }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    let isProducer = role == .producer
    let meeting = try explaining("meet the peer") { () throws(SystemError) in
      try Meeting(channel.place, isFirst: isProducer)
    }
    return Ends(
      input: isProducer ? channel.back : channel.forth, output: isProducer ? channel.forth : channel.back,
      meeting: meeting)
  }
}

/// Each message adds one; what one read took at once is handed out one by one.
public struct EventBell<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private let ends: Ends
  public let input: Int32
  public let output: Int32
  @usableFromInline var pending: UInt64 = 0
  @inlinable public var holdsMessage: Bool { pending > 0 }
  public static func meeting(_ ends: Ends) -> Meeting? { ends.meeting }

  public init(_ ends: Ends, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    try ends.setNonBlocking(!Wait.blocksInCalls)
    self.ends = ends
    input = ends.input.rawValue
    output = ends.output.rawValue
  }

  @inlinable @inline(__always)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    var one: UInt64 = 1
    return RawDescriptor.write(output, &one, 8)
  }

  @inlinable @inline(__always)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    if pending == 0 && RawDescriptor.read(input, &pending, 8) < 0 { return -1 }
    pending &-= 1
    return 0
  }

  public mutating func close() { ends.close() }
}

extension EventFD {
  static var explanation: Explanation {
    Explanation(
      "A 64-bit counter in the kernel behind a descriptor, one for each direction. A write adds to it, "
        + "a read takes all of it and sleeps while it is 0, so that several wake-ups may arrive in one "
        + "read; the suite hands them out one by one. Unlike a Win32 event it counts, and it needs a "
        + "process that inherits it or is passed it.",
      producer: [
        .init(
          "fork()",
          "The producer inherits the descriptors and the page.",
          answers: "CreateProcess(bInheritHandles)"),
        .init(
          "fcntl(fd, F_GETFL), fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)",
          "On both descriptors: blocking calls for block, O_NONBLOCK for spin."),
        .startHeartbeat,
        .init("write(forth, &one, 8)", "Adds 1, and wakes the reader.", answers: "SetEvent"),
        .init(
          "read(back, &count, 8)", "In a round trip: waits for the echo.", answers: "WaitForSingleObject"),
        .stopHeartbeat,
        .init(
          "close(forth), close(back)",
          "The counter vanishes with its last descriptor.",
          answers: "CloseHandle"),
        .leaveMeeting,
      ],
      consumer: [
        .init(
          "eventfd(0, EFD_CLOEXEC)",
          "The harness makes two: one for each direction.",
          answers: "CreateEvent"),
        .makeMeeting,
        .init(
          "fork()",
          "The consumer inherits the descriptors and the page.",
          answers: "CreateProcess(bInheritHandles)"),
        .init(
          "close(forth), close(back)",
          "The harness gives up its copies once both workers run.",
          answers: "CloseHandle"),
        .init(
          "fcntl(fd, F_GETFL), fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)",
          "On both descriptors: blocking calls for block, O_NONBLOCK for spin."),
        .startHeartbeat,
        .init(
          "read(forth, &count, 8)",
          "Sleeps while the counter is 0, then takes all of it and leaves 0.",
          answers: "WaitForSingleObject"),
        .init("write(back, &one, 8)", "In a round trip: the echo.", answers: "SetEvent"),
        .stopHeartbeat,
        .init(
          "close(forth), close(back)",
          "The counter vanishes with its last descriptor.",
          answers: "CloseHandle"),
        .leaveMeeting,
        .init("munmap(page, 4096)", "The harness removes the page.", answers: "UnmapViewOfFile"),
      ],
      limits: [
        "It carries a number and no message; wake-ups that nobody has read yet are added up "
          + "(EFD_SEMAPHORE takes them one by one).",
        "The counter holds up to 2^64 − 2; a write that would exceed it sleeps, or fails with EAGAIN "
          + "(eventfd(2)).",
        "It has no name: the other side inherits it or gets it through SCM_RIGHTS or pidfd_getfd.",
        "A reader is not told when the last writer is gone.",
        "Each one takes a descriptor (RLIMIT_NOFILE), and each wake-up is two system calls.",
      ],
      useWhen: "A wake-up has to be part of poll, epoll or io_uring: a queue in shared memory with an "
        + "event loop at its end.",
      avoidWhen: "The peers are unrelated and share nothing, or the waiting side can afford a futex, "
        + "which costs no call while both are busy.")
  }
}
