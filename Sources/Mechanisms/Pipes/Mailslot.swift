import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// Datagrams to a slot that its reader owns; any process may write to it by name. One way: two slots make it two.
public enum Mailslots: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "mailslot", summary: "datagrams to a slot that its reader owns", counterpart: "mailslot",
      variants: [.init("", "on this host (AF_UNIX)"), NetworkMailslot.variant],
      traits: Traits(
        framing: .message, direction: .oneWay, reach: .host, attach: [.name], payloadCopies: 2,
        maximumMessageByteCount: Socket.largestUnixMessage),
      explanation: explanation, manPages: ["unix(7)", "recv(2)"])
  }

  /// The directory in which the slots lie.
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String {
    try explaining("make a directory for the slots") { () throws(SystemError) in
      let directory = try spec.scope.path(spec.name("slots"))
      try Directory.create(directory)
      _ = try Meeting.Place.create(path: directory + "/meeting")
      return directory
    }
  }

  public static func close(_ directory: String) { Directory.remove(directory) }

  /// Each side owns the slot named after itself, and writes to the other's.
  public static func attach(
    _ directory: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    let place = Meeting.Place.file(directory + "/meeting")
    if spec.crew.gathering == .fanIn && role == .producer {
      // Nothing comes back: it needs no slot of its own.
      let meeting = try explaining("meet the other side") { () throws(SystemError) in
        let meeting = try Meeting(place, role, spec.crew)
        _ = try meeting.greet()
        return meeting
      }
      return Ends(try MailslotWriter(role.peer.rawValue, in: directory).socket, meeting: meeting)
    }
    let slot = try Mailslot(
      role.rawValue, in: directory, reader: "0", maximumMessageByteCount: spec.messageByteCount)
    let meeting = try explaining("meet the other side") { () throws(SystemError) in
      let meeting = try Meeting(place, role, spec.crew)
      _ = try meeting.greet()
      return meeting
    }
    if spec.crew.gathering == .fanIn { return Ends(slot.socket, meeting: meeting) }
    let writer = try MailslotWriter(role.peer.rawValue, in: directory)
    try explaining("meet the other side") { () throws(SystemError) in try meeting.becomeReady() }
    return Ends(input: slot.socket.descriptor, output: writer.socket.descriptor, meeting: meeting)
  }
}

/// The reader's side: CreateMailslot, ReadFile, GetMailslotInfo, SetMailslotInfo.
///
/// The slot is a socket in a directory; its file name says whose it is and how large a message may be:
/// `name.reader.bytes.slot`.
public struct Mailslot: Sendable {
  public let path: String
  public let maximumMessageByteCount: Int
  let socket: Socket
  /// Milliseconds that `read` waits; −1 for as long as it takes.
  public var readTimeout: Int32 = -1
  /// Taken out of the socket to be counted, and not yet read.
  private var waiting: [[UInt8]] = []
  public private(set) var receivedCount = 0

  /// Creates a slot. A name that is taken is refused.
  public init(
    _ name: String, in directory: String, reader: String, maximumMessageByteCount: Int
  ) throws(TransportError) {
    self.maximumMessageByteCount = maximumMessageByteCount
    let path = "\(directory)/\(name).\(reader).\(maximumMessageByteCount).slot"
    self.path = path
    socket = try explaining("create the mailslot \(path)") { () throws(SystemError) in
      let socket = try Socket.unix(.datagram)
      do throws(SystemError) {
        try socket.growBuffers()
        try socket.bind(path: path)
      } catch {
        socket.close()
        throw error
      }
      return socket
    }
  }

  /// The next message, nil when none came within the time-out.
  public mutating func read() throws(SystemError) -> [UInt8]? {
    if waiting.isEmpty {
      var request = pollfd(fd: socket.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
      if try retrying("poll", "", { poll(&request, 1, readTimeout) }) == 0 { return nil }
      drain()
    }
    guard !waiting.isEmpty else { return nil }
    receivedCount += 1
    return waiting.removeFirst()
  }

  /// What waits to be read: bytes of the next message, nil when there is none, and how many messages.
  public mutating func info() -> (nextByteCount: Int?, count: Int) {
    drain()
    return (waiting.first?.count, waiting.count)
  }

  private mutating func drain() {
    var buffer = [UInt8](repeating: 0, count: maximumMessageByteCount + 1)
    while true {
      let got = recv(socket.descriptor.rawValue, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      if got < 0 { return }
      waiting.append(Array(buffer[..<got]))
    }
  }

  public func close() {
    socket.close()
    SharedObject.removeFile(path: path)
  }
}

/// The writer's side: CreateFile on `\\.\mailslot\name`, WriteFile.
public struct MailslotWriter: Sendable {
  let socket: Socket
  private let path: String
  public let maximumMessageByteCount: Int
  public private(set) var sentCount = 0

  /// Bytes of the largest message to every reader of a name, as on Win32.
  public static var broadcastLimit: Int { 400 }

  /// Opens the slot of a name; of several readers' the first one's.
  public init(_ name: String, in directory: String) throws(TransportError) {
    guard let slot = Self.slots(of: name, in: directory).first else {
      throw TransportError(
        .unavailable, "There is no mailslot '\(name)' in \(directory): its reader has to create it.")
    }
    path = slot.path
    maximumMessageByteCount = slot.maximum
    let path = slot.path
    socket = try explaining("open the mailslot \(path)") { () throws(SystemError) in
      let socket = try Socket.unix(.datagram)
      do throws(SystemError) {
        try socket.growBuffers()
        try socket.connect(path: path)
      } catch {
        socket.close()
        throw error
      }
      return socket
    }
  }

  /// Sends one message; waits while the slot is full.
  public mutating func write(_ message: [UInt8]) throws(TransportError) {
    guard message.count <= maximumMessageByteCount else {
      throw TransportError(
        .messageTooLarge,
        "The mailslot takes messages of up to \(maximumMessageByteCount) bytes, this one has \(message.count)."
      )
    }
    let descriptor = socket.descriptor.rawValue
    _ = try explaining("write to the mailslot") { () throws(SystemError) in
      try retrying("send", path) { Glibc.send(descriptor, message, message.count, Int32(MSG_NOSIGNAL)) }
    }
    sentCount += 1
  }

  public func close() { socket.close() }

  /// Sends one message to every reader of a name, without waiting: to a full slot it is lost, and counted.
  public static func broadcast(
    _ message: [UInt8], to name: String, in directory: String
  ) throws(TransportError) -> (sent: Int, lost: Int) {
    guard message.count <= broadcastLimit else {
      throw TransportError(
        .messageTooLarge,
        "A broadcast to a mailslot has at most \(broadcastLimit) bytes, this one has \(message.count); send it to "
          + "each reader, or split it.")
    }
    var (sent, lost) = (0, 0)
    for slot in slots(of: name, in: directory) {
      // As large a message does not fit into every slot.
      guard message.count <= slot.maximum else {
        lost += 1
        continue
      }
      let socket = try explaining("open the mailslot \(slot.path)") { () throws(SystemError) in
        try Socket.unix(.datagram)
      }
      defer { socket.close() }
      let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
      let isConnected = (try? socket.connect(path: slot.path)) != nil
      let wentOut =
        isConnected && Glibc.send(socket.descriptor.rawValue, message, message.count, flags) == message.count
      if wentOut { sent += 1 } else { lost += 1 }
    }
    return (sent, lost)
  }

  private static func slots(of name: String, in directory: String) -> [(path: String, maximum: Int)] {
    Directory.names(of: directory).sorted().compactMap { file in
      // The name itself may have dots.
      let parts = file.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count >= 4, parts.last == "slot", let maximum = Int(parts[parts.count - 2]),
        parts.dropLast(3).joined(separator: ".") == name
      else { return nil }
      return ("\(directory)/\(file)", maximum)
    }
  }
}

extension Mailslots {
  static var explanation: Explanation {
    Explanation(
      "A slot is a datagram socket of AF_UNIX that its reader has bound to a path; whoever finds the path "
        + "may write to it. One way: each side of a trial owns one slot and writes to the other's. The "
        + "file's name says whose the slot is and how large a message may be, so that a writer can refuse a "
        + "larger one, and a broadcast find every reader of a name. A writer waits while the slot is full; a "
        + "broadcast does not, and counts what was lost.",
      producer: [
        .init(
          "socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); setsockopt(…); bind(s, …)",
          "Its own slot, for what comes back.", answers: "CreateMailslot"),
        .init(
          "open(meeting); fstat; mmap; close",
          "A page on which the sides say who they are; waits there until both slots exist."),
        .init("opendir(directory); readdir", "Finds the consumer's slot by its name."),
        .init(
          "socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)",
          "The writer's end; SO_SNDBUF and SO_RCVBUF up to the limits."),
        .init(
          "connect(w, \"consumer.0.<bytes>.slot\")",
          "No connection: it only says where writes go.", answers: "CreateFile"),
        .init(
          "fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)",
          "Blocking form, both sockets; the others set O_NONBLOCK."),
        .startHeartbeat,
        .init(
          "write(w, message, length)",
          "Sends: one datagram; sleeps while the slot is full.", answers: "WriteFile"),
        .init(
          "setitimer(ITIMER_REAL, 0); close(w); close(s)",
          "The end; it is noted on the page, as the socket does not tell."),
      ],
      consumer: [
        .init(
          "mkdir(directory, 0700)",
          "The harness: where the slots lie, and the page on which the sides meet."),
        .init("socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)", "The slot.", answers: "CreateMailslot"),
        .init(
          "setsockopt(s, SOL_SOCKET, SO_SNDBUF, wmem_max)", "Room for large messages; SO_RCVBUF likewise."),
        .init(
          "bind(s, \"consumer.0.<bytes>.slot\")",
          "Its name, with the largest message; one that is taken is refused.", answers: "CreateMailslot"),
        .init(
          "open(meeting); fstat; mmap; close",
          "Waits there until the producer's slot exists; then opens it in the same way."),
        .init(
          "fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)",
          "Blocking form, both sockets; the others set O_NONBLOCK."),
        .startHeartbeat,
        .init(
          "read(s, buffer, capacity + 1)",
          "Receives: one datagram; sleeps while there is none. A reader with a time-out polls "
            + "first.", answers: "ReadFile"),
        .init(
          "recv(s, buffer, maximum + 1, MSG_DONTWAIT)",
          "Off the measured path, until there is none: the next message's size, and how many "
            + "wait.", answers: "GetMailslotInfo"),
        .init(
          "setitimer(ITIMER_REAL, 0); close(w); close(s)",
          "The end: whoever writes now gets ECONNREFUSED.", answers: "CloseHandle"),
        .init("unlink(slots and page); rmdir(directory)", "The harness, after both have ended."),
      ],
      limits: [
        "The path has at most 107 bytes (sun_path, unix(7)).",
        "A message has at most twice net.core.wmem_max less 32 bytes (and 4 MiB), and never more than the slot's name "
          + "says.",
        "A slot holds net.unix.max_dgram_qlen messages, 10 by default (systemd sets 512), however small they "
          + "are; the next writer waits.",
        "A broadcast has at most 400 bytes, as on Win32, and is refused when it has more.",
        "It reaches one host: Win32's broadcast over a network has no counterpart in this form.",
      ],
      useWhen:
        "Several processes report to one reader in short messages, and need neither an answer nor a "
        + "connection.",
      avoidWhen:
        "The writer must know that its message was read, or messages are many and small: the queue of ten "
        + "makes the writer sleep all the time.")
  }
}
