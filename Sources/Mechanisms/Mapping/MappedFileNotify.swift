import Glibc
import IPCTransport
import LinuxIPC
import Services
import Synchronization
import SystemPackage

/// The source's worked example: a text in a named mapping, and a notification to a peer that is found by its
/// process name; the sender waits until it has been read.
public enum MappedFileNotify: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "mapped-file-notify",
      summary: "a text in a named mapping, msync, and a notification to a process found by name",
      counterpart: "file mapping + window message",
      variants: [
        .init("window", "a POSIX shared-memory object, a message to the peer's window"),
        .init("signal", "a POSIX shared-memory object, a queued signal"),
        .init("tmpfs", "a file in memory, a queued signal"),
        .init("disk", "a file on a disk, to which each message waits to be written, and a queued signal"),
      ],
      traits: Traits(
        framing: .call, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 1,
        minimumMessageByteCount: 1, maximumMessageByteCount: NotifiedText.viewByteCount),
      explanation: explanation,
      manPages: ["mmap(2)", "msync(2)", "sigqueue(3)", "proc_pid_exe(5)", "Xvfb(1)"])
  }

  /// Where the mapping and the peer's window are.
  public struct Channel: Sendable {
    /// The mapping's name or path.
    var name: String
    /// Nil where signals notify.
    var server: XAddress?
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let server = isWindow(spec) ? try spec.service(XServer.self).address : nil
    let name = try name(spec)
    try explaining("create the mapping \(name)") { () throws(SystemError) in
      let byteCount = NotifiedText.mappingByteCount
      let descriptor =
        isObject(spec)
        ? try SharedObject.createPosix(name: name, byteCount: byteCount)
        : try SharedObject.createFile(path: name, byteCount: byteCount)
      descriptor.closeQuietly()
    }
    return Channel(name: name, server: server)
  }

  private static func isWindow(_ spec: ChannelSpec) -> Bool { spec.variant == "window" }
  private static func isObject(_ spec: ChannelSpec) -> Bool { isWindow(spec) || spec.variant == "signal" }

  public static func address(of channel: Channel) -> String {
    ([channel.name] + (channel.server.map { [$0.text] } ?? [])).joined(separator: " ")
  }

  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    let parts = address.split(separator: " ", maxSplits: 1).map(String.init)
    guard let name = parts.first else {
      throw TransportError(.unsupported, "'\(address)' does not name a mapping.")
    }
    return Channel(name: name, server: parts.count > 1 ? XAddress(parts[1]) : nil)
  }

  private static func name(_ spec: ChannelSpec) throws(TransportError) -> String {
    guard !isObject(spec) else { return spec.scope.objectName(spec.name("text")) }
    return try explaining("name a file") { () throws(SystemError) in
      try spec.scope.path(spec.name("text"), in: spec.variant == "disk" ? .disk : .memory)
    }
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    if isWindow(spec) { try XMeeting.probe() }
    guard spec.variant == "disk" else { return }
    let kind = try explaining("look at /var/tmp") { () throws(SystemError) in
      try FileSystemKind.of("/var/tmp")
    }
    if kind == .memory {
      throw TransportError(
        .unavailable, "mapped-file-notify:disk needs a disk: /var/tmp is in memory on this machine.")
    }
  }

  public static func close(_ channel: Channel) {
    SharedObject.unlinkPosix(name: channel.name)
    SharedObject.removeFile(path: channel.name)
  }

  public struct Attachment: Sendable {
    var view: LinuxIPC.Mapping
    var names: ProcessNames
    var server: XAddress?
  }

  /// Both sides map the same view: a notification is synchronous, so that only one of them writes.
  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Attachment {
    let name = channel.name
    let view = try explaining("map a view of \(name)") { () throws(SystemError) in
      let descriptor =
        try isObject(spec) ? SharedObject.openPosix(name: name) : SharedObject.openFile(path: name)
      defer { descriptor.closeQuietly() }
      return try LinuxIPC.Mapping.view(of: descriptor, offset: 0, byteCount: NotifiedText.viewByteCount)
    }
    return Attachment(view: view, names: ProcessNames(spec, role), server: channel.server)
  }
}

/// The example's sizes, and its treatment of texts.
public enum NotifiedText {
  /// BUF_SIZE of the mapping and of the view.
  public static var mappingByteCount: Int { 1_000_000 }
  @inlinable public static var viewByteCount: Int { 1024 }
  /// What an empty text becomes.
  public static var placeholder: String { "no message" }

  /// Writes a text into a view, zero-padded to its end; returns the length of what was written.
  public static func write(_ text: String, in view: UnsafeMutableRawBufferPointer) -> Int {
    let bytes = Array((text.isEmpty ? placeholder : text).utf8.prefix(view.count))
    memset(view.baseAddress!, 0, view.count)
    view.copyBytes(from: bytes)
    return bytes.count
  }

  /// The text in a view, up to the first zero.
  public static func read(_ view: UnsafeRawBufferPointer) -> String {
    String(decoding: view.prefix { $0 != 0 }, as: UTF8.self)
  }
}

/// The message is written into the view, padded, flushed; a notification tells the peer its length ("data ready",
/// the example's WM_USER+101), and another one comes back when the peer has read it.
public struct NotifiedView<Notifier: ViewNotifier & ~Copyable>: Transport, ~Copyable {
  public static var wait: WaitKind { Notifier.Wait.kind }
  @inlinable public static var replyByteCount: Int? { 0 }

  private let view: LinuxIPC.Mapping
  private let capacity: Int
  private let receiveBuffer = Buffer.allocate(NotifiedText.viewByteCount)
  private var notifier: Notifier
  private var patience: Patience<Notifier.Wait>
  public var stalls: UInt64 { patience.stalls }
  public var sharedMapping: LinuxIPC.Mapping? { view }

  public var facts: TransportFacts {
    var facts = TransportFacts()
    facts.peerLookUpNanoseconds = notifier.lookUpNanoseconds
    return facts
  }

  public init(
    _ attachment: MappedFileNotify.Attachment, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    let patience = try Patience<Notifier.Wait>(nil, spec)
    let notifier = try Notifier(attachment)
    self.patience = patience
    self.notifier = notifier
    capacity = min(spec.messageByteCount, NotifiedText.viewByteCount)
    view = attachment.view
  }

  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) { try call(byteCount, fill) { _ in } }

  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    try serve(body, replyByteCount: 0) { _ in }
  }

  public mutating func call(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void, _ answer: (borrowing RawSpan) -> Void
  ) throws(ExchangeError) {
    guard byteCount <= capacity else { throw .messageTooLarge }
    guard byteCount > 0 else { throw .messageTooSmall }
    var span = MutableRawSpan(_unsafeStart: view.base, byteCount: byteCount)
    fill(&span)
    memset(view.base + byteCount, 0, NotifiedText.viewByteCount - byteCount)
    if view.flush() != 0 { throw .system(errno: RawDescriptor.lastError) }
    if notifier.post(.dataReady, UInt32(byteCount)) != 0 { throw .peerClosed }
    _ = try awaitNotice(.acknowledged)
    answer(RawSpan(_unsafeStart: view.base, byteCount: 0))
  }

  public mutating func serve(
    _ body: (borrowing RawSpan) -> Void, replyByteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    let length = try awaitNotice(.dataReady)
    guard length > 0, length <= capacity else { throw .corrupted }
    // The whole view is taken, as the example's client does.
    memcpy(receiveBuffer, view.base, NotifiedText.viewByteCount)
    body(RawSpan(_unsafeStart: receiveBuffer, byteCount: length))
    var nothing = MutableRawSpan(_unsafeStart: receiveBuffer, byteCount: 0)
    fill(&nothing)
    if notifier.post(.acknowledged, 0) != 0 { throw .peerClosed }
  }

  private mutating func awaitNotice(_ notice: ViewNotice) throws(ExchangeError) -> Int {
    var steps = 0
    while true {
      let length = notifier.take(notice)
      if length >= 0 { return length }
      steps &+= 1
      try patience.wait(steps, notifier.descriptor, Int16(POLLIN))
    }
  }

  public mutating func shutDown() { notifier.close() }
}
