import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// Each message is a memfd of its own, whose descriptor is passed over a socket.
public enum FDPassing: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "fd-passing", summary: "a memfd for each message, passed over a socket (SCM_RIGHTS)",
      traits: Traits(framing: .message, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 2),
      explanation: explanation, manPages: ["unix(7)", "cmsg(3)", "memfd_create(2)"])
  }

  /// The path of the socket.
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String {
    try explaining("name a socket") { () throws(SystemError) in try spec.scope.path(spec.name("fds.sock")) }
  }

  public static func close(_ path: String) { SharedObject.removeFile(path: path) }

  public static func attach(
    _ path: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    let socket = try UnixConnection.make(.sequencedPackets, role, path: path)
    // A descriptor in flight holds its whole memfd: a small queue bounds them.
    try explaining("bound the queue") { () throws(SystemError) in try socket.set(SO_SNDBUF, 8192, "SO_SNDBUF")
    }
    return Ends(socket)
  }
}

/// `memfd_create`, `write`, `sendmsg` there; `recvmsg`, `read` here. The message's length travels beside the
/// descriptor.
public struct PassedMemory<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private let ends: Ends
  public let input: Int32
  public let output: Int32
  /// Filled, and not yet accepted by the socket; −1 for none.
  private var pending: Int32 = -1

  public init(_ ends: Ends, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    try ends.setNonBlocking(!Wait.blocksInCalls)
    self.ends = ends
    input = ends.input.rawValue
    output = ends.output.rawValue
  }

  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    if pending < 0 {
      pending = SharedObject.rawMemfd()
      if pending < 0 { return -1 }
      if RawDescriptor.write(pending, message, byteCount) != byteCount { return -1 }
    }
    var length = UInt64(byteCount)
    let sent = Handle.sendRaw(output, pending, &length, 8)
    if sent < 0 { return -1 }
    Glibc.close(pending)
    pending = -1
    return sent
  }

  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    var (length, descriptor): (UInt64, Int32) = (0, -1)
    let got = Handle.receiveRaw(input, &descriptor, &length, 8)
    if got == 0 { return RawDescriptor.fail(EPIPE) }
    if got < 0 { return -1 }
    guard descriptor >= 0 else { return RawDescriptor.fail(EBADMSG) }
    defer { Glibc.close(descriptor) }
    let byteCount = Int(clamping: length)
    guard got == 8, byteCount < capacity else { return RawDescriptor.fail(EBADMSG) }
    let read = byteCount == 0 ? 0 : pread(descriptor, buffer, byteCount, 0)
    return read == byteCount ? read : RawDescriptor.fail(EBADMSG)
  }

  public mutating func close() { ends.close() }
}

extension FDPassing {
  static var explanation: Explanation {
    Explanation(
      "Each message is a memfd of its own: the producer creates it, writes it and passes its descriptor over "
        + "a socket of AF_UNIX (SCM_RIGHTS), with the length beside it; the consumer reads it and closes it. "
        + "What travels is a reference, so the message can be as large as memory allows whatever the "
        + "socket's buffers are, and the receiver could keep it, map it or pass it on.",
      producer: [
        .init("socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)", "Its end of the connection."),
        .init("connect(s, path)", "Tried again every 0.5 ms until the consumer listens, for 5 s at most."),
        .init(
          "setsockopt(s, SOL_SOCKET, SO_SNDBUF, 8192)",
          "A short queue: each descriptor in it holds a whole message."),
        .init("fcntl(s, F_SETFL, flags & ~O_NONBLOCK)", "Blocking form; spinning sets O_NONBLOCK."),
        .init("memfd_create(\"ipcbench-message\", MFD_CLOEXEC)", "Sends: an empty object for this message."),
        .init("write(fd, message, length)", "The first copy."),
        .init(
          "sendmsg(s, {length, SCM_RIGHTS: fd}, MSG_NOSIGNAL)", "Passes it; sleeps while the queue is full."),
        .init("close(fd)", "The message in the queue keeps the object."),
        .init("close(s)", "The end."),
      ],
      consumer: [
        .init("socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)", "To listen."),
        .init("bind(s, path); listen(s, 1)", "On a path that the harness has chosen."),
        .init(
          "poll(s, POLLIN, 5 s); accept4(s, NULL, NULL, SOCK_CLOEXEC)",
          "Waits for the producer; then close(s)."),
        .init("setsockopt(c, SOL_SOCKET, SO_SNDBUF, 8192)", "For the way back, as on the other side."),
        .init("fcntl(c, F_SETFL, flags & ~O_NONBLOCK)", "Blocking form; spinning sets O_NONBLOCK."),
        .init(
          "recvmsg(c, {length, SCM_RIGHTS: fd}, MSG_CMSG_CLOEXEC)", "Receives: sleeps while there is none."),
        .init(
          "pread(fd, buffer, length, 0)",
          "The second copy. Not mapped: a producer that cuts the object short makes a short read, not a "
            + "SIGBUS."),
        .init("close(fd)", "The last reference: the kernel frees the pages."),
        .init("close(c)", "The end; descriptors still in the queue are closed with it."),
        .init("unlink(path)", "The harness, after both have ended."),
      ],
      limits: [
        "Each message costs the making and freeing of a file, and new pages, which the kernel has to clear.",
        "Descriptors in flight count against RLIMIT_NOFILE of the user; past it sendmsg fails with "
          + "ETOOMANYREFS (unix(7)).",
        "A message carries one descriptor here; the kernel takes up to 253 (SCM_MAX_FD).",
        "The path of the socket has at most 107 bytes (sun_path, unix(7)).",
        "The memfd is not sealed here: a receiver that wants to map it should insist on F_SEAL_SHRINK and "
          + "F_SEAL_WRITE.",
      ],
      useWhen:
        "Large payloads change their owner as a whole, and the receiver maps them or passes them on; or the "
        + "descriptor is of something else than memory: a socket, a device, a file that the receiver may "
        + "not open.",
      avoidWhen:
        "Messages are small or many: a buffer that is passed once and then used as shared memory costs "
        + "nothing per message.")
  }
}
