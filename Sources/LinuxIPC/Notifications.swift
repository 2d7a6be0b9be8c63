import CLinuxShims
import Glibc
import SystemPackage

/// A queued real-time signal that carries eight bytes (signal(7), sigqueue(3)).
public struct RealTimeSignal: Sendable {
  public let number: Int32

  /// - Parameter index: 0 is SIGRTMIN.
  public init(_ index: Int32) { number = ipcb_realtime_signal(index) }

  /// Keeps the signal pending instead of killing the process; to be called before a peer can send it.
  ///
  /// The corresponding C function is `sigprocmask`.
  public func block() throws(SystemError) { try check("sigprocmask", "", ipcb_block_signal(number)) }

  /// The corresponding C function is `sigqueue`. Fails with EAGAIN when too many are pending (RLIMIT_SIGPENDING).
  @inlinable @inline(__always) public func queue(_ value: UInt64, to pid: Int32) -> Int {
    Int(ipcb_queue_signal(pid, number, value))
  }

  /// Waits for one, `nanoseconds` at most; fails with EAGAIN after that.
  ///
  /// The corresponding C function is `sigtimedwait`, or `sigwaitinfo` without a limit.
  @inlinable @inline(__always) public func take(_ value: inout UInt64, nanoseconds: UInt64) -> Int {
    Int(ipcb_await_signal(number, nanoseconds, &value))
  }

  /// A descriptor from which the signal can be read.
  ///
  /// The corresponding C function is `signalfd`.
  public func descriptor(nonBlocking: Bool) throws(SystemError) -> FileDescriptor {
    FileDescriptor(rawValue: try check("signalfd", "", ipcb_signalfd(number, nonBlocking ? 1 : 0)))
  }

  @inlinable @inline(__always)
  public static func read(_ descriptor: Int32, _ value: inout UInt64) -> Int {
    Int(ipcb_read_signalfd(descriptor, &value))
  }
}

/// A counter in the kernel that can be waited for (eventfd(2)).
public enum EventCounter {
  /// The corresponding C function is `eventfd`.
  public static func create() throws(SystemError) -> FileDescriptor {
    FileDescriptor(rawValue: try check("eventfd", "", ipcb_eventfd(0, 0)))
  }
}

/// Locks on single bytes of a file, owned by the open file description (F_OFD_SETLK, fcntl(2)).
public enum ByteLock {
  /// −1 with errno; `wait` sleeps until nobody else holds a lock there.
  @inlinable @inline(__always)
  public static func lock(_ descriptor: Int32, _ start: Int64, count: Int64 = 1, wait: Bool) -> Int {
    Int(ipcb_lock_bytes(descriptor, 1, start, count, wait ? 1 : 0))
  }

  @inlinable @inline(__always)
  public static func unlock(_ descriptor: Int32, _ start: Int64, count: Int64 = 1) -> Int {
    Int(ipcb_lock_bytes(descriptor, 0, start, count, 0))
  }

  /// Whether somebody else holds a lock on the byte.
  @inlinable @inline(__always)
  public static func isHeld(_ descriptor: Int32, _ start: Int64) -> Bool {
    ipcb_byte_is_locked(descriptor, start) == 1
  }
}

/// Events about files (inotify(7)).
public enum FileEvents {
  /// The corresponding C functions are `inotify_init1` and `inotify_add_watch` with IN_MODIFY.
  public static func watch(_ paths: [String], nonBlocking: Bool) throws(SystemError) -> FileDescriptor {
    let descriptor = FileDescriptor(
      rawValue: try check("inotify_init1", "", ipcb_inotify_create(nonBlocking ? 1 : 0)))
    do throws(SystemError) {
      for path in paths {
        try check("inotify_add_watch", path, ipcb_inotify_watch_modify(descriptor.rawValue, path))
      }
      return descriptor
    } catch {
      descriptor.closeQuietly()
      throw error
    }
  }

  /// Modifications among events that were read; −1 when the queue overflowed and some were lost.
  @inlinable public static func count(_ events: UnsafeRawPointer, _ byteCount: Int) -> Int {
    Int(ipcb_inotify_count(events, byteCount))
  }
}

/// A pipe's pages, filled by reference instead of by copy (splice(2), vmsplice(2)).
public enum PageGift {
  /// Bytes that a pipe holds.
  public static func capacity(of pipe: FileDescriptor) -> Int {
    max(4096, Int(ipcb_pipe_capacity(pipe.rawValue)))
  }

  @inlinable @inline(__always)
  public static func splice(
    _ file: Int32, offset: Int, to pipe: Int32, _ count: Int, nonBlocking: Bool
  ) -> Int { ipcb_splice_in(file, Int64(offset), pipe, count, nonBlocking ? 1 : 0) }

  @inlinable @inline(__always)
  public static func vmsplice(
    _ bytes: UnsafeRawPointer, to pipe: Int32, _ count: Int, nonBlocking: Bool
  ) -> Int { ipcb_vmsplice(pipe, bytes, count, nonBlocking ? 1 : 0) }
}

/// Sends whose pages the kernel reads in place (MSG_ZEROCOPY, Linux Documentation/networking/msg_zerocopy).
public enum ZeroCopySend {
  /// The corresponding C function is `setsockopt` with SO_ZEROCOPY.
  public static func enable(_ socket: FileDescriptor) throws(SystemError) {
    try check("setsockopt SO_ZEROCOPY", "", ipcb_enable_zerocopy(socket.rawValue))
  }

  @inlinable @inline(__always)
  public static func send(_ socket: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    ipcb_send_zerocopy(socket, bytes, count)
  }

  /// Sends whose pages are free again, and how many of them the kernel copied after all.
  public static func completions(_ socket: Int32) -> (completed: UInt64, copied: UInt64) {
    var (completed, copied): (UInt32, UInt32) = (0, 0)
    _ = ipcb_zerocopy_completions(socket, &completed, &copied)
    return (UInt64(completed), UInt64(copied))
  }
}
