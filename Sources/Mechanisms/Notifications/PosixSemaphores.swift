import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// A semaphore for each direction: unnamed in shared memory, or found by name.
public enum PosixSemaphores: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "posix-semaphore", summary: "a wake-up by a semaphore in shared memory",
      counterpart: "semaphore object",
      traits: .notification(attach: [.inherit, .name]), explanation: explanation,
      manPages: ["sem_overview(7)", "sem_post(3)", "sem_wait(3)"])
  }

  public struct Channel: Sendable {
    /// The page on which the sides meet; unnamed semaphores lie in it.
    var place: Meeting.Place
    /// The common part of the names, empty where they have none.
    var name: String
  }

  private static func names(_ name: String) -> [String] { ["\(name)-forth", "\(name)-back"] }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    try explaining("create two semaphores") { () throws(SystemError) in
      guard spec.attach == .name else {
        let mapping = try LinuxIPC.Mapping.anonymous(byteCount: Meeting.byteCount)
        for index in 0..<2 { try PosixSemaphore.create(at: mapping.base + offset(index)) }
        return Channel(place: .inherited(mapping), name: "")
      }
      let name = spec.scope.objectName(spec.name("semaphore"))
      for name in names(name) { try PosixSemaphore(name: name, create: true).close() }
      return Channel(place: try .create(path: try spec.scope.path(spec.name("semaphores"))), name: name)
    }
  }

  /// Behind the entries of the meeting page, on lines of their own.
  private static func offset(_ index: Int) -> Int { 2048 + index * 512 }

  public static func address(of channel: Channel) -> String { "\(channel.name) \(channel.place.path)" }
  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    let parts = address.split(separator: " ", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw TransportError(.unsupported, "'\(address)' is not a name of semaphores and a path.")
    }
    return Channel(place: .file(parts[1]), name: parts[0])
  }

  public static func close(_ channel: Channel) {
    if !channel.name.isEmpty { names(channel.name).forEach(PosixSemaphore.unlink) }
    channel.place.remove()
  }

  public struct Attachment: Sendable {
    @usableFromInline var own: PosixSemaphore
    @usableFromInline var peer: PosixSemaphore
    var meeting: Meeting
  }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Attachment {
    let isProducer = role == .producer
    return try explaining("open the semaphores") { () throws(SystemError) in
      let meeting = try Meeting(channel.place, isFirst: isProducer)
      var both: [PosixSemaphore] = []
      if case .inherited(let mapping) = channel.place {
        both = (0..<2).map { PosixSemaphore(at: mapping.base + offset($0)) }
      } else {
        for name in names(channel.name) { both.append(try PosixSemaphore(name: name, create: false)) }
      }
      return Attachment(own: both[isProducer ? 0 : 1], peer: both[isProducer ? 1 : 0], meeting: meeting)
    }
  }
}

/// `sem_post` there, `sem_wait` here.
public struct SemaphoreBell<Wait: WaitStrategy>: MessagePort, ~Copyable {
  @usableFromInline let own: PosixSemaphore
  @usableFromInline let peer: PosixSemaphore
  public static func meeting(_ attachment: PosixSemaphores.Attachment) -> Meeting? { attachment.meeting }

  public init(
    _ attachment: PosixSemaphores.Attachment, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    own = attachment.own
    peer = attachment.peer
  }

  @inlinable @inline(__always)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int { own.post() }

  @inlinable @inline(__always)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    Wait.blocksInCalls ? peer.wait() : peer.tryWait()
  }
}

extension PosixSemaphores {
  static var explanation: Explanation {
    Explanation(
      "A counting semaphore for each direction: sem_post adds one, sem_wait takes one and sleeps while "
        + "there is none. They are unnamed in inherited memory, or found by name. glibc builds both on a "
        + "futex, so that a post without a sleeper and a wait that need not sleep are no system calls; the "
        + "spin form uses sem_trywait.",
      producer: [
        .findMeeting,
        .init(
          "sem_open(name, 0)",
          "Attaching by name: both semaphores. Unnamed ones lie in the inherited page.",
          answers: "OpenSemaphore"),
        .startHeartbeat,
        .init("sem_post(forth)", "Adds one, and wakes a sleeper.", answers: "ReleaseSemaphore"),
        .init("sem_wait(back)", "In a round trip: waits for the echo.", answers: "WaitForSingleObject"),
        .stopHeartbeat,
        .leaveMeeting,
      ],
      consumer: [
        .makeMeeting,
        .init(
          "sem_init(page + offset, 1, 0)",
          "The harness makes two unnamed ones, shared between processes, in that page.",
          answers: "CreateSemaphore"),
        .init(
          "sem_open(name, O_CREAT | O_EXCL, 0600, 0), sem_close(s)",
          "Instead of these, where workers attach by name: the harness makes two, which lie in /dev/shm.",
          answers: "CreateSemaphore"),
        .init(
          "open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), posix_fallocate(fd, 0, 4096), close(fd)",
          "Instead of the inherited page, where workers attach by name: the harness makes it as a file "
            + "in the run's directory in /tmp.",
          answers: "CreateFileMapping"),
        .findMeeting,
        .init("sem_open(name, 0)", "Attaching by name: both semaphores.", answers: "OpenSemaphore"),
        .startHeartbeat,
        .init(
          "sem_wait(forth)",
          "Sleeps while the count is 0, and takes one. The heartbeat interrupts it (EINTR).",
          answers: "WaitForSingleObject"),
        .init("sem_post(back)", "In a round trip: the echo.", answers: "ReleaseSemaphore"),
        .stopHeartbeat,
        .leaveMeeting,
        .init(
          "sem_unlink(name)",
          "The harness removes both names; unnamed ones vanish with the page.",
          answers: "CloseHandle"),
        .init(
          "munmap(page, 4096)",
          "The harness removes the page; unlink(path) where it has a name.",
          answers: "UnmapViewOfFile"),
      ],
      limits: [
        "A count goes up to SEM_VALUE_MAX, 2,147,483,647; sem_post then fails with EOVERFLOW.",
        "A name has at most 251 characters (NAME_MAX − 4, for the file /dev/shm/sem.NAME), and stays "
          + "until sem_unlink.",
        "A process that dies gives nothing back: whoever waits for it waits for ever, or until its time-out.",
        "It has no descriptor for poll, and no wait for several at once.",
      ],
      useWhen: "Processes that share memory need a count of items or free places, with a portable "
        + "interface and no queue code of your own.",
      avoidWhen: "You need a lock that survives its owner's death (a robust pthread mutex), or a wait "
        + "in an event loop (eventfd).")
  }
}
