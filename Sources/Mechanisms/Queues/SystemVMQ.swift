import IPCTransport
import LinuxIPC
import SystemPackage

/// A System V message queue for each direction, found by key.
public enum SystemVMQ: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "sysv-mq", summary: "a System V message queue each way",
      traits: Traits(
        framing: .message, direction: .oneWay, reach: .host, attach: [.name], payloadCopies: 2,
        maximumMessageByteCount: SystemVQueue.largestMessage),
      explanation: explanation, manPages: ["sysvipc(7)", "msgop(2)"])
  }

  public struct Channel: Sendable {
    var keys: [Int32]
    var place: Meeting.Place
    /// Nil in a spawned worker.
    var scope: ResourceScope?
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let keys = (0..<2).map { SystemVKey.make(spec, part: $0) }
    var made: [KernelObject] = []
    do throws(SystemError) {
      for key in keys {
        _ = try SystemVQueue.create(key: key)
        made.append(.systemVQueue(key: key))
        try spec.scope.note(.systemVQueue(key: key))
      }
      return Channel(
        keys: keys, place: try .create(path: spec.scope.path(spec.name("msg"))), scope: spec.scope)
    } catch {
      made.forEach(spec.scope.remove)
      if error.errno == .noSpace {
        throw TransportError(
          .resourceLimit,
          "There are too many System V message queues (\(error)); raise kernel.msgmni with sysctl, or remove some "
            + "with ipcrm.")
      }
      throw TransportError(error, doing: "create the message queues with keys \(keys)")
    }
  }

  public static func address(of channel: Channel) -> String {
    "\(channel.keys[0]) \(channel.keys[1]) \(channel.place.path)"
  }

  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    let (first, rest) = try SystemVKey.parse(address)
    let (second, path) = try SystemVKey.parse(rest)
    return Channel(keys: [first, second], place: .file(path), scope: nil)
  }

  public static func close(_ channel: Channel) {
    for key in channel.keys { channel.scope?.remove(.systemVQueue(key: key)) }
    channel.place.remove()
  }

  public struct Attachment: Sendable {
    var input: Int32
    var output: Int32
    var meeting: Meeting
  }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Attachment {
    let isProducer = role == .producer
    return try explaining("find the message queues") { () throws(SystemError) in
      Attachment(
        input: try SystemVQueue.find(key: channel.keys[isProducer ? 1 : 0]),
        output: try SystemVQueue.find(key: channel.keys[isProducer ? 0 : 1]),
        meeting: try Meeting(channel.place, role, spec.crew))
    }
  }
}

/// `msgsnd` there, `msgrcv` here. The eight bytes of the message's type lie right before it.
public struct SystemVQueuePort<Wait: WaitStrategy>: MessagePort, ~Copyable {
  @usableFromInline let source: Int32
  @usableFromInline let sink: Int32
  public static func meeting(_ attachment: SystemVMQ.Attachment) -> Meeting? { attachment.meeting }

  public init(
    _ attachment: SystemVMQ.Attachment, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    source = attachment.input
    sink = attachment.output
  }

  @inlinable @inline(__always)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    let start = UnsafeMutableRawPointer(mutating: message - 8)
    // A type must be positive.
    start.storeBytes(of: 1, as: Int.self)
    return SystemVQueue.send(sink, start, byteCount, nonBlocking: !Wait.blocksInCalls)
  }

  @inlinable @inline(__always)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    SystemVQueue.receive(source, buffer - 8, capacity, nonBlocking: !Wait.blocksInCalls)
  }
}

extension SystemVMQ {
  static var explanation: Explanation {
    Explanation(
      "The older message queue: found by a key of 32 bits, holding messages that begin with a type by which "
        + "a reader may choose; here all have type 1. Two queues, one for each direction. They are no "
        + "descriptors, so that they cannot be polled, and say nothing of who uses them: a shared page tells "
        + "each side whether the other one is still there.",
      producer: [
        .init(
          "msgget(key, 0)",
          "Both queues by their keys, which are all that a worker is told, beside the page's path."),
        .init("open(page); fstat; mmap; close", "The page that shows whether the other side is there."),
        .startHeartbeat,
        .init(
          "msgsnd(forth, {1, message}, length, 0)",
          "Sends; sleeps while the queue is full. Spinning with IPC_NOWAIT."),
        .init(
          "pidfd_open(peer, 0); poll(pidfd, 1, 0)",
          "When a wait was interrupted: whether the consumer has ended."),
        .init(
          "setitimer(ITIMER_REAL, 0); atomic_store(&own->state, closed)",
          "The end, noted on the page; there is nothing to close."),
      ],
      consumer: [
        .init(
          "msgget(key, IPC_CREAT | IPC_EXCL | 0600)",
          "The harness, for both directions; a key that is taken is refused. The keys begin with the bytes "
            + "\"IB\"."),
        .init(
          "open(page, O_CREAT | O_EXCL, …); posix_fallocate; close",
          "The harness: the page on which the sides meet."),
        .init("msgget(key, 0)", "The worker: both queues by their keys."),
        .init("open(page); fstat; mmap; close", "The page that shows whether the other side is there."),
        .startHeartbeat,
        .init(
          "msgrcv(forth, {type, buffer}, capacity + 1, 0, 0)",
          "Receives the oldest message of any type; sleeps while there is none. Spinning with IPC_NOWAIT."),
        .init(
          "pidfd_open(peer, 0); poll(pidfd, 1, 0)",
          "When a wait was interrupted: whether the producer has ended."),
        .init("setitimer(ITIMER_REAL, 0); atomic_store(&own->state, closed)", "The end, noted on the page."),
        .init(
          "msgget(key, 0); msgctl(id, IPC_RMID, NULL)",
          "The harness, for both: a queue stays until it is removed; whoever sleeps on it gets EIDRM."),
      ],
      limits: [
        "A message has at most kernel.msgmax bytes, 8,192 by default.",
        "A queue holds at most kernel.msgmnb bytes, 16,384 by default: two of the largest messages.",
        "There are at most kernel.msgmni queues, 32,000 by default, in an IPC namespace.",
        "Keys have 32 bits and no owner: two programs that choose the same one get the same queue.",
        "No poll, no time-out: a blocked msgrcv ends by a message, a signal or the queue's removal.",
      ],
      useWhen:
        "An existing program speaks it, or a reader picks messages by type and that replaces several queues.",
      avoidWhen:
        "You start anew: posix-mq can be polled and named, and a socket of AF_UNIX cleans up after itself.")
  }
}
