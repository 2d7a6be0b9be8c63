import Glibc
import IPCTransport
import LinuxIPC
import NetBIOS
import Services

/// A mailslot that is written to over the network: an SMB transaction in a NetBIOS datagram, broadcast to every reader of
/// that name.
public enum NetworkMailslot: ChannelProvider {
  /// It is a variant of another mechanism's.
  public static var mechanism: Mechanism { Mailslots.mechanism }

  static var variant: Mechanism.Variant {
    var traits = Traits(
      framing: .message, direction: .oneWay, reach: .network, delivery: .mayDrop, attach: [.name],
      payloadCopies: 2, maximumMessageByteCount: MailslotWrite.largestBroadcast)
    traits.bringsHosts = true
    return .init(
      "network", "broadcast to the readers of a name, as SMB in NetBIOS datagrams", traits: traits,
      explanation: explanation)
  }

  public static func attach(
    _ channel: NetBIOSChannel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> EnvelopedEnds {
    try channel.enter(as: role)
    let slot = slot(channel, role)
    let reader = try NetworkMailslotReader(slot)
    let writer = try NetworkMailslotWriter(
      slot: self.slot(channel, role.peer), from: channel.name(of: role), at: channel.hostAddress(of: role))
    let meeting = try channel.meet(as: role)
    let incoming = NetworkMailslotWriter.header(
      slot: slot, from: channel.name(of: role.peer), at: channel.hostAddress(of: role.peer))
    return EnvelopedEnds(
      ends: Ends(input: reader.socket.descriptor, output: writer.socket.descriptor, meeting: meeting),
      outgoing: writer.header, incoming: incoming, address: slot)
  }

  /// Each side owns the slot named after itself.
  private static func slot(_ channel: NetBIOSChannel, _ role: Role) -> String {
    "ipcbench\\\(channel.serial)\\\(role.rawValue)"
  }
}

/// The reader's side: any number of readers of one name may be on a network.
public struct NetworkMailslotReader: Sendable {
  let socket: Socket
  private let slot: String

  /// - Parameter slot: without `\MAILSLOT\`.
  public init(_ slot: String) throws(TransportError) {
    self.slot = slot
    // A socket with an address of its own would not get what is sent to all.
    socket = try explaining("take the port of the datagram service") { () throws(SystemError) in
      let socket = try InternetConnection.bound(Socket.udp, address: "0.0.0.0", port: DatagramPacket.port)
      try socket.growBuffers()
      return socket
    }
  }

  /// The next message; nil when there is none within this time.
  public func read(milliseconds: Int32) throws(SystemError) -> [UInt8]? {
    let deadline = Clock.monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
    while Clock.monotonicNanoseconds() < deadline {
      guard let datagram = try socket.receiveDatagram(milliseconds: min(milliseconds, 50)) else { continue }
      let range = datagram.bytes.withUnsafeBytes { MailslotEnvelope.data(of: $0, for: slot) }
      if let range { return Array(datagram.bytes[range]) }
    }
    return nil
  }

  public func close() { socket.close() }
}

/// The writer's side.
public struct NetworkMailslotWriter: Sendable {
  let socket: Socket
  let header: [UInt8]

  public init(slot: String, from source: NetBIOSName, at address: String) throws(TransportError) {
    header = Self.header(slot: slot, from: source, at: address)
    socket = try explaining("broadcast to the port of the datagram service") { () throws(SystemError) in
      let socket = try InternetConnection.bound(Socket.udp, address: address, port: DatagramPacket.port)
      try socket.growBuffers()
      try socket.set(SO_BROADCAST, 1, "SO_BROADCAST")
      try socket.connect(address: NetworkNamespaces.broadcastAddress, port: DatagramPacket.port)
      return socket
    }
  }

  /// Writes a message to every reader.
  public func write(_ message: [UInt8]) throws(TransportError) {
    guard message.count <= MailslotWrite.largestBroadcast else {
      throw TransportError(
        .messageTooLarge,
        "A message to several mailslots has at most \(MailslotWrite.largestBroadcast) bytes, and this one has "
          + "\(message.count): shorten it, or write to one reader by unix-dgram or netbios:session.")
    }
    var packet = header + message
    packet.withUnsafeMutableBytes {
      MailslotEnvelope.complete(
        $0.baseAddress!, header.count, id: .random(in: 0 ... .max), dataByteCount: message.count)
    }
    try explaining("write to a mailslot") { () throws(SystemError) in
      _ = try retrying("write") { Int32(Glibc.write(socket.descriptor.rawValue, packet, packet.count)) }
    }
  }

  public func close() { socket.close() }

  /// To a group that every host belongs to.
  static func header(slot: String, from source: NetBIOSName, at address: String) -> [UInt8] {
    DatagramPacket.header(
      .broadcast, from: source, at: IPv4Address(address)!, to: NetBIOSName("IPCBENCH", suffix: 0x1e)!)
      + MailslotWrite.header(name: slot)
  }
}

/// The header of a datagram, and of the transaction in it.
public enum MailslotEnvelope: DatagramEnvelope {
  @inlinable static var datagramHeader: Int { 82 }

  @inlinable @inline(__always)
  public static func complete(
    _ header: UnsafeMutableRawPointer, _ byteCount: Int, id: UInt16, dataByteCount: Int
  ) {
    let transaction = byteCount &- datagramHeader
    DatagramPacket.store(id: id, dataByteCount: transaction &+ dataByteCount, to: header)
    MailslotWrite.store(
      dataByteCount: dataByteCount, headerByteCount: transaction, to: header + datagramHeader)
  }

  /// Everything but the number of the datagram, after it has been completed for as much data.
  @inlinable @inline(__always)
  public static func isUsual(
    _ packet: UnsafeRawPointer, _ expected: UnsafeRawPointer, _ byteCount: Int, dataByteCount: Int
  ) -> Bool {
    let own = UnsafeMutableRawPointer(mutating: expected)
    complete(own, byteCount, id: 0, dataByteCount: dataByteCount)
    return packet.loadUnaligned(as: UInt16.self) == expected.loadUnaligned(as: UInt16.self)
      && memcmp(packet + 4, expected + 4, byteCount &- 4) == 0
  }

  public static func data(of packet: UnsafeRawBufferPointer, for address: String) -> Range<Int>? {
    guard let datagram = try? DatagramPacket(packet), !datagram.dataRange.isEmpty,
      let write = try? MailslotWrite(UnsafeRawBufferPointer(rebasing: packet[datagram.dataRange])),
      write.slot.dropFirst(MailslotWrite.prefix.count).lowercased() == address.lowercased()
    else { return nil }
    let start = datagram.dataRange.lowerBound
    return start + write.dataRange.lowerBound..<start + write.dataRange.upperBound
  }
}
