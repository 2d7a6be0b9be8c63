import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// libzmq: a pair of sockets with queues and an I/O thread on each side.
public enum ZeroMQ: ChannelProvider {
  public static var mechanism: Mechanism {
    var traits = Traits(
      framing: .message, direction: .twoWay, reach: .network, attach: [.name], payloadCopies: 4,
      meetsByAddressAlone: true)
    traits.survivesProducer = false
    var localTraits = traits
    localTraits.reach = .host
    localTraits.meetsByAddressAlone = false
    return Mechanism(
      id: "zeromq", summary: "a pair of libzmq sockets",
      variants: [.init("ipc", "over a Unix socket", traits: localTraits), .init("tcp", "over TCP")],
      traits: traits,
      explanation: explanation, manPages: ["zmq_socket(3)", "zmq_ipc(7)", "zmq_tcp(7)"])
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    if ZeroMQLibrary() == nil {
      throw TransportError(.unavailable, "zeromq needs libzmq: install the package libzmq5.")
    }
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> LibraryEndpoint {
    try .open("zeromq", spec)
  }

  public static func address(of endpoint: LibraryEndpoint) -> String { endpoint.address }
  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> LibraryEndpoint {
    try .find(address, spec)
  }
  public static func close(_ endpoint: LibraryEndpoint) { endpoint.close() }

  public static func attach(
    _ endpoint: LibraryEndpoint, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> LibraryEndpoint.Attachment { try endpoint.attach(role, spec.crew) }
}

/// The functions used here, as zmq.h declares them.
struct ZeroMQLibrary {
  typealias Pointer = UnsafeMutableRawPointer
  let newContext: @convention(c) () -> Pointer?
  let endContext: @convention(c) (Pointer) -> Int32
  let newSocket: @convention(c) (Pointer, Int32) -> Pointer?
  let closeSocket: @convention(c) (Pointer) -> Int32
  let bind: @convention(c) (Pointer, UnsafePointer<CChar>) -> Int32
  let connect: @convention(c) (Pointer, UnsafePointer<CChar>) -> Int32
  let setOption: @convention(c) (Pointer, Int32, UnsafeRawPointer, Int) -> Int32
  let send: @convention(c) (Pointer, UnsafeRawPointer, Int, Int32) -> Int32
  let receive: @convention(c) (Pointer, Pointer, Int, Int32) -> Int32
  let lastError: @convention(c) () -> Int32

  init?() {
    guard let library = DynamicLibrary("libzmq.so.5") else { return nil }
    newContext = library.function("zmq_ctx_new", as: (@convention(c) () -> Pointer?).self)
    endContext = library.function("zmq_ctx_term", as: (@convention(c) (Pointer) -> Int32).self)
    newSocket = library.function("zmq_socket", as: (@convention(c) (Pointer, Int32) -> Pointer?).self)
    closeSocket = library.function("zmq_close", as: (@convention(c) (Pointer) -> Int32).self)
    typealias Name = @convention(c) (Pointer, UnsafePointer<CChar>) -> Int32
    bind = library.function("zmq_bind", as: Name.self)
    connect = library.function("zmq_connect", as: Name.self)
    setOption = library.function(
      "zmq_setsockopt", as: (@convention(c) (Pointer, Int32, UnsafeRawPointer, Int) -> Int32).self)
    send = library.function(
      "zmq_send", as: (@convention(c) (Pointer, UnsafeRawPointer, Int, Int32) -> Int32).self)
    receive = library.function(
      "zmq_recv", as: (@convention(c) (Pointer, Pointer, Int, Int32) -> Int32).self)
    lastError = library.function("zmq_errno", as: (@convention(c) () -> Int32).self)
  }
}

/// `zmq_send` there, `zmq_recv` here. Only blocking: a side that spins would take the CPU from the I/O thread
/// that brings it the message. The calls are out of line: they go to a library that was loaded.
public struct ZeroMQPort<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private let library: ZeroMQLibrary
  private let context: UnsafeMutableRawPointer
  private let socket: UnsafeMutableRawPointer
  public static func meeting(_ attachment: LibraryEndpoint.Attachment) -> Meeting? { attachment.meeting }

  /// ZMQ_PAIR; from many to one ZMQ_PUSH and ZMQ_PULL.
  private static func kind(_ role: Role, _ crew: Crew) -> Int32 {
    crew.gathering == .pair ? 0 : role == .producer ? 8 : 7
  }

  /// Of zmq.h.
  private enum Option {
    static var linger: Int32 { 17 }
    static var sendHighWaterMark: Int32 { 23 }
    static var receiveHighWaterMark: Int32 { 24 }
  }

  public init(
    _ attachment: LibraryEndpoint.Attachment, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    guard let library = ZeroMQLibrary(), let context = library.newContext(),
      let socket = library.newSocket(context, Self.kind(role, spec.crew))
    else { throw TransportError(.unavailable, "libzmq could not be initialised.") }
    // Queues of a thousand messages would hold a gigabyte of large ones.
    var depth = Int32(clamping: max(4, min(1000, (4 << 20) / max(spec.messageByteCount, 1))))
    var linger: Int32 = 1000
    _ = library.setOption(socket, Option.sendHighWaterMark, &depth, 4)
    _ = library.setOption(socket, Option.receiveHighWaterMark, &depth, 4)
    _ = library.setOption(socket, Option.linger, &linger, 4)
    let isServer = role == .consumer
    let result =
      isServer ? library.bind(socket, attachment.url) : library.connect(socket, attachment.url)
    guard result == 0 else {
      throw TransportError(
        SystemError("zmq_\(isServer ? "bind" : "connect")", errno: Errno(rawValue: library.lastError())),
        doing: "open \(attachment.url)")
    }
    try explaining("meet the peer") { () throws(SystemError) in _ = try attachment.meeting?.greet() }
    (self.library, self.context, self.socket) = (library, context, socket)
  }

  @inline(never)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    let sent = library.send(socket, message, byteCount, 0)
    return sent < 0 ? RawDescriptor.fail(library.lastError()) : Int(sent)
  }

  @inline(never)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    let got = library.receive(socket, buffer, capacity, 0)
    return got < 0 ? RawDescriptor.fail(library.lastError()) : Int(got)
  }

  /// Waits for what is queued to be sent, for a second at most.
  public mutating func close() {
    _ = library.closeSocket(socket)
    _ = library.endContext(context)
  }
}

extension ZeroMQ {
  static var explanation: Explanation {
    Explanation(
      "libzmq, loaded where it is installed: a pair of ZMQ_PAIR sockets that keep message boundaries, over a "
        + "Unix socket (:ipc) or TCP on the loopback interface (:tcp). Each process has an I/O thread of the "
        + "library's between its queue and the connection, so that a message passes two queues, two threads "
        + "and the kernel. Only blocking: a side that spins would take the CPU from the thread that brings "
        + "it the message.",
      producer: [
        .init(
          "open(page); fstat; mmap; close",
          "The page on which the sides meet, and that shows whether the other one is there."),
        .init(
          "dlopen(\"libzmq.so.5\", RTLD_NOW | RTLD_LOCAL); dlsym(…)",
          "The library, without a build dependency."),
        .init("zmq_ctx_new(); zmq_socket(context, ZMQ_PAIR)", "The first socket starts the I/O thread."),
        .init(
          "zmq_setsockopt(s, ZMQ_SNDHWM, &depth, 4)",
          "4 MiB worth of messages, 4 to 1,000; ZMQ_RCVHWM likewise, and ZMQ_LINGER 1000 ms."),
        .init(
          "zmq_connect(s, endpoint)",
          "Returns at once: the library connects, again and again, in the background."),
        .greet,
        .startHeartbeat,
        .init(
          "zmq_send(s, message, length, 0)",
          "Sends: copies it into the queue; sleeps when the high-water mark is reached."),
        .init(
          "pidfd_open(peer, 0); poll(pidfd, 1, 0)",
          "When a wait was interrupted: whether the consumer has ended."),
        .init(
          "setitimer(ITIMER_REAL, 0); zmq_close(s); zmq_ctx_term(context)",
          "The end: waits a second at most for what is queued to go out."),
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
        .init(
          "dlopen(…); zmq_ctx_new(); zmq_socket(context, ZMQ_PAIR)",
          "As on the other side, with the same options."),
        .init("zmq_bind(s, \"ipc://….sock\")", "Makes the endpoint; :tcp \"tcp://127.0.0.1:<port>\"."),
        .greet,
        .startHeartbeat,
        .init(
          "zmq_recv(s, buffer, capacity + 1, 0)",
          "Receives: copies the message out of the queue; sleeps while there is none."),
        .init(
          "pidfd_open(peer, 0); poll(pidfd, 1, 0)",
          "When a wait was interrupted: whether the producer has ended."),
        .init("setitimer(ITIMER_REAL, 0); zmq_close(s); zmq_ctx_term(context)", "The end."),
        .init("unlink(page); unlink(socket); close(reservation)", "The harness, after both have ended."),
      ],
      limits: [
        "Queues hold up to 1,000 messages a side (the high-water marks' default), here at most 4 MiB of "
          + "them, but four at least.",
        "Four copies of each payload byte: into the queue, into the kernel, out of it, out of the queue.",
        "zmq_recv cuts off what does not fit into the buffer, and reports the full length.",
        "What is queued dies with the producer, save for ZMQ_LINGER after an orderly end; nobody is told of "
          + "what is lost.",
        ":ipc is bound by 107 bytes of path (sun_path, unix(7)); ZMQ_PAIR has exactly one peer.",
      ],
      useWhen:
        "One programming interface shall serve threads, processes and machines, with reconnection, fan-out "
        + "and queues, and thread switches on the way of each message do not matter.",
      avoidWhen:
        "Both sides are on one machine and latency counts: the socket below it does the same with half the "
        + "copies and none of the thread switches.")
  }
}
