import Glibc
import IPCTransport
import LinuxIPC
import NetBIOS

/// A host's part in the name service (RFC 1002, section 5.1): registers names with a name server, looks others' up, and
/// defends its own. A node of type P: it asks the name server, and broadcasts nothing.
public struct NameClient: Sendable {
  private let socket: Socket
  private let address: IPv4Address
  private let server: IPv4Address
  private var nextID: UInt16
  /// What is registered, and whether for a group.
  public private(set) var names: [NetBIOSName: Bool] = [:]
  /// Names of ours that another one has too, as the name server says (section 4.2.8).
  public private(set) var conflicts: Set<NetBIOSName> = []

  /// The standard's 5 s and 3 times are for networks of 1987 (UCAST_REQ_RETRY_TIMEOUT, section 6).
  private static var retryMilliseconds: UInt64 { 500 }
  private static var attempts: Int { 6 }
  private static var mostWaitMilliseconds: UInt64 { 20_000 }

  /// - Parameter address: of this host, whose port 137 is taken.
  public init(at address: String, server: String) throws(TransportError) {
    guard let own = IPv4Address(address), let server = IPv4Address(server) else {
      throw TransportError(.unsupported, "'\(address)' and '\(server)' are not two IPv4 addresses.")
    }
    socket = try explaining("take the port of the name service") { () throws(SystemError) in
      try InternetConnection.bound(Socket.udp, address: address, port: NameServicePacket.port)
    }
    (self.address, self.server) = (own, server)
    nextID = UInt16(truncatingIfNeeded: getpid())
  }

  public func close() { socket.close() }

  // MARK: Requests

  /// - Throws: also when another host has the name.
  public mutating func register(_ name: NetBIOSName, isGroup: Bool = false) throws(TransportError) {
    let owner = NameServicePacket.Owner(address, isGroup: isGroup)
    let id = takeID()
    let answer = try ask(.registration(id, name, of: owner), "register \(name)")
    guard answer.code == .success else { throw refused(answer.code, "register \(name)") }
    names[name] = isGroup
  }

  /// Says that the name is still used, before the name server forgets it.
  public mutating func refresh(_ name: NetBIOSName) throws(TransportError) {
    let owner = NameServicePacket.Owner(address, isGroup: names[name] ?? false)
    let answer = try ask(.refresh(takeID(), name, of: owner), "refresh \(name)")
    guard answer.code == .success else { throw refused(answer.code, "refresh \(name)") }
  }

  /// Who has a name; nobody where it is not registered.
  public mutating func find(_ name: NetBIOSName) throws(TransportError) -> [NameServicePacket.Owner] {
    let answer = try ask(.query(takeID(), name), "look \(name) up")
    if answer.code == .nameUnknown { return [] }
    guard answer.code == .success else { throw refused(answer.code, "look \(name) up") }
    return answer.owners
  }

  /// As `find`, but waits until somebody has the name.
  public mutating func awaitOwner(
    _ name: NetBIOSName, milliseconds: UInt64 = 5000
  ) throws(TransportError) -> IPv4Address {
    let deadline = Clock.monotonicNanoseconds() + milliseconds * 1_000_000
    while true {
      if let owner = try find(name).first { return owner.address }
      guard Clock.monotonicNanoseconds() < deadline else {
        throw TransportError(.system, "Nobody registered the name \(name) within \(milliseconds) ms.")
      }
      usleep(1000)
    }
  }

  public mutating func release(_ name: NetBIOSName) throws(TransportError) {
    let owner = NameServicePacket.Owner(address, isGroup: names[name] ?? false)
    names[name] = nil
    let answer = try ask(.release(takeID(), name, of: owner), "release \(name)")
    guard answer.code == .success else { throw refused(answer.code, "release \(name)") }
  }

  private func refused(_ code: NameServicePacket.Code, _ action: String) -> TransportError {
    let reason =
      switch code {
      case .active: "another host has it, and defends it"
      case .conflict: "the name is in conflict"
      case .nameUnknown: "it is not registered"
      case .refused: "the name server refuses"
      default: "the name server reports error \(code.rawValue)"
      }
    return TransportError(.system, "Cannot \(action): \(reason).")
  }

  private mutating func takeID() -> UInt16 {
    nextID &+= 1
    return nextID
  }

  /// Sends a request until it is answered. A name server that must ask the owner first says so (WACK), and is given the
  /// time that it asks for.
  private mutating func ask(
    _ request: NameServicePacket, _ action: String
  ) throws(TransportError) -> NameServicePacket {
    for _ in 0..<Self.attempts {
      try send(request, to: server.number, NameServicePacket.port)
      var deadline = Clock.monotonicNanoseconds() + Self.retryMilliseconds * 1_000_000
      while let packet = try next(until: deadline) {
        guard packet.isResponse, packet.id == request.id, packet.name == request.name else { continue }
        guard packet.operation == .wait else { return packet }
        let wait = min(UInt64(packet.timeToLiveSeconds) * 1000, Self.mostWaitMilliseconds)
        deadline = Clock.monotonicNanoseconds() + max(wait, Self.retryMilliseconds) * 1_000_000
      }
    }
    throw TransportError(.unavailable, "Cannot \(action): the name server \(server) does not answer.")
  }

  // MARK: Whatever comes

  /// Answers what comes within this time: who asks for our names, or claims them.
  public mutating func serve(milliseconds: UInt64) throws(TransportError) {
    let deadline = Clock.monotonicNanoseconds() + milliseconds * 1_000_000
    while try next(until: deadline) != nil {}
  }

  /// The next packet that is not served here; nil when there is none until then.
  private mutating func next(until deadline: UInt64) throws(TransportError) -> NameServicePacket? {
    while true {
      let now = Clock.monotonicNanoseconds()
      guard now < deadline else { return nil }
      let milliseconds = Int32(min((deadline - now) / 1_000_000 + 1, 1000))
      let socket = socket
      let datagram = try explaining("hear the name service") { () throws(SystemError) in
        try socket.receiveDatagram(milliseconds: milliseconds)
      }
      // What is not a packet of the name service is nobody's.
      guard let datagram, let packet = try? NameServicePacket(datagram.bytes) else { continue }
      if try !defend(packet, datagram.address, datagram.port) { return packet }
    }
  }

  /// Whether it was a request, or a demand: that is dealt with here.
  private mutating func defend(
    _ packet: NameServicePacket, _ address: UInt32, _ port: UInt16
  ) throws(TransportError) -> Bool {
    if packet.isResponse {
      guard packet.operation == .registration, packet.code == .conflict, names[packet.name] != nil,
        address == server.number
      else { return false }
      conflicts.insert(packet.name)
      return true
    }
    guard let isGroup = names[packet.name], !conflicts.contains(packet.name) else { return true }
    let own = NameServicePacket.Owner(self.address, isGroup: isGroup)
    switch packet.operation {
    // A challenge: does the owner still have it?
    case .query: try send(packet.response(.success, owners: [own], timeToLiveSeconds: 300), to: address, port)
    // A claim, by broadcast or not, of a name that cannot be shared.
    case .registration where !isGroup && packet.owners.first?.address != self.address:
      try send(packet.response(.active, owners: packet.owners), to: address, port)
    default: break
    }
    return true
  }

  private func send(_ packet: NameServicePacket, to address: UInt32, _ port: UInt16) throws(TransportError) {
    let socket = socket
    try explaining("send to the name service") { () throws(SystemError) in
      try socket.send(packet.encoded, to: address, port: port)
    }
  }
}
