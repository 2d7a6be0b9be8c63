import IPCTransport
import LinuxIPC
import Measurement
import SystemPackage

/// Shared memory created by one process and opened by the other, with a zero-copy ring in it.
///
/// The memory supplies no synchronisation of its own; the ring on top does, by the wait strategy.
public struct SharedMemory<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }

  public static var mechanism: Mechanism {
    Mechanism(
      id: "shared-memory", summary: "a zero-copy ring in shared memory", counterpart: "shared memory",
      variants: [
        .init("posix", "shm_open, found by name"),
        .init("memfd", "memfd_create, unnamed, size sealed"),
        .init("sysv", "shmget, found by key"),
      ],
      traits: Traits(
        framing: .message, direction: .twoWay, reach: .host, attach: [.inherit, .name], payloadCopies: 0),
      manPages: ["shm_overview(7)", "memfd_create(2)", "sysvipc(7)", "futex(2)"])
  }

  /// Where the memory is.
  public enum Channel: Sendable {
    case mapped(LinuxIPC.Mapping)
    case posix(name: String)
    case systemV(LinuxIPC.Mapping, SystemVSegment)
    case systemVKey(Int32, SystemVSegment)
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    if spec.variant == "memfd" && spec.attach == .name {
      throw TransportError(
        .unsupported, "shared-memory:memfd has no name; use --attach inherit or another variant.")
    }
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    switch spec.variant {
    case "memfd": try openMemfd(spec)
    case "sysv": try openSystemV(spec)
    default: try openPosix(spec)
    }
  }

  private static func openPosix(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let layout = RingLayout(spec, Wait.self)
    let name = spec.scope.objectName(spec.name("ring"))
    let mapping = try explaining("create the shared-memory object \(name)") { () throws(SystemError) in
      let descriptor = try SharedObject.createPosix(name: name, byteCount: layout.byteCount)
      defer { descriptor.closeQuietly() }
      return try LinuxIPC.Mapping.shared(descriptor, byteCount: layout.byteCount)
    }
    do throws(TransportError) {
      try layout.create(in: mapping, spec)
    } catch {
      SharedObject.unlinkPosix(name: name)
      throw error
    }
    if spec.attach == .name {
      // The workers get nothing but the name.
      mapping.unmap()
      return .posix(name: name)
    }
    SharedObject.unlinkPosix(name: name)
    return .mapped(mapping)
  }

  private static func openMemfd(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let layout = RingLayout(spec, Wait.self)
    let mapping = try explaining("create a memfd") { () throws(SystemError) in
      let descriptor = try SharedObject.createMemfd(name: "ipcbench-ring", byteCount: layout.byteCount)
      defer { descriptor.closeQuietly() }
      return try LinuxIPC.Mapping.shared(descriptor, byteCount: layout.byteCount)
    }
    try layout.create(in: mapping, spec)
    return .mapped(mapping)
  }

  private static func openSystemV(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let layout = RingLayout(spec, Wait.self)
    let key = SystemVKey.make(pid: spec.scope.pid, serial: spec.serial)
    let segment = try explaining("create a System V segment") { () throws(SystemError) in
      try SystemVSegment.create(key: key, byteCount: layout.byteCount)
    }
    do throws(TransportError) {
      let mapping = try explaining("attach the System V segment") { () throws(SystemError) in
        try segment.attach(byteCount: layout.byteCount)
      }
      try layout.create(in: mapping, spec)
      guard spec.attach == .name else { return .systemV(mapping, segment) }
      SystemVSegment.detach(mapping)
      return .systemVKey(key, segment)
    } catch {
      segment.remove()
      throw error
    }
  }

  public static func close(_ channel: Channel) {
    switch channel {
    case .mapped(let mapping): mapping.unmap()
    case .posix(let name): SharedObject.unlinkPosix(name: name)
    case .systemV(let mapping, let segment):
      SystemVSegment.detach(mapping)
      segment.remove()
    case .systemVKey(_, let segment): segment.remove()
    }
  }

  public static func removeLeftovers() { SystemVKey.removeLeftovers() }

  @usableFromInline var ring: RingEndpoint<Wait>
  @inlinable public var stalls: UInt64 { ring.stalls }
  public var sharedMapping: LinuxIPC.Mapping? { ring.mapping }

  public init(attaching channel: Channel, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    ring = try RingEndpoint(try Self.mapping(of: channel, spec), role, spec)
  }

  private static func mapping(
    of channel: Channel, _ spec: ChannelSpec
  ) throws(TransportError) -> LinuxIPC.Mapping {
    let byteCount = RingLayout(spec, Wait.self).byteCount
    switch channel {
    case .mapped(let mapping), .systemV(let mapping, _): return mapping
    case .posix(let name):
      return try explaining("open the shared-memory object \(name)") { () throws(SystemError) in
        let descriptor = try SharedObject.openPosix(name: name)
        defer { descriptor.closeQuietly() }
        return try LinuxIPC.Mapping.shared(descriptor, byteCount: byteCount)
      }
    case .systemVKey(let key, _):
      return try explaining("attach the System V segment") { () throws(SystemError) in
        try SystemVSegment.find(key: key).attach(byteCount: byteCount)
      }
    }
  }

  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) { try ring.send(byteCount, fill) }

  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    try ring.receive(body)
  }

  public mutating func shutDown() { ring.shutDown() }
}

/// Keys of this suite's System V segments: the kernel shows them to everybody, so that they say whose they are.
enum SystemVKey {
  /// The two high bytes of every key: "IB".
  private static var mark: UInt32 { 0x4942_0000 }

  static func make(pid: Int32, serial: Int) -> Int32 {
    Int32(bitPattern: mark | UInt32(truncatingIfNeeded: Int(pid) &* 31 &+ serial) & 0xFFFF)
  }

  /// Segments of ours whose creator is gone and that nobody has attached.
  static func removeLeftovers() {
    for entry in SystemVSegment.all() {
      let isOurs = UInt32(bitPattern: entry.key) & 0xFFFF_0000 == mark
      if isOurs && entry.attachments == 0 && Processes.startTime(of: entry.creator) == nil {
        entry.segment.remove()
      }
    }
  }
}
