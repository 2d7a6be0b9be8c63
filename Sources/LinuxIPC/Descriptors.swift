import CLinuxShims
import Glibc
import SystemPackage

extension FileDescriptor {
  /// Closes and ignores the result: after `close` the descriptor is gone whatever it returned (close(2)).
  public func closeQuietly() { _ = Glibc.close(rawValue) }

  /// The corresponding C function is `fcntl` with F_SETFL and O_NONBLOCK.
  public func setNonBlocking(_ enabled: Bool) throws(SystemError) {
    try check("fcntl O_NONBLOCK", "", ipcb_set_nonblocking(rawValue, enabled ? 1 : 0))
  }
}

/// Descriptors 0, 1 and 2.
public enum StandardDescriptors {
  /// Opens those that are closed on /dev/null: otherwise the next file or pipe would become one of them, and be
  /// printed to, or given to a program as its input.
  public static func ensureOpen() {
    var info = stat()
    for descriptor in Int32(0)...2 where fstat(descriptor, &info) < 0 && Glibc.errno == EBADF {
      _ = ipcb_open("/dev/null", O_RDWR, 0)
    }
  }
}

/// The two ends of a pipe, both close-on-exec.
public struct PipeEnds: Sendable {
  public var read: FileDescriptor
  public var write: FileDescriptor

  /// The corresponding C function is `pipe2` with O_CLOEXEC, and O_DIRECT for packets.
  public static func create(packets: Bool = false) throws(SystemError) -> PipeEnds {
    var ends: [Int32] = [-1, -1]
    let packetFlag: Int32 = 0o40000  // O_DIRECT, which needs _GNU_SOURCE
    try check("pipe2", "", ipcb_pipe2(&ends, O_CLOEXEC | (packets ? packetFlag : 0)))
    return PipeEnds(read: FileDescriptor(rawValue: ends[0]), write: FileDescriptor(rawValue: ends[1]))
  }

  public init(read: FileDescriptor, write: FileDescriptor) {
    self.read = read
    self.write = write
  }

  public func close() {
    read.closeQuietly()
    write.closeQuietly()
  }
}

/// System calls on the measured path: the bare return value, no error object, no retry.
public enum RawDescriptor {
  @inlinable @inline(__always)
  public static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    Glibc.read(descriptor, buffer, count)
  }

  @inlinable @inline(__always)
  public static func write(_ descriptor: Int32, _ buffer: UnsafeRawPointer, _ count: Int) -> Int {
    Glibc.write(descriptor, buffer, count)
  }

  @inlinable @inline(__always) public static var lastError: Int32 { Glibc.errno }

  /// −1, with an errno of the caller's.
  @inlinable public static func fail(_ error: Int32) -> Int {
    Glibc.errno = error
    return -1
  }
}

/// What kind of file system holds a path, where a mechanism cares.
public enum FileSystemKind: Sendable, Equatable {
  case memory
  case disk

  /// The corresponding C function is `statfs`.
  public static func of(_ path: String) throws(SystemError) -> FileSystemKind {
    let type = try check("statfs", path, ipcb_file_system_type(path))
    // TMPFS_MAGIC and RAMFS_MAGIC, linux/magic.h.
    return type == 0x0102_1994 || type == 0x8584_58f6 ? .memory : .disk
  }
}
