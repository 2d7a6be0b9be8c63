import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// A TCP connection over the loopback interface, with TCP_NODELAY.
public enum TCP: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "tcp", summary: "a TCP connection over loopback, TCP_NODELAY", counterpart: "sockets",
      variants: [
        .init("", "write and read"),
        .init(
          "zerocopy", "sends with MSG_ZEROCOPY; over loopback the kernel copies all the same, and says so"),
      ],
      traits: Traits(
        framing: .byteStream, direction: .twoWay, reach: .network, attach: [.name], payloadCopies: 2,
        meetsByAddressAlone: true),
      explanation: explanation, manPages: ["tcp(7)", "ip(7)", "send(2)"])
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> InternetConnection.Channel {
    try InternetConnection.reserve(spec, Socket.tcp)
  }

  public static func attach(
    _ channel: InternetConnection.Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    let socket = try InternetConnection.make(role, channel, spec, Socket.tcp)
    var ends = Ends(socket)
    ends.facts.tcpNoDelay = socket.hasNoDelay
    return ends
  }
}

/// Sends that leave the message where it is until the peer has it: the kernel reports on the error queue when
/// its pages are free again, and whether it copied them after all.
public struct ZeroCopySender: StreamSender, ~Copyable {
  private let descriptor: Int32
  private let stride: Int
  private let buffers: UnsafeMutableRawPointer
  /// Sends that must have completed before buffer `i` may be written again.
  private var due = [UInt64](repeating: 0, count: ZeroCopySender.bufferCount)
  private var current = 0
  private var sends: UInt64 = 0
  private var completed: UInt64 = 0
  private var copied: UInt64 = 0

  private static var bufferCount: Int { 16 }
  private static var prefixRoom: Int { 64 }

  public init(_ ends: Ends, capacity: Int, nonBlocking: Bool) throws(TransportError) {
    try explaining("enable zero-copy sends") { () throws(SystemError) in try ZeroCopySend.enable(ends.output)
    }
    descriptor = ends.output.rawValue
    stride = (capacity + Self.prefixRoom + 4095) / 4096 * 4096
    buffers = Buffer.allocate(stride * Self.bufferCount)
  }

  /// Out of line on purpose: everything here is a call into the kernel or waits for one.
  @inline(never)
  public mutating func stage(_ byteCount: Int) -> UnsafeMutableRawPointer {
    current = (current + 1) % Self.bufferCount
    var patience = 1000
    while completed < due[current] && patience > 0 {
      reap()
      if completed >= due[current] { break }
      // Completions wake poll with POLLERR, which needs no asking for.
      var request = pollfd(fd: descriptor, events: 0, revents: 0)
      _ = poll(&request, 1, 10)
      patience -= 1
    }
    return buffers + current * stride + Self.prefixRoom
  }

  @inline(never)
  public mutating func write(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    let written = ZeroCopySend.send(descriptor, bytes, count)
    if written >= 0 {
      sends += 1
      due[current] = sends
      // Reports pile up in the socket's option memory; taken now and then they are merged into few.
      if sends & 7 == 0 { reap() }
    } else if RawDescriptor.lastError == ENOBUFS && completed < sends {
      // Reports that are under way hold memory; with none under way the limit itself is too low (RLIMIT_MEMLOCK).
      reap()
      return RawDescriptor.fail(EAGAIN)
    }
    return written
  }

  private mutating func reap() {
    let reports = ZeroCopySend.completions(descriptor)
    completed += reports.completed
    copied += reports.copied
  }

  public func add(to facts: inout TransportFacts) {
    facts.zeroCopySends = completed
    facts.zeroCopySendsCopied = copied
  }
}

extension TCP {
  static var explanation: Explanation {
    Explanation(
      "A TCP connection to 127.0.0.1, with TCP_NODELAY so that a small message does not wait for the "
        + "acknowledgement of the one before. Bytes pass the whole protocol stack, but no network card and "
        + "no wire; the suite frames messages with a length in 4 bytes. :zerocopy sends with MSG_ZEROCOPY "
        + "and reads from the error queue when its pages are free again; over loopback the kernel copies "
        + "all the same, and reports it.",
      producer: [
        .init(
          "socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)", "Makes its end.", answers: "WSAStartup, socket"),
        .init(
          "connect(s, 127.0.0.1:port)",
          "Again for 1 ms, then every 500 µs, for up to 5 s, while nobody listens (ECONNREFUSED).",
          answers: "connect"),
        .setNoDelay,
        .readNoDelay,
        .init("setsockopt(s, SOL_SOCKET, SO_ZEROCOPY, 1)", "Only :zerocopy."),
        .chooseBlocking,
        .writeFramed,
        .init(
          "send(s, message, 4 + byteCount, MSG_ZEROCOPY | MSG_NOSIGNAL)",
          "Instead of write in :zerocopy, out of 16 buffers in turn.",
          answers: "send"),
        .init(
          "recvmsg(s, …, MSG_ERRQUEUE | MSG_DONTWAIT)",
          "Only :zerocopy, after every eighth send and before a buffer is used again: which sends are "
            + "done, and which were copied. poll(s, 0, 10) sleeps where the buffer is not free."),
        .readFramedEcho,
        .closeSocket,
      ],
      consumer: [
        .init(
          "socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)",
          "The harness reserves a port: it never listens on this socket.",
          answers: "WSAStartup, socket"),
        .init(
          "setsockopt(r, SOL_SOCKET, SO_REUSEPORT, 1)",
          "Lets the consumer bind to the same port.",
          answers: "setsockopt"),
        .init(
          "bind(r, 127.0.0.1:0), getsockname(r, …)",
          "The kernel chooses a free port; the workers are told it.",
          answers: "bind, getsockname"),
        .init(
          "socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)",
          "The consumer makes the socket that listens.",
          answers: "WSAStartup, socket"),
        .init(
          "setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, 1)",
          "The port is reserved by the harness.",
          answers: "setsockopt"),
        .init("bind(listener, 127.0.0.1:port)", "Takes the address.", answers: "bind"),
        .listenForOne,
        .awaitConnection,
        .accept,
        .closeListener,
        .setNoDelay,
        .readNoDelay,
        .init("setsockopt(s, SOL_SOCKET, SO_ZEROCOPY, 1)", "Only :zerocopy."),
        .chooseBlocking,
        .readFramed,
        .writeFramedEcho,
        .closeSocket,
        .init("close(r)", "The harness gives the port back.", answers: "closesocket"),
      ],
      limits: [
        "It keeps no message boundaries, and a message may arrive in parts.",
        "Buffers grow by themselves up to the third number of net.ipv4.tcp_wmem (4 MiB) and "
          + "net.ipv4.tcp_rmem (6 MiB, or 32 MiB on newer kernels).",
        "Client ports come from net.ipv4.ip_local_port_range (32,768 to 60,999), and the side that "
          + "closes first keeps its port in TIME_WAIT for 60 s.",
        "MSG_ZEROCOPY is bounded by RLIMIT_MEMLOCK (often 8 MiB) and, for its reports, by "
          + "net.core.optmem_max; past them send fails with ENOBUFS.",
        "Everybody on the host can connect to a loopback port: the peer is not authenticated.",
      ],
      useWhen: "The peer may one day be on another host, or the library you need speaks only TCP.",
      avoidWhen: "Both sides always share a host: a Unix socket does the same without the protocol "
        + "stack, and has file permissions.")
  }
}
