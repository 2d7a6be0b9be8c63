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

extension MappedFileNotify {
  static var explanation: Explanation {
    Explanation(
      "The source's worked example: a mapping of 1,000,000 bytes with a name, of which both sides map a view "
        + "of 1,024. The producer writes a text, pads the view with zeros, flushes it with msync and queues "
        + "a real-time signal that carries the length, to a process that it has found by its name; it goes "
        + "on when the consumer has queued its acknowledgement. The mapping is a POSIX shared-memory object "
        + "(:signal), a file in memory (:tmpfs) or a file on a disk (:disk), where every message waits for "
        + "the device.",
      producer: [
        .init(
          "shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600)",
          "The harness; :tmpfs and :disk open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, "
            + "0600).", answers: "CreateFileMapping"),
        .init(
          "ftruncate(fd, 1000000); close(fd)",
          "The harness; for a file posix_fallocate, which reserves its blocks."),
        .init(
          "shm_open(name, O_RDWR | O_CLOEXEC, 0)",
          "The worker: opens it by name; a file by its path.", answers: "OpenFileMapping"),
        .init(
          "mmap(NULL, 1024, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)",
          "The view, smaller than the object; close(fd) follows.", answers: "MapViewOfFile"),
        .init(
          "sigprocmask(SIG_BLOCK, {SIGRTMIN+5, SIGRTMIN+6})",
          "A signal that comes early waits instead of killing."),
        .init("prctl(PR_SET_NAME, \"ipcb<pid>p<serial>\")", "Only now can the other side find this process."),
        .init(
          "readdir(\"/proc\"); read(\"/proc/PID/comm\"); readlink(\"/proc/PID/exe\")",
          "Looks for the consumer by its process name and program, every 1 ms for 5 s at most; the last look "
            + "is timed apart."),
        .init("pidfd_open(peer, 0)", "To see later whether it has ended."),
        .init(
          "sigqueue(peer, SIGRTMIN+5, hello); sigtimedwait({SIGRTMIN+5}, 5 s)",
          "Each side waits until the other is ready."),
        .startHeartbeat,
        .init("memset(view + length, 0, 1024 - length)", "Sends: after the text was written into the view."),
        .init(
          "msync(view, 1024, MS_SYNC)",
          "Returns when the file has it: at once in memory, after the device's answer on a "
            + "disk.", answers: "FlushViewOfFile"),
        .init("sigqueue(peer, SIGRTMIN+5, length)", "Data ready.", answers: "SendMessage(WM_USER+101)"),
        .init(
          "sigwaitinfo({SIGRTMIN+6}, &info)",
          "Waits until the text was read, as SendMessage returns only then; spinning: sigtimedwait with "
            + "0.", answers: "SendMessage(WM_USER+101)"),
        .init("poll(pidfd, 1, 0)", "Each time the wait was interrupted: whether the consumer has ended."),
        .init(
          "setitimer(ITIMER_REAL, 0); sigqueue(peer, SIGRTMIN+5, goodbye)",
          "The end, as a length that no text has."),
        .init("_exit(0)", "The end of the process unmaps the view.", answers: "UnmapViewOfFile"),
        .init(
          "shm_unlink(name)",
          "The harness, after both have ended; a file with unlink(path).", answers: "CloseHandle"),
      ],
      consumer: [
        .init(
          "shm_open(name, O_RDWR | O_CLOEXEC, 0)",
          "Opens the mapping by name; a file by its path.", answers: "OpenFileMapping"),
        .init(
          "mmap(NULL, 1024, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)",
          "The same view; close(fd) follows.", answers: "MapViewOfFile"),
        .init(
          "sigprocmask(SIG_BLOCK, {SIGRTMIN+5, SIGRTMIN+6})",
          "A signal that comes early waits instead of killing."),
        .init("prctl(PR_SET_NAME, \"ipcb<pid>c<serial>\")", "Only now can the other side find this process."),
        .init(
          "readdir(\"/proc\"); read(\"/proc/PID/comm\"); readlink(\"/proc/PID/exe\")",
          "Looks for the producer by its process name and program, every 1 ms for 5 s at most; the last look "
            + "is timed apart."),
        .init("pidfd_open(peer, 0)", "To see later whether it has ended."),
        .init(
          "sigqueue(peer, SIGRTMIN+5, hello); sigtimedwait({SIGRTMIN+5}, 5 s)",
          "Each side waits until the other is ready."),
        .startHeartbeat,
        .init(
          "sigwaitinfo({SIGRTMIN+5}, &info)",
          "Receives: sleeps until data are ready; spinning: sigtimedwait with 0.", answers: "GetMessage"),
        .init("poll(pidfd, 1, 0)", "Each time the wait was interrupted: whether the producer has ended."),
        .init("memcpy(buffer, view, 1024)", "Takes the whole view, as the example's client does."),
        .init(
          "sigqueue(peer, SIGRTMIN+6, 1)",
          "The acknowledgement: the sender may go on.", answers: "ReplyMessage"),
        .init("setitimer(ITIMER_REAL, 0); sigqueue(peer, SIGRTMIN+5, goodbye)", "The end."),
        .init("_exit(0)", "The end of the process unmaps the view.", answers: "UnmapViewOfFile"),
      ],
      limits: [
        "A text has 1 to 1,024 bytes, the size of the view; an empty one becomes \"no message\". The kernel "
          + "maps and flushes whole pages of 4,096 bytes.",
        "One message at a time: the view has no queue, and the sender waits for the acknowledgement.",
        "A process name has at most 15 bytes (proc_pid_comm(5)) and is no secret: /proc/PID/exe is compared "
          + "as well.",
        "Queued signals count against RLIMIT_SIGPENDING, for all processes of the user; beyond it sigqueue "
          + "fails with EAGAIN. Only a process of the same user, or one with CAP_KILL, may queue one.",
        "On a disk each message costs a write to the device, about a hundred times what it costs in memory.",
      ],
      useWhen:
        "You port the example, or want its shape: a small current value that has to be on the disk before "
        + "the other side is told of it.",
      avoidWhen:
        "You want throughput or more than one sender, or the program uses these real-time signals for "
        + "something else; shared-memory with a futex notifies without a system-wide look-up, and eventfd "
        + "without signals.")
  }
}
