import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// A word in shared memory for each direction that counts up; a sleeper waits in the kernel for it to change.
public enum FutexWord: MeetingProvider {
  public typealias Attachment = Meeting

  public static var mechanism: Mechanism {
    Mechanism(
      id: "futex", summary: "a wake-up by a word in shared memory", counterpart: "WaitOnAddress",
      traits: .notification(attach: [.inherit, .name]), explanation: explanation,
      manPages: ["futex(2)", "futex(7)"])
  }
}

/// Each message counts the word up by one and, where the other side may sleep, wakes it.
public struct FutexBell<Wait: WaitStrategy>: MessagePort, ~Copyable {
  @usableFromInline let own: Futex
  @usableFromInline let peer: Futex
  @usableFromInline var sent: UInt32 = 0
  @usableFromInline var seen: UInt32 = 0
  public static func meeting(_ meeting: Meeting) -> Meeting? { meeting }

  public init(_ meeting: Meeting, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    own = meeting.futex(0)
    peer = meeting.futex(0, ofPeer: true)
  }

  @inlinable @inline(__always)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    sent &+= 1
    own.store(sent)
    if Wait.sleeps { own.wake() }
    return 0
  }

  @inlinable @inline(__always)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    if peer.load() == seen {
      if Wait.blocksInCalls { peer.wait(while: seen, nanoseconds: 20_000_000) }
      var looks = 0
      while peer.load() == seen {
        // Close looks first: what follows a failed attempt costs as much as the cache line's way.
        if Wait.blocksInCalls || looks == 256 { return RawDescriptor.fail(EAGAIN) }
        Wait.relax()
        looks &+= 1
      }
    }
    seen &+= 1
    return 0
  }
}

extension FutexWord {
  static var explanation: Explanation {
    Explanation(
      "A 32-bit word in shared memory for each direction, and nothing else. The sender counts its word "
        + "up; the receiver compares, and only when nothing is new asks the kernel to sleep for as long as "
        + "the word has the value it saw. In the spin form there is no system call at all. It is what "
        + "semaphores, mutexes and rings are built from.",
      producer: [
        .findMeeting,
        .startHeartbeat,
        .init(
          "atomic_store_explicit(own, sent, memory_order_release)", "The message: the count goes up by one."),
        .init(
          "futex(own, FUTEX_WAKE, 1, NULL, NULL, 0)",
          "Wakes the other side; always called in the block form, never in the spin form.",
          answers: "WakeByAddressSingle"),
        .init(
          "futex(peer, FUTEX_WAIT, seen, 20 ms, NULL, 0)",
          "In a round trip: waits for the echo as the consumer does.",
          answers: "WaitOnAddress"),
        .stopHeartbeat,
        .leaveMeeting,
      ],
      consumer: [
        .makeMeeting,
        .init(
          "open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), posix_fallocate(fd, 0, 4096), close(fd)",
          "Instead of the inherited page, where workers attach by name: the harness makes it as a file "
            + "in /dev/shm.",
          answers: "CreateFileMapping"),
        .findMeeting,
        .startHeartbeat,
        .init(
          "atomic_load_explicit(peer, memory_order_acquire)",
          "Looks whether the count has moved; if so, takes one."),
        .init(
          "futex(peer, FUTEX_WAIT, seen, 20 ms, NULL, 0)",
          "Sleeps while the word still has the value seen, 20 ms at most; returns at once when it has "
            + "changed before.",
          answers: "WaitOnAddress"),
        .init(
          "atomic_store_explicit(own, …), futex(own, FUTEX_WAKE, 1, …)",
          "In a round trip: the echo.",
          answers: "WakeByAddressSingle"),
        .stopHeartbeat,
        .leaveMeeting,
        .init(
          "munmap(page, 4096)",
          "The harness removes the page; unlink(path) where it has a name.",
          answers: "UnmapViewOfFile"),
      ],
      limits: [
        "The word has 32 bits, whatever the machine, and is aligned to 4 bytes (futex(2)); a count "
          + "wraps after 2^32.",
        "WAIT may return without a reason, so that the caller has to look again.",
        "It has no descriptor: it cannot be waited for together with sockets in poll or epoll.",
        "A peer's death wakes nobody; here a look at its pidfd every 10 ms or more does that.",
        "FUTEX_PRIVATE_FLAG would be faster and works inside one process only, as WaitOnAddress does.",
      ],
      useWhen: "You have shared memory and need to sleep on it: the cheapest way to wake another "
        + "process, and no call at all while nobody sleeps, if sleepers announce themselves as "
        + "they do in the rings here.",
      avoidWhen: "You would write a lock or a queue by hand where pthread or a library has one, or the "
        + "wait must be part of an event loop (eventfd).")
  }
}
