/// Why bytes are not a PDU, not the data of a call, or not a tower. Trivial, so that throwing it costs nothing on
/// the measured path.
public enum WireError: Error, Equatable, Sendable {
  /// The bytes end before what they announce.
  case truncated
  /// The major and minor version of a PDU that is not of version 5.
  case version(UInt8, UInt8)
  /// The integer, character and floating-point format of a sender that is not little-endian, ASCII, IEEE.
  case dataRepresentation(UInt8)
  /// A fragment that is shorter than its header, or longer than was negotiated.
  case fragmentLength(Int)
  /// The PDU carries authentication, which nobody here has asked for.
  case authenticated
  case unknownType(UInt8)
  /// More elements than this side keeps.
  case tooMany(Int)
  /// Two counts that must agree do not: the size of an array and the parameter that gives it.
  case bound
  /// A pointer that may not be null is.
  case null
  /// Bytes are left over where nothing may follow.
  case surplus(Int)
  /// A tower whose floors are not those of a protocol sequence.
  case tower
}

extension WireError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .truncated: "The bytes end before what they announce; the sender must send the whole of it."
    case .version(let major, let minor):
      "The PDU is of version \(major).\(minor); use the connection-oriented protocol 5.0."
    case .dataRepresentation(let format):
      "The data are of format \(format); send little-endian integers, ASCII and IEEE numbers."
    case .fragmentLength(let count):
      "A fragment of \(count) bytes is shorter than its header or longer than was negotiated."
    case .authenticated: "The PDU carries authentication; bind without it."
    case .unknownType(let type): "PDUs of type \(type) are not part of the connection-oriented protocol."
    case .tooMany(let count): "There are \(count) elements, more than are accepted; send fewer."
    case .bound: "The size of an array is not what the parameters say; the sender must make them agree."
    case .null: "A pointer that must point to something is null."
    case .surplus(let count): "\(count) bytes follow where nothing may; the two sides must use one interface."
    case .tower: "The floors of the tower are not those of a protocol sequence that is known here."
    }
  }
}

/// Reads bytes that came from somebody else. Every read is checked once, against what has arrived; alignment counts
/// from the first byte.
public struct WireReader {
  @usableFromInline let bytes: UnsafeRawBufferPointer
  @usableFromInline private(set) var offset = 0

  /// - Parameter bytes: must outlive the reader.
  public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  public var remaining: Int { bytes.count &- offset }

  /// The next `count` bytes.
  public mutating func take(_ count: Int) throws(WireError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else { throw .truncated }
    defer { offset &+= count }
    return UnsafeRawBufferPointer(start: bytes.baseAddress.map { $0 + offset }, count: count)
  }

  public mutating func skip(_ count: Int) throws(WireError) { _ = try take(count) }

  /// - Parameter boundary: a power of two.
  public mutating func align(_ boundary: Int) throws(WireError) {
    try skip((boundary &- offset & (boundary &- 1)) & (boundary &- 1))
  }

  public mutating func uint8() throws(WireError) -> UInt8 { try integer(UInt8.self) }
  public mutating func uint16() throws(WireError) -> UInt16 { try integer(UInt16.self) }
  public mutating func uint32() throws(WireError) -> UInt32 { try integer(UInt32.self) }

  /// Little-endian: the only representation that is accepted.
  mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type
  ) throws(WireError) -> Value {
    guard remaining >= MemoryLayout<Value>.size else { throw .truncated }
    defer { offset &+= MemoryLayout<Value>.size }
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  public mutating func uuid() throws(WireError) -> RPCUUID {
    let (low, mid, high) = (try uint32(), try uint16(), try uint16())
    return RPCUUID(low, mid, high, node: UInt64(bigEndian: try integer(UInt64.self)))
  }

  public mutating func syntax() throws(WireError) -> SyntaxID {
    SyntaxID(try uuid(), major: try uint16(), minor: try uint16())
  }

  public func expectEnd() throws(WireError) {
    if remaining > 0 { throw .surplus(remaining) }
  }

  /// Reads all of an array.
  public static func read<Value>(
    _ bytes: [UInt8], _ body: (inout WireReader) throws(WireError) -> Value
  ) throws(WireError) -> Value {
    try bytes.withUnsafeBufferPointer { buffer throws(WireError) in
      var reader = WireReader(UnsafeRawBufferPointer(buffer))
      return try body(&reader)
    }
  }
}

/// Writes what the peer is to read; alignment counts from the first byte.
public struct WireWriter {
  public private(set) var bytes: [UInt8] = []

  public init() {}

  public mutating func uint8(_ value: UInt8) { bytes.append(value) }
  public mutating func uint16(_ value: UInt16) { integer(value) }
  public mutating func uint32(_ value: UInt32) { integer(value) }
  public mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

  mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
    var rest = value
    for _ in 0..<MemoryLayout<Value>.size {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  public mutating func align(_ boundary: Int) {
    while bytes.count & (boundary - 1) != 0 { bytes.append(0) }
  }

  public mutating func uuid(_ uuid: RPCUUID) {
    uint32(uuid.low)
    uint16(uuid.mid)
    uint16(uuid.high)
    integer(uuid.node.byteSwapped)
  }

  public mutating func syntax(_ syntax: SyntaxID) {
    uuid(syntax.uuid)
    uint16(syntax.major)
    uint16(syntax.minor)
  }

  /// A length that is known only after what follows it.
  mutating func set(_ value: UInt16, at offset: Int) {
    bytes[offset] = UInt8(truncatingIfNeeded: value)
    bytes[offset + 1] = UInt8(truncatingIfNeeded: value >> 8)
  }
}

/// A universal unique identifier as DCE encodes it: three numbers in the sender's byte order, then eight bytes
/// (C706, appendix A).
public struct RPCUUID: Hashable, Sendable, CustomStringConvertible {
  public let low: UInt32
  public let mid: UInt16
  public let high: UInt16
  /// The last eight bytes, the first of them as the most significant.
  public let node: UInt64

  public init(_ low: UInt32, _ mid: UInt16, _ high: UInt16, node: UInt64) {
    self.low = low
    self.mid = mid
    self.high = high
    self.node = node
  }

  public static var null: RPCUUID { RPCUUID(0, 0, 0, node: 0) }

  public var description: String {
    let parts = [hex(UInt64(low), 8), hex(UInt64(mid), 4), hex(UInt64(high), 4)]
    return (parts + [hex(node >> 48, 4), hex(node & 0xffff_ffff_ffff, 12)]).joined(separator: "-")
  }

  private func hex(_ value: UInt64, _ width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: width - digits.count) + digits
  }
}

/// An interface or a transfer syntax: a UUID and a version.
public struct SyntaxID: Hashable, Sendable, CustomStringConvertible {
  public let uuid: RPCUUID
  public let major: UInt16
  public let minor: UInt16

  public init(_ uuid: RPCUUID, major: UInt16, minor: UInt16 = 0) {
    self.uuid = uuid
    self.major = major
    self.minor = minor
  }

  /// NDR 2.0 (C706, appendix I), the only transfer syntax that is spoken here.
  public static var ndr: SyntaxID {
    SyntaxID(RPCUUID(0x8a88_5d04, 0x1ceb, 0x11c9, node: 0x9fe8_0800_2b10_4860), major: 2)
  }

  /// Whether a server that has this interface serves a client that asks for `wanted`: the major versions are the
  /// same, and the server's minor version is no older (C706, section 6.1.3.1).
  public func serves(_ wanted: SyntaxID) -> Bool {
    uuid == wanted.uuid && major == wanted.major && minor >= wanted.minor
  }

  public var description: String { "\(uuid) \(major).\(minor)" }
}
