/// A packet of the name service: UDP port 137 (RFC 1002, section 4.2).
public struct NameServicePacket: Equatable, Sendable {
  public enum Operation: UInt8, Sendable {
    case query = 0
    case registration = 5
    case release = 6
    /// Wait for acknowledgement: the name server still asks who has the name (WACK).
    case wait = 7
    case refresh = 8
    /// As some send it (RFC 1002, section 4.2.1.1 has both).
    case alternateRefresh = 9
  }

  /// RCODE (RFC 1002, section 4.2.6 and others).
  public enum Code: UInt8, Sendable {
    case success = 0
    case malformed = 1
    case serverFailure = 2
    case nameUnknown = 3
    case notImplemented = 4
    case refused = 5
    /// Another one has the name (ACT_ERR).
    case active = 6
    /// The name is in conflict (CFT_ERR).
    case conflict = 7
  }

  public struct Owner: Hashable, Sendable {
    public var address: IPv4Address
    public var isGroup: Bool
    /// ONT: 0 broadcasts, 1 asks a name server, 2 and 3 do both.
    public var nodeType: UInt8

    public init(_ address: IPv4Address, isGroup: Bool = false, nodeType: UInt8 = 1) {
      self.address = address
      self.isGroup = isGroup
      self.nodeType = nodeType
    }
  }

  public var id: UInt16
  public var operation: Operation
  public var isResponse = false
  public var code = Code.success
  /// AA, TC, RD, RA and B.
  public var isAuthoritative = false
  public var isTruncated = false
  public var wantsRecursion = false
  public var offersRecursion = false
  public var isBroadcast = false
  public var name: NetBIOSName
  public var timeToLiveSeconds: UInt32 = 0
  /// Of a record NB; empty where there is none.
  public var owners: [Owner] = []

  public static var port: UInt16 { 137 }

  private static var mostOwners: Int { 64 }
  private static var typeNB: UInt16 { 0x20 }
  private static var typeNULL: UInt16 { 0x0a }
  private static var internet: UInt16 { 1 }
  /// A pointer to the name of the question, at the end of the header.
  private static var pointerToQuestion: UInt16 { 0xc00c }

  init(_ id: UInt16, _ operation: Operation, _ name: NetBIOSName) {
    (self.id, self.operation, self.name) = (id, operation, name)
  }

  // MARK: Requests

  /// To a name server, or to all (RFC 1002, section 4.2.2).
  public static func registration(
    _ id: UInt16, _ name: NetBIOSName, of owner: Owner, isBroadcast: Bool = false, isDemand: Bool = false
  ) -> NameServicePacket {
    var packet = NameServicePacket(id, .registration, name)
    // A demand overwrites, and is not answered (section 4.2.3).
    packet.wantsRecursion = !isDemand
    packet.isBroadcast = isBroadcast
    packet.owners = [owner]
    // Three hours; a name server may grant less.
    packet.timeToLiveSeconds = isBroadcast ? 0 : 10_800
    return packet
  }

  /// Section 4.2.4.
  public static func refresh(_ id: UInt16, _ name: NetBIOSName, of owner: Owner) -> NameServicePacket {
    var packet = registration(id, name, of: owner)
    packet.operation = .refresh
    packet.wantsRecursion = false
    return packet
  }

  /// Section 4.2.9.
  public static func release(_ id: UInt16, _ name: NetBIOSName, of owner: Owner) -> NameServicePacket {
    var packet = NameServicePacket(id, .release, name)
    packet.owners = [owner]
    return packet
  }

  /// Section 4.2.12.
  public static func query(_ id: UInt16, _ name: NetBIOSName, isBroadcast: Bool = false) -> NameServicePacket
  {
    var packet = NameServicePacket(id, .query, name)
    packet.wantsRecursion = true
    packet.isBroadcast = isBroadcast
    return packet
  }

  /// Tells an owner that its name is another one's (section 4.2.8).
  public static func conflictDemand(_ id: UInt16, _ name: NetBIOSName, of owner: Owner) -> NameServicePacket {
    var packet = NameServicePacket(id, .registration, name)
    (packet.isResponse, packet.isAuthoritative, packet.offersRecursion) = (true, true, true)
    packet.wantsRecursion = true
    packet.code = .conflict
    packet.owners = [owner]
    return packet
  }

  // MARK: Responses

  /// The answer to a request: who has the name, or why not.
  public func response(_ code: Code, owners: [Owner] = [], timeToLiveSeconds: UInt32 = 0) -> NameServicePacket
  {
    var packet = NameServicePacket(id, operation, name)
    (packet.isResponse, packet.isAuthoritative, packet.code) = (true, true, code)
    packet.wantsRecursion = wantsRecursion
    packet.owners = owners
    packet.timeToLiveSeconds = timeToLiveSeconds
    return packet
  }

  // MARK: Octets

  public var encoded: [UInt8] {
    var writer = OctetWriter()
    writer.uint16(id)
    var flags = UInt16(isResponse ? 0x8000 : 0) | UInt16(operation.rawValue) << 11 | UInt16(code.rawValue)
    for (isSet, bit) in [
      (isAuthoritative, 0x400), (isTruncated, 0x200), (wantsRecursion, 0x100), (offersRecursion, 0x80),
      (isBroadcast, 0x10),
    ] as [(Bool, UInt16)] where isSet { flags |= bit }
    writer.uint16(flags)
    let hasRecord = isResponse || !owners.isEmpty
    for count in [isResponse ? 0 : 1, isResponse ? 1 : 0, 0, !isResponse && hasRecord ? 1 : 0] {
      writer.uint16(UInt16(count))
    }
    writer.append(name.encoded)
    if !isResponse {
      writer.uint16(Self.typeNB)
      writer.uint16(Self.internet)
      if hasRecord { writer.uint16(Self.pointerToQuestion) }
    }
    if hasRecord { writeRecord(to: &writer) }
    return writer.bytes
  }

  private func writeRecord(to writer: inout OctetWriter) {
    // A negative answer to a query has no owners, and a record of type NULL (section 4.2.14).
    let isNull = isResponse && operation == .query && owners.isEmpty
    writer.uint16(isNull ? Self.typeNULL : Self.typeNB)
    writer.uint16(Self.internet)
    writer.uint32(timeToLiveSeconds)
    writer.uint16(UInt16(clamping: owners.count * 6))
    for owner in owners {
      writer.uint16((owner.isGroup ? 0x8000 : 0) | UInt16(owner.nodeType & 3) << 13)
      writer.uint32(owner.address.number)
    }
  }

  public init(_ bytes: [UInt8]) throws(NetBIOSError) {
    self = try OctetReader.read(bytes) { reader throws(NetBIOSError) in try NameServicePacket(&reader) }
  }

  /// Reads a packet, all of whose bytes are there.
  public init(_ reader: inout OctetReader) throws(NetBIOSError) {
    let (id, flags) = (try reader.uint16(), try reader.uint16())
    guard let operation = Operation(rawValue: UInt8(flags >> 11 & 15)) else {
      throw .unknownType(flags >> 11 & 15)
    }
    let counts = (try reader.uint16(), try reader.uint16(), try reader.uint16(), try reader.uint16())
    let isResponse = flags & 0x8000 != 0
    // One question, with one record more where it tells something; or one record that answers.
    guard counts.2 == 0, isResponse ? counts == (0, 1, 0, 0) : counts.0 == 1 && counts.1 == 0 && counts.3 <= 1
    else {
      throw .tooMany(Int(counts.0) + Int(counts.1) + Int(counts.2) + Int(counts.3))
    }
    let name = try NetBIOSName(&reader)
    self.init(id, operation, name)
    self.isResponse = isResponse
    code = Code(rawValue: UInt8(flags & 15)) ?? .serverFailure
    (isAuthoritative, isTruncated) = (flags & 0x400 != 0, flags & 0x200 != 0)
    (wantsRecursion, offersRecursion, isBroadcast) = (
      flags & 0x100 != 0, flags & 0x80 != 0, flags & 0x10 != 0
    )
    if !isResponse {
      let (type, kind) = (try reader.uint16(), try reader.uint16())
      guard type == Self.typeNB, kind == Self.internet else { throw .unknownType(type) }
    }
    if isResponse || counts.3 == 1 { try readRecord(&reader) }
    try reader.expectEnd()
  }

  private mutating func readRecord(_ reader: inout OctetReader) throws(NetBIOSError) {
    // After a question the name is there already: a pointer to it, or the same again.
    if !isResponse {
      var ahead = reader
      if try ahead.uint16() == Self.pointerToQuestion { reader = ahead } else { _ = try NetBIOSName(&reader) }
    }
    let (type, kind) = (try reader.uint16(), try reader.uint16())
    guard type == Self.typeNB || type == Self.typeNULL, kind == Self.internet else {
      throw .unknownType(type)
    }
    timeToLiveSeconds = try reader.uint32()
    let length = Int(try reader.uint16())
    // WACK repeats the flags of the request instead of owners (section 4.2.16).
    guard type == Self.typeNB, operation != .wait else { return try reader.skip(length) }
    guard length % 6 == 0 else { throw .bound }
    guard length / 6 <= Self.mostOwners else { throw .tooMany(length / 6) }
    for _ in 0..<length / 6 {
      let flags = try reader.uint16()
      owners.append(
        Owner(
          IPv4Address(number: try reader.uint32()), isGroup: flags & 0x8000 != 0,
          nodeType: UInt8(flags >> 13 & 3)))
    }
  }
}
