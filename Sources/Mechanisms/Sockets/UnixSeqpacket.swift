import IPCTransport
import LinuxIPC
import SystemPackage

/// A connection that keeps message boundaries, on a path in the file system.
public enum UnixSeqpacket: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "unix-seqpacket", summary: "a connection of whole messages on a path (AF_UNIX)",
      counterpart: "sockets",
      traits: Traits(
        framing: .message, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 2,
        minimumMessageByteCount: 1, maximumMessageByteCount: Socket.largestUnixMessage),
      explanation: explanation, manPages: ["unix(7)", "socket(7)", "recv(2)"])
  }

  /// The path.
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String {
    try explaining("name a socket") { () throws(SystemError) in
      try spec.scope.path(spec.name("packets.sock"))
    }
  }

  public static func close(_ path: String) { SharedObject.removeFile(path: path) }

  public static func attach(
    _ path: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    let socket = try UnixConnection.make(.sequencedPackets, role, path: path)
    try explaining("make room for messages") { () throws(SystemError) in try socket.growBuffers() }
    return Ends(socket)
  }
}

extension UnixSeqpacket {
  static var explanation: Explanation {
    Explanation(
      "A connection on a path as with unix-stream, but of whole messages: each write is one record, and "
        + "each read takes exactly one, in order and without loss. It has the connect, accept and "
        + "end-of-peer of a stream and the boundaries of a datagram. An empty read is the peer's end, so "
        + "that the smallest message has 1 byte.",
      producer: [
        .init(
          "socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)",
          "Makes its end.",
          answers: "WSAStartup, socket"),
        .init(
          "connect(s, path, …)",
          "Again for 1 ms, then every 500 µs, for up to 5 s, while there is no such path or nobody listens.",
          answers: "connect"),
        .growBuffers,
        .chooseBlocking,
        .init(
          "write(s, message, byteCount)",
          "Sends one message; sleeps while the send buffer is full.",
          answers: "send"),
        .init("read(s, buffer, capacity + 1)", "In a round trip: waits for the echo.", answers: "recv"),
        .closeSocket,
      ],
      consumer: [
        .init(
          "mkdir(\"/tmp/ipcbench-PID-START\", 0700)",
          "The harness makes the run's directory once; the path lies in it."),
        .init(
          "socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)",
          "The consumer makes the socket that listens.",
          answers: "WSAStartup, socket"),
        .init("bind(listener, path, …)", "Gives it its name: makes the socket file.", answers: "bind"),
        .listenForOne,
        .awaitConnection,
        .accept,
        .closeListener,
        .growBuffers,
        .chooseBlocking,
        .init(
          "read(s, buffer, capacity + 1)",
          "Sleeps until there is a message and takes it whole; the one byte more shows a message that "
            + "is too long. 0 is the peer's end.",
          answers: "recv"),
        .init("write(s, message, byteCount)", "In a round trip: sends the echo.", answers: "send"),
        .closeSocket,
        .init("unlink(path)", "The harness removes the name once both workers are gone."),
      ],
      limits: [
        "A message must fit into the send buffer less 32 bytes, else EMSGSIZE: 2 × net.core.wmem_max − "
          + "32, which is 425,952 bytes at the stock 212,992.",
        "A message lies in one piece of kernel memory but for its last 64 KiB: from somewhat above 4 "
          + "MiB write fails with ENOBUFS, however large wmem_max is.",
        "A read with too small a buffer throws the tail away (MSG_TRUNC); recv(MSG_PEEK | MSG_TRUNC) "
          + "tells the size before.",
        "A path has at most 107 bytes (sun_path, unix(7)), and stays after a crash until somebody "
          + "unlinks it.",
        "An empty message cannot be told from the end of the connection.",
      ],
      useWhen: "You exchange messages, not bytes, between processes of one host: commands, descriptors, "
        + "requests. It saves the framing code and its mistakes.",
      avoidWhen: "Messages can reach megabytes, or the same code must run over TCP or on macOS, which "
        + "has no AF_UNIX SEQPACKET.")
  }
}
