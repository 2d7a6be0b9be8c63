/// What a PDU is (C706, section 12.6.3). Those that only datagrams have, or that ask for authentication, are
/// refused.
public enum PDUType: UInt8, Sendable {
  case request = 0
  case response = 2
  case fault = 3
  case bind = 11
  case bindAck = 12
  case bindNak = 13
  case alterContext = 14
  case alterContextResponse = 15
  case shutdown = 17
  case cancel = 18
  case orphaned = 19
}

/// The flags of a header (C706, section 12.6.3.1).
public struct PDUFlags: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static var firstFragment: PDUFlags { PDUFlags(rawValue: 0x01) }
  public static var lastFragment: PDUFlags { PDUFlags(rawValue: 0x02) }
  /// The server guarantees that the call had no effect.
  public static var didNotExecute: PDUFlags { PDUFlags(rawValue: 0x20) }
  /// An object UUID precedes the data of a request.
  public static var objectUUID: PDUFlags { PDUFlags(rawValue: 0x80) }
  public static var whole: PDUFlags { [.firstFragment, .lastFragment] }
}

/// The 16 bytes with which every PDU begins (C706, section 12.6.3.1).
public struct PDUHeader: Equatable, Sendable {
  public static var byteCount: Int { 16 }
  /// Headers of requests and responses, up to their data.
  public static var callByteCount: Int { 24 }
  /// Where the lengths are.
  static var fragmentLengthOffset: Int { 8 }
  /// Little-endian integers, ASCII characters, IEEE floating-point numbers (C706, section 14.2.5).
  static var littleEndian: UInt32 { 0x10 }

  public var type: PDUType
  public var flags: PDUFlags
  /// Of the whole fragment, this header included.
  public var fragmentLength: Int
  public var callID: UInt32

  public init(_ type: PDUType, _ flags: PDUFlags, fragmentLength: Int, callID: UInt32) {
    self.type = type
    self.flags = flags
    self.fragmentLength = fragmentLength
    self.callID = callID
  }

  /// Reads the header of a fragment, all of whose bytes are there.
  public init(_ reader: inout WireReader) throws(WireError) {
    let available = reader.remaining
    let (major, minor) = (try reader.uint8(), try reader.uint8())
    // Minor version 1 allows larger fragments of bind PDUs, and is otherwise the same.
    guard major == 5, minor <= 1 else { throw .version(major, minor) }
    let (type, flags) = (try reader.uint8(), try reader.uint8())
    let representation = try reader.uint32()
    guard representation & 0xffff == Self.littleEndian else {
      throw .dataRepresentation(UInt8(truncatingIfNeeded: representation))
    }
    let (length, authLength, callID) = (try reader.uint16(), try reader.uint16(), try reader.uint32())
    guard Int(length) == available else { throw .fragmentLength(Int(length)) }
    guard authLength == 0 else { throw .authenticated }
    guard let type = PDUType(rawValue: type) else { throw .unknownType(type) }
    self.init(type, PDUFlags(rawValue: flags), fragmentLength: Int(length), callID: callID)
  }

  func write(to writer: inout WireWriter) {
    writer.uint8(5)
    writer.uint8(0)
    writer.uint8(type.rawValue)
    writer.uint8(flags.rawValue)
    writer.uint32(Self.littleEndian)
    writer.uint16(UInt16(truncatingIfNeeded: fragmentLength))
    writer.uint16(0)
    writer.uint32(callID)
  }
}

/// Sizes of fragments, and of what is put together from them.
public enum FragmentLimits {
  /// What both of our sides propose. A multiple of 8, so that the data of every fragment but the last are one, as
  /// NDR asks for (C706, section 12.6.4.9).
  public static var proposed: Int { 65_528 }
  /// Every implementation takes as much (MustRecvFragSize, C706, section 12.6.3.4).
  public static var least: Int { 1432 }
  /// Data of one call.
  public static var stub: Int { 17 << 20 }

  /// What one side sends: neither more than it can, nor more than the other one takes.
  static func agree(_ one: UInt16, _ other: Int) -> Int { max(least, min(Int(one), other)) & ~7 }
}
