import IPCTransport
import LinuxIPC
import Synchronization
import SystemPackage

/// The consumer pulls each message out of the producer's memory.
public enum ProcessVMRead: MeetingProvider {
  public typealias Attachment = Meeting

  public static var mechanism: Mechanism {
    var traits = Traits(
      framing: .message, direction: .twoWay, reach: .host, attach: [.inherit, .name], payloadCopies: 1)
    traits.survivesProducer = false
    return Mechanism(
      id: "process-vm-read", summary: "the consumer reads each message from the producer's memory",
      traits: traits, explanation: explanation, manPages: ["process_vm_readv(2)", "futex(2)"])
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    if let obstacle = Handle.tracingObstacle {
      throw TransportError(.noPermission, "Another process's memory cannot be read: \(obstacle).")
    }
  }
}

/// Where a message lies and how long it is goes through the meeting page; the bytes are copied once, by the
/// consumer's `process_vm_readv`.
public struct Pull<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }

  /// Messages that a side may have waiting.
  private static var slotCount: UInt64 { 4 }
  /// What a side writes for the other one to read; the address and length of slot i at `slots + 2 i`.
  enum Word {
    static var sent: Int { 0 }
    static var taken: Int { 1 }
    static var slots: Int { 2 }
    static var bell: Int { 12 }
  }

  private let meeting: Meeting
  private let peer: Int32
  private let capacity: Int
  private let stride: Int
  private let buffers: UnsafeMutableRawPointer
  private let receiveBuffer: UnsafeMutableRawPointer
  private let sentWord, takenWord, peerSent, peerTaken: SharedWord
  private let bell: Doorbell<Wait>
  private var patience: Patience<Wait>
  private var sent: UInt64 = 0
  private var taken: UInt64 = 0
  public var stalls: UInt64 { patience.stalls }

  public init(_ meeting: Meeting, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    Handle.allowTracing()
    let patience = try Patience<Wait>(meeting, spec)
    peer = try explaining("meet the peer") { () throws(SystemError) in try meeting.greet() }
    self.patience = patience
    self.meeting = meeting
    capacity = spec.messageByteCount
    stride = (capacity + 4095) / 4096 * 4096
    buffers = Buffer.allocate(stride * Int(Self.slotCount))
    receiveBuffer = Buffer.allocate(capacity)
    (sentWord, takenWord) = (meeting.word(Word.sent), meeting.word(Word.taken))
    peerSent = meeting.word(Word.sent, ofPeer: true)
    peerTaken = meeting.word(Word.taken, ofPeer: true)
    bell = Doorbell(meeting, index: Word.bell)
  }

  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    guard byteCount >= 0 && byteCount <= capacity else { throw .messageTooLarge }
    try waitUntilTaken(atMost: Self.slotCount - 1)
    let slot = Int(sent % Self.slotCount)
    let buffer = buffers + slot * stride
    var span = MutableRawSpan(_unsafeStart: buffer, byteCount: byteCount)
    fill(&span)
    let word = Word.slots + 2 * slot
    meeting.word(word).pointee.store(UInt64(UInt(bitPattern: buffer)), ordering: .relaxed)
    meeting.word(word + 1).pointee.store(UInt64(byteCount), ordering: .relaxed)
    sent &+= 1
    sentWord.pointee.store(sent, ordering: .releasing)
    bell.ring()
  }

  /// Waits until no more than `count` messages are waiting to be pulled.
  private mutating func waitUntilTaken(atMost count: UInt64) throws(ExchangeError) {
    let (word, position) = (peerTaken, sent)
    try bell.wait(&patience) { position &- word.pointee.load(ordering: .acquiring) <= count }
  }

  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    let (word, position) = (peerSent, taken)
    try bell.wait(&patience) { word.pointee.load(ordering: .acquiring) != position }
    let slot = Word.slots + 2 * Int(taken % Self.slotCount)
    let address = meeting.word(slot, ofPeer: true).pointee.load(ordering: .relaxed)
    let length = Int(
      truncatingIfNeeded: meeting.word(slot + 1, ofPeer: true).pointee.load(ordering: .relaxed))
    guard length >= 0 && length <= capacity else { throw .corrupted }
    if length > 0 { try pull(address, length) }
    taken &+= 1
    takenWord.pointee.store(taken, ordering: .releasing)
    bell.ring()
    body(RawSpan(_unsafeStart: receiveBuffer, byteCount: length))
  }

  private func pull(_ address: UInt64, _ length: Int) throws(ExchangeError) {
    let got = ProcessMemory.read(peer, at: address, receiveBuffer, length)
    if got == length { return }
    // What a producer that has died had not handed over died with it.
    let error = RawDescriptor.lastError
    throw got < 0 && error == 3 ? .peerClosed : .system(errno: got < 0 ? error : 14)
  }

  /// The messages are in this process's memory: it must not end before they are pulled.
  public mutating func shutDown() {
    try? waitUntilTaken(atMost: 0)
    patience.leave()
  }
}

extension ProcessVMRead {
  static var explanation: Explanation {
    Explanation(
      "The consumer pulls each message out of the producer's memory with process_vm_readv: one copy, made by "
        + "the kernel from one address space to the other. Where a message lies and how long it is goes "
        + "through a shared page, which holds the counters and futex words too; up to four messages may "
        + "wait. The producer may use a buffer again when the consumer has counted its message as taken.",
      producer: [
        .init(
          "open(page); fstat; mmap; close",
          "--attach name: the page on which the sides meet; forked workers have inherited it."),
        .init(
          "prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY)",
          "Lets the consumer read this process's memory where Yama forbids it."),
        .greet,
        .init(
          "futex(&page->bell, FUTEX_WAIT, 1, 20 ms)",
          "Sends, blocking form: sleeps while all four buffers wait to be pulled."),
        .init(
          "atomic_store(&page->sent, count)",
          "After the message was written in its own memory, and address and length on the page: publishes "
            + "it."),
        .init(
          "futex(&page->bell, FUTEX_WAKE, 1)",
          "Blocking form: only when the consumer has announced that it sleeps."),
        .init(
          "pidfd_open(peer, 0); poll(pidfd, 1, 0)",
          "While it waits, every 10 ms: whether the consumer has ended."),
        .init(
          "futex(&page->bell, FUTEX_WAIT, 1, 20 ms)",
          "The end: stays until everything was pulled, because the messages are in its memory."),
        .init("atomic_store(&own->state, closed)", "Then says so on the page."),
      ],
      consumer: [
        .init(
          "mmap(NULL, 4096, …, MAP_SHARED | MAP_ANONYMOUS, -1, 0)",
          "The harness: the page; with --attach name open(O_CREAT | O_EXCL), posix_fallocate and close."),
        .init(
          "open(page); fstat; mmap; close",
          "--attach name: the page on which the sides meet; forked workers have inherited it."),
        .init("prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY)", "For the answers, which go the same way back."),
        .greet,
        .init(
          "futex(&page->bell, FUTEX_WAIT, 1, 20 ms)",
          "Receives, blocking form: sleeps until the count of sent messages has moved."),
        .init(
          "process_vm_readv(peer, {buffer}, 1, {address}, 1, 0)",
          "The one copy; ESRCH when the producer has ended."),
        .init("atomic_store(&page->taken, count)", "The producer may use that buffer again."),
        .init(
          "futex(&page->bell, FUTEX_WAKE, 1)",
          "Blocking form: only when the producer has announced that it sleeps."),
        .init("atomic_store(&own->state, closed)", "The end, on the page."),
        .init("munmap(page, 4096)", "The harness, after both have ended; with --attach name unlink(page)."),
      ],
      limits: [
        "Reading another process's memory needs the right to trace it: the same user, and "
          + "kernel.yama.ptrace_scope of 0 or 1 (2 for root).",
        "Four messages at most wait in each direction.",
        "Messages die with the producer: what was not pulled by then is gone.",
        "One call copies at most 0x7ffff000 bytes, and is not atomic: nothing keeps a producer from changing "
          + "them meanwhile.",
      ],
      useWhen:
        "Messages are large and lie in ordinary memory that cannot be shared beforehand, such as a library's "
        + "own buffers; MPI libraries do it for that.",
      avoidWhen:
        "Messages are small, where the call costs more than a pipe's copy; or the right to read the whole of "
        + "a process is too much to give for a message.")
  }
}
