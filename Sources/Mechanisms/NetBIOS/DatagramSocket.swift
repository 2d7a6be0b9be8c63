import Glibc
import IPCTransport
import LinuxIPC
import NetBIOS
import Services

/// A host's part in the datagram service: sends to a name, to the members of a group or to everybody, and receives what is
/// for the names that it has (RFC 1002, section 5.3). As nodes without a distribution server do, it broadcasts what is for
/// several.
public struct DatagramSocket: Sendable {
  private let socket: Socket
  private let own: NetBIOSName
  private let address: IPv4Address
  /// Names for which it receives, beside its own.
  private let groups: Set<NetBIOSName>

  public struct Datagram: Sendable, Equatable {
    public var kind: DatagramPacket.Kind
    public var source: NetBIOSName
    public var data: [UInt8]
  }

  /// - Parameter address: of this host.
  public init(_ own: NetBIOSName, groups: Set<NetBIOSName> = [], at address: String) throws(TransportError) {
    guard let number = IPv4Address(address) else {
      throw TransportError(.unsupported, "'\(address)' is not an IPv4 address.")
    }
    (self.own, self.groups, self.address) = (own, groups, number)
    // A socket with an address of its own would not get what is sent to all.
    socket = try explaining("take the port of the datagram service") { () throws(SystemError) in
      let socket = try InternetConnection.bound(Socket.udp, address: "0.0.0.0", port: DatagramPacket.port)
      try socket.growBuffers()
      try socket.set(SO_BROADCAST, 1, "SO_BROADCAST")
      return socket
    }
  }

  /// - Parameter address: of the host that has the name; nil to send to all, which a group and everybody need.
  public func send(
    _ data: [UInt8], _ kind: DatagramPacket.Kind, to destination: NetBIOSName, at address: IPv4Address? = nil
  ) throws(TransportError) {
    guard data.count <= DatagramPacket.largestData else {
      throw TransportError(
        .messageTooLarge,
        "A NetBIOS datagram has at most \(DatagramPacket.largestData) bytes, and this one has \(data.count): shorten "
          + "it, or use netbios:session.")
    }
    guard let there = address ?? IPv4Address(NetworkNamespaces.broadcastAddress) else { return }
    var packet = DatagramPacket.header(kind, from: own, at: self.address, to: destination) + data
    packet.withUnsafeMutableBytes {
      DatagramPacket.store(id: .random(in: 0 ... .max), dataByteCount: data.count, to: $0.baseAddress!)
    }
    try explaining("send a NetBIOS datagram") { () throws(SystemError) in
      try socket.send(packet, to: there.number, port: DatagramPacket.port)
    }
  }

  /// The next datagram for one of the names, or for everybody; nil when there is none within this time.
  public func receive(milliseconds: UInt64) throws(SystemError) -> Datagram? {
    let deadline = Clock.monotonicNanoseconds() + milliseconds * 1_000_000
    while Clock.monotonicNanoseconds() < deadline {
      guard let (bytes, _, _) = try socket.receiveDatagram(milliseconds: 20) else { continue }
      let packet = bytes.withUnsafeBytes { try? DatagramPacket($0) }
      guard let packet, let source = packet.source, let destination = packet.destination, source != own,
        isForUs(packet.kind, destination)
      else { continue }
      return Datagram(kind: packet.kind, source: source, data: Array(bytes[packet.dataRange]))
    }
    return nil
  }

  private func isForUs(_ kind: DatagramPacket.Kind, _ destination: NetBIOSName) -> Bool {
    switch kind {
    case .directUnique: destination == own
    case .directGroup: groups.contains(destination)
    case .broadcast: true
    default: false
    }
  }

  public func close() { socket.close() }
}
