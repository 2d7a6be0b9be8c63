import IPCTransport
import LinuxIPC
import Synchronization
import SystemPackage

/// WM_COPYDATA without windows: the sender copies into the receiver's memory and waits for its handler's result.
public enum CopyData: MeetingProvider {
  public typealias Attachment = Meeting

  public static var mechanism: Mechanism {
    Mechanism(
      id: "copy-data",
      summary: "a synchronous call: data into the receiver, its handler's result back",
      counterpart: "WM_COPYDATA",
      variants: [
        .init("", "process_vm_writev, futexes"),
        .init(
          "x11", "a property of the receiver's window, a message, and one back",
          traits: Traits(
            framing: .call, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 6,
            maximumMessageByteCount: 64 << 20)),
      ],
      traits: Traits(
        framing: .call, direction: .twoWay, reach: .host, attach: [.inherit, .name], payloadCopies: 1),
      explanation: explanation, manPages: ["process_vm_writev(2)", "futex(2)", "Xvfb(1)"])
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    if let obstacle = Handle.tracingObstacle {
      throw TransportError(.noPermission, "Another process's memory cannot be written: \(obstacle).")
    }
  }
}

/// Either side may call the other; while it waits for the answer it serves nothing, so that two calls at once
/// can never be answered: that is reported to both.
public struct CallByCopy<Wait: WaitStrategy>: CallTransport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }
  @inlinable public static var replyByteCount: Int? { 8 }

  /// What a side writes for the other one to read.
  enum Word {
    static var buffer: Int { 0 }
    static var request: Int { 1 }
    static var length: Int { 2 }
    static var withdrawn: Int { 3 }
    static var reply: Int { 4 }
    static var result: Int { 5 }
    static var bell: Int { 8 }
  }

  @usableFromInline let peer: Int32
  @usableFromInline let capacity: Int
  @usableFromInline let sendBuffer: UnsafeMutableRawPointer
  @usableFromInline let receiveBuffer: UnsafeMutableRawPointer
  @usableFromInline let peerBuffer: UInt64
  @usableFromInline let request, length, withdrawn, reply, result: SharedWord
  @usableFromInline let peerRequest, peerLength, peerWithdrawn, peerReply, peerResult: SharedWord
  @usableFromInline let bell: Doorbell<Wait>
  @usableFromInline var patience: Patience<Wait>
  @usableFromInline var calls: UInt64 = 0
  @usableFromInline var served: UInt64 = 0
  public var stalls: UInt64 { patience.stalls }

  public init(_ meeting: Meeting, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    Handle.allowTracing()
    let patience = try Patience<Wait>(meeting, spec)
    let receiveBuffer = Buffer.allocate(spec.messageByteCount)
    let address = UInt64(UInt(bitPattern: receiveBuffer))
    let (peer, peerBuffer) = try explaining("meet the peer") { () throws(SystemError) in
      meeting.word(Word.buffer).pointee.store(address, ordering: .releasing)
      return (try meeting.greet(), try meeting.awaitWord(Word.buffer))
    }
    (self.peer, self.peerBuffer, self.receiveBuffer) = (peer, peerBuffer, receiveBuffer)
    self.patience = patience
    capacity = spec.messageByteCount
    sendBuffer = Buffer.allocate(capacity)
    (request, length) = (meeting.word(Word.request), meeting.word(Word.length))
    (withdrawn, reply) = (meeting.word(Word.withdrawn), meeting.word(Word.reply))
    result = meeting.word(Word.result)
    peerRequest = meeting.word(Word.request, ofPeer: true)
    peerLength = meeting.word(Word.length, ofPeer: true)
    peerWithdrawn = meeting.word(Word.withdrawn, ofPeer: true)
    peerReply = meeting.word(Word.reply, ofPeer: true)
    peerResult = meeting.word(Word.result, ofPeer: true)
    bell = Doorbell(meeting, index: Word.bell)
  }

  /// Copies the message into the peer's memory and blocks until its handler has returned; `answer` gets the
  /// handler's result of eight bytes. Gives up after the stall limit (SendMessageTimeout), and at once when the
  /// peer is itself waiting for an answer from this side.
  @inlinable @inline(__always)
  public mutating func call(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void, _ answer: (borrowing RawSpan) -> Void
  ) throws(ExchangeError) {
    guard byteCount >= 0 && byteCount <= capacity else { throw .messageTooLarge }
    var span = MutableRawSpan(_unsafeStart: sendBuffer, byteCount: byteCount)
    fill(&span)
    if byteCount > 0 { try copy(byteCount) }
    calls &+= 1
    let number = calls
    length.pointee.store(UInt64(byteCount), ordering: .relaxed)
    request.pointee.store(number, ordering: .releasing)
    bell.ring()
    do throws(ExchangeError) {
      let (theirs, theirWithdrawal, answers, done) = (peerRequest, peerWithdrawn, peerReply, served)
      try bell.wait(&patience) {
        answers.pointee.load(ordering: .acquiring) == number
      } meanwhile: { () throws(ExchangeError) in
        let asked = theirs.pointee.load(ordering: .acquiring)
        let isMutual = asked != done && theirWithdrawal.pointee.load(ordering: .acquiring) != asked
        if isMutual && answers.pointee.load(ordering: .acquiring) != number { throw .mutualCall }
      }
    } catch {
      // Whoever comes to serve it now must not: nobody waits for the answer.
      withdrawn.pointee.store(number, ordering: .releasing)
      bell.ring()
      throw error
    }
    answer(RawSpan(_unsafeStart: UnsafeRawPointer(peerResult), byteCount: 8))
  }

  @inlinable func copy(_ byteCount: Int) throws(ExchangeError) {
    let written = ProcessMemory.write(peer, at: peerBuffer, sendBuffer, byteCount)
    if written == byteCount { return }
    // A process that has ended has no memory left to write to.
    let error = RawDescriptor.lastError
    throw written < 0 && error == 3 ? .peerClosed : .system(errno: written < 0 ? error : 14)
  }

  /// Waits for a call and runs the handler on it; the bytes are valid only inside it.
  @inlinable @inline(__always)
  public mutating func serve(
    _ body: (borrowing RawSpan) -> Void, replyByteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    let (theirs, theirWithdrawal) = (peerRequest, peerWithdrawn)
    var number = served
    let done = served
    try bell.wait(&patience) {
      number = theirs.pointee.load(ordering: .acquiring)
      return number != done && theirWithdrawal.pointee.load(ordering: .acquiring) != number
    }
    let byteCount = Int(truncatingIfNeeded: peerLength.pointee.load(ordering: .relaxed))
    guard byteCount >= 0 && byteCount <= capacity else { throw .corrupted }
    body(RawSpan(_unsafeStart: receiveBuffer, byteCount: byteCount))
    var span = MutableRawSpan(
      _unsafeStart: UnsafeMutableRawPointer(mutating: result), byteCount: min(replyByteCount, 8))
    fill(&span)
    served = number
    reply.pointee.store(number, ordering: .releasing)
    bell.ring()
  }

  public mutating func shutDown() { patience.leave() }
}

extension CopyData {
  static var explanation: Explanation {
    Explanation(
      "WM_COPYDATA without windows: the sender copies its message into the receiver's memory with "
        + "process_vm_writev, rings, and sleeps until the receiver's handler has returned; then it reads the "
        + "handler's result of eight bytes. The sides meet on a shared page that holds pids, buffer "
        + "addresses, numbers of calls and the futex words on which they sleep. :x11 is the call between "
        + "windows, on an X server: the sender puts the message into a property of the receiver's window and "
        + "sends a ClientMessage, and another one brings the result; it takes the steps that say :x11, and "
        + "no others. Either side may call; one that waits for an answer serves nothing, so two calls at "
        + "once are reported to both as an error instead of deadlocking.",
      producer: [
        .init(
          "open(page); fstat; mmap; close",
          "--attach name: the page on which the sides meet; forked workers have inherited it."),
        .init(
          "prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY)",
          "Lets the other side write into this process where Yama forbids it."),
        .init(
          "atomic_store(&page->buffer, address); usleep(200)",
          "Tells its own buffer and pid, and waits for the other's, 5 s at most.",
          answers: "FindWindow"),
        .init(
          "process_vm_writev(peer, {message}, 1, {buffer}, 1, 0)",
          "Sends: the one copy, into the handler's buffer.",
          answers: "SendMessage(WM_COPYDATA)"),
        .init("atomic_store(&page->request, number)", "After the length: asks for this call to be served."),
        .init(
          "futex(&page->bell, FUTEX_WAKE, 1)",
          "Blocking form: only when the receiver has announced that it sleeps."),
        .init(
          "futex(&page->bell, FUTEX_WAIT, 1, 20 ms)",
          "Blocking form: sleeps until the answer carries the call's number; gives up after the stall limit.",
          answers: "SendMessageTimeout"),
        .init(
          "pidfd_open(peer, 0); poll(pidfd, 1, 0)",
          "While it waits, every 10 ms: whether the receiver has ended."),
        .init(
          "atomic_store(&page->withdrawn, number)",
          "Only when it gives up: nobody shall serve the call any more."),
        .init("atomic_store(&own->state, closed)", "The end, on the page."),
        .startXServer("x11"),
        .connectToXServer("x11"),
        .createHiddenWindow("x11"),
        .askForTime("x11"),
        .showProcess("p", "x11"),
        .findWindow(of: "consumer", "x11", answers: "FindWindow"),
        .watchWindow("x11"),
        .exchangeHellos("x11"),
        .init(
          "xcb_change_property(REPLACE, peer, _IPCBENCH_COPY_DATA, …, message)",
          ":x11: sends: the data, to the server. Beyond 16 MiB in several requests, which append.",
          answers: "SendMessage(WM_COPYDATA)"),
        .init(
          "xcb_send_event(peer, ClientMessage: window, number, length)",
          ":x11: asks for this call to be served.",
          answers: "SendMessage(WM_COPYDATA)"),
        .init(
          "poll(fd, POLLIN, 20 ms); xcb_poll_for_event(c)",
          ":x11: sleeps until a ClientMessage brings the result of this number; gives up after the stall "
            + "limit.",
          answers: "SendMessageTimeout"),
        .closeXConnection("x11"),
        .stopXServer("x11"),
      ],
      consumer: [
        .init(
          "mmap(NULL, 4096, …, MAP_SHARED | MAP_ANONYMOUS, -1, 0)",
          "The harness: the page; with --attach name open(O_CREAT | O_EXCL), posix_fallocate and close.",
          answers: "CreateWindow"),
        .init(
          "open(page); fstat; mmap; close",
          "--attach name: the page on which the sides meet; forked workers have inherited it."),
        .init(
          "prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY)",
          "Lets the sender write into this process where Yama forbids it."),
        .init(
          "atomic_store(&page->buffer, address); usleep(200)",
          "Says where messages are to be copied to, and waits for the other side."),
        .init(
          "futex(&page->bell, FUTEX_WAIT, 1, 20 ms)",
          "Receives, blocking form: sleeps until a call has come that was not withdrawn.",
          answers: "GetMessage"),
        .init(
          "handler(buffer, length)",
          "The bytes are valid only inside it.",
          answers: "WindowProc(WM_COPYDATA)"),
        .init(
          "atomic_store(&page->reply, number)",
          "After the result of eight bytes was written beside it.",
          answers: "ReplyMessage"),
        .init(
          "futex(&page->bell, FUTEX_WAKE, 1)",
          "Blocking form: wakes the sender, when it has announced that it sleeps."),
        .init("atomic_store(&own->state, closed)", "The end, on the page."),
        .init(
          "munmap(page, 4096)",
          "The harness, after both have ended; with --attach name unlink(page).",
          answers: "DestroyWindow"),
        .connectToXServer("x11"),
        .createHiddenWindow("x11"),
        .askForTime("x11"),
        .showProcess("c", "x11"),
        .findWindow(of: "producer", "x11", answers: "FindWindow"),
        .watchWindow("x11"),
        .exchangeHellos("x11"),
        .init(
          "poll(fd, POLLIN, 20 ms); xcb_poll_for_event(c)",
          ":x11: receives: sleeps until a ClientMessage comes from the sender's window; all others are "
            + "passed over.",
          answers: "GetMessage"),
        .init(
          "xcb_get_property(c, 1, window, _IPCBENCH_COPY_DATA, ANY, 0, ~0u >> 2)",
          ":x11: takes the data out of the server, deletes them there, and checks their length."),
        .init(
          "handler(buffer, length)",
          ":x11: the bytes are valid only inside it.",
          answers: "WindowProc(WM_COPYDATA)"),
        .init(
          "xcb_send_event(peer, ClientMessage: window, number, result)",
          ":x11: the result of eight bytes, in the message itself.",
          answers: "ReplyMessage"),
        .closeXConnection("x11"),
      ],
      limits: [
        "Writing into another process needs the right to trace it: the same user, and "
          + "kernel.yama.ptrace_scope of 0 or 1 (2 for root). :x11 needs the X server's cookie instead.",
        "One message at a time in each direction; the receiver's buffer has the size that was agreed on at "
          + "the start.",
        "The answer has eight bytes, as an LRESULT has.",
        "One call of process_vm_writev copies at most 0x7ffff000 bytes, and is not atomic. :x11 carries 64 "
          + "MiB here.",
        "The sender is told after the stall limit that nobody answers; a call already in the handler cannot "
          + "be recalled. :x11 recalls none: one that was given up is served all the same, and its answer "
          + "passed over.",
        ":x11 copies each payload byte six times, three of them in the X server, whose CPU time is in no "
          + "figure here; and the server does not vouch for the window that a message says it comes from.",
      ],
      useWhen:
        "A call has to be over when it returns: the sender needs the handler's verdict, and both sides "
        + "belong to one user and trust each other.",
      avoidWhen:
        "The sender has something better to do than to wait, or the receiver shall not be writable by it: a "
        + "socket copies twice and asks for no such right.")
  }
}
