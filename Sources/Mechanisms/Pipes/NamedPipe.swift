import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// The named pipe of Win32: a server with a name, several instances, clients that wait for one of them.
public enum NamedPipe: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "named-pipe", summary: "a server with a name and a limited number of connections",
      counterpart: "named pipe",
      variants: [
        .init("", "message mode: whole messages (AF_UNIX, SOCK_SEQPACKET)"),
        .init(
          "byte", "byte mode (AF_UNIX, SOCK_STREAM)",
          traits: Traits(
            framing: .byteStream, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 2)),
      ],
      traits: Traits(
        framing: .message, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 2,
        minimumMessageByteCount: 1, maximumMessageByteCount: Socket.largestUnixMessage),
      explanation: explanation, manPages: ["unix(7)", "listen(2)", "recv(2)"])
  }

  /// The path.
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String {
    try explaining("name a pipe") { () throws(SystemError) in try spec.scope.path(spec.name("pipe")) }
  }

  public static func close(_ path: String) { SharedObject.removeFile(path: path) }

  public static func attach(
    _ path: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    let mode: NamedPipeMode = spec.variant == "byte" ? .bytes : .messages
    guard role == .consumer else {
      return Ends(try NamedPipeClient.open(path, mode: mode, milliseconds: 5000).socket)
    }
    var server = try NamedPipeServer(
      path: path, mode: mode, instanceLimit: 1, maximumMessageByteCount: spec.messageByteCount)
    defer { server.close() }
    return Ends(try server.connect(milliseconds: 5000).socket)
  }
}

/// Fixed when the pipe is created (PIPE_TYPE_MESSAGE, PIPE_TYPE_BYTE).
public enum NamedPipeMode: UInt32, Sendable {
  case messages = 1
  case bytes = 2

  var kind: Socket.Kind { self == .messages ? .sequencedPackets : .stream }
}

/// What a server says to a client that it takes: the client knows then that it has an instance.
struct NamedPipeGreeting: BitwiseCopyable {
  var magic: UInt32 = 0x4942_4E50  // "IBNP"
  var version: UInt32 = 1
  var mode: UInt32
  var instanceLimit: UInt32
  var maximumMessageByteCount: UInt64
}

/// The server's side of a named pipe: CreateNamedPipe, ConnectNamedPipe, DisconnectNamedPipe.
public struct NamedPipeServer: Sendable {
  public let path: String
  public let mode: NamedPipeMode
  public let instanceLimit: Int
  public let maximumMessageByteCount: Int
  private let listener: Socket
  public private(set) var instanceCount = 0

  /// Creates the pipe. A name that is taken is refused, whoever has it.
  public init(
    path: String, mode: NamedPipeMode, instanceLimit: Int, maximumMessageByteCount: Int
  ) throws(TransportError) {
    (self.path, self.mode) = (path, mode)
    (self.instanceLimit, self.maximumMessageByteCount) = (instanceLimit, maximumMessageByteCount)
    listener = try explaining("create the named pipe \(path)") { () throws(SystemError) in
      let listener = try Socket.unix(mode.kind)
      do throws(SystemError) {
        try listener.bind(path: path)
        // Clients past the limit wait here.
        try listener.listen(backlog: 64)
      } catch {
        listener.close()
        throw error
      }
      return listener
    }
  }

  /// Waits for a client and gives it an instance; refuses while all are in use.
  public mutating func connect(milliseconds: Int32) throws(TransportError) -> NamedPipeInstance {
    guard instanceCount < instanceLimit else {
      throw TransportError(
        .resourceLimit,
        "All \(instanceLimit) instances of \(path) are in use; disconnect one, or create the pipe with more.")
    }
    while true {
      let socket = try explaining("accept a client on \(path)") { () throws(SystemError) in
        let socket = try listener.accept(milliseconds: milliseconds)
        if mode == .messages { try socket.growBuffers() }
        return socket
      }
      var greeting = NamedPipeGreeting(
        mode: mode.rawValue, instanceLimit: UInt32(instanceLimit),
        maximumMessageByteCount: UInt64(maximumMessageByteCount))
      let size = MemoryLayout<NamedPipeGreeting>.size
      if Glibc.send(socket.descriptor.rawValue, &greeting, size, Int32(MSG_NOSIGNAL)) == size {
        instanceCount += 1
        return NamedPipeInstance(socket: socket, mode: mode)
      }
      // A client that was tired of waiting.
      socket.close()
    }
  }

  /// Ends a client's connection; what it has sent and nobody has read is discarded.
  public mutating func disconnect(_ instance: NamedPipeInstance) {
    instance.socket.close()
    instanceCount -= 1
  }

  /// Takes no more clients. The path stays until it is removed.
  public func close() { listener.close() }
}

/// The client's side: WaitNamedPipe and CreateFile.
public enum NamedPipeClient {
  /// Opens the pipe, waiting up to `milliseconds` for the server and for a free instance.
  public static func open(
    _ path: String, mode: NamedPipeMode, milliseconds: UInt64
  ) throws(TransportError) -> NamedPipeInstance {
    let deadline = Clock.monotonicNanoseconds() + milliseconds * 1_000_000
    let socket = try explaining("open the named pipe \(path)") { () throws(SystemError) in
      try Socket.unix(mode.kind)
    }
    do throws(TransportError) {
      try connect(socket, path, mode, milliseconds)
      try check(try awaitGreeting(socket, path, mode, deadline), path, mode)
      return NamedPipeInstance(socket: socket, mode: mode)
    } catch {
      socket.close()
      throw error
    }
  }

  /// Not blocking: a full queue of clients would make `connect` sleep without a limit.
  private static func connect(
    _ socket: Socket, _ path: String, _ mode: NamedPipeMode, _ milliseconds: UInt64
  ) throws(TransportError) {
    do throws(SystemError) {
      if mode == .messages { try socket.growBuffers() }
      try socket.descriptor.setNonBlocking(true)
      try socket.connect(path: path, milliseconds: milliseconds)
      try socket.descriptor.setNonBlocking(false)
    } catch {
      switch error.errno {
      case .resourceTemporarilyUnavailable: throw allBusy(path)
      case .protocolWrongTypeForSocket: throw otherMode(path)
      default: throw TransportError(error, doing: "open the named pipe \(path)")
      }
    }
  }

  private static func allBusy(_ path: String) -> TransportError {
    TransportError(
      .resourceLimit,
      "All instances of the named pipe \(path) are in use, and none became free within the time allowed; try "
        + "again later.")
  }

  private static func otherMode(_ path: String) -> TransportError {
    TransportError(
      .unsupported,
      "The named pipe \(path) was created in the other mode (message or byte); open it in that one.")
  }

  private static func awaitGreeting(
    _ socket: Socket, _ path: String, _ mode: NamedPipeMode, _ deadline: UInt64
  ) throws(TransportError) -> NamedPipeGreeting {
    var greeting = NamedPipeGreeting(mode: 0, instanceLimit: 0, maximumMessageByteCount: 0)
    let size = MemoryLayout<NamedPipeGreeting>.size
    var received = 0
    // In byte mode it may come in parts.
    while received < size {
      let now = Clock.monotonicNanoseconds()
      let left = Int32(clamping: (deadline - min(now, deadline)) / 1_000_000)
      var request = pollfd(fd: socket.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
      guard poll(&request, 1, left) > 0 else {
        throw received == 0 ? allBusy(path) : stranger(path)
      }
      let got = withUnsafeMutableBytes(of: &greeting) {
        Glibc.recv(socket.descriptor.rawValue, $0.baseAddress! + received, size - received, 0)
      }
      guard got > 0 else {
        throw TransportError(
          .unavailable, "The server of the named pipe \(path) has ended before it had an instance free.")
      }
      received += got
      if mode == .messages { break }
    }
    guard received == size else { throw stranger(path) }
    return greeting
  }

  private static func stranger(_ path: String) -> TransportError {
    TransportError(.unsupported, "Whoever listens on \(path) is not a named pipe of ipcbench.")
  }

  private static func check(
    _ greeting: NamedPipeGreeting, _ path: String, _ mode: NamedPipeMode
  ) throws(TransportError) {
    let expected = NamedPipeGreeting(mode: mode.rawValue, instanceLimit: 0, maximumMessageByteCount: 0)
    guard greeting.magic == expected.magic else { throw stranger(path) }
    guard greeting.version == expected.version else {
      throw TransportError(
        .unsupported,
        "The named pipe \(path) speaks version \(greeting.version), this program version \(expected.version); use "
          + "the same ipcbench on both sides.")
    }
    guard greeting.mode == expected.mode else { throw otherMode(path) }
  }
}

/// A connection between a server and a client; both sides read and write.
public struct NamedPipeInstance: Sendable {
  public let socket: Socket
  public let mode: NamedPipeMode
  /// What a reader with too small a buffer has left of a message.
  private var rest: [UInt8] = []

  init(socket: Socket, mode: NamedPipeMode) {
    self.socket = socket
    self.mode = mode
  }

  public func write(_ bytes: [UInt8]) throws(SystemError) {
    try retrying("send") {
      Glibc.send(socket.descriptor.rawValue, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
  }

  /// Reads up to `count` bytes of a message, and keeps the rest for the next call (ERROR_MORE_DATA): the size is
  /// looked at first, because a SOCK_SEQPACKET socket throws away what a read leaves.
  ///
  /// - Returns: the bytes, nil when the peer has disconnected; and whether they are the end of their message.
  public mutating func read(_ count: Int) throws(SystemError) -> (bytes: [UInt8], isComplete: Bool)? {
    if rest.isEmpty {
      let size = mode == .messages ? try receive(peeking: 1).byteCount : count
      let message = try receive(max(size, 1)).bytes
      if message.isEmpty { return nil }
      rest = message
    }
    let bytes = Array(rest.prefix(count))
    rest.removeFirst(bytes.count)
    return (bytes, mode == .bytes || rest.isEmpty)
  }

  /// One message or part of the stream; nothing when the peer has disconnected.
  ///
  /// - Parameter peeking: leaves the message where it is, and says how many bytes it has.
  private func receive(
    _ count: Int = 0, peeking: Int = 0
  ) throws(SystemError) -> (bytes: [UInt8], byteCount: Int) {
    var buffer = [UInt8](repeating: 0, count: max(count, peeking))
    let flags = peeking > 0 ? Int32(MSG_PEEK) | Int32(MSG_TRUNC) : 0
    for _ in 0..<2 {
      do throws(SystemError) {
        let got = try retrying("recv") {
          Glibc.recv(socket.descriptor.rawValue, &buffer, buffer.count, flags)
        }
        return (Array(buffer[..<min(got, buffer.count)]), got)
      } catch {
        // A peer that has left something unread resets the connection; that is said once, before what it had
        // sent and, at last, the end.
        if error.errno != .connectionReset { throw error }
      }
    }
    return ([], 0)
  }

  public func close() { socket.close() }
}

extension NamedPipe {
  static var explanation: Explanation {
    Explanation(
      "The named pipe of Win32 as a socket on a path: a server creates it, clients connect to it, and each "
        + "gets an instance of its own, both ways, as long as fewer than the limit are in use. In message "
        + "mode (SOCK_SEQPACKET) a message arrives whole; in byte mode (:byte, SOCK_STREAM) messages are "
        + "framed by a length of four bytes. The server greets each client that it takes with 24 bytes, so "
        + "that a client which only stands in the queue knows that it waits, and can give up. Closing an "
        + "instance discards what was not read.",
      producer: [
        .init("socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)", "The client's end; :byte SOCK_STREAM."),
        .init(
          "setsockopt(s, SOL_SOCKET, SO_SNDBUF, wmem_max)",
          "Message mode: room for large messages; SO_RCVBUF likewise."),
        .init(
          "connect(s, path)",
          "Non-blocking, so that a full queue cannot hold it; tried again every 0.5 ms, for 5 s at most.",
          answers: "CreateFile"),
        .init(
          "poll(s, POLLIN, rest of the 5 s)",
          "Waits for an instance: the greeting comes when the server has "
            + "accepted.", answers: "WaitNamedPipe"),
        .init("recv(s, &greeting, 24, 0)", "Checks version and mode.", answers: "GetNamedPipeInfo"),
        .init(
          "fcntl(s, F_SETFL, flags & ~O_NONBLOCK)",
          "Blocking form; the others set O_NONBLOCK.", answers: "SetNamedPipeHandleState"),
        .init(
          "write(s, message, length)",
          "Sends: a message whole; sleeps while the buffer is full. :byte writes the length before "
            + "it.", answers: "WriteFile"),
        .init(
          "close(s)", "The end: the server reads what is left, and then 0 bytes.", answers: "CloseHandle"),
      ],
      consumer: [
        .init("socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)", "The server's end; :byte SOCK_STREAM."),
        .init(
          "bind(s, path)",
          "Creates the name; one that is taken is refused. The harness has chosen "
            + "it.", answers: "CreateNamedPipe"),
        .init(
          "listen(s, 64)", "Clients past the instance limit wait in this queue.", answers: "CreateNamedPipe"),
        .init(
          "poll(s, POLLIN, 5 s); accept4(s, NULL, NULL, SOCK_CLOEXEC)",
          "Waits for a client, and gives it the instance.", answers: "ConnectNamedPipe"),
        .init(
          "setsockopt(c, SOL_SOCKET, SO_SNDBUF, wmem_max)",
          "Message mode: room for large messages; SO_RCVBUF likewise."),
        .init(
          "send(c, &greeting, 24, MSG_NOSIGNAL)",
          "Tells the client that it has an instance; one that has left is passed over."),
        .init("close(s)", "One instance is the limit in a trial: nobody else is let in."),
        .init("fcntl(c, F_SETFL, flags & ~O_NONBLOCK)", "Blocking form; the others set O_NONBLOCK."),
        .init(
          "read(c, buffer, capacity + 1)",
          "Receives: one message; :byte whatever is there. Sleeps while there is none. A reader with a small "
            + "buffer asks with MSG_PEEK | MSG_TRUNC first (NamedPipeInstance).", answers: "ReadFile"),
        .init(
          "close(c)",
          "Ends the connection; what the client has sent and nobody has read is "
            + "gone.", answers: "DisconnectNamedPipe"),
        .init(
          "unlink(path)",
          "The harness, after both have ended: a socket's path stays until somebody removes "
            + "it.", answers: "CloseHandle"),
      ],
      limits: [
        "The path has at most 107 bytes (sun_path, unix(7)), and one host is all it reaches; Win32's is "
          + "found over the network as well.",
        "A message has at most twice net.core.wmem_max less 32 bytes (425,952 where it is 212,992), and 4 MiB.",
        "An empty message cannot be told from the end, so 1 byte is the least.",
        "SOCK_SEQPACKET throws away what a read leaves of a message: ERROR_MORE_DATA has to be made by "
          + "looking first.",
        "About 64 clients wait in the queue, net.core.somaxconn permitting; the next one sleeps in connect.",
      ],
      useWhen:
        "A local service has several clients, each with a conversation of its own, and message boundaries "
        + "and a bounded number of connections are part of the contract.",
      avoidWhen:
        "One client is all there is, where unix-seqpacket or socketpair are the same without greeting and "
        + "limit; or the peer is on another machine.")
  }
}
