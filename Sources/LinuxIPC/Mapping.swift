import CLinuxShims
import Glibc
import SystemPackage

/// A range of memory shared between processes.
///
/// A plain value: it may be inherited over a fork, and is unmapped by `unmap()`, never by going out of scope
/// (a worker's copy must survive until `_exit`).
public struct Mapping: Sendable {
  public nonisolated(unsafe) let base: UnsafeMutableRawPointer
  public let byteCount: Int

  public init(base: UnsafeMutableRawPointer, byteCount: Int) {
    self.base = base
    self.byteCount = byteCount
  }

  /// Maps pages shared with children and with nobody else.
  ///
  /// The corresponding C function is `mmap` with MAP_ANONYMOUS | MAP_SHARED.
  public static func anonymous(byteCount: Int) throws(SystemError) -> Mapping {
    try map(descriptor: -1, byteCount: byteCount, flags: MAP_SHARED | MAP_ANONYMOUS)
  }

  /// Maps `byteCount` bytes of an object from its start, readable and writable by every holder.
  ///
  /// The corresponding C function is `mmap` with MAP_SHARED.
  public static func shared(_ descriptor: FileDescriptor, byteCount: Int) throws(SystemError) -> Mapping {
    try map(descriptor: descriptor.rawValue, byteCount: byteCount, flags: MAP_SHARED)
  }

  /// Maps a part of an object: a view. `offset` is a multiple of the page size.
  public static func view(
    of descriptor: FileDescriptor, offset: Int, byteCount: Int
  ) throws(SystemError) -> Mapping {
    try map(descriptor: descriptor.rawValue, byteCount: byteCount, flags: MAP_SHARED, offset: offset)
  }

  /// Maps an object at an address aligned for huge pages.
  public static func aligned(
    _ descriptor: FileDescriptor, byteCount: Int, alignment: Int
  ) throws(SystemError) -> Mapping {
    guard let address = ipcb_map_aligned(descriptor.rawValue, byteCount, alignment) else {
      throw SystemError.last("mmap", "\(byteCount) bytes")
    }
    return Mapping(base: address, byteCount: byteCount)
  }

  /// Gives the mapping huge pages, whatever the system's default is (Linux 6.1).
  ///
  /// The corresponding C function is `madvise` with MADV_COLLAPSE.
  public func collapse() throws(SystemError) {
    try check("madvise MADV_COLLAPSE", "\(byteCount) bytes", ipcb_collapse(base, byteCount))
  }

  /// Writes the mapping back to its file and waits for it.
  ///
  /// The corresponding C function is `msync` with MS_SYNC.
  @inlinable public func flush() -> Int32 { ipcb_msync(base, byteCount) }

  private static func map(
    descriptor: Int32, byteCount: Int, flags: Int32, offset: Int = 0
  ) throws(SystemError) -> Mapping {
    let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, descriptor, off_t(offset))
    guard let address, address != MAP_FAILED else { throw SystemError.last("mmap", "\(byteCount) bytes") }
    return Mapping(base: address, byteCount: byteCount)
  }

  /// The corresponding C function is `munmap`.
  public func unmap() { munmap(base, byteCount) }

  /// Writes every page once, so that no fault is taken while measuring.
  public func populate() {
    memset(base, 0, byteCount)
  }
}

/// Objects that can be mapped, each created with its final size and readable by its owner only.
public enum SharedObject {
  /// The corresponding C functions are `shm_open` and `ftruncate`.
  public static func createPosix(name: String, byteCount: Int) throws(SystemError) -> FileDescriptor {
    let descriptor = try check("shm_open", name, shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600))
    return try sized(FileDescriptor(rawValue: descriptor), byteCount, name)
  }

  /// The corresponding C function is `shm_open`.
  public static func openPosix(name: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(rawValue: try check("shm_open", name, shm_open(name, O_RDWR | O_CLOEXEC, 0)))
  }

  /// The corresponding C function is `shm_unlink`.
  public static func unlinkPosix(name: String) { shm_unlink(name) }

  /// An unnamed object whose size is sealed, so that a peer cannot shrink it under a reader (SIGBUS).
  ///
  /// The corresponding C functions are `memfd_create` and `fcntl` with F_ADD_SEALS.
  public static func createMemfd(name: String, byteCount: Int) throws(SystemError) -> FileDescriptor {
    let flags: UInt32 = 1 | 2  // MFD_CLOEXEC | MFD_ALLOW_SEALING
    let descriptor = try check("memfd_create", name, ipcb_memfd_create(name, flags))
    let object = try sized(FileDescriptor(rawValue: descriptor), byteCount, name)
    try check("fcntl F_ADD_SEALS", name, ipcb_memfd_seal_size(descriptor))
    return object
  }

  /// On the measured path: an empty unnamed object, −1 with errno.
  @inlinable public static func rawMemfd() -> Int32 { ipcb_memfd_create("ipcbench-message", closeOnExec) }
  /// MFD_CLOEXEC.
  @usableFromInline static var closeOnExec: UInt32 { 1 }

  /// An unnamed object of 2 MiB pages from the reserved pool. It fails where it is mapped, not here, when the pool
  /// is empty.
  ///
  /// The corresponding C function is `memfd_create` with MFD_HUGETLB.
  public static func createHugeMemfd(name: String, byteCount: Int) throws(SystemError) -> FileDescriptor {
    let descriptor = try check("memfd_create", name, ipcb_memfd_huge(name))
    return try sized(FileDescriptor(rawValue: descriptor), byteCount, name)
  }

  /// The size of an object in bytes.
  ///
  /// The corresponding C function is `fstat`.
  public static func byteCount(of descriptor: FileDescriptor) throws(SystemError) -> Int {
    var info = stat()
    try check("fstat", "", fstat(descriptor.rawValue, &info))
    return Int(info.st_size)
  }

  /// The corresponding C functions are `open` and `posix_fallocate`: the blocks are reserved, so that a full
  /// disk is an error here and not a SIGBUS in the middle of a trial.
  public static func createFile(path: String, byteCount: Int) throws(SystemError) -> FileDescriptor {
    let flags = O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC
    let descriptor = FileDescriptor(rawValue: try check("open", path, ipcb_open(path, flags, 0o600)))
    let failure = posix_fallocate(descriptor.rawValue, 0, off_t(byteCount))
    guard failure == 0 else {
      descriptor.closeQuietly()
      unlink(path)
      throw SystemError("posix_fallocate", path, errno: Errno(rawValue: failure))
    }
    return descriptor
  }

  /// The corresponding C function is `open`.
  public static func openFile(path: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(rawValue: try check("open", path, ipcb_open(path, O_RDWR | O_CLOEXEC, 0)))
  }

  private static func sized(
    _ descriptor: FileDescriptor, _ byteCount: Int, _ name: String
  ) throws(SystemError) -> FileDescriptor {
    do throws(SystemError) {
      try retrying("ftruncate", name) { ftruncate(descriptor.rawValue, off_t(byteCount)) }
      return descriptor
    } catch {
      descriptor.closeQuietly()
      throw error
    }
  }
}

extension SharedObject {
  /// The corresponding C function is `unlink`.
  public static func removeFile(path: String) { unlink(path) }
}

/// Named pipes in the file system.
public enum NamedPipeFile {
  /// The corresponding C function is `mkfifo`.
  public static func create(path: String) throws(SystemError) {
    try check("mkfifo", path, mkfifo(path, 0o600))
  }

  /// Waits until somebody opens the other end.
  ///
  /// The corresponding C function is `open` with O_RDONLY.
  public static func openForReading(path: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(rawValue: try retrying("open", path) { ipcb_open(path, O_RDONLY | O_CLOEXEC, 0) })
  }

  /// Waits until somebody opens the other end.
  ///
  /// The corresponding C function is `open` with O_WRONLY.
  public static func openForWriting(path: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(rawValue: try retrying("open", path) { ipcb_open(path, O_WRONLY | O_CLOEXEC, 0) })
  }
}
