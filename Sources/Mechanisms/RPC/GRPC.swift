import Glibc
import IPCTransport
import LinuxIPC

#if GRPC
  import Foundation
#endif

/// gRPC: calls over HTTP/2 of messages in protocol buffers, with grpc-swift-2. Only in a build with the package trait
/// GRPC, because of what that builds.
public enum GRPC: ChannelProvider {
  /// Its forms are variants of another mechanism's.
  public static var mechanism: Mechanism { RPC.mechanism }

  static var variants: [Mechanism.Variant] {
    [
      .init(
        "grpc", "gRPC (grpc-swift-2) over a Unix socket",
        traits: RPC.traits(reach: .host, copies: 8, maximum: largestMessage), explanation: explanation("")),
      .init(
        "grpc-tcp", "gRPC over TCP",
        traits: RPC.traits(reach: .network, copies: 8, maximum: largestMessage),
        explanation: explanation("-tcp")),
    ]
  }

  static var largestMessage: Int { 16 << 20 }

  public struct Channel: Sendable {
    /// Of the servers: the producer's and the consumer's.
    var ports: [UInt16]
    /// Keep the ports ours until the servers have bound them.
    var reservations: [Socket]
    /// Begins the paths of the sides' sockets, and is that of the page on which they meet.
    var path: String

    func port(of role: Role) -> UInt16 { ports[role == .producer ? 0 : 1] }
    func socketPath(of role: Role) -> String { "\(path)-\(role.rawValue)" }
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    #if !GRPC
      throw TransportError(
        .unavailable, "gRPC is not in this program: build it with 'swift build -c release --traits GRPC'.")
    #endif
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    let path = try explaining("make the page on which the sides meet") { () throws(SystemError) in
      let path = try spec.scope.path(spec.name("grpc"))
      _ = try Meeting.Place.create(path: path)
      return path
    }
    guard spec.variant == "grpc-tcp" else { return Channel(ports: [0, 0], reservations: [], path: path) }
    let first = try InternetConnection.reserve(spec, Socket.tcp)
    let second = try InternetConnection.reserve(spec, index: 1, Socket.tcp)
    return Channel(
      ports: [first.port, second.port], reservations: [first, second].compactMap(\.reservation), path: path)
  }

  public static func address(of channel: Channel) -> String {
    "\(channel.ports[0]) \(channel.ports[1]) \(channel.path)"
  }

  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    let parts = address.split(separator: " ", maxSplits: 2).map(String.init)
    let ports = parts.prefix(2).compactMap { UInt16($0) }
    guard parts.count == 3, ports.count == 2 else {
      throw TransportError(.unsupported, "'\(address)' is not two ports and a path.")
    }
    return Channel(ports: ports, reservations: [], path: parts[2])
  }

  public static func close(_ channel: Channel) {
    channel.reservations.forEach { $0.close() }
    for role in Role.allCases { SharedObject.removeFile(path: channel.socketPath(of: role)) }
    SharedObject.removeFile(path: channel.path)
  }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> GRPCAttachment {
    let meeting = try explaining("meet the peer") { () throws(SystemError) in
      try Meeting(.file(channel.path), isFirst: role == .producer)
    }
    return GRPCAttachment(channel: channel, meeting: meeting)
  }
}

public struct GRPCAttachment: Sendable {
  var channel: GRPC.Channel
  var meeting: Meeting
}

#if GRPC
  /// Calls of a unary method, by a client and a server on each side. Everything of theirs but the threads that move the
  /// bytes runs on the worker's own thread, while that waits: nothing has to be handed from thread to thread twice.
  public struct GRPCCalls: Transport, ~Copyable {
    public static var wait: WaitKind { .block }

    private let party: GRPCParty
    private var patience: Patience<Block>
    private let capacity: Int
    private let buffer: UnsafeMutableRawPointer
    public var stalls: UInt64 { patience.stalls }

    public init(_ attachment: GRPCAttachment, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
      let patience = try Patience<Block>(attachment.meeting, spec)
      let party = try GRPCParty(attachment.channel, role, spec)
      try explaining("meet the peer") { () throws(SystemError) in _ = try attachment.meeting.greet() }
      try party.connect()
      self.patience = patience
      self.party = party
      capacity = spec.messageByteCount
      buffer = Buffer.allocate(max(capacity, 8))
    }

    public mutating func send(
      _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
    ) throws(ExchangeError) { try call(byteCount, fill) { _ in } }

    public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
      try serve(body, replyByteCount: 0) { _ in }
    }

    public mutating func call(
      _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void, _ reply: (borrowing RawSpan) -> Void
    ) throws(ExchangeError) {
      guard byteCount <= capacity else { throw .messageTooLarge }
      var span = MutableRawSpan(_unsafeStart: buffer, byteCount: byteCount)
      fill(&span)
      party.begin(Data(bytes: buffer, count: byteCount))
      while true {
        if let outcome = party.takeReply(milliseconds: 20) {
          let message = try outcome.get()
          guard message.count <= capacity else { throw .corrupted }
          return message.withUnsafeBytes { reply(RawSpan(_unsafeBytes: $0)) }
        }
      }
    }

    public mutating func serve(
      _ body: (borrowing RawSpan) -> Void, replyByteCount: Int, _ fill: (inout MutableRawSpan) -> Void
    ) throws(ExchangeError) {
      var steps = 0
      while true {
        if let message = party.takeCall(milliseconds: 20) {
          guard message.count <= capacity else { throw .corrupted }
          message.withUnsafeBytes { body(RawSpan(_unsafeBytes: $0)) }
          break
        }
        steps &+= 1
        _ = RawDescriptor.fail(EAGAIN)
        try patience.wait(steps)
      }
      let count = min(replyByteCount, capacity)
      var span = MutableRawSpan(_unsafeStart: buffer, byteCount: count)
      fill(&span)
      party.reply(Data(bytes: buffer, count: count))
    }

    public mutating func shutDown() {
      party.close()
      patience.leave()
    }
  }
#else
  /// Stands in its place in a build without the trait; nothing gets so far.
  public struct GRPCCalls: Transport, ~Copyable {
    public static var wait: WaitKind { .block }
    public var stalls: UInt64 { 0 }
    public init(_ attachment: GRPCAttachment, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
      try GRPC.probe(spec)
    }
    public mutating func send(
      _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
    ) throws(ExchangeError) { throw .notStarted }
    public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
      throw .notStarted
    }
    public mutating func shutDown() {}
  }
#endif
