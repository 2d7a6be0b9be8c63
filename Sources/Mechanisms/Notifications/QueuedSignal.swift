import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// A real-time signal that is queued and carries eight bytes; the receiver waits for it.
public enum QueuedSignal: MeetingProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "signal", summary: "a queued real-time signal with eight bytes", counterpart: "PostThreadMessage",
      traits: .notification(payloadByteCount: 8, attach: [.inherit, .name]), explanation: explanation,
      manPages: ["signal(7)", "sigqueue(3)", "sigwaitinfo(2)"])
  }

  public static func attach(
    _ place: Meeting.Place, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> SignalPeers { try SignalPeers(place, role) }
}

/// The same signal, read from a descriptor.
public enum SignalFD: MeetingProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "signalfd", summary: "a queued real-time signal, read from a descriptor",
      traits: .notification(payloadByteCount: 8, attach: [.inherit, .name]), explanation: explanation,
      manPages: ["signalfd(2)", "sigqueue(3)"])
  }

  public static func attach(
    _ place: Meeting.Place, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> SignalPeers { try SignalPeers(place, role) }
}

/// Two processes that know each other's pid and have the signal blocked, so that it waits instead of killing.
public struct SignalPeers: Sendable {
  let meeting: Meeting
  @usableFromInline let peer: Int32
  @usableFromInline let signal = RealTimeSignal(4)

  init(_ place: Meeting.Place, _ role: Role) throws(TransportError) {
    let signal = signal
    (meeting, peer) = try explaining("meet the peer") { () throws(SystemError) in
      try signal.block()
      let meeting = try Meeting(place, isFirst: role == .producer)
      return (meeting, try meeting.greet())
    }
  }
}

/// `sigqueue` there, `sigwaitinfo` here.
public struct SignalBell<Wait: WaitStrategy>: MessagePort, ~Copyable {
  @usableFromInline let peers: SignalPeers
  @inlinable public static var minimumByteCount: Int { 8 }
  public static func meeting(_ peers: SignalPeers) -> Meeting? { peers.meeting }

  public init(_ peers: SignalPeers, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    self.peers = peers
  }

  @inlinable @inline(__always)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    peers.signal.queue(message.load(as: UInt64.self), to: peers.peer)
  }

  @inlinable @inline(__always)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    var value: UInt64 = 0
    if peers.signal.take(&value, nanoseconds: Wait.blocksInCalls ? .max : 0) < 0 { return -1 }
    buffer.storeBytes(of: value, as: UInt64.self)
    return 8
  }
}

/// `sigqueue` there, `read` from a signalfd here.
public struct SignalDescriptorBell<Wait: WaitStrategy>: MessagePort, ~Copyable {
  @usableFromInline let peers: SignalPeers
  public let input: Int32
  @inlinable public static var minimumByteCount: Int { 8 }
  public static func meeting(_ peers: SignalPeers) -> Meeting? { peers.meeting }

  public init(_ peers: SignalPeers, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    self.peers = peers
    input = try explaining("create a signalfd") { () throws(SystemError) in
      try peers.signal.descriptor(nonBlocking: !Wait.blocksInCalls)
    }.rawValue
  }

  @inlinable @inline(__always)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    peers.signal.queue(message.load(as: UInt64.self), to: peers.peer)
  }

  @inlinable @inline(__always)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    var value: UInt64 = 0
    if RealTimeSignal.read(input, &value) < 0 { return -1 }
    buffer.storeBytes(of: value, as: UInt64.self)
    return 8
  }

  public mutating func close() { Glibc.close(input) }
}

extension QueuedSignal {
  static var explanation: Explanation {
    Explanation(
      "A real-time signal: unlike SIGUSR1 it is queued, so that none is merged with another, and it "
        + "carries eight bytes. Both sides block it, which keeps it pending, and fetch it when they want "
        + "instead of being interrupted by a handler. The sender has to know the receiver's pid.",
      producer: [
        .init(
          "sigprocmask(SIG_BLOCK, {SIGRTMIN + 4}, NULL)",
          "Keeps the signal pending, or it would end the process; done before the peer knows the pid."),
        .findMeeting,
        .greet,
        .startHeartbeat,
        .init(
          "sigqueue(pid, SIGRTMIN + 4, value)",
          "Queues the signal with eight bytes of payload.",
          answers: "PostThreadMessage"),
        .init(
          "sigwaitinfo({SIGRTMIN + 4}, &info)",
          "In a round trip: waits for the echo.",
          answers: "GetMessage"),
        .stopHeartbeat,
        .leaveMeeting,
      ],
      consumer: [
        .makeMeeting,
        .init(
          "open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), posix_fallocate(fd, 0, 4096), close(fd)",
          "Instead of the inherited page, where workers attach by name: the harness makes it as a file "
            + "in the run's directory in /tmp.",
          answers: "CreateFileMapping"),
        .init(
          "sigprocmask(SIG_BLOCK, {SIGRTMIN + 4}, NULL)",
          "Keeps the signal pending, or it would end the process; done before the peer knows the pid."),
        .findMeeting,
        .greet,
        .startHeartbeat,
        .init(
          "sigwaitinfo({SIGRTMIN + 4}, &info)",
          "Sleeps until one is pending, and takes it; the payload is info.si_value. The heartbeat "
            + "interrupts it (EINTR).",
          answers: "GetMessage"),
        .init(
          "sigtimedwait({SIGRTMIN + 4}, &info, 0)",
          "Instead of it in the spin form, again and again.",
          answers: "PeekMessage"),
        .init(
          "sigqueue(pid, SIGRTMIN + 4, value)", "In a round trip: the echo.", answers: "PostThreadMessage"),
        .stopHeartbeat,
        .leaveMeeting,
        .init("munmap(page, 4096)", "The harness removes the page; unlink(path) where it has a name."),
      ],
      limits: [
        "The payload is one pointer or int (union sigval): 8 bytes on 64-bit machines.",
        "Pending signals are bounded by RLIMIT_SIGPENDING for each user, by default half of "
          + "kernel.threads-max, about one for 256 KiB of memory; past it sigqueue fails with EAGAIN.",
        "glibc leaves 31 real-time signals to programs, SIGRTMIN (34) to SIGRTMAX (64), and libraries "
          + "may use some too.",
        "The sender needs the receiver's user id or CAP_KILL, and a pid that may by now be another process.",
        "A signal that is not blocked in every thread ends the process.",
      ],
      useWhen: "You need to poke a process of which you know only the pid, with no descriptor and no "
        + "memory in common.",
      avoidWhen: "You write a library, the process has threads of others, or messages are larger than a "
        + "word. Where there is an event loop, use signalfd or eventfd.")
  }
}

extension SignalFD {
  static var explanation: Explanation {
    Explanation(
      "The queued real-time signal of signal, received in another way: the signal is blocked, and a "
        + "descriptor becomes readable while one is pending. A read returns a record of 128 bytes, of which "
        + "eight are the sender's payload. The sending side does not know the difference.",
      producer: [
        .init(
          "sigprocmask(SIG_BLOCK, {SIGRTMIN + 4}, NULL)",
          "Keeps the signal pending, or it would end the process; done before the peer knows the pid."),
        .findMeeting,
        .greet,
        .init(
          "signalfd(-1, {SIGRTMIN + 4}, SFD_CLOEXEC)",
          "A descriptor for the echoes; SFD_NONBLOCK in the spin form."),
        .startHeartbeat,
        .init("sigqueue(pid, SIGRTMIN + 4, value)", "Queues the signal with eight bytes of payload."),
        .init("read(fd, &info, 128)", "In a round trip: waits for the echo."),
        .stopHeartbeat,
        .init("close(fd)", "The signal stays blocked, and pending ones with it."),
        .leaveMeeting,
      ],
      consumer: [
        .makeMeeting,
        .init(
          "open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), posix_fallocate(fd, 0, 4096), close(fd)",
          "Instead of the inherited page, where workers attach by name: the harness makes it as a file "
            + "in the run's directory in /tmp.",
          answers: "CreateFileMapping"),
        .init(
          "sigprocmask(SIG_BLOCK, {SIGRTMIN + 4}, NULL)",
          "Keeps the signal pending, or it would end the process; done before the peer knows the pid."),
        .findMeeting,
        .greet,
        .init(
          "signalfd(-1, {SIGRTMIN + 4}, SFD_CLOEXEC)",
          "A descriptor for what arrives; SFD_NONBLOCK in the spin form."),
        .startHeartbeat,
        .init(
          "read(fd, &info, 128)",
          "Sleeps until one is pending, and takes it; the payload is info.ssi_ptr. The spin form "
            + "sleeps in no call and tries again on EAGAIN."),
        .init("sigqueue(pid, SIGRTMIN + 4, value)", "In a round trip: the echo."),
        .stopHeartbeat,
        .init("close(fd)", "The signal stays blocked, and pending ones with it."),
        .leaveMeeting,
        .init("munmap(page, 4096)", "The harness removes the page; unlink(path) where it has a name."),
      ],
      limits: [
        "The payload is 8 bytes, inside a record of 128 (struct signalfd_siginfo).",
        "Pending signals are bounded by RLIMIT_SIGPENDING for each user, by default half of "
          + "kernel.threads-max, about one for 256 KiB of memory; past it sigqueue fails with EAGAIN.",
        "The descriptor shows the signals of the process that reads it, not of the one that made it: "
          + "another process can do nothing with it.",
        "The signal has to be blocked in every thread before the first one arrives.",
        "It needs a pid, with the rights and the reuse of pids that go with it (signal(7)).",
      ],
      useWhen: "Signals that arrive anyway (SIGCHLD, SIGTERM, a driver's real-time signal) are to be "
        + "handled in an event loop.",
      avoidWhen: "You are free to choose how to wake the other process: an eventfd is faster, needs no "
        + "pid, and no signal mask in every thread.")
  }
}
