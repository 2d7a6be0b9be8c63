import IPCTransport
import LinuxIPC
import SystemPackage

/// Multipath TCP over the loopback interface: one path here, with the protocol's framing on top of TCP's.
public enum MPTCP: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "mptcp", summary: "a multipath TCP connection over loopback, TCP_NODELAY", counterpart: "sockets",
      traits: Traits(
        framing: .byteStream, direction: .twoWay, reach: .network, attach: [.name], payloadCopies: 2,
        meetsByAddressAlone: true),
      explanation: explanation, manPages: ["socket(2)", "tcp(7)", "RFC 8684"])
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    do throws(SystemError) {
      try Socket.mptcp().close()
    } catch {
      throw TransportError(
        .unavailable,
        "mptcp is not available (\(error)): it needs a kernel with CONFIG_MPTCP and 'sysctl net.mptcp.enabled=1'."
      )
    }
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> InternetConnection.Channel {
    try InternetConnection.reserve(spec, Socket.mptcp)
  }

  public static func attach(
    _ channel: InternetConnection.Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    let socket = try InternetConnection.make(role, channel, spec, Socket.mptcp)
    guard socket.isMultipath else {
      throw TransportError(.unavailable, "The connection fell back to plain TCP; mptcp was asked for.")
    }
    // A write that blocks looks now and then whether anybody is still there: see Patience.
    try explaining("set SO_SNDTIMEO") { () throws(SystemError) in
      try socket.setSendTimeout(milliseconds: 100)
    }
    var ends = Ends(socket)
    ends.facts.tcpNoDelay = socket.hasNoDelay
    return ends
  }
}

extension MPTCP {
  static var explanation: Explanation {
    Explanation(
      "TCP with a layer above it that can spread one connection over several paths and move it between "
        + "them (RFC 8684). Over loopback there is one path, so that what is measured is the cost of the "
        + "layer: a second sequence number space and one more socket. The application sees an ordinary "
        + "stream, which the suite frames with a length in 4 bytes.",
      producer: [
        .init(
          "socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP)",
          "Makes its end.",
          answers: "WSAStartup, socket"),
        .init(
          "connect(s, 127.0.0.1:port)",
          "Again for 1 ms, then every 500 µs, for up to 5 s, while nobody listens (ECONNREFUSED).",
          answers: "connect"),
        .setNoDelay,
        .init(
          "getsockopt(s, SOL_MPTCP, MPTCP_INFO, …)",
          "Fails where the connection has fallen back to plain TCP, and the trial with it."),
        .limitWriting,
        .readNoDelay,
        .chooseBlocking,
        .writeFramed,
        .readFramedEcho,
        .closeSocket,
      ],
      consumer: [
        .init(
          "socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP)",
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
          "socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP)",
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
        .init(
          "getsockopt(s, SOL_MPTCP, MPTCP_INFO, …)",
          "Fails where the connection has fallen back to plain TCP, and the trial with it."),
        .limitWriting,
        .readNoDelay,
        .chooseBlocking,
        .readFramed,
        .writeFramedEcho,
        .closeSocket,
        .init("close(r)", "The harness gives the port back.", answers: "closesocket"),
      ],
      limits: [
        "It needs CONFIG_MPTCP (Linux 5.6 or later) and net.mptcp.enabled = 1; otherwise socket fails.",
        "When the other end or something on the way does not speak it, the connection becomes plain TCP "
          + "without an error.",
        "Who writes after the reader has closed is not told: the kernel takes what fits for 60 s more "
          + "(net.mptcp.close_timeout) where TCP resets the connection; ask poll for POLLRDHUP.",
        "A connection has at most 8 additional paths (ip-mptcp(8)), and 'ip mptcp limits' usually shows "
          + "fewer.",
        "Buffers follow net.ipv4.tcp_wmem and net.ipv4.tcp_rmem as with TCP.",
      ],
      useWhen: "One connection is to survive the loss of a network, or to use two of them at once; "
        + "measure it here to know what the layer costs.",
      avoidWhen: "Both ends are on one host, or there is one path only: it is TCP and something on top.")
  }
}

extension Explanation.Step {
  fileprivate static var limitWriting: Self {
    Self(
      "setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, 100 ms)", "A write that cannot proceed looks after the peer.")
  }
}
