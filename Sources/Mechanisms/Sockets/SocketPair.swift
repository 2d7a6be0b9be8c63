import IPCTransport
import LinuxIPC
import SystemPackage

/// Two sockets without a name that are connected to each other.
public enum SocketPair: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "socketpair", summary: "two connected sockets without a name", counterpart: "anonymous pipe",
      variants: [
        .init("stream", "bytes"),
        .init(
          "seqpacket", "whole messages",
          traits: Traits(
            framing: .message, direction: .twoWay, reach: .processTree, payloadCopies: 2,
            minimumMessageByteCount: 1, maximumMessageByteCount: Socket.largestUnixMessage)),
      ],
      traits: Traits(framing: .byteStream, direction: .twoWay, reach: .processTree, payloadCopies: 2),
      explanation: explanation, manPages: ["socketpair(2)", "unix(7)"])
  }

  public struct Channel: Sendable {
    var producer: Socket
    var consumer: Socket
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    try explaining("create a socket pair") { () throws(SystemError) in
      let (producer, consumer) = try Socket.pair(spec.variant == "seqpacket" ? .sequencedPackets : .stream)
      return Channel(producer: producer, consumer: consumer)
    }
  }

  /// The parent's copies would keep the connection open when a worker dies.
  public static func relinquish(_ channel: Channel) {
    channel.producer.close()
    channel.consumer.close()
  }

  /// The descriptors are gone since `relinquish`, and there are no names.
  public static func close(_ channel: Channel) {}

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    let (mine, other) =
      role == .producer ? (channel.producer, channel.consumer) : (channel.consumer, channel.producer)
    other.close()
    if spec.variant == "seqpacket" {
      try explaining("make room for messages") { () throws(SystemError) in try mine.growBuffers() }
    }
    return Ends(mine)
  }
}

extension SocketPair {
  static var explanation: Explanation {
    Explanation(
      "Two sockets that are born connected, without a name or a listener; a child gets its end by "
        + "inheritance. As :stream it carries bytes, which the suite frames with a length in 4 bytes; as "
        + ":seqpacket whole messages. It is what a two-way anonymous pipe would be.",
      producer: [
        .init("fork()", "The producer inherits both ends.", answers: "CreateProcess(bInheritHandles)"),
        .init(
          "close(sv[1])",
          "Gives up the consumer's end, or the end would never be seen.",
          answers: "CloseHandle"),
        .init(
          "setsockopt(s, SOL_SOCKET, SO_SNDBUF, …), then SO_RCVBUF",
          "Only :seqpacket: room for net.core.wmem_max and net.core.rmem_max, which the kernel doubles."),
        .chooseBlocking,
        .init(
          "write(s, message, 4 + byteCount)",
          "Sends; :seqpacket without the 4 bytes of length. Sleeps while the send buffer is full.",
          answers: "WriteFile"),
        .readFramedEcho,
        .closeSocket,
      ],
      consumer: [
        .init(
          "socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv)",
          "The harness makes both ends; SOCK_SEQPACKET for :seqpacket.",
          answers: "CreatePipe"),
        .init("fork()", "The consumer inherits both ends.", answers: "CreateProcess(bInheritHandles)"),
        .init(
          "close(sv[0]), close(sv[1])",
          "The harness gives up its copies once both workers run.",
          answers: "CloseHandle"),
        .init("close(sv[0])", "The consumer gives up the producer's end.", answers: "CloseHandle"),
        .init(
          "setsockopt(s, SOL_SOCKET, SO_SNDBUF, …), then SO_RCVBUF", "Only :seqpacket, as in the producer."),
        .chooseBlocking,
        .readFramed,
        .writeFramedEcho,
        .closeSocket,
      ],
      limits: [
        "Only a process that inherits an end, or is passed one with SCM_RIGHTS, can take part.",
        "The end is seen only when the last copy of the other descriptor is closed; a forgotten copy "
          + "keeps it open.",
        "With :stream the send buffer is net.core.wmem_default, 212,992 bytes unless changed, "
          + "bookkeeping included.",
        "With :seqpacket a message has 1 to 2 × net.core.wmem_max − 32 bytes (425,952 at the stock "
          + "212,992), and fails with ENOBUFS from somewhat above 4 MiB.",
      ],
      useWhen: "A parent and its child, or two children, talk both ways: one object instead of two "
        + "pipes, and nothing to clean up.",
      avoidWhen: "The peers are unrelated, where unix-stream has a path, or data flows one way only, "
        + "where a pipe is simpler and can splice.")
  }
}
