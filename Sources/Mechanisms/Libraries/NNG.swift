import Glibc
import IPCTransport
import LinuxIPC
import Synchronization
import SystemPackage

/// libnng: a pair of sockets with threads behind them.
public enum NNG: ChannelProvider {
  public static var mechanism: Mechanism {
    var traits = Traits(
      framing: .message, direction: .twoWay, reach: .network, attach: [.name], payloadCopies: 4,
      meetsByAddressAlone: true)
    traits.survivesProducer = false
    var localTraits = traits
    localTraits.reach = .host
    localTraits.meetsByAddressAlone = false
    return Mechanism(
      id: "nng", summary: "a pair of libnng sockets",
      variants: [.init("ipc", "over a Unix socket", traits: localTraits), .init("tcp", "over TCP")],
      traits: traits,
      explanation: explanation, manPages: ["nng(7)", "nng_pair(7)", "nng_ipc(7)"])
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    if NNGLibrary() == nil {
      throw TransportError(.unavailable, "nng needs libnng: install the package libnng1.")
    }
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> LibraryEndpoint {
    try .open("nng", spec)
  }

  public static func address(of endpoint: LibraryEndpoint) -> String { endpoint.address }
  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> LibraryEndpoint {
    try .find(address, spec)
  }
  public static func close(_ endpoint: LibraryEndpoint) { endpoint.close() }

  public static func attach(
    _ endpoint: LibraryEndpoint, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> LibraryEndpoint.Attachment { try endpoint.attach(role) }
}

/// The functions used here, as nng/nng.h declares them; an `nng_socket` is a structure of one 32-bit number.
struct NNGLibrary {
  typealias Endpoint = @convention(c) (UInt32, UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int32) -> Int32
  let open: @convention(c) (UnsafeMutablePointer<UInt32>) -> Int32
  let close: @convention(c) (UInt32) -> Int32
  let listen: Endpoint
  let dial: Endpoint
  let setMilliseconds: @convention(c) (UInt32, UnsafePointer<CChar>, Int32) -> Int32
  let setSize: @convention(c) (UInt32, UnsafePointer<CChar>, Int) -> Int32
  let send: @convention(c) (UInt32, UnsafeRawPointer, Int, Int32) -> Int32
  let receive: @convention(c) (UInt32, UnsafeMutableRawPointer, UnsafeMutablePointer<Int>, Int32) -> Int32

  init?() {
    guard let library = DynamicLibrary("libnng.so.1") else { return nil }
    open = library.function(
      "nng_pair0_open", as: (@convention(c) (UnsafeMutablePointer<UInt32>) -> Int32).self)
    close = library.function("nng_close", as: (@convention(c) (UInt32) -> Int32).self)
    listen = library.function("nng_listen", as: Endpoint.self)
    dial = library.function("nng_dial", as: Endpoint.self)
    setMilliseconds = library.function(
      "nng_socket_set_ms", as: (@convention(c) (UInt32, UnsafePointer<CChar>, Int32) -> Int32).self)
    setSize = library.function(
      "nng_socket_set_size", as: (@convention(c) (UInt32, UnsafePointer<CChar>, Int) -> Int32).self)
    send = library.function(
      "nng_send", as: (@convention(c) (UInt32, UnsafeRawPointer, Int, Int32) -> Int32).self)
    receive = library.function(
      "nng_recv",
      as: (@convention(c) (UInt32, UnsafeMutableRawPointer, UnsafeMutablePointer<Int>, Int32) -> Int32).self)
  }

  /// Errors of nng.h as errnos.
  static func errno(_ error: Int32) -> Int32 {
    switch error {
    case 5, 8: EAGAIN  // NNG_ETIMEDOUT, NNG_EAGAIN
    case 1: EINTR
    case 7, 18, 19: EPIPE  // NNG_ECLOSED, NNG_ECONNABORTED, NNG_ECONNRESET
    case 17: EMSGSIZE
    case 2: ENOMEM
    default: EIO
    }
  }
}

/// `nng_send` there, `nng_recv` here. Only blocking, as its threads bring the messages.
public struct NNGPort<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private let library: NNGLibrary
  private let socket: UInt32
  private let received: SharedWord
  private let receivedByPeer: SharedWord
  /// Whether the peer can show how much it has received.
  private let seesCount: Bool
  private var sentCount: UInt64 = 0
  private var receivedCount: UInt64 = 0
  public static func meeting(_ attachment: LibraryEndpoint.Attachment) -> Meeting? { attachment.meeting }

  public init(
    _ attachment: LibraryEndpoint.Attachment, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    guard let library = NNGLibrary() else { throw TransportError(.unavailable, "libnng is gone.") }
    var socket: UInt32 = 0
    guard library.open(&socket) == 0 else {
      throw TransportError(.system, "libnng could not be initialised.")
    }
    // Its calls are not interrupted by signals: with a time-out a side can look after its peer.
    _ = library.setMilliseconds(socket, "recv-timeout", Int32(Heartbeat.milliseconds))
    _ = library.setMilliseconds(socket, "send-timeout", Int32(Heartbeat.milliseconds))
    _ = library.setSize(socket, "recv-size-max", 0)
    try Self.connect(library, socket, role, attachment.url)
    try explaining("meet the peer") { () throws(SystemError) in _ = try attachment.meeting?.greet() }
    let page = try explaining("count messages") { () throws(SystemError) in
      if let meeting = attachment.meeting { return meeting }
      return try Meeting(.create(path: nil), isFirst: role == .producer)
    }
    self.library = library
    self.socket = socket
    received = page.word(0)
    receivedByPeer = page.word(0, ofPeer: true)
    seesCount = attachment.meeting != nil
  }

  private static func connect(
    _ library: NNGLibrary, _ socket: UInt32, _ role: Role, _ endpoint: String
  ) throws(TransportError) {
    let deadline = Clock.monotonicNanoseconds() + 5_000_000_000
    while true {
      let error = (role == .consumer ? library.listen : library.dial)(socket, endpoint, nil, 0)
      if error == 0 { return }
      // NNG_ECONNREFUSED, NNG_ENOENT: the listener is not there yet.
      let isEarly = role == .producer && (error == 6 || error == 12)
      guard isEarly, Clock.monotonicNanoseconds() < deadline else {
        throw TransportError(.system, "Cannot open \(endpoint): libnng reports error \(error).")
      }
      usleep(1000)
    }
  }

  @inline(never)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    let error = library.send(socket, message, byteCount, 0)
    if error != 0 { return RawDescriptor.fail(NNGLibrary.errno(error)) }
    sentCount &+= 1
    return byteCount
  }

  @inline(never)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    var byteCount = capacity
    let error = library.receive(socket, buffer, &byteCount, 0)
    if error != 0 { return RawDescriptor.fail(NNGLibrary.errno(error)) }
    receivedCount &+= 1
    received.pointee.store(receivedCount, ordering: .releasing)
    return byteCount
  }

  /// Closing throws away what is still queued (nng_close(3)): waits until the peer has it, for a second at most.
  public mutating func close() {
    var looks = seesCount ? 1000 : 0
    while receivedByPeer.pointee.load(ordering: .acquiring) < sentCount && looks > 0 {
      usleep(1000)
      looks -= 1
    }
    _ = library.close(socket)
  }
}

extension NNG {
  static var explanation: Explanation {
    Explanation(
      "libnng, the successor of nanomsg, loaded where it is installed: a pair of sockets of protocol pair0 "
        + "that keep message boundaries, over a Unix socket (:ipc) or TCP on the loopback interface (:tcp). "
        + "A pool of threads in each process moves messages between its queue and the connection, so that "
        + "each message passes several threads. Only blocking, for the same reason: a side that spins would "
        + "take the CPU from them.",
      producer: [
        .init(
          "open(page); fstat; mmap; close",
          "The page on which the sides meet, and that shows whether the other one is there."),
        .init(
          "dlopen(\"libnng.so.1\", RTLD_NOW | RTLD_LOCAL); dlsym(…)",
          "The library, without a build dependency."),
        .init("nng_pair0_open(&s)", "Starts the library's threads."),
        .init(
          "nng_socket_set_ms(s, \"send-timeout\", 50)",
          "Its calls are not interrupted by signals: the time-out lets a side look after its peer. "
            + "\"recv-timeout\" likewise."),
        .init("nng_socket_set_size(s, \"recv-size-max\", 0)", "No limit for what is received."),
        .init(
          "nng_dial(s, endpoint, NULL, 0)",
          "Tried again every 1 ms until the consumer listens, for 5 s at most."),
        .greet,
        .startHeartbeat,
        .init(
          "nng_send(s, message, length, 0)",
          "Sends: copies it into a message of the library's; sleeps up to 50 ms while there is no room, and "
            + "tries again."),
        .init("pidfd_open(peer, 0); poll(pidfd, 1, 0)", "After a time-out: whether the consumer has ended."),
        .init(
          "setitimer(ITIMER_REAL, 0); usleep(1000), up to 1000 times",
          "The end: waits until the consumer has counted every message, because nng_close throws away what "
            + "is queued."),
        .init("nng_close(s)", "Then says so on the page."),
      ],
      consumer: [
        .init(
          "open(page, O_CREAT | O_EXCL, …); posix_fallocate; close",
          "The harness: the page on which the sides meet. The endpoint of :ipc is a path beside it."),
        .init(
          "bind(reservation, 127.0.0.1:0)",
          "The harness, tcp: socket, setsockopt(SO_REUSEPORT), bind to 127.0.0.1 and port 0, getsockname; "
            + "keeps the port."),
        .init(
          "open(page); fstat; mmap; close",
          "The page on which the sides meet, and that shows whether the other one is there."),
        .init("dlopen(…); nng_pair0_open(&s)", "As on the other side, with the same options."),
        .init(
          "nng_listen(s, \"ipc://….sock\", NULL, 0)", "Makes the endpoint; :tcp \"tcp://127.0.0.1:<port>\"."),
        .greet,
        .startHeartbeat,
        .init(
          "nng_recv(s, buffer, &length, 0)",
          "Receives: copies the message out; sleeps up to 50 ms while there is none, and tries again."),
        .init("atomic_store(&page->received, count)", "So that the producer knows when it may close."),
        .init("pidfd_open(peer, 0); poll(pidfd, 1, 0)", "After a time-out: whether the producer has ended."),
        .init(
          "setitimer(ITIMER_REAL, 0); nng_close(s)",
          "The end; what it has sent itself must have been counted, too."),
        .init("unlink(page); unlink(socket); close(reservation)", "The harness, after both have ended."),
      ],
      limits: [
        "Four copies of each payload byte: into the library's message, into the kernel, out of it, out of "
          + "the message.",
        "nng_close throws away what is queued (nng_close(3)): an orderly end needs a protocol of its own, "
          + "here a count on a shared page.",
        "A receiver that does not set recv-size-max to 0 drops larger messages than the library's default "
          + "limit.",
        "Its calls do not return on signals: only time-outs (50 ms here) let a side do something else.",
        ":ipc is bound by 107 bytes of path (sun_path, unix(7)); pair0 has exactly one peer at a time.",
      ],
      useWhen:
        "You want ZeroMQ's patterns with a smaller library that is safe to use from several threads, and TLS "
        + "or WebSocket besides; a thread switch or two per message do not matter.",
      avoidWhen:
        "Both sides are on one machine and latency counts, or messages must not be lost at the end of a "
        + "process: use the socket below it.")
  }
}
