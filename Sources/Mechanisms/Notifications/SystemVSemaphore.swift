import IPCTransport
import LinuxIPC
import SystemPackage

/// A set of two System V semaphores, one for each direction, found by key.
public enum SystemVSemaphore: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "sysv-semaphore", summary: "a wake-up by a System V semaphore", counterpart: "semaphore object",
      traits: .notification(attach: [.name]), explanation: explanation, manPages: ["sysvipc(7)", "semop(2)"])
  }

  public struct Channel: Sendable {
    var key: Int32
    var place: Meeting.Place
    /// Nil in a spawned worker.
    var scope: ResourceScope?
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let key = SystemVKey.make(spec)
    return try explaining("create the semaphore set with key \(key)") { () throws(SystemError) in
      _ = try SystemVSemaphores.create(key: key, count: 2)
      try spec.scope.note(.systemVSemaphores(key: key))
      return Channel(key: key, place: try .create(path: spec.scope.path(spec.name("sem"))), scope: spec.scope)
    }
  }

  public static func address(of channel: Channel) -> String { "\(channel.key) \(channel.place.path)" }
  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    let (key, path) = try SystemVKey.parse(address)
    return Channel(key: key, place: .file(path), scope: nil)
  }

  public static func close(_ channel: Channel) {
    channel.scope?.remove(.systemVSemaphores(key: channel.key))
    channel.place.remove()
  }

  public struct Attachment: Sendable {
    var set: Int32
    var meeting: Meeting
  }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Attachment {
    try explaining("find the semaphore set with key \(channel.key)") { () throws(SystemError) in
      Attachment(
        set: try SystemVSemaphores.find(key: channel.key),
        meeting: try Meeting(channel.place, isFirst: role == .producer))
    }
  }
}

/// `semop` +1 there, `semop` −1 here.
public struct SystemVBell<Wait: WaitStrategy>: MessagePort, ~Copyable {
  @usableFromInline let set: Int32
  @usableFromInline let own: UInt16
  @usableFromInline let peer: UInt16
  public static func meeting(_ attachment: SystemVSemaphore.Attachment) -> Meeting? { attachment.meeting }

  public init(
    _ attachment: SystemVSemaphore.Attachment, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    set = attachment.set
    (own, peer) = role == .producer ? (0, 1) : (1, 0)
  }

  @inlinable @inline(__always)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    SystemVSemaphores.change(set, own, by: 1, nonBlocking: true)
  }

  @inlinable @inline(__always)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    SystemVSemaphores.change(set, peer, by: -1, nonBlocking: !Wait.blocksInCalls)
  }
}

extension SystemVSemaphore {
  static var explanation: Explanation {
    Explanation(
      "A set of two semaphores, one for each direction, found by a key. semop changes a value, or "
        + "sleeps until it can be changed; several changes of a set can be made in one indivisible step. "
        + "Every operation is a system call, also when nobody waits.",
      producer: [
        .init("semget(key, 0, 0)", "Finds the set.", answers: "OpenSemaphore"),
        .openMeeting,
        .startHeartbeat,
        .init(
          "semop(id, {0, +1, IPC_NOWAIT}, 1)", "Adds one, and wakes a sleeper.", answers: "ReleaseSemaphore"),
        .init(
          "semop(id, {1, -1, 0}, 1)", "In a round trip: waits for the echo.", answers: "WaitForSingleObject"),
        .stopHeartbeat,
        .leaveMeeting,
      ],
      consumer: [
        .init(
          "semget(key, 2, IPC_CREAT | IPC_EXCL | 0600)",
          "The harness makes the set, whose values are 0.",
          answers: "CreateSemaphore"),
        .init(
          "open(\"kernel.sem.KEY\", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), close(fd)",
          "The harness notes the key down, so that the next run can remove what a killed one left."),
        .init(
          "open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), posix_fallocate(fd, 0, 4096), close(fd)",
          "The harness makes the page on which the workers meet, a file in the run's directory in /tmp.",
          answers: "CreateFileMapping"),
        .init("semget(key, 0, 0)", "The consumer finds the set.", answers: "OpenSemaphore"),
        .openMeeting,
        .startHeartbeat,
        .init(
          "semop(id, {0, -1, 0}, 1)",
          "Sleeps while the value is 0, and takes one. The spin form adds IPC_NOWAIT and tries again "
            + "on EAGAIN.",
          answers: "WaitForSingleObject"),
        .init("semop(id, {1, +1, IPC_NOWAIT}, 1)", "In a round trip: the echo.", answers: "ReleaseSemaphore"),
        .stopHeartbeat,
        .leaveMeeting,
        .init(
          "semget(key, 0, 0), semctl(id, 0, IPC_RMID), unlink(note)",
          "The harness removes the set and its note; whoever still sleeps on it gets EIDRM.",
          answers: "CloseHandle"),
        .init("unlink(path)", "The harness removes the page."),
      ],
      limits: [
        "A value goes up to 32,767 (SEMVMX); a semop above it fails with ERANGE.",
        "kernel.sem holds the other limits: 32,000 semaphores in a set, 1,024,000,000 in all, 500 "
          + "operations in one semop, 32,000 sets.",
        "A set stays until somebody removes it, also when its makers are gone; 'ipcs -s' lists them.",
        "A key is 32 bits without an owner: two programs may choose the same one.",
        "Making a set and giving it values are two steps; here the values are the kernel's 0.",
      ],
      useWhen: "You need several semaphores changed in one step, or SEM_UNDO, which gives back what a "
        + "process took when it dies; or old code has it already.",
      avoidWhen: "You are free to choose: POSIX semaphores are faster while nobody sleeps, and have "
        + "names that permissions and file tools understand.")
  }
}
