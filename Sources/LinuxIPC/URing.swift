import CLinuxShims
import Glibc
import SystemPackage

/// The kernel's submission and completion rings (io_uring(7)), used for one operation at a time in each
/// direction.
public struct URing: ~Copyable {
  @usableFromInline var ring: ipcb_uring

  /// The corresponding system call is `io_uring_setup`.
  public init(entries: UInt32 = 8) throws(SystemError) {
    var made = ipcb_uring()
    try check("io_uring_setup", "", ipcb_uring_create(&made, entries))
    ring = made
  }

  public var descriptor: Int32 { ring.fd }

  /// Why io_uring cannot be used here, nil where it can (kernel.io_uring_disabled).
  public static var obstacle: String? {
    do throws(SystemError) {
      let probe = try URing()
      probe.close()
      return nil
    } catch {
      let setting = TextFile.read("/proc/sys/kernel/io_uring_disabled") ?? "?"
      return "io_uring cannot be set up (\(error); kernel.io_uring_disabled is \(setting)); allow it with "
        + "'sysctl kernel.io_uring_disabled=0', or leave the container that forbids it"
    }
  }

  @inlinable @inline(__always)
  public mutating func prepareSend(
    _ socket: Int32, _ bytes: UnsafeRawPointer, _ count: Int, flags: Int32, tag: UInt64
  ) {
    ipcb_uring_send(&ring, socket, bytes, count, flags, tag)
  }

  @inlinable @inline(__always)
  public mutating func prepareReceive(
    _ socket: Int32, _ buffer: UnsafeMutableRawPointer, _ capacity: Int, flags: Int32, tag: UInt64
  ) { ipcb_uring_receive(&ring, socket, buffer, capacity, flags, tag) }

  /// What is prepared next starts only when what was prepared last has ended well.
  public mutating func link() { ipcb_uring_link(&ring) }

  /// A completion in another ring.
  @inlinable @inline(__always)
  public mutating func prepareMessage(to target: Int32, length: UInt32, value: UInt64, tag: UInt64) {
    ipcb_uring_message(&ring, target, length, value, tag)
  }

  /// A completion once the descriptor is ready for one of the events of poll(2).
  public mutating func preparePoll(_ descriptor: Int32, _ events: UInt32, tag: UInt64) {
    ipcb_uring_poll(&ring, descriptor, events, tag)
  }

  /// Submits `submit` prepared operations and waits for a completion, but no longer than `milliseconds` (Linux 5.11); −1 with
  /// errno, ETIME where that time is up.
  public mutating func enter(submit: UInt32, milliseconds: Int32) -> Int {
    Int(ipcb_uring_enter_for(&ring, submit, milliseconds))
  }

  /// Submits `submit` prepared operations and waits for `wait` completions; −1 with errno.
  @inlinable @inline(__always)
  public mutating func enter(submit: UInt32, wait: UInt32) -> Int {
    Int(ipcb_uring_enter(&ring, submit, wait))
  }

  /// Takes one completion; nil when there is none.
  @inlinable @inline(__always)
  public mutating func take() -> (result: Int32, tag: UInt64)? {
    var (result, tag): (Int32, UInt64) = (0, 0)
    return ipcb_uring_take(&ring, &result, &tag) == 0 ? nil : (result, tag)
  }

  public borrowing func close() { Glibc.close(ring.fd) }
}
