/// A packet of the session service: TCP port 139 (RFC 1002, section 4.3).
public enum SessionPacket: Equatable, Sendable {
  case request(called: NetBIOSName, calling: NetBIOSName)
  case positiveResponse
  case negativeResponse(Refusal)
  /// Try again over there.
  case retarget(IPv4Address, port: UInt16)
  case keepAlive

  /// Section 4.3.4.
  public enum Refusal: UInt8, Sendable {
    case notListeningOnCalledName = 0x80
    case notListeningForCallingName = 0x81
    case calledNameNotPresent = 0x82
    case insufficientResources = 0x83
    case unspecified = 0x8f
  }

  public static var port: UInt16 { 139 }
  /// Before everything: a type, flags, and a length of 17 bits.
  public static var headerByteCount: Int { 4 }
  /// Bytes of the largest message.
  public static var largestMessage: Int { 0x1_ffff }
  /// Bytes after the header of the largest packet that carries no message: two names with their scopes.
  static var largestTrailer: Int { 2 * NetBIOSName.mostEncodedBytes }

  private var type: UInt8 {
    switch self {
    case .request: 0x81
    case .positiveResponse: 0x82
    case .negativeResponse: 0x83
    case .retarget: 0x84
    case .keepAlive: 0x85
    }
  }

  public var encoded: [UInt8] {
    var trailer = OctetWriter()
    switch self {
    case .request(let called, let calling): trailer.append(called.encoded + calling.encoded)
    case .negativeResponse(let refusal): trailer.uint8(refusal.rawValue)
    case .retarget(let address, let port):
      trailer.uint32(address.number)
      trailer.uint16(port)
    case .positiveResponse, .keepAlive: break
    }
    return [type, 0, 0, UInt8(trailer.bytes.count)] + trailer.bytes
  }

  /// Bytes of a packet that carries no message, its header included; nil where its four bytes are not those of one.
  public static func byteCount(header: [UInt8]) -> Int? {
    guard header.count >= headerByteCount, (0x81...0x85).contains(header[0]), header[1] == 0 else {
      return nil
    }
    let length = Int(header[2]) << 8 | Int(header[3])
    return length <= largestTrailer ? headerByteCount + length : nil
  }

  /// Reads a packet that carries no message, all of whose bytes are there.
  public init(_ bytes: [UInt8]) throws(NetBIOSError) {
    self = try OctetReader.read(bytes) { reader throws(NetBIOSError) in
      let (type, flags, length) = (try reader.uint8(), try reader.uint8(), try reader.uint16())
      guard flags == 0, Int(length) == reader.remaining else { throw .bound }
      let packet = try Self.body(type, &reader)
      try reader.expectEnd()
      return packet
    }
  }

  private static func body(_ type: UInt8, _ reader: inout OctetReader) throws(NetBIOSError) -> SessionPacket {
    switch type {
    case 0x81: return .request(called: try NetBIOSName(&reader), calling: try NetBIOSName(&reader))
    case 0x82: return .positiveResponse
    case 0x83: return .negativeResponse(Refusal(rawValue: try reader.uint8()) ?? .unspecified)
    case 0x84: return .retarget(IPv4Address(number: try reader.uint32()), port: try reader.uint16())
    case 0x85: return .keepAlive
    default: throw .unknownType(UInt16(type))
    }
  }

  // MARK: Messages, in place

  /// Writes the header of a message of at most `largestMessage` bytes.
  @inlinable @inline(__always)
  public static func storeMessageHeader(_ byteCount: Int, to bytes: UnsafeMutableRawPointer) {
    // Type 0, and the seventeenth bit of the length as the only flag.
    bytes.storeBytes(of: UInt32(truncatingIfNeeded: byteCount).bigEndian, as: UInt32.self)
  }

  /// Bytes of the message after this header; −1 for a keep-alive, −2 for anything else.
  @inlinable @inline(__always)
  public static func messageByteCount(_ bytes: UnsafeRawPointer) -> Int {
    let word = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
    if word <= 0x1_ffff { return Int(word) }
    return word == 0x8500_0000 ? -1 : -2
  }
}
