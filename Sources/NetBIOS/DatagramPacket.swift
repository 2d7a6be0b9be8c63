/// A packet of the datagram service: UDP port 138 (RFC 1002, section 4.4).
public struct DatagramPacket: Equatable, Sendable {
  public enum Kind: UInt8, Sendable {
    case directUnique = 0x10
    case directGroup = 0x11
    case broadcast = 0x12
    case error = 0x13
    case queryRequest = 0x14
    case positiveQueryResponse = 0x15
    case negativeQueryResponse = 0x16
  }

  public var kind: Kind
  public var id: UInt16
  public var sourceAddress: IPv4Address
  public var sourcePort: UInt16
  /// Nil in an error, which names nobody.
  public var source: NetBIOSName?
  public var destination: NetBIOSName?
  /// Where the user data are in the packet.
  public var dataRange: Range<Int>
  /// Of an error: 0x82 where the name is not there.
  public var errorCode: UInt8

  public static var port: UInt16 { 138 }
  /// Bytes before the user data, where names have no scope.
  public static var headerByteCount: Int { 14 + 2 * NetBIOSName.encodedByteCount }
  /// Bytes of user data that every implementation takes in one datagram (RFC 1002, section 4.4.1: 576 bytes in all).
  public static var largestData: Int { 512 }

  /// What precedes user data: everything but the number of the datagram and its length is known beforehand.
  public static func header(
    _ kind: Kind, from source: NetBIOSName, at address: IPv4Address, to destination: NetBIOSName
  ) -> [UInt8] {
    var writer = OctetWriter()
    writer.uint8(kind.rawValue)
    // The first fragment, and the last one; the sender is one that asks a name server (P).
    writer.uint8(0x02 | 1 << 2)
    writer.uint16(0)
    writer.uint32(address.number)
    writer.uint16(port)
    writer.uint16(0)
    writer.uint16(0)
    writer.append(source.encoded + destination.encoded)
    return writer.bytes
  }

  /// Completes a header in place.
  @inlinable @inline(__always)
  public static func store(id: UInt16, dataByteCount: Int, to header: UnsafeMutableRawPointer) {
    header.storeBytes(of: id.bigEndian, toByteOffset: 2, as: UInt16.self)
    let length = UInt16(truncatingIfNeeded: dataByteCount &+ 2 &* 34)
    header.storeBytes(of: length.bigEndian, toByteOffset: 10, as: UInt16.self)
  }

  /// Reads a packet, all of whose bytes are there; does not copy its data.
  public init(_ bytes: UnsafeRawBufferPointer) throws(NetBIOSError) {
    var reader = OctetReader(bytes)
    let (type, flags) = (try reader.uint8(), try reader.uint8())
    guard let kind = Kind(rawValue: type) else { throw .unknownType(UInt16(type)) }
    self.kind = kind
    id = try reader.uint16()
    sourceAddress = IPv4Address(number: try reader.uint32())
    sourcePort = try reader.uint16()
    (source, destination, errorCode, dataRange) = (nil, nil, 0, 0..<0)
    switch kind {
    case .error: errorCode = try reader.uint8()
    case .queryRequest, .positiveQueryResponse, .negativeQueryResponse: destination = try NetBIOSName(&reader)
    case .directUnique, .directGroup, .broadcast:
      let (length, offset) = (try reader.uint16(), try reader.uint16())
      guard flags & 0x03 == 0x02, offset == 0 else { throw .fragment }
      guard Int(length) == reader.remaining else { throw .bound }
      source = try NetBIOSName(&reader)
      destination = try NetBIOSName(&reader)
      dataRange = reader.offset..<bytes.count
      return
    }
    try reader.expectEnd()
  }
}
