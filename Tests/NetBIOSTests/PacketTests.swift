import NetBIOS
import Testing

/// Packets of the session and the datagram service, and writes to mailslots.
struct PacketTests {
  static let (own, peer) = (NetBIOSName("OWN", suffix: 0x20)!, NetBIOSName("PEER", suffix: 0x20)!)
  static let address = IPv4Address("192.0.2.1")!

  static let sessions: [SessionPacket] = [
    .request(called: peer, calling: own), .positiveResponse, .keepAlive, .retarget(address, port: 1139),
    .negativeResponse(.calledNameNotPresent), .negativeResponse(.unspecified),
  ]

  @Test(arguments: sessions)
  func aSessionPacketIsReadAsItWasWritten(_ packet: SessionPacket) throws {
    let bytes = packet.encoded
    #expect(try SessionPacket(bytes) == packet)
    #expect(SessionPacket.byteCount(header: bytes) == bytes.count)
    for count in 0..<bytes.count {
      #expect(throws: NetBIOSError.self) { try SessionPacket(Array(bytes[..<count])) }
    }
    #expect(throws: NetBIOSError.bound) { try SessionPacket(bytes + [0]) }
  }

  @Test(arguments: [0, 1, 0xffff, 0x1_0000, 0x1_ffff])
  func aMessagesLengthHas17Bits(_ count: Int) {
    var header: [UInt8] = [9, 9, 9, 9]
    header.withUnsafeMutableBytes { SessionPacket.storeMessageHeader(count, to: $0.baseAddress!) }
    #expect(header[0] == 0 && header[1] == UInt8(count >> 16))
    #expect(header.withUnsafeBytes { SessionPacket.messageByteCount($0.baseAddress!) } == count)
    #expect(SessionPacket.byteCount(header: header) == nil)
  }

  @Test func whatIsNoMessageIsToldApart() {
    func kind(_ bytes: [UInt8]) -> Int {
      bytes.withUnsafeBytes { SessionPacket.messageByteCount($0.baseAddress!) }
    }
    #expect(kind(SessionPacket.keepAlive.encoded) == -1)
    for bytes in [
      SessionPacket.positiveResponse.encoded, [0x85, 0, 0, 1], [0, 2, 0, 0], [1, 0, 0, 0], Array("GET ".utf8),
    ] {
      #expect(kind(bytes) == -2, "\(bytes)")
    }
    #expect(SessionPacket.byteCount(header: [0x81, 0, 0xff, 0xff]) == nil)
  }

  private func datagram(_ data: [UInt8]) -> [UInt8] {
    var packet = DatagramPacket.header(.directUnique, from: Self.own, at: Self.address, to: Self.peer) + data
    packet.withUnsafeMutableBytes {
      DatagramPacket.store(id: 0x1234, dataByteCount: data.count, to: $0.baseAddress!)
    }
    return packet
  }

  private func read(_ bytes: [UInt8]) throws -> DatagramPacket {
    try bytes.withUnsafeBufferPointer { try DatagramPacket(UnsafeRawBufferPointer($0)) }
  }

  @Test(arguments: [0, 1, 512])
  func aDatagramIsReadAsItWasWritten(_ count: Int) throws {
    let data = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    let bytes = datagram(data)
    let packet = try read(bytes)
    #expect(packet.kind == .directUnique && packet.id == 0x1234 && packet.sourceAddress == Self.address)
    #expect(packet.source == Self.own && packet.destination == Self.peer && packet.sourcePort == 138)
    #expect(Array(bytes[packet.dataRange]) == data)
    for end in 0..<bytes.count { #expect(throws: NetBIOSError.self) { try read(Array(bytes[..<end])) } }
    #expect(throws: NetBIOSError.bound) { try read(bytes + [0]) }
  }

  @Test func fragmentsAndUnknownKindsAreRefused() throws {
    func changed(_ index: Int, _ value: UInt8) -> [UInt8] {
      var bytes = datagram([1, 2, 3])
      bytes[index] = value
      return bytes
    }
    #expect(throws: NetBIOSError.fragment) { try read(changed(1, 0x03)) }
    #expect(throws: NetBIOSError.fragment) { try read(changed(1, 0x00)) }
    #expect(throws: NetBIOSError.fragment) { try read(changed(13, 8)) }
    #expect(throws: NetBIOSError.unknownType(0x20)) { try read(changed(0, 0x20)) }
    // An error has an address and a code, and no names.
    let error = try read([0x13, 0x02, 0, 7, 192, 0, 2, 1, 0, 138, 0x82])
    #expect(error.errorCode == 0x82 && error.source == nil)
  }

  private func write(_ slot: String, _ data: [UInt8]) -> [UInt8] {
    let header = MailslotWrite.header(name: slot)
    var bytes = header + data
    bytes.withUnsafeMutableBytes {
      MailslotWrite.store(dataByteCount: data.count, headerByteCount: header.count, to: $0.baseAddress!)
    }
    return bytes
  }

  private func readWrite(_ bytes: [UInt8]) throws -> MailslotWrite {
    try bytes.withUnsafeBufferPointer { try MailslotWrite(UnsafeRawBufferPointer($0)) }
  }

  @Test(arguments: [0, 1, 400])
  func aWriteToAMailslotIsReadAsItWasWritten(_ count: Int) throws {
    let data = Array(repeating: UInt8(5), count: count)
    let bytes = write("net\\temperature", data)
    let read = try readWrite(bytes)
    #expect(read.slot == "\\MAILSLOT\\net\\temperature")
    #expect(Array(bytes[read.dataRange]) == data)
    for end in 0..<bytes.count { #expect(throws: NetBIOSError.self) { try readWrite(Array(bytes[..<end])) } }
  }

  @Test func whatWritesToNoMailslotIsRefused() {
    let bytes = write("x", [1, 2])
    // Another protocol, another command, another word count, a read, an offset beyond the end, a count that is too large.
    for (index, value) in [(1, 0x54), (4, 0x73), (32, 14), (61, 2), (57, 255), (55, 200)] as [(Int, UInt8)] {
      var other = bytes
      other[index] = value
      #expect(throws: NetBIOSError.self, "byte \(index)") { try readWrite(other) }
    }
    var name = bytes
    name[70] = UInt8(ascii: "P")
    #expect(throws: NetBIOSError.noMailslotWrite) { try readWrite(name) }
  }
}
