import IPCTransport
import LinuxIPC
import SystemPackage

/// Datagrams between two sockets that each have a path. Nothing is lost: a full queue makes the sender wait.
public enum UnixDgram: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "unix-dgram", summary: "datagrams between two paths (AF_UNIX)", counterpart: "sockets",
      traits: Traits(
        framing: .message, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 2,
        maximumMessageByteCount: Socket.largestUnixMessage),
      explanation: explanation, manPages: ["unix(7)", "socket(7)"])
  }

  /// The common part of the paths of both sockets and of the page on which the sides find each other.
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String {
    try explaining("name two sockets") { () throws(SystemError) in
      let stem = try spec.scope.path(spec.name("dgram"))
      _ = try Meeting.Place.create(path: stem)
      return stem
    }
  }

  public static func close(_ stem: String) {
    for end in ["", ".producer", ".consumer"] { SharedObject.removeFile(path: stem + end) }
  }

  public static func attach(
    _ stem: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    try explaining("connect the sockets at \(stem)") { () throws(SystemError) in
      let meeting = try Meeting(.file(stem), role, spec.crew)
      let socket = try Socket.unix(.datagram)
      try socket.growBuffers()
      // One of many that send needs no address, and who receives from many connects to none of them.
      let isFanIn = spec.crew.gathering == .fanIn
      if !isFanIn || role == .consumer { try socket.bind(path: "\(stem).\(role.rawValue)") }
      _ = try meeting.greet()
      if !isFanIn || role == .producer { try socket.connect(path: "\(stem).\(role.peer.rawValue)") }
      // A side that is done already would leave the other one nothing to connect to.
      try meeting.becomeReady()
      return Ends(socket, meeting: meeting)
    }
  }
}

extension UnixDgram {
  static var explanation: Explanation {
    Explanation(
      "Two sockets, each bound to a path of its own and connected to the other's; there is no listener "
        + "and no accept. Each write is one datagram and arrives whole, in order, and is not lost: unlike "
        + "UDP, a sender without room waits. There is no end-of-file either, so that the sides look after "
        + "each other in a page of shared memory.",
      producer: [
        .openMeeting,
        .init(
          "socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)", "Makes its end.", answers: "WSAStartup, socket"),
        .growBuffers,
        .init(
          "bind(s, \"STEM.producer\", …)", "Its own address, to which the consumer sends.", answers: "bind"),
        .greet,
        .init(
          "connect(s, \"STEM.consumer\", …)",
          "Chooses where write goes, and who may send here.",
          answers: "connect"),
        .chooseBlocking,
        .startHeartbeat,
        .init(
          "write(s, message, byteCount)",
          "Sends one message; sleeps while the send buffer is full.",
          answers: "send"),
        .init("read(s, buffer, capacity + 1)", "In a round trip: waits for the echo.", answers: "recv"),
        .stopHeartbeat,
        .init("close(s)", "A peer that writes after that gets ECONNREFUSED.", answers: "closesocket"),
        .leaveMeeting,
      ],
      consumer: [
        .init("mkdir(\"/tmp/ipcbench-PID-START\", 0700)", "The harness makes the run's directory once."),
        .init(
          "open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), posix_fallocate(fd, 0, 4096), close(fd)",
          "The harness makes the page on which the workers meet, a file in that directory.",
          answers: "CreateFileMapping"),
        .openMeeting,
        .init(
          "socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)", "Makes its end.", answers: "WSAStartup, socket"),
        .growBuffers,
        .init(
          "bind(s, \"STEM.consumer\", …)", "Its own address, to which the producer sends.", answers: "bind"),
        .greet,
        .init(
          "connect(s, \"STEM.producer\", …)",
          "Chooses where the echo goes, and who may send here.",
          answers: "connect"),
        .chooseBlocking,
        .startHeartbeat,
        .init(
          "read(s, buffer, capacity + 1)",
          "Sleeps until there is a message and takes it whole; the one byte more shows a message that "
            + "is too long. The heartbeat interrupts it (EINTR), and it sleeps again while the peer lives.",
          answers: "recv"),
        .init("write(s, message, byteCount)", "In a round trip: sends the echo.", answers: "send"),
        .stopHeartbeat,
        .init("close(s)", "A peer that writes after that gets ECONNREFUSED.", answers: "closesocket"),
        .leaveMeeting,
        .init(
          "unlink(\"STEM\"), unlink(\"STEM.producer\"), unlink(\"STEM.consumer\")",
          "The harness removes the page and both names."),
      ],
      limits: [
        "A datagram must fit into the send buffer less 32 bytes, else EMSGSIZE: 2 × net.core.wmem_max − "
          + "32, which is 425,952 bytes at the stock 212,992; somewhat above 4 MiB write fails with ENOBUFS "
          + "in any case.",
        "A receiver that is not connected back to the sender holds net.unix.max_dgram_qlen + 1 "
          + "datagrams (10 + 1 by default, read when the socket is made), whatever their size.",
        "Here both are connected, so that only the sender's buffer counts.",
        "A path has at most 107 bytes (sun_path, unix(7)), and both ends need one.",
        "Nothing tells a reader that its peer is gone.",
      ],
      useWhen: "Many senders drop messages at one well-known path, as with syslog, and none of them "
        + "waits for an answer.",
      avoidWhen: "There are two fixed peers: unix-seqpacket keeps the boundaries too, and reports the "
        + "end. A slow reader stalls every sender that uses blocking calls.")
  }
}
