import IPCTransport
import LinuxIPC
import SystemPackage

/// A stream socket with a path in the file system: listen, connect, accept.
public enum UnixStream: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "unix-stream", summary: "a stream socket on a path (AF_UNIX)", counterpart: "sockets",
      traits: Traits(
        framing: .byteStream, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 2),
      explanation: explanation, manPages: ["unix(7)", "socket(7)"])
  }

  /// The path.
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String {
    try explaining("name a socket") { () throws(SystemError) in
      try spec.scope.path(spec.name("stream.sock"))
    }
  }

  public static func close(_ path: String) { SharedObject.removeFile(path: path) }

  public static func attach(
    _ path: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    Ends(try UnixConnection.make(.stream, role, path: path))
  }
}

extension UnixStream {
  static var explanation: Explanation {
    Explanation(
      "A connected stream socket whose address is a path in the file system. The consumer binds and "
        + "listens there, the producer connects, and from then on bytes go both ways through the kernel: "
        + "one copy in, one copy out, no network stack between. It keeps no message boundaries, so the "
        + "suite puts the length in 4 bytes before each message.",
      producer: [
        .init(
          "socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)", "Makes its end.", answers: "WSAStartup, socket"),
        .init(
          "connect(s, path, …)",
          "Again for 1 ms, then every 500 µs, for up to 5 s, while there is no such path or nobody listens (ENOENT, "
            + "ECONNREFUSED, EAGAIN).",
          answers: "connect"),
        .chooseBlocking,
        .writeFramed,
        .readFramedEcho,
        .closeSocket,
      ],
      consumer: [
        .init(
          "mkdir(\"/tmp/ipcbench-PID-START\", 0700)",
          "The harness makes the run's directory once; the path lies in it."),
        .init(
          "socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)",
          "The consumer makes the socket that listens.",
          answers: "WSAStartup, socket"),
        .init("bind(listener, path, …)", "Gives it its name: makes the socket file.", answers: "bind"),
        .listenForOne,
        .awaitConnection,
        .accept,
        .closeListener,
        .chooseBlocking,
        .readFramed,
        .writeFramedEcho,
        .closeSocket,
        .init("unlink(path)", "The harness removes the name once both workers are gone."),
      ],
      limits: [
        "A path has at most 107 bytes (sun_path, unix(7)), and stays after a crash until somebody "
          + "unlinks it.",
        "The send buffer is left at net.core.wmem_default, 212,992 bytes unless changed, and counts the "
          + "kernel's bookkeeping too: about 280 messages of 64 B fill it.",
        "Waiting connections are bounded by the backlog, here 1, and by net.core.somaxconn (4,096).",
        "A write above the send buffer is taken in parts: a reader can see half a message.",
        "When the receiver closes with data unread, the sender's next read fails with ECONNRESET, its "
          + "write with EPIPE.",
      ],
      useWhen: "Two unrelated processes on one host need a reliable two-way connection, with "
        + "end-of-peer, poll, credentials (SO_PEERCRED) and descriptor passing.",
      avoidWhen: "Round trips of a few microseconds are too slow, where shared memory is the answer, or "
        + "the peer may move to another host. For whole messages unix-seqpacket saves the "
        + "framing.")
  }
}
