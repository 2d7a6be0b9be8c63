import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// A POSIX message queue for each direction, found by name.
public enum PosixMQ: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "posix-mq", summary: "a POSIX message queue each way",
      traits: Traits(
        framing: .message, direction: .oneWay, reach: .host, attach: [.name], payloadCopies: 2,
        maximumMessageByteCount: PosixQueue.Limits.ofThisSystem().messageByteCount),
      explanation: explanation, manPages: ["mq_overview(7)", "mq_send(3)", "mq_receive(3)"])
  }

  public struct Channel: Sendable {
    /// The common part of both queues' names.
    var name: String
    var place: Meeting.Place
    /// Nil in a spawned worker.
    var scope: ResourceScope?
  }

  private static func names(_ name: String) -> [String] { ["\(name)-forth", "\(name)-back"] }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    let channel = try open(spec)
    close(channel)
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let limits = PosixQueue.Limits.ofThisSystem()
    let name = spec.scope.objectName(spec.name("mq"))
    let byteCount = max(1, min(spec.messageByteCount, limits.messageByteCount))
    do throws(SystemError) {
      for name in names(name) {
        try PosixQueue.create(
          name: name, messageCount: min(10, limits.messageCount), messageByteCount: byteCount
        ).closeQuietly()
        try spec.scope.note(.messageQueue(name))
      }
      return Channel(
        name: name, place: try .create(path: spec.scope.path(spec.name("mq"))), scope: spec.scope)
    } catch {
      for name in names(name) where error.errno != .fileExists { spec.scope.remove(.messageQueue(name)) }
      throw wording(error, byteCount)
    }
  }

  /// mq_open reports exceeded limits in errnos that say something else.
  private static func wording(_ error: SystemError, _ byteCount: Int) -> TransportError {
    switch error.errno {
    case .tooManyOpenFiles, .noMemory:
      TransportError(
        .resourceLimit,
        "The queues exceed this user's limit for message queues (\(error)); raise it with 'ulimit -q unlimited', "
          + "or remove queues that nobody needs.")
    case .invalidArgument:
      TransportError(
        .resourceLimit,
        "A queue for messages of \(byteCount) bytes is over the system's limits (\(error)); raise "
          + "fs.mqueue.msgsize_max or fs.mqueue.msg_max with sysctl.")
    case .noFunction:
      TransportError(.unavailable, "This kernel has no POSIX message queues (CONFIG_POSIX_MQUEUE).")
    default: TransportError(error, doing: "create the message queues")
    }
  }

  public static func address(of channel: Channel) -> String { "\(channel.name) \(channel.place.path)" }
  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    let parts = address.split(separator: " ", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw TransportError(.unsupported, "'\(address)' is not a name of queues and a path.")
    }
    return Channel(name: parts[0], place: .file(parts[1]), scope: nil)
  }

  public static func close(_ channel: Channel) {
    for name in names(channel.name) { channel.scope?.remove(.messageQueue(name)) }
    channel.place.remove()
  }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    let isProducer = role == .producer
    let both = names(channel.name)
    return try explaining("open the message queues") { () throws(SystemError) in
      Ends(
        input: try PosixQueue.open(name: both[isProducer ? 1 : 0], writing: false),
        output: try PosixQueue.open(name: both[isProducer ? 0 : 1], writing: true),
        meeting: try Meeting(channel.place, role, spec.crew))
    }
  }
}

/// `mq_send` there, `mq_receive` here.
public struct PosixQueuePort<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private let ends: Ends
  public let input: Int32
  public let output: Int32
  public static func meeting(_ ends: Ends) -> Meeting? { ends.meeting }

  public init(_ ends: Ends, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    try ends.setNonBlocking(!Wait.blocksInCalls)
    self.ends = ends
    input = ends.input.rawValue
    output = ends.output.rawValue
  }

  @inlinable @inline(__always)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    PosixQueue.send(output, message, byteCount)
  }

  @inlinable @inline(__always)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    PosixQueue.receive(input, buffer, capacity)
  }

  public mutating func close() { ends.close() }
}

extension PosixMQ {
  static var explanation: Explanation {
    Explanation(
      "A queue of the kernel's with a name, for messages of up to a size that is fixed when it is created; "
        + "two of them, as each goes one way here. mq_send copies a message in and mq_receive takes the "
        + "oldest of the highest priority out, which is always 0 here. The queue says nothing of who uses "
        + "it: a shared page tells each side whether the other one is still there.",
      producer: [
        .init("mq_open(\"…-back\", O_RDONLY | O_CLOEXEC)", "What comes back; found by name."),
        .init("mq_open(\"…-forth\", O_WRONLY | O_CLOEXEC)", "What goes out."),
        .init("open(page); fstat; mmap; close", "The page that shows whether the other side is there."),
        .init(
          "fcntl(q, F_SETFL, flags & ~O_NONBLOCK)",
          "Blocking form, both queues; spinning sets O_NONBLOCK. On Linux a queue is a descriptor."),
        .startHeartbeat,
        .init("mq_send(forth, message, length, 0)", "Sends; sleeps while the queue is full."),
        .init(
          "pidfd_open(peer, 0); poll(pidfd, 1, 0)",
          "When a wait was interrupted: whether the consumer has ended."),
        .init(
          "setitimer(ITIMER_REAL, 0); close(forth); close(back)",
          "The end, which is noted on the page; the messages stay in the queue."),
      ],
      consumer: [
        .init(
          "mq_open(\"…-forth\", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, &attr)",
          "The harness: up to 10 messages, each as large as the trial's; then close. \"…-back\" likewise."),
        .init(
          "open(page, O_CREAT | O_EXCL, …); posix_fallocate; close",
          "The harness: the page on which the sides meet."),
        .init("mq_open(\"…-forth\", O_RDONLY | O_CLOEXEC)", "The worker: what comes in."),
        .init("mq_open(\"…-back\", O_WRONLY | O_CLOEXEC)", "What goes back."),
        .init("open(page); fstat; mmap; close", "The page that shows whether the other side is there."),
        .init(
          "fcntl(q, F_SETFL, flags & ~O_NONBLOCK)", "Blocking form, both queues; spinning sets O_NONBLOCK."),
        .startHeartbeat,
        .init("mq_receive(forth, buffer, capacity + 1, NULL)", "Receives; sleeps while the queue is empty."),
        .init(
          "pidfd_open(peer, 0); poll(pidfd, 1, 0)",
          "When a wait was interrupted: whether the producer has ended."),
        .init("setitimer(ITIMER_REAL, 0); close(back); close(forth)", "The end, which is noted on the page."),
        .init(
          "mq_unlink(name)",
          "The harness, for both: a queue stays, with its messages, until it is removed or the machine "
            + "restarts."),
      ],
      limits: [
        "A queue holds at most fs.mqueue.msg_max messages, 10 by default.",
        "A message has at most fs.mqueue.msgsize_max bytes, 8,192 by default.",
        "All queues of a user together have RLIMIT_MSGQUEUE, 819,200 bytes by default, which a new queue "
          + "takes at once for all its messages; past it mq_open fails with EMFILE.",
        "fs.mqueue.queues_max, 256 by default, is for a whole IPC namespace.",
        "Only CAP_SYS_RESOURCE lifts these limits; root in a container often lacks it.",
      ],
      useWhen:
        "Short messages with priorities between unrelated processes, where the queue shall outlive both, and "
        + "the reader wants to wait for it with poll or be notified (mq_notify).",
      avoidWhen:
        "Messages are larger than 8 KiB or come in bursts of more than ten, and nobody can change the "
        + "system's limits; unix-seqpacket knows neither limit, and sees the peer's end.")
  }
}
