import Glibc
import IPCTransport
import LinuxIPC
import Services

/// ONC RPC, which once was Sun RPC (RFC 5531): libtirpc, the stubs that rpcgen made of Sources/ONCRPC/message.x, and a
/// private rpcbind by which the sides find each other.
public enum ONC: ChannelProvider {
  /// Its forms are variants of another mechanism's.
  public static var mechanism: Mechanism { RPC.mechanism }

  static var variants: [Mechanism.Variant] {
    ONCNetwork.allCases.map {
      .init($0.rawValue, $0.summary, traits: $0.traits, explanation: explanation($0))
    }
  }

  public struct Channel: Sendable {
    /// Processes of the port mappers: the producer's and the consumer's.
    var mappers: [Int32]
    /// Begins the paths of the sides' sockets, and is that of the page on which they meet.
    var path: String

    func mapper(of role: Role) -> Int32 { mappers[role == .producer ? 0 : 1] }
    func socketPath(of role: Role) -> String { "\(path)-\(role.rawValue)" }
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) {
    _ = try ONCLibrary.load()
    try PortMapper.probe()
  }

  public static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel {
    var mappers: [Int32] = []
    for role in Role.allCases {
      let mapper = try spec.service(PortMapper.self, on: spec.hosts.place(of: role))
      mappers.append(mapper.process?.pid ?? -1)
    }
    let path = try explaining("make the page on which the sides meet") { () throws(SystemError) in
      let path = try spec.scope.path(spec.name("onc"))
      _ = try Meeting.Place.create(path: path)
      return path
    }
    return Channel(mappers: mappers, path: path)
  }

  public static func address(of channel: Channel) -> String {
    "\(channel.mappers[0]) \(channel.mappers[1]) \(channel.path)"
  }

  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    let parts = address.split(separator: " ", maxSplits: 2).map(String.init)
    let mappers = parts.prefix(2).compactMap { Int32($0) }
    guard parts.count == 3, mappers.count == 2 else {
      throw TransportError(.unsupported, "'\(address)' is not two processes and a path.")
    }
    return Channel(mappers: mappers, path: parts[2])
  }

  public static func close(_ channel: Channel) {
    for role in Role.allCases { SharedObject.removeFile(path: channel.socketPath(of: role)) }
    SharedObject.removeFile(path: channel.path)
  }

  public static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> ONCSide {
    guard let network = ONCNetwork(rawValue: spec.variant) else {
      throw TransportError(.unsupported, "'\(spec.variant)' is no form of ONC RPC.")
    }
    try PortMapper.enter(channel.mapper(of: role))
    var side = ONCSide(library: try ONCLibrary.load(), network: network)
    if network == .datagrams {
      // Nothing else tells a server that its client is gone.
      side.meeting = try explaining("meet the peer") { () throws(SystemError) in
        try Meeting(.file(channel.path), isFirst: role == .producer)
      }
    }
    let socket = try network.serverSocket(channel.socketPath(of: role), spec.hosts.address(of: role))
    try side.meet(as: role, socket, peerHost: spec.hosts.address(of: role.peer), spec)
    return side
  }
}

/// Over what calls go: the ids of netconfig(5).
enum ONCNetwork: String, CaseIterable, Sendable {
  case local = "onc"
  case connection = "onc-tcp"
  case datagrams = "onc-udp"

  var id: String {
    switch self {
    case .local: "local"
    case .connection: "tcp"
    case .datagrams: "udp"
    }
  }

  var summary: String {
    switch self {
    case .local: "ONC RPC (libtirpc, rpcbind) over a Unix socket"
    case .connection: "ONC RPC over TCP"
    case .datagrams: "ONC RPC over UDP; what is lost is sent again"
    }
  }

  /// A byte is copied into the record, by the kernel twice, and out of the record.
  var traits: Traits {
    RPC.traits(reach: self == .local ? .host : .network, copies: 4, maximum: largestMessage)
  }

  /// What the interface allows, or what is left of 65,507 bytes of a datagram: a call is at most 44 bytes longer
  /// than its message, which is padded to whole words (RFC 5531, section 9; RFC 4506, section 4.10).
  private var largestMessage: Int { self == .datagrams ? 65_460 : 16 << 20 }

  /// Bound, and listening where its kind does.
  func serverSocket(_ path: String, _ address: String) throws(TransportError) -> Socket {
    try explaining("make the socket of an RPC server") { () throws(SystemError) in
      let socket =
        switch self {
        case .local: try Socket.unix(.stream)
        case .connection: try Socket.tcp()
        case .datagrams: try Socket.udp()
        }
      do throws(SystemError) {
        try self == .local ? socket.bind(path: path) : socket.bind(address: address, port: 0)
        if self != .datagrams { try socket.listen(backlog: 16) }
      } catch {
        socket.close()
        throw error
      }
      return socket
    }
  }
}

/// One side, attached: it serves the peer, and is its client.
public struct ONCSide: Sendable {
  var library: ONCLibrary
  var network: ONCNetwork
  var meeting: Meeting?
  /// Asking rpcbind, and connecting.
  var lookUpNanoseconds: UInt64 = 0

  init(library: ONCLibrary, network: ONCNetwork) {
    self.library = library
    self.network = network
  }

  /// What the consumer serves, and the transient number under which the producer can be called back (RFC 5531,
  /// section 8.3).
  static func program(of role: Role) -> UInt32 { role == .consumer ? 0x2000_4942 : 0x4000_4942 }
  static var version: UInt32 { 1 }

  /// Each side calls the other one once, so that both know whose calls they serve; the producer first.
  mutating func meet(
    as role: Role, _ socket: Socket, peerHost: String, _ spec: ChannelSpec
  ) throws(TransportError) {
    guard library.serve(network.id, socket.descriptor.rawValue, Self.program(of: role)) == 0 else {
      socket.close()
      throw TransportError(.system, "libtirpc could not serve over \(network.id), or rpcbind refused it.")
    }
    if role == .consumer { try awaitPeer() }
    try connect(to: role.peer, peerHost, limit: spec.stallLimitNanoseconds)
    if role == .producer { try awaitPeer() }
  }

  private func awaitPeer() throws(TransportError) {
    guard library.awaitPeer(5000) == 0 else {
      throw TransportError(.system, "The peer did not call within 5000 ms.")
    }
  }

  private mutating func connect(
    to peer: Role, _ host: String, limit: UInt64
  ) throws(TransportError) {
    let deadline = Clock.monotonicNanoseconds() + 5_000_000_000
    while true {
      let began = Clock.monotonicNanoseconds()
      do throws(ONCFault) {
        try library.connect(
          network.id, host, Self.program(of: peer), Self.version, milliseconds: UInt32(limit / 1_000_000))
        lookUpNanoseconds = Clock.monotonicNanoseconds() - began
        return
      } catch {
        // It may be that the peer is not there yet, or that its predecessor still is in the table.
        let isFinal = error.status == .programVersionMismatch || error.status == .unknownProtocol
        if isFinal || Clock.monotonicNanoseconds() > deadline {
          throw TransportError(.system, "The peer's program cannot be called: \(error.text).")
        }
      }
      usleep(500)
    }
  }
}

/// Calls by the stubs. Only blocking, as libtirpc sleeps in its calls.
public struct ONCCalls: CallTransport, ~Copyable {
  public static var wait: WaitKind { .block }

  @usableFromInline let library: ONCLibrary
  @usableFromInline var patience: Patience<Block>
  @usableFromInline let capacity: Int
  @usableFromInline let buffer: UnsafeMutableRawPointer
  public var stalls: UInt64 { patience.stalls }
  private let lookUpNanoseconds: UInt64
  public var facts: TransportFacts {
    var facts = TransportFacts()
    facts.peerLookUpNanoseconds = lookUpNanoseconds
    return facts
  }

  public init(_ side: ONCSide, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    patience = try Patience<Block>(side.meeting, spec)
    library = side.library
    lookUpNanoseconds = side.lookUpNanoseconds
    capacity = spec.messageByteCount
    buffer = Buffer.allocate(max(capacity, 8))
  }

  @inlinable @inline(__always)
  public mutating func call(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void, _ reply: (borrowing RawSpan) -> Void
  ) throws(ExchangeError) {
    guard byteCount <= capacity else { throw .messageTooLarge }
    var span = MutableRawSpan(_unsafeStart: buffer, byteCount: byteCount)
    fill(&span)
    var bytes: UnsafeMutableRawPointer?
    var count: UInt32 = 0
    let status = library.call(buffer, UInt32(truncatingIfNeeded: byteCount), &bytes, &count)
    guard status == 0 else { throw ONCStatus(rawValue: status)?.exchangeError ?? .corrupted }
    defer { library.free(bytes) }
    guard count <= capacity else { throw .corrupted }
    reply(RawSpan(_unsafeStart: bytes ?? buffer, byteCount: Int(count)))
  }

  @inlinable @inline(__always)
  public mutating func serve(
    _ body: (borrowing RawSpan) -> Void, replyByteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    var bytes: UnsafeMutableRawPointer?
    var count: UInt32 = 0
    var steps = 0
    while true {
      let taken = library.take(20, &bytes, &count)
      if taken == 1 { break }
      steps &+= 1
      _ = RawDescriptor.fail(taken == 0 ? EAGAIN : EPIPE)
      try patience.wait(steps)
    }
    guard count <= capacity else {
      _ = library.reply(buffer, 0)
      throw .corrupted
    }
    body(RawSpan(_unsafeStart: bytes ?? buffer, byteCount: Int(count)))
    let replyCount = min(replyByteCount, capacity)
    var span = MutableRawSpan(_unsafeStart: buffer, byteCount: replyCount)
    fill(&span)
    // A peer that has gone meanwhile is seen by the next exchange.
    _ = library.reply(buffer, UInt32(truncatingIfNeeded: replyCount))
  }

  public mutating func shutDown() {
    library.close()
    patience.leave()
  }
}
