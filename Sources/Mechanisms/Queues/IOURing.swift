import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// Sends and receives submitted to the kernel's rings; or completions posted into the other process's ring.
public enum IOURing: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "io-uring", summary: "send and receive on a socket through io_uring",
      counterpart: "I/O completion port",
      variants: [
        .init("", "operations on a pair of sockets"),
        .init(
          "msg-ring", "a completion in the other process's ring",
          traits: .notification(payloadByteCount: 8, attach: [.handle])),
      ],
      traits: Traits(
        framing: .message, direction: .twoWay, reach: .processTree, payloadCopies: 2,
        minimumMessageByteCount: 1, maximumMessageByteCount: Socket.largestUnixMessage),
      explanation: explanation, manPages: ["io_uring(7)", "io_uring_enter(2)", "io_uring_setup(2)"])
  }

  public struct Channel: Sendable {
    var producer: Socket
    var consumer: Socket
    var place: Meeting.Place
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    if let obstacle = URing.obstacle { throw TransportError(.unavailable, "\(obstacle).") }
    if spec.variant == "msg-ring", let obstacle = Handle.tracingObstacle {
      throw TransportError(.noPermission, "Another process's ring cannot be had: \(obstacle).")
    }
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    try explaining("create a pair of sockets") { () throws(SystemError) in
      let (producer, consumer) = try Socket.pair(.sequencedPackets)
      return Channel(producer: producer, consumer: consumer, place: try .create(path: nil))
    }
  }

  public static func relinquish(_ channel: Channel) {
    channel.producer.close()
    channel.consumer.close()
  }

  public static func close(_ channel: Channel) { channel.place.remove() }

  public struct Attachment: Sendable {
    @usableFromInline var socket: Socket
    var meeting: Meeting
  }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Attachment {
    let isProducer = role == .producer
    (isProducer ? channel.consumer : channel.producer).close()
    let socket = isProducer ? channel.producer : channel.consumer
    return try explaining("take a socket") { () throws(SystemError) in
      try socket.growBuffers()
      return Attachment(socket: socket, meeting: try Meeting(channel.place, isFirst: isProducer))
    }
  }
}

/// One operation at a time: submitted and waited for in one system call, or looked for in the completion ring.
public struct URingPort<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private let socket: Int32
  private var ring: URing
  private enum Tag {
    static var send: UInt64 { 1 }
    static var receive: UInt64 { 2 }
  }
  /// Submitted, and not completed.
  private var inFlight: UInt64 = 0
  public static var minimumByteCount: Int { 1 }

  public init(
    _ attachment: IOURing.Attachment, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    ring = try explaining("set up io_uring") { () throws(SystemError) in try URing() }
    socket = attachment.socket.descriptor.rawValue
  }

  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    if inFlight == 0 {
      ring.prepareSend(socket, message, byteCount, flags: Int32(MSG_NOSIGNAL), tag: Tag.send)
    }
    return complete(Tag.send)
  }

  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    if inFlight == 0 { ring.prepareReceive(socket, buffer, capacity, flags: 0, tag: Tag.receive) }
    let got = complete(Tag.receive)
    return got == 0 ? RawDescriptor.fail(EPIPE) : got
  }

  /// Submits what was prepared, once, and takes its result when there is one.
  private mutating func complete(_ tag: UInt64) -> Int {
    let isNew = inFlight == 0
    inFlight = tag
    if isNew || Wait.blocksInCalls {
      if ring.enter(submit: isNew ? 1 : 0, wait: Wait.blocksInCalls ? 1 : 0) < 0 {
        // Interrupted while waiting: what was submitted is under way.
        return -1
      }
    }
    guard let completion = ring.take() else { return RawDescriptor.fail(EAGAIN) }
    inFlight = 0
    return completion.result < 0 ? RawDescriptor.fail(-completion.result) : Int(completion.result)
  }

  public mutating func close() {
    ring.close()
    Glibc.close(socket)
  }
}

/// IORING_OP_MSG_RING: eight bytes as the tag of a completion that appears in the peer's ring. The peer's ring is
/// had by pidfd_getfd, because SCM_RIGHTS refuses rings.
public struct RingMessagePort<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private var ring: URing
  private let target: Int32
  /// Own operations have this in their tag's place and their result says how they went; the peer's messages are
  /// told from them by their result, which is the length that was sent with them.
  private static var sentLength: Int32 { 0x4D }
  private var waiting: [UInt64] = []
  public static var minimumByteCount: Int { 8 }
  public static func meeting(_ attachment: IOURing.Attachment) -> Meeting? { attachment.meeting }

  public init(
    _ attachment: IOURing.Attachment, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    let own = try explaining("set up io_uring") { () throws(SystemError) in try URing(entries: 64) }
    let number = own.descriptor
    attachment.socket.close()
    target = try explaining("take the peer's ring") { () throws(SystemError) in
      Handle.allowTracing()
      let meeting = attachment.meeting
      meeting.word(0).pointee.store(UInt64(number) + 1, ordering: .releasing)
      let pid = try meeting.greet()
      let descriptor = try Handle.duplicate(Int32(try meeting.awaitWord(0)) - 1, of: pid)
      meeting.word(1).pointee.store(1, ordering: .releasing)
      _ = try meeting.awaitWord(1)
      return descriptor.rawValue
    }
    ring = own
    waiting.reserveCapacity(64)
  }

  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    ring.prepareMessage(
      to: target, length: UInt32(Self.sentLength), value: message.load(as: UInt64.self), tag: 0)
    if ring.enter(submit: 1, wait: 0) < 0 { return -1 }
    // Its own completion is there when the call returns.
    return drain()
  }

  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    if waiting.isEmpty { _ = drain() }
    if waiting.isEmpty {
      guard Wait.blocksInCalls else { return RawDescriptor.fail(EAGAIN) }
      if ring.enter(submit: 0, wait: 1) < 0 { return -1 }
      _ = drain()
      if waiting.isEmpty { return RawDescriptor.fail(EAGAIN) }
    }
    buffer.storeBytes(of: waiting.removeFirst(), as: UInt64.self)
    return 8
  }

  private mutating func drain() -> Int {
    var outcome = 0
    while let completion = ring.take() {
      if completion.result == Self.sentLength {
        waiting.append(completion.tag)
      } else if completion.result < 0 {
        outcome = RawDescriptor.fail(completion.result == -EOVERFLOW ? EAGAIN : -completion.result)
      }
    }
    return outcome
  }

  public mutating func close() {
    ring.close()
    Glibc.close(target)
  }
}

extension IOURing {
  static var explanation: Explanation {
    Explanation(
      "Operations are written into a ring that is shared with the kernel, and their results appear in "
        + "another one. Here each send and receive on a pair of sockets is one operation, submitted and "
        + "waited for in one system call; who spins submits it and looks at the completion ring. :msg-ring "
        + "needs no socket: a process posts a completion with eight bytes of its own into the ring of the "
        + "other one, whose descriptor it has taken with pidfd_getfd, because SCM_RIGHTS refuses rings.",
      producer: [
        .init("close(consumer's socket)", "Which the fork has copied."),
        .init(
          "setsockopt(s, SOL_SOCKET, SO_SNDBUF, wmem_max)", "Room for large messages; SO_RCVBUF likewise."),
        .init("io_uring_setup(8, &params)", "Its own ring; :msg-ring has 64 entries."),
        .init(
          "mmap(ring, IORING_OFF_SQ_RING); mmap(ring, IORING_OFF_SQES)",
          "Both rings in one mapping, and the entries."),
        .init(
          "prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY)",
          ":msg-ring: lets the other side take the ring; close(s) comes before it."),
        .init(
          "pidfd_open(peer, 0); pidfd_getfd(pidfd, number, 0)",
          ":msg-ring: the other side's ring, whose number is on a shared page."),
        .init(
          "sqe = {IORING_OP_SEND, s, message, length, MSG_NOSIGNAL}",
          "Sends: prepares the operation and moves the ring's tail."),
        .init(
          "io_uring_enter(ring, 1, 1, IORING_ENTER_GETEVENTS)",
          "Blocking form: submits it, and sleeps until it is done; spinning waits for 0."),
        .init(
          "cqe = cq[head]; atomic_store(cq->head, head + 1)",
          "Takes the result from the completion ring, without a call."),
        .init(
          "sqe = {IORING_OP_MSG_RING, peer's ring, value}; io_uring_enter(ring, 1, 0)",
          ":msg-ring, in place of the send: the value is the tag of a completion over there."),
        .init(
          "close(ring); close(s)", "The end; :msg-ring closes the other side's ring instead of a socket."),
      ],
      consumer: [
        .init(
          "socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s)",
          "The harness, which closes both after the forks."),
        .init(
          "mmap(NULL, 4096, …, MAP_SHARED | MAP_ANONYMOUS, -1, 0)",
          "The harness: a page on which :msg-ring meets; munmap at the end."),
        .init("close(producer's socket)", "The worker; its buffers are made as large as the producer's."),
        .init(
          "io_uring_setup(8, &params); mmap(…); mmap(…)",
          "Its own ring; :msg-ring has 64 entries, and gives it away as the producer does."),
        .init("sqe = {IORING_OP_RECV, s, buffer, capacity + 1}", "Receives: prepares the operation."),
        .init(
          "io_uring_enter(ring, 1, 1, IORING_ENTER_GETEVENTS)",
          "Blocking form: submits it and sleeps until a message is there; spinning submits, and looks at the "
            + "ring."),
        .init(
          "io_uring_enter(ring, 0, 1, IORING_ENTER_GETEVENTS)",
          ":msg-ring: sleeps for a completion that the producer posts, interrupted every 50 ms (setitimer) "
            + "to look after it."),
        .init(
          "cqe = cq[head]; atomic_store(cq->head, head + 1)",
          "Takes the result; 0 bytes are the producer's end."),
        .init("close(ring); close(s)", "The end; no name has to be removed."),
      ],
      limits: [
        "kernel.io_uring_disabled of 2 forbids it, of 1 to all but its group; the seccomp profiles of many "
          + "containers forbid it too.",
        "One operation is in flight here, so that the batching for which the rings exist does not show; the "
          + "sockets cost what they cost elsewhere.",
        "A message has 1 byte to twice net.core.wmem_max less 32; of :msg-ring it has exactly 8 bytes.",
        "A full completion ring (128 entries for a submission ring of 64) refuses :msg-ring with EOVERFLOW, "
          + "and the sender tries again.",
        ":msg-ring needs Linux 5.18, and the right to trace the other process.",
      ],
      useWhen:
        "A process serves many sockets or files at once and submits operations by the dozen; its peers on "
        + "this machine can then be served by the same loop.",
      avoidWhen:
        "There is one peer and one message at a time: read and write on unix-seqpacket do the same with less "
        + "set-up.")
  }
}
