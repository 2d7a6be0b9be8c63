import Glibc
import IPCTransport
import LinuxIPC
import NetBIOS

/// The session service: a connection that one name asks of another.
public enum NetBIOSSession: ChannelProvider {
  /// It is a variant of another mechanism's.
  public static var mechanism: Mechanism { NetBIOSMechanism.mechanism }

  public static func attach(
    _ channel: NetBIOSChannel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Ends {
    try channel.enter(as: role)
    var names: NameClient
    let socket: Socket
    if role == .consumer {
      // Who finds the name also finds somebody who listens.
      let listener = try SessionListener(at: channel.hostAddress(of: role))
      defer { listener.close() }
      names = try channel.registerName(of: role)
      socket = try listener.accept(for: channel.name(of: role))
    } else {
      names = try channel.registerName(of: role)
      let peer = channel.name(of: role.peer)
      let address = try names.awaitOwner(peer)
      socket = try SessionCaller(channel.name(of: role)).call(peer, at: address)
    }
    var ends = Ends(socket)
    ends.facts.tcpNoDelay = socket.hasNoDelay
    ends.atEnd = channel.release(names, role)
    return ends
  }
}

/// Four bytes before each message, of a type, a flag and a length (RFC 1002, section 4.3.1).
public enum SessionFraming: StreamFraming {
  @inlinable @inline(__always)
  public static func store(_ byteCount: Int, to prefix: UnsafeMutableRawPointer) {
    SessionPacket.storeMessageHeader(byteCount, to: prefix)
  }

  /// A keep-alive is passed over.
  @inlinable @inline(__always)
  public static func byteCount(_ prefix: UnsafeRawPointer) -> Int { SessionPacket.messageByteCount(prefix) }
}

/// Asks for sessions.
public struct SessionCaller: Sendable {
  private let own: NetBIOSName
  /// More than one refers to another one is a circle.
  private static var mostRetargets: Int { 4 }

  public init(_ own: NetBIOSName) { self.own = own }

  /// - Throws: also when the listener refuses, with its reason.
  public func call(
    _ peer: NetBIOSName, at address: IPv4Address, port: UInt16 = SessionPacket.port
  ) throws(TransportError) -> Socket {
    var (address, port) = (address, port)
    for _ in 0...Self.mostRetargets {
      let socket = try connect(address, port)
      do throws(TransportError) {
        try SessionIO.write(.request(called: peer, calling: own), to: socket)
        switch try SessionIO.read(socket) {
        case .positiveResponse: return socket
        case .negativeResponse(let refusal):
          throw TransportError(.system, "\(peer) refuses a session: \(Self.text(refusal)).")
        case .retarget(let there, let other): (address, port) = (there, other)
        default: throw TransportError(.system, "\(peer) answered a session request with something else.")
        }
      } catch {
        socket.close()
        throw error
      }
      socket.close()
    }
    throw TransportError(.system, "\(peer) is referred to others more than \(Self.mostRetargets) times.")
  }

  private func connect(_ address: IPv4Address, _ port: UInt16) throws(TransportError) -> Socket {
    try explaining("connect to \(address):\(port)") { () throws(SystemError) in
      let socket = try Socket.tcp()
      do throws(SystemError) {
        try socket.connect(address: address.description, port: port, milliseconds: 5000)
        try socket.setNoDelay()
      } catch {
        socket.close()
        throw error
      }
      return socket
    }
  }

  private static func text(_ refusal: SessionPacket.Refusal) -> String {
    switch refusal {
    case .notListeningOnCalledName: "nobody listens on this name"
    case .notListeningForCallingName: "it does not listen for this caller"
    case .calledNameNotPresent: "the name is not here"
    case .insufficientResources: "it has no room for another session"
    case .unspecified: "it does not say why"
    }
  }
}

/// Waits for session requests.
public struct SessionListener: Sendable {
  private let listener: Socket

  public init(at address: String, port: UInt16 = SessionPacket.port) throws(TransportError) {
    listener = try explaining("listen on \(address):\(port)") { () throws(SystemError) in
      let socket = try InternetConnection.bound(Socket.tcp, address: address, port: port)
      try socket.listen(backlog: 4)
      return socket
    }
  }

  /// The first session for a name; requests for other names are refused.
  public func accept(for own: NetBIOSName) throws(TransportError) -> Socket {
    let deadline = Clock.monotonicNanoseconds() + 5_000_000_000
    while true {
      let listener = listener
      let socket = try explaining("accept a session") { () throws(SystemError) in
        try listener.accept(milliseconds: 5000)
      }
      if case .request(let called, _)? = try? SessionIO.read(socket) {
        if called == own {
          try SessionIO.write(.positiveResponse, to: socket)
          try explaining("set TCP_NODELAY") { () throws(SystemError) in try socket.setNoDelay() }
          return socket
        }
        try? SessionIO.write(.negativeResponse(.calledNameNotPresent), to: socket)
      }
      // A stranger, or somebody who talks nonsense.
      socket.close()
      guard Clock.monotonicNanoseconds() < deadline else {
        throw TransportError(.system, "Nobody asked for a session with \(own) within 5000 ms.")
      }
    }
  }

  public func close() { listener.close() }
}

/// Packets that carry no message, whole ones, with a deadline.
public enum SessionIO {
  private static var patienceMilliseconds: Int32 { 5000 }

  public static func write(_ packet: SessionPacket, to socket: Socket) throws(TransportError) {
    try explaining("send a session packet") { () throws(SystemError) in try socket.send(packet.encoded) }
  }

  public static func read(_ socket: Socket) throws(TransportError) -> SessionPacket {
    let header = try read(socket, SessionPacket.headerByteCount)
    guard let count = SessionPacket.byteCount(header: header) else { throw nonsense }
    let bytes = header + (try read(socket, count - header.count))
    do throws(NetBIOSError) { return try SessionPacket(bytes) } catch { throw nonsense }
  }

  private static var nonsense: TransportError {
    TransportError(.system, "What came is no packet of the session service.")
  }

  private static func read(_ socket: Socket, _ count: Int) throws(TransportError) -> [UInt8] {
    try explaining("hear the session's peer") { () throws(SystemError) in
      try socket.receive(exactly: count, milliseconds: patienceMilliseconds)
    }
  }
}
