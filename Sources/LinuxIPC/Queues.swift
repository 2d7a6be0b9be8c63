import CLinuxShims
import Glibc
import SystemPackage

/// A POSIX message queue (mq_overview(7)); a descriptor on Linux.
public enum PosixQueue {
  /// What a process without CAP_SYS_RESOURCE may ask for, and in containers often a process with it.
  public struct Limits: Sendable {
    public var messageByteCount: Int
    public var messageCount: Int

    public static func ofThisSystem() -> Limits {
      func number(_ name: String, _ otherwise: Int) -> Int {
        TextFile.read("/proc/sys/fs/mqueue/\(name)").flatMap { Int($0) } ?? otherwise
      }
      return Limits(messageByteCount: number("msgsize_max", 8192), messageCount: number("msg_max", 10))
    }
  }

  /// The corresponding C function is `mq_open` with O_CREAT | O_EXCL.
  public static func create(
    name: String, messageCount: Int, messageByteCount: Int
  ) throws(SystemError) -> FileDescriptor {
    let flags = O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC
    return FileDescriptor(
      rawValue: try check("mq_open", name, ipcb_mq_open(name, flags, messageCount, messageByteCount)))
  }

  /// The corresponding C function is `mq_open`.
  public static func open(name: String, writing: Bool) throws(SystemError) -> FileDescriptor {
    let flags = (writing ? O_WRONLY : O_RDONLY) | O_CLOEXEC
    return FileDescriptor(rawValue: try check("mq_open", name, ipcb_mq_open(name, flags, 0, 0)))
  }

  @inlinable @inline(__always)
  public static func send(_ queue: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    Int(ipcb_mq_send(queue, bytes, count))
  }

  @inlinable @inline(__always)
  public static func receive(_ queue: Int32, _ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    ipcb_mq_receive(queue, buffer, capacity)
  }
}

/// A System V message queue (sysvipc(7)).
public enum SystemVQueue {
  /// kernel.msgmax.
  public static var largestMessage: Int {
    TextFile.read("/proc/sys/kernel/msgmax").flatMap { Int($0) } ?? 8192
  }

  /// The corresponding C function is `msgget` with IPC_CREAT | IPC_EXCL.
  public static func create(key: Int32) throws(SystemError) -> Int32 {
    try check("msgget", "key \(key)", ipcb_msgget(key, Int32(IPC_CREAT) | Int32(IPC_EXCL) | 0o600))
  }

  /// The corresponding C function is `msgget`.
  public static func find(key: Int32) throws(SystemError) -> Int32 {
    try check("msgget", "key \(key)", ipcb_msgget(key, 0))
  }

  /// - Parameter message: eight bytes of type, and `count` bytes after them.
  @inlinable @inline(__always)
  public static func send(
    _ queue: Int32, _ message: UnsafeRawPointer, _ count: Int, nonBlocking: Bool
  ) -> Int { Int(ipcb_msgsnd(queue, message, count, nonBlocking ? 1 : 0)) }

  @inlinable @inline(__always)
  public static func receive(
    _ queue: Int32, _ message: UnsafeMutableRawPointer, _ capacity: Int, nonBlocking: Bool
  ) -> Int { ipcb_msgrcv(queue, message, capacity, nonBlocking ? 1 : 0) }
}

/// A set of System V semaphores (sysvipc(7)).
public enum SystemVSemaphores {
  /// The corresponding C function is `semget` with IPC_CREAT | IPC_EXCL; all start at 0.
  public static func create(key: Int32, count: Int32) throws(SystemError) -> Int32 {
    try check("semget", "key \(key)", ipcb_semget(key, count, Int32(IPC_CREAT) | Int32(IPC_EXCL) | 0o600))
  }

  /// The corresponding C function is `semget`.
  public static func find(key: Int32) throws(SystemError) -> Int32 {
    try check("semget", "key \(key)", ipcb_semget(key, 0, 0))
  }

  /// Adds `change` to semaphore `number`; a negative one waits for it to be possible.
  ///
  /// The corresponding C function is `semop`.
  @inlinable @inline(__always)
  public static func change(_ set: Int32, _ number: UInt16, by change: Int16, nonBlocking: Bool) -> Int {
    Int(ipcb_semop(set, number, change, nonBlocking ? 1 : 0))
  }
}

/// POSIX semaphores shared between processes (sem_overview(7)).
public struct PosixSemaphore: Sendable {
  @usableFromInline nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

  /// Makes an unnamed one, of value 0, in shared memory.
  ///
  /// The corresponding C function is `sem_init` with pshared = 1.
  public static func create(at address: UnsafeMutableRawPointer) throws(SystemError) {
    try check("sem_init", "", ipcb_sem_init(address))
  }

  public init(at address: UnsafeMutableRawPointer) {
    semaphore = address.assumingMemoryBound(to: sem_t.self)
  }

  /// The corresponding C function is `sem_open`.
  public init(name: String, create: Bool) throws(SystemError) {
    guard let address = ipcb_sem_open(name, create ? 1 : 0) else { throw SystemError.last("sem_open", name) }
    semaphore = address.assumingMemoryBound(to: sem_t.self)
  }

  /// The corresponding C function is `sem_unlink`.
  public static func unlink(name: String) { sem_unlink(name) }
  public func close() { sem_close(semaphore) }

  @inlinable @inline(__always) public func post() -> Int { Int(sem_post(semaphore)) }
  @inlinable @inline(__always) public func wait() -> Int { Int(sem_wait(semaphore)) }
  @inlinable @inline(__always) public func tryWait() -> Int { Int(sem_trywait(semaphore)) }
}
