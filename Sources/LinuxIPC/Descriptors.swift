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

/// The two ends of a pipe, both close-on-exec.
public struct PipeEnds: Sendable {
  public var read: FileDescriptor
  public var write: FileDescriptor

  /// The corresponding C function is `pipe2` with O_CLOEXEC.
  public static func create() throws(SystemError) -> PipeEnds {
    var ends: [Int32] = [-1, -1]
    try check("pipe2", "", ipcb_pipe2(&ends, O_CLOEXEC))
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
