/// Why bytes are not a packet of NetBIOS. Trivial, so that throwing it costs nothing on the measured path.
public enum NetBIOSError: Error, Equatable, Sendable {
  /// The bytes end before what they announce.
  case truncated
  /// Bytes follow where nothing may.
  case surplus(Int)
  /// Not a name: no letters from A to P, no end, or longer than a name may be.
  case name
  /// A kind of packet, an operation or a type of record that does not belong to the service.
  case unknownType(UInt16)
  /// More than is accepted of something.
  case tooMany(Int)
  /// A part of a datagram that was sent in several.
  case fragment
  /// Lengths or offsets that contradict each other.
  case bound
  /// Not the SMB transaction that writes to a mailslot.
  case noMailslotWrite
}

extension NetBIOSError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .truncated: "the packet ends before what it announces"
    case .surplus(let count): "\(count) bytes follow the packet"
    case .name: "a name in the packet is not one of NetBIOS"
    case .unknownType(let type): "packets of type \(type) do not belong to the service"
    case .tooMany(let count): "the packet has \(count) of what it may have fewer"
    case .fragment: "the datagram is one of several fragments, which are not put together here"
    case .bound: "lengths in the packet contradict each other"
    case .noMailslotWrite: "the packet writes to no mailslot"
    }
  }
}

/// Reads numbers in network order from bytes that came from somebody else; every read is checked.
public struct OctetReader {
  private let bytes: UnsafeRawBufferPointer
  public private(set) var offset = 0

  public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  public var remaining: Int { bytes.count &- offset }

  public mutating func uint8() throws(NetBIOSError) -> UInt8 {
    guard remaining >= 1 else { throw .truncated }
    defer { offset &+= 1 }
    return bytes[offset]
  }

  public mutating func uint16() throws(NetBIOSError) -> UInt16 {
    UInt16(try uint8()) << 8 | UInt16(try uint8())
  }

  public mutating func uint32() throws(NetBIOSError) -> UInt32 {
    UInt32(try uint16()) << 16 | UInt32(try uint16())
  }

  /// In SMB numbers are little-endian.
  public mutating func littleUInt16() throws(NetBIOSError) -> UInt16 { (try uint16()).byteSwapped }

  public mutating func skip(_ count: Int) throws(NetBIOSError) {
    guard count >= 0, count <= remaining else { throw .truncated }
    offset &+= count
  }

  public mutating func take(_ count: Int) throws(NetBIOSError) -> UnsafeRawBufferPointer {
    let start = offset
    try skip(count)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
  }

  public func expectEnd() throws(NetBIOSError) {
    if remaining > 0 { throw .surplus(remaining) }
  }

  /// Reads all of an array.
  public static func read<Value>(
    _ bytes: [UInt8], _ body: (inout OctetReader) throws(NetBIOSError) -> Value
  ) throws(NetBIOSError) -> Value {
    try bytes.withUnsafeBufferPointer { buffer throws(NetBIOSError) in
      var reader = OctetReader(UnsafeRawBufferPointer(buffer))
      return try body(&reader)
    }
  }
}

/// Writes numbers in network order.
struct OctetWriter {
  private(set) var bytes: [UInt8] = []

  mutating func uint8(_ value: UInt8) { bytes.append(value) }
  mutating func uint16(_ value: UInt16) { bytes += [UInt8(value >> 8), UInt8(value & 0xff)] }
  mutating func uint32(_ value: UInt32) {
    uint16(UInt16(value >> 16))
    uint16(UInt16(value & 0xffff))
  }
  mutating func littleUInt16(_ value: UInt16) { uint16(value.byteSwapped) }
  mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }
}
