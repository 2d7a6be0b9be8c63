import Glibc
import IPCTransport
import LinuxIPC
import NetBIOS

/// The datagram service: messages from one name to another.
public enum NetBIOSDatagram: ChannelProvider {
  /// It is a variant of another mechanism's.
  public static var mechanism: Mechanism { NetBIOSMechanism.mechanism }

  public static func attach(
    _ channel: NetBIOSChannel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> EnvelopedEnds {
    try channel.enter(as: role)
    let own = channel.hostAddress(of: role)
    var names = try channel.registerName(of: role)
    let peer = try names.awaitOwner(channel.name(of: role.peer))
    let socket = try explaining("take the port of the datagram service") { () throws(SystemError) in
      let socket = try InternetConnection.bound(Socket.udp, address: own, port: DatagramPacket.port)
      try socket.growBuffers()
      return socket
    }
    let meeting = try channel.meet(as: role)
    try explaining("connect to \(peer)") { () throws(SystemError) in
      try socket.connect(address: peer.description, port: DatagramPacket.port)
      try meeting.becomeReady()
    }
    var ends = Ends(socket, meeting: meeting)
    ends.atEnd = channel.release(names, role)
    return EnvelopedEnds(
      ends: ends, outgoing: header(channel, from: role), incoming: header(channel, from: role.peer),
      address: channel.name(of: role).description)
  }

  private static func header(_ channel: NetBIOSChannel, from role: Role) -> [UInt8] {
    DatagramPacket.header(
      .directUnique, from: channel.name(of: role), at: IPv4Address(channel.hostAddress(of: role))!,
      to: channel.name(of: role.peer))
  }
}

/// The header of a datagram.
public enum NetBIOSEnvelope: DatagramEnvelope {
  @inlinable @inline(__always)
  public static func complete(
    _ header: UnsafeMutableRawPointer, _ byteCount: Int, id: UInt16, dataByteCount: Int
  ) { DatagramPacket.store(id: id, dataByteCount: dataByteCount, to: header) }

  /// Kind and flags, the length that there is, and both names.
  @inlinable @inline(__always)
  public static func isUsual(
    _ packet: UnsafeRawPointer, _ expected: UnsafeRawPointer, _ byteCount: Int, dataByteCount: Int
  ) -> Bool {
    let length = UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: 10, as: UInt16.self))
    return packet.loadUnaligned(as: UInt16.self) == expected.loadUnaligned(as: UInt16.self)
      && Int(length) == dataByteCount &+ byteCount &- 14
      && packet.loadUnaligned(fromByteOffset: 12, as: UInt16.self) == 0
      && memcmp(packet + 14, expected + 14, byteCount &- 14) == 0
  }

  public static func data(of packet: UnsafeRawBufferPointer, for address: String) -> Range<Int>? {
    guard let datagram = try? DatagramPacket(packet), datagram.destination?.description == address,
      datagram.kind == .directUnique
    else { return nil }
    return datagram.dataRange
  }
}
