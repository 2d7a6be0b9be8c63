import CLinuxShims
import Glibc
import SystemPackage

/// A System V shared-memory segment, found by key or by identifier.
public struct SystemVSegment: Sendable {
  public var identifier: Int32

  public init(identifier: Int32) { self.identifier = identifier }

  /// The corresponding C function is `shmget` with IPC_CREAT | IPC_EXCL.
  public static func create(key: Int32, byteCount: Int) throws(SystemError) -> SystemVSegment {
    let flags = Int32(IPC_CREAT) | Int32(IPC_EXCL) | 0o600
    return SystemVSegment(
      identifier: try check("shmget", "\(byteCount) bytes", ipcb_shmget(key, byteCount, flags)))
  }

  /// The corresponding C function is `shmget`.
  public static func find(key: Int32) throws(SystemError) -> SystemVSegment {
    SystemVSegment(identifier: try check("shmget", "key \(key)", ipcb_shmget(key, 0, 0)))
  }

  /// The corresponding C function is `shmat`.
  public func attach(byteCount: Int) throws(SystemError) -> Mapping {
    guard let address = ipcb_shmat(identifier) else { throw SystemError.last("shmat", "\(identifier)") }
    return Mapping(base: address, byteCount: byteCount)
  }

  /// The corresponding C function is `shmdt`.
  public static func detach(_ mapping: Mapping) { _ = ipcb_shmdt(mapping.base) }

  /// Marks the segment to vanish with its last attachment.
  ///
  /// The corresponding C function is `shmctl` with IPC_RMID.
  public func remove() { _ = ipcb_shmctl_remove(identifier) }

  /// A row of the kernel's table.
  public struct Entry: Sendable {
    public var segment: SystemVSegment
    public var key: Int32
    public var creator: Int32
    public var attachments: UInt64
    public var owner: UInt32
  }

  /// Every segment this user may see.
  ///
  /// The corresponding C function is `shmctl` with SHM_INFO and SHM_STAT.
  public static func all() -> [Entry] {
    var entries: [Entry] = []
    var index: Int32 = 0
    while true {
      var (id, key, creator): (Int32, Int32, pid_t) = (0, 0, 0)
      var (attached, owner): (UInt64, uid_t) = (0, 0)
      let result = ipcb_shm_at_index(index, &id, &key, &creator, &attached, &owner)
      if result == -1 { return entries }
      if result >= 0 {
        entries.append(
          Entry(
            segment: SystemVSegment(identifier: id), key: key, creator: creator, attachments: attached,
            owner: owner))
      }
      index += 1
    }
  }
}
