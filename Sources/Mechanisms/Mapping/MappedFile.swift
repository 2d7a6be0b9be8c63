import IPCTransport
import LinuxIPC
import Measurement
import SystemPackage

/// A file mapped by both processes, with a zero-copy ring in it.
///
/// The counterpart of CreateFileMapping and MapViewOfFile: inherited, or opened by a name; without a file
/// behind it (`:anonymous`) it can only be inherited.
public struct MappedFile<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }

  public static var mechanism: Mechanism {
    Mechanism(
      id: "mapped-file", summary: "a zero-copy ring in a mapped file", counterpart: "file mapping",
      variants: [
        .init("tmpfs", "a file in memory"),
        .init("disk", "a file on a disk, written back by the kernel"),
        .init("anonymous", "a mapping without a file"),
      ],
      traits: Traits(
        framing: .message, direction: .twoWay, reach: .host, attach: [.inherit, .name], payloadCopies: 0),
      manPages: ["mmap(2)", "posix_fallocate(3)", "tmpfs(5)"])
  }

  public struct Channel: Sendable {
    /// Nil where the workers open the file by its name.
    var mapping: LinuxIPC.Mapping?
    /// Nil where no file has a name (any more).
    var path: String?
  }

  private static func root(_ variant: String) -> ResourceScope.Root { variant == "disk" ? .disk : .memory }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    guard spec.variant != "anonymous" else {
      if spec.attach == .inherit { return }
      throw TransportError(
        .unsupported, "mapped-file:anonymous has no name; use --attach inherit or another variant.")
    }
    let directory = root(spec.variant).rawValue
    let kind = try explaining("look at \(directory)") { () throws(SystemError) in
      try FileSystemKind.of(directory)
    }
    if spec.variant == "disk" && kind == .memory {
      throw TransportError(
        .unavailable, "mapped-file:disk needs a disk: \(directory) is in memory on this machine.")
    }
    if spec.variant != "disk" && kind == .disk {
      throw TransportError(
        .unavailable, "mapped-file:tmpfs needs a tmpfs: mount one on \(directory).")
    }
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let layout = RingLayout(spec, Wait.self)
    if spec.variant == "anonymous" {
      let mapping = try explaining("map \(layout.byteCount) bytes") { () throws(SystemError) in
        try LinuxIPC.Mapping.anonymous(byteCount: layout.byteCount)
      }
      try layout.create(in: mapping, spec)
      return Channel(mapping: mapping, path: nil)
    }
    return try openFile(layout, spec)
  }

  private static func openFile(
    _ layout: RingLayout, _ spec: ChannelSpec
  ) throws(TransportError) -> Channel {
    let root = root(spec.variant)
    let (path, mapping) = try explaining("create a mapped file in \(root.rawValue)") {
      () throws(SystemError) in
      let path = try spec.scope.path(spec.name("mapped"), in: root)
      let descriptor = try SharedObject.createFile(path: path, byteCount: layout.byteCount)
      defer { descriptor.closeQuietly() }
      return (path, try LinuxIPC.Mapping.shared(descriptor, byteCount: layout.byteCount))
    }
    do throws(TransportError) {
      try layout.create(in: mapping, spec)
    } catch {
      close(Channel(mapping: mapping, path: path))
      throw error
    }
    guard spec.attach == .name else { return Channel(mapping: mapping, path: path) }
    mapping.unmap()
    return Channel(mapping: nil, path: path)
  }

  public static func close(_ channel: Channel) {
    channel.mapping?.unmap()
    if let path = channel.path { SharedObject.removeFile(path: path) }
  }

  @usableFromInline var ring: RingEndpoint<Wait>
  @inlinable public var stalls: UInt64 { ring.stalls }
  public var sharedMapping: LinuxIPC.Mapping? { ring.mapping }

  public init(attaching channel: Channel, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    if let mapping = channel.mapping {
      ring = try RingEndpoint(mapping, role, spec)
      return
    }
    let path = channel.path ?? ""
    let mapping = try explaining("map \(path)") { () throws(SystemError) in
      let descriptor = try SharedObject.openFile(path: path)
      defer { descriptor.closeQuietly() }
      return try LinuxIPC.Mapping.shared(
        descriptor, byteCount: RingLayout(spec, Wait.self).byteCount)
    }
    ring = try RingEndpoint(mapping, role, spec)
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
