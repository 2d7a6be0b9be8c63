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

  public typealias Channel = CallEndpoints

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    #if !GRPC
      throw TransportError(
        .unavailable, "gRPC is not in this program: build it with 'swift build -c release --traits GRPC'.")
    #endif
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> CallEndpoints {
    let endpoints = try CallEndpoints(spec, isTCP: spec.variant == "grpc-tcp", path: "grpc")
    try explaining("make the page on which the sides meet") { () throws(SystemError) in
      _ = try Meeting.Place.create(path: endpoints.path)
    }
    return endpoints
  }

  public static func attach(
    _ channel: CallEndpoints, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> GRPCAttachment {
    let meeting = try explaining("meet the peer") { () throws(SystemError) in
      try Meeting(.file(channel.path), isFirst: role == .producer)
    }
    return GRPCAttachment(channel: channel, meeting: meeting)
  }
}

public struct GRPCAttachment: Sendable {
  var channel: CallEndpoints
  var meeting: Meeting
}

#if GRPC
  /// Calls of a unary method, by a client and a server on each side. Everything of theirs but the threads that move the
  /// bytes runs on the worker's own thread, while that waits: nothing has to be handed from thread to thread twice.
  public struct GRPCCalls: CallTransport, ~Copyable {
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
