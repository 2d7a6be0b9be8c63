/// The 24 bytes before the data of a request or a response (C706, sections 12.6.4.9 and 12.6.4.10), read and written in
/// place: nothing here allocates, so that it may be measured.
public struct CallHeader: Equatable, Sendable {
  public static var byteCount: Int { PDUHeader.callByteCount }

  public var type: PDUType
  public var isFirst: Bool
  public var isLast: Bool
  /// Bytes of the fragment, this header included.
  public var fragmentByteCount: Int
  public var callID: UInt32
  public var contextID: UInt16
  /// Of a request; 0 in a response.
  public var operation: UInt16

  public init(
    _ type: PDUType, isFirst: Bool, isLast: Bool, fragmentByteCount: Int, callID: UInt32,
    contextID: UInt16 = ClientAssociation.contextID, operation: UInt16 = 0
  ) {
    self.type = type
    self.isFirst = isFirst
    self.isLast = isLast
    self.fragmentByteCount = fragmentByteCount
    self.callID = callID
    self.contextID = contextID
    self.operation = operation
  }

  /// - Parameter dataByteCount: of this and all later fragments: a hint for whoever allocates.
  public func store(to bytes: UnsafeMutableRawPointer, dataByteCount: Int) {
    let flags: UInt32 = (isFirst ? 1 : 0) | (isLast ? 2 : 0)
    let words: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (
      5 | UInt32(type.rawValue) << 16 | flags << 24, 0x10,
      UInt32(truncatingIfNeeded: fragmentByteCount & 0xffff),
      callID, UInt32(truncatingIfNeeded: dataByteCount), UInt32(contextID) | UInt32(operation) << 16
    )
    bytes.storeBytes(of: words.0.littleEndian, as: UInt32.self)
    bytes.storeBytes(of: words.1.littleEndian, toByteOffset: 4, as: UInt32.self)
    bytes.storeBytes(of: words.2.littleEndian, toByteOffset: 8, as: UInt32.self)
    bytes.storeBytes(of: words.3.littleEndian, toByteOffset: 12, as: UInt32.self)
    bytes.storeBytes(of: words.4.littleEndian, toByteOffset: 16, as: UInt32.self)
    bytes.storeBytes(of: words.5.littleEndian, toByteOffset: 20, as: UInt32.self)
  }

  /// Bytes of the fragment that begins with these 16 bytes, nil where they cannot be the beginning of one.
  public static func fragmentByteCount(_ bytes: UnsafeRawPointer) -> Int? {
    guard bytes.load(fromByteOffset: 4, as: UInt8.self) & 0xf0 == 0x10 else { return nil }
    let count = Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
    return count >= PDUHeader.byteCount ? count : nil
  }

  /// Nil where these 24 bytes are not those of a request without an object, or of a response: where anything about
  /// them is unusual, the whole fragment is to be read as a `PDU`.
  public init?(_ bytes: UnsafeRawPointer) {
    let first = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
    let lengths = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    let (type, flags) = (UInt8(truncatingIfNeeded: first >> 16), UInt8(truncatingIfNeeded: first >> 24))
    guard first & 0xfeff == 5, type == PDUType.request.rawValue || type == PDUType.response.rawValue,
      flags & ~3 == 0, UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self)) == 0x10,
      lengths >> 16 == 0, lengths >= UInt32(Self.byteCount)
    else { return nil }
    let last = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 20, as: UInt32.self))
    self.init(
      type == PDUType.request.rawValue ? .request : .response, isFirst: flags & 1 != 0,
      isLast: flags & 2 != 0,
      fragmentByteCount: Int(lengths),
      callID: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)),
      contextID: UInt16(truncatingIfNeeded: last),
      operation: type == PDUType.request.rawValue ? UInt16(truncatingIfNeeded: last >> 16) : 0)
  }
}

extension MessagesInterface {
  /// Writes what precedes a message in a request.
  public static func storeRequestPrefix(to bytes: UnsafeMutableRawPointer, count: Int) {
    let count = UInt32(truncatingIfNeeded: count).littleEndian
    bytes.storeBytes(of: count, as: UInt32.self)
    bytes.storeBytes(of: count, toByteOffset: 4, as: UInt32.self)
  }

  /// Writes what precedes the reply in a response.
  public static func storeResponsePrefix(to bytes: UnsafeMutableRawPointer, count: Int) {
    let count = UInt32(truncatingIfNeeded: count).littleEndian
    bytes.storeBytes(of: count, as: UInt32.self)
    bytes.storeBytes(of: referent.littleEndian, toByteOffset: 4, as: UInt32.self)
    bytes.storeBytes(of: count, toByteOffset: 8, as: UInt32.self)
  }

  /// Bytes of the message after the prefix of a request; nil where the data are not those of one.
  public static func messageByteCount(_ stub: UnsafeRawPointer, _ stubByteCount: Int) -> Int? {
    guard stubByteCount >= requestPrefix else { return nil }
    return count(stub, 0, 4, stubByteCount - requestPrefix)
  }

  /// Bytes of the reply after the prefix of a response.
  public static func replyByteCount(_ stub: UnsafeRawPointer, _ stubByteCount: Int) -> Int? {
    guard stubByteCount >= responsePrefix, stub.loadUnaligned(fromByteOffset: 4, as: UInt32.self) != 0 else {
      return nil
    }
    return count(stub, 0, 8, stubByteCount - responsePrefix)
  }

  /// Both counts agree, and as much follows, with at most seven bytes of padding.
  private static func count(
    _ stub: UnsafeRawPointer, _ one: Int, _ other: Int, _ following: Int
  ) -> Int? {
    let count = Int(UInt32(littleEndian: stub.loadUnaligned(fromByteOffset: one, as: UInt32.self)))
    let size = Int(UInt32(littleEndian: stub.loadUnaligned(fromByteOffset: other, as: UInt32.self)))
    return count == size && count <= following && following - count < 8 ? count : nil
  }
}
