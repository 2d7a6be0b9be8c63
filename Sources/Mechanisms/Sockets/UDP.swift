import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// Datagrams over the loopback interface. They are dropped when the receiver has no room; what is lost is counted.
public enum UDP: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "udp", summary: "datagrams over loopback", counterpart: "sockets",
      variants: [
        .init("", "from one socket to one other"),
        .init("multicast", "to a group, whose members are on this host"),
      ],
      traits: Traits(
        framing: .message, direction: .twoWay, reach: .network, delivery: .mayDrop, attach: [.name],
        payloadCopies: 2, maximumMessageByteCount: 65_507, meetsByAddressAlone: true),
      explanation: explanation, manPages: ["udp(7)", "ip(7)", "socket(7)"])
  }

  /// Of the organisation-local scope (RFC 2365).
  static var group: String { "239.255.73.66" }

  public struct Channel: Sendable {
    var producerPort: UInt16
    var consumerPort: UInt16
    /// Empty where the sides share no files.
    var meeting: String
    /// Keep the ports ours until the workers have bound theirs.
    var reservations: [Socket]
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let first = try InternetConnection.reserve(spec, Socket.udp)
    let second = try InternetConnection.reserve(spec, index: 1, Socket.udp)
    if spec.crew.gathering == .fanIn, let own = second.reservation {
      // Else it would get a share of what many send to a socket that is connected to none of them.
      try explaining("keep a port") { () throws(SystemError) in
        try own.connect(address: spec.hosts.consumer.address, port: second.port)
      }
    }
    let path = spec.hosts.shareFiles ? try makeMeeting(spec) : ""
    return Channel(
      producerPort: first.port, consumerPort: second.port, meeting: path,
      reservations: [first, second].compactMap(\.reservation))
  }

  private static func makeMeeting(_ spec: ChannelSpec) throws(TransportError) -> String {
    try explaining("make the page on which the sides meet") { () throws(SystemError) in
      let path = try spec.scope.path(spec.name("udp"))
      _ = try Meeting.Place.create(path: path)
      return path
    }
  }

  public static func address(of channel: Channel) -> String {
    "\(channel.producerPort) \(channel.consumerPort) \(channel.meeting)"
  }

  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    let parts = address.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let producer = UInt16(parts[0]), let consumer = UInt16(parts[1]) else {
      throw TransportError(.unsupported, "'\(address)' is not two ports and a path.")
    }
    return Channel(producerPort: producer, consumerPort: consumer, meeting: parts[2], reservations: [])
  }

  public static func close(_ channel: Channel) {
    channel.reservations.forEach { $0.close() }
    if !channel.meeting.isEmpty { SharedObject.removeFile(path: channel.meeting) }
  }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    let isProducer = role == .producer
    let (own, peer) =
      isProducer
      ? (channel.producerPort, channel.consumerPort) : (channel.consumerPort, channel.producerPort)
    let (here, there) = (spec.hosts.address(of: role), spec.hosts.address(of: role.peer))
    return try explaining("connect two UDP sockets") { () throws(SystemError) in
      let meeting =
        spec.hosts.shareFiles ? try Meeting(.file(channel.meeting), role, spec.crew) : nil
      guard spec.variant == "multicast" else {
        if spec.crew.gathering == .fanIn {
          return Ends(
            try fanIn(role, at: role == .producer ? there : here, peer, own, meeting), meeting: meeting)
        }
        let socket = try InternetConnection.bound(Socket.udp, address: here, port: own)
        try socket.growBuffers()
        _ = try meeting?.greet()
        try socket.connect(address: there, port: peer)
        // A datagram that came before the other side was connected would not be told from a stranger's.
        try meeting?.becomeReady()
        return Ends(socket, meeting: meeting)
      }
      let input = try member(port: own, at: here)
      let output = try Socket.udp()
      try output.growBuffers()
      try output.sendMulticast(from: here)
      try output.connect(address: group, port: peer)
      _ = try meeting?.greet()
      return Ends(input: input.descriptor, output: output.descriptor, meeting: meeting)
    }
  }

  /// Any port of a producer's will do, and who receives from many connects to none of them.
  private static func fanIn(
    _ role: Role, at address: String, _ peer: UInt16, _ own: UInt16, _ meeting: Meeting?
  ) throws(SystemError) -> Socket {
    if role == .consumer {
      let socket = try InternetConnection.bound(Socket.udp, address: address, port: own)
      try socket.growBuffers()
      _ = try meeting?.greet()
      return socket
    }
    let socket = try Socket.udp()
    try socket.growBuffers()
    _ = try meeting?.greet()
    try socket.connect(address: address, port: peer)
    return socket
  }

  /// A socket that receives what is sent to the group at this port.
  static func member(port: UInt16, at own: String) throws(SystemError) -> Socket {
    let socket = try Socket.udp()
    try socket.growBuffers()
    try socket.set(SO_REUSEADDR, 1, "SO_REUSEADDR")
    try socket.bind(address: group, port: port)
    try socket.join(group: group, at: own)
    return socket
  }
}

extension UDP {
  static var explanation: Explanation {
    Explanation(
      "Datagrams between two ports of 127.0.0.1. Over loopback a datagram is put into the receiver's "
        + "queue within the sender's call; when there is no room it is dropped there, and the sender is "
        + "told nothing. The consumer counts what is missing in the sequence. :multicast sends to a group, "
        + "239.255.73.66, which the receiver has joined on the loopback interface.",
      producer: [
        .openMeeting,
        .init(
          "socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)",
          "Makes its end; :multicast makes a second socket to send from.",
          answers: "WSAStartup, socket"),
        .init(
          "setsockopt(s, SOL_SOCKET, SO_REUSEPORT, 1)",
          "The port is reserved by the harness. :multicast sets SO_REUSEADDR instead.",
          answers: "setsockopt"),
        .init(
          "bind(s, 127.0.0.1:producerPort)",
          "Takes its address; :multicast binds to 239.255.73.66:producerPort.",
          answers: "bind"),
        .init(
          "setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, …)",
          "Only :multicast: joins the group on the loopback interface.",
          answers: "setsockopt(IP_ADD_MEMBERSHIP)"),
        .growBuffers,
        .init(
          "setsockopt(out, IPPROTO_IP, IP_MULTICAST_IF, …), then IP_MULTICAST_LOOP",
          "Only :multicast: sends on the loopback interface, to members on this host.",
          answers: "setsockopt(IP_MULTICAST_IF)"),
        .greet,
        .init(
          "connect(s, 127.0.0.1:consumerPort)",
          "Chooses where write goes; :multicast connects its second socket to the group, before the "
            + "meeting.",
          answers: "connect"),
        .init(
          "usleep(200) until the peer has stored 1 in the page",
          "Not :multicast: nobody sends before both are connected."),
        .chooseBlocking,
        .startHeartbeat,
        .init(
          "write(s, message, byteCount)",
          "Sends one message; returns at once, also when it is dropped.",
          answers: "send"),
        .init("read(s, buffer, capacity + 1)", "In a round trip: waits for the echo.", answers: "recv"),
        .stopHeartbeat,
        .init("close(s)", "What is still queued here is lost.", answers: "closesocket"),
        .leaveMeeting,
      ],
      consumer: [
        .init(
          "socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)",
          "The harness reserves two ports, one for each side: this and the next two calls, twice.",
          answers: "WSAStartup, socket"),
        .init(
          "setsockopt(r, SOL_SOCKET, SO_REUSEPORT, 1)",
          "Lets a worker bind to the same port.",
          answers: "setsockopt"),
        .init(
          "bind(r, 127.0.0.1:0), getsockname(r, …)",
          "The kernel chooses a free port; the workers are told both.",
          answers: "bind, getsockname"),
        .init(
          "open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600), posix_fallocate(fd, 0, 4096), close(fd)",
          "The harness makes the page on which the workers meet, a file in the run's directory in /tmp.",
          answers: "CreateFileMapping"),
        .openMeeting,
        .init(
          "socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)",
          "Makes its end; :multicast makes a second socket to send from.",
          answers: "WSAStartup, socket"),
        .init(
          "setsockopt(s, SOL_SOCKET, SO_REUSEPORT, 1)",
          "The port is reserved by the harness. :multicast sets SO_REUSEADDR instead.",
          answers: "setsockopt"),
        .init(
          "bind(s, 127.0.0.1:consumerPort)",
          "Takes its address; :multicast binds to 239.255.73.66:consumerPort.",
          answers: "bind"),
        .init(
          "setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, …)",
          "Only :multicast: joins the group on the loopback interface.",
          answers: "setsockopt(IP_ADD_MEMBERSHIP)"),
        .growBuffers,
        .init(
          "setsockopt(out, IPPROTO_IP, IP_MULTICAST_IF, …), then IP_MULTICAST_LOOP",
          "Only :multicast: sends on the loopback interface, to members on this host.",
          answers: "setsockopt(IP_MULTICAST_IF)"),
        .greet,
        .init(
          "connect(s, 127.0.0.1:producerPort)",
          "Chooses where write goes, and from whom it takes; :multicast connects its second socket to "
            + "the group, before the meeting.",
          answers: "connect"),
        .init(
          "usleep(200) until the peer has stored 1 in the page",
          "Not :multicast: nobody sends before both are connected."),
        .chooseBlocking,
        .startHeartbeat,
        .init(
          "read(s, buffer, capacity + 1)",
          "Sleeps until there is a message and takes it whole; the one byte more shows a message that "
            + "is too long. The heartbeat interrupts it (EINTR), and it sleeps again while the peer lives.",
          answers: "recv"),
        .init("write(s, message, byteCount)", "In a round trip: sends the echo.", answers: "send"),
        .stopHeartbeat,
        .init("close(s)", "What is still queued here is lost.", answers: "closesocket"),
        .leaveMeeting,
        .init(
          "close(r), unlink(path)",
          "The harness gives the ports back and removes the page.",
          answers: "closesocket"),
      ],
      limits: [
        "A datagram has at most 65,507 bytes: 65,535 less 20 of IP and 8 of UDP header.",
        "Nothing is sent again, and a burst is lost as soon as the receive buffer is full: 425,984 "
          + "bytes (twice the stock net.core.rmem_max of 212,992) hold about 500 datagrams of 64 B, because "
          + "bookkeeping counts.",
        "Nothing tells a reader that its peer is gone; a writer gets ECONNREFUSED at best, and not "
          + "while another socket is bound to the port.",
        "A socket joins at most net.ipv4.igmp_max_memberships groups (20).",
        "Beyond loopback datagrams are fragmented above the MTU, and may be reordered or doubled.",
      ],
      useWhen: "A value that is late is worth nothing (telemetry, discovery, media), or one send is to "
        + "reach many receivers.",
      avoidWhen: "Every message matters, or the peers share a host: unix-dgram waits instead of dropping.")
  }
}
