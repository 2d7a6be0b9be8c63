import NetBIOS
import Testing

func bytes(_ hex: String) -> [UInt8] {
  let digits = Array(hex.filter { $0 != " " && $0 != "\n" })
  return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16)! }
}

/// Names and packets of the name service (RFC 1001, RFC 1002).
struct NameServiceTests {
  static let name = NetBIOSName("IPCBGROUP", suffix: 0x1c)!
  static let owner = NameServicePacket.Owner(IPv4Address("192.0.2.5")!)

  /// RFC 1001, section 14.1: "The NetBIOS name" with 16 bytes; the example there is FRED.
  @Test func aNameIsEncodedAsInTheStandard() throws {
    let encoded = NetBIOSName("fred", suffix: 0x20)!.encoded
    #expect(String(decoding: encoded[1..<33], as: UTF8.self) == "EGFCEFEECACACACACACACACACACACACA")
    #expect(encoded.first == 32 && encoded.last == 0 && encoded.count == NetBIOSName.encodedByteCount)
    let read = try OctetReader.read(encoded) { reader throws(NetBIOSError) in try NetBIOSName(&reader) }
    #expect(read == NetBIOSName("FRED", suffix: 0x20)!)
    #expect(read.description == "FRED<20>")
  }

  @Test func aNameMayHaveAScopeAndNothingElse() throws {
    func read(_ bytes: [UInt8]) throws -> NetBIOSName {
      try OctetReader.read(bytes) { reader throws(NetBIOSError) in try NetBIOSName(&reader) }
    }
    let plain = Self.name.encoded
    let scoped = plain.dropLast() + [3] + Array("LAN".utf8) + [2] + Array("DE".utf8) + [0]
    #expect(try read(Array(scoped)) == Self.name)
    for count in 0..<plain.count {
      #expect(throws: NetBIOSError.truncated) { try read(Array(plain[..<count])) }
    }
    var letter = plain
    letter[5] = UInt8(ascii: "Q")
    #expect(throws: NetBIOSError.name) { try read(letter) }
    // Pointers are for resource records; a scope without end would be more than 255 bytes.
    #expect(throws: NetBIOSError.name) { try read(Array(plain.dropLast()) + [0xc0, 0x0c]) }
    #expect(throws: NetBIOSError.name) {
      try read(
        Array(plain.dropLast()) + Array(repeating: [63] + Array(repeating: 65, count: 63), count: 9).joined()
          + [0])
    }
    for text in ["", "SIXTEEN-LETTERS!", "TWO WORDS", "ÄÖÜ"] {
      #expect(NetBIOSName(text, suffix: 0) == nil, "\(text)")
    }
  }

  static let packets: [NameServicePacket] = [
    .registration(1, name, of: owner),
    .registration(2, name, of: .init(owner.address, isGroup: true), isBroadcast: true),
    .registration(3, name, of: owner, isDemand: true), .refresh(4, name, of: owner),
    .release(5, name, of: owner),
    .query(6, name), .query(7, name, isBroadcast: true), .conflictDemand(8, name, of: owner),
    NameServicePacket.query(9, name).response(.success, owners: [owner, owner], timeToLiveSeconds: 60),
    NameServicePacket.query(10, name).response(.nameUnknown),
    NameServicePacket.registration(11, name, of: owner).response(.active, owners: [owner]),
    NameServicePacket.release(12, name, of: owner).response(.success, owners: [owner]),
  ]

  @Test(arguments: packets)
  func whatIsWrittenIsRead(_ packet: NameServicePacket) throws {
    let bytes = packet.encoded
    #expect(try NameServicePacket(bytes) == packet)
    for count in 0..<bytes.count {
      #expect(throws: NetBIOSError.self) { try NameServicePacket(Array(bytes[..<count])) }
    }
    #expect(throws: NetBIOSError.surplus(1)) { try NameServicePacket(bytes + [0]) }
  }

  /// As nmbd of Samba 4.17 sends them.
  @Test func answersOfNmbdAreUnderstood() throws {
    let registered = try NameServicePacket(
      bytes(
        "0007ad80000000010000000020454a46414544454345484643455046464641434143414341434143414341424d0000200001000054600006a000c0000205"
      ))
    #expect(registered.isResponse && registered.operation == .registration && registered.code == .success)
    #expect(registered.name == Self.name && registered.timeToLiveSeconds == 21_600)
    #expect(registered.owners == [NameServicePacket.Owner(IPv4Address("192.0.2.5")!, isGroup: true)])
    let found = try NameServicePacket(
      bytes(
        "00088580000000010000000020454a46414544454345484643455046464641434143414341434143414341424d0000200001000054600006a000c0000205"
      ))
    #expect(found.operation == .query && found.owners.map(\.address.description) == ["192.0.2.5"])
  }

  @Test func recordsWithoutEndAreRefused() {
    var many = NameServicePacket.query(1, Self.name).response(.success, owners: [Self.owner])
    many.owners = Array(repeating: Self.owner, count: 100)
    #expect(throws: NetBIOSError.tooMany(100)) { try NameServicePacket(many.encoded) }
    var counts = NameServicePacket.query(1, Self.name).encoded
    counts[5] = 200
    #expect(throws: NetBIOSError.self) { try NameServicePacket(counts) }
    var operation = NameServicePacket.query(1, Self.name).encoded
    operation[2] = 0x18
    #expect(throws: NetBIOSError.unknownType(3)) { try NameServicePacket(operation) }
  }

  @Test func addressesAreFourNumbers() {
    #expect(IPv4Address("192.0.2.1")?.description == "192.0.2.1")
    for text in ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "a.b.c.d", "1..2.3"] {
      #expect(IPv4Address(text) == nil, "\(text)")
    }
  }
}
