/// What writes to a mailslot over the network: an SMB transaction without an answer, in a NetBIOS datagram
/// ([MS-MAIL], section 2.2.1; [MS-CIFS], section 2.2.4.33).
public struct MailslotWrite: Equatable, Sendable {
  /// `\MAILSLOT\name`
  public var slot: String
  /// Where the message is in the transaction.
  public var dataRange: Range<Int>

  /// Bytes of the largest message that may be broadcast: what Windows takes.
  public static var largestBroadcast: Int { 400 }
  public static var prefix: String { "\\MAILSLOT\\" }

  private static var transaction: UInt8 { 0x25 }
  private static var headerByteCount: Int { 32 }
  private static var wordCount: UInt8 { 17 }
  private static var longestName: Int { 255 }
  /// Offsets of what depends on the message's length.
  @usableFromInline static var totalDataCountOffset: Int { 35 }
  @usableFromInline static var dataCountOffset: Int { 55 }
  @usableFromInline static var byteCountOffset: Int { 67 }

  /// What precedes the message: everything but its length is known beforehand.
  ///
  /// - Parameter name: the slot's, without `\MAILSLOT\`.
  public static func header(name: String) -> [UInt8] {
    let slot = Array((prefix + name).utf8) + [0]
    let dataOffset = headerByteCount + 1 + 2 * Int(wordCount) + 2 + slot.count
    var writer = OctetWriter()
    writer.append([0xff] + Array("SMB".utf8) + [transaction])
    // Status, flags, identifiers: nobody answers, so that nothing has to be told apart.
    writer.append(Array(repeating: 0, count: headerByteCount - 5))
    writer.uint8(wordCount)
    // Parameter and data bytes in all, and at most in the answer; setup words, flags (no answer: 2), time-out.
    for word in [0, 0, 0, 0] as [UInt16] { writer.littleUInt16(word) }
    writer.append([0, 0])
    writer.littleUInt16(2)
    writer.append([0xe8, 0x03, 0, 0])
    writer.littleUInt16(0)
    // Parameters: none. Data: how many, and where.
    for word in [0, 0, 0, UInt16(dataOffset)] { writer.littleUInt16(word) }
    // Three setup words: write mail slot, priority 0, class 2 (unreliable).
    writer.append([3, 0])
    for word in [1, 0, 2] as [UInt16] { writer.littleUInt16(word) }
    // Bytes that follow.
    writer.littleUInt16(0)
    writer.append(slot)
    return writer.bytes
  }

  /// Completes a header in place.
  ///
  /// - Parameter headerByteCount: of the whole header.
  @inlinable @inline(__always)
  public static func store(dataByteCount: Int, headerByteCount: Int, to header: UnsafeMutableRawPointer) {
    let count = UInt16(truncatingIfNeeded: dataByteCount).littleEndian
    header.storeBytes(of: count, toByteOffset: totalDataCountOffset, as: UInt16.self)
    header.storeBytes(of: count, toByteOffset: dataCountOffset, as: UInt16.self)
    let following = UInt16(truncatingIfNeeded: headerByteCount &- byteCountOffset &- 2 &+ dataByteCount)
    header.storeBytes(of: following.littleEndian, toByteOffset: byteCountOffset, as: UInt16.self)
  }

  /// Reads a transaction, all of whose bytes are there; does not copy the message.
  public init(_ bytes: UnsafeRawBufferPointer) throws(NetBIOSError) {
    var reader = OctetReader(bytes)
    guard try reader.uint32() == 0xff53_4d42, try reader.uint8() == Self.transaction else {
      throw .noMailslotWrite
    }
    try reader.skip(Self.headerByteCount - 5)
    guard try reader.uint8() == Self.wordCount else { throw .noMailslotWrite }
    // Total counts, limits of an answer, setup limit, flags, time-out, reserved, parameters.
    try reader.skip(2)
    let total = Int(try reader.littleUInt16())
    try reader.skip(2 + 2 + 2 + 2 + 4 + 2 + 2 + 2)
    let (count, offset) = (Int(try reader.littleUInt16()), Int(try reader.littleUInt16()))
    guard try reader.uint8() == 3 else { throw .noMailslotWrite }
    try reader.skip(1)
    guard try reader.littleUInt16() == 1 else { throw .noMailslotWrite }
    try reader.skip(4)
    let following = Int(try reader.littleUInt16())
    guard following == reader.remaining, total == count else { throw .bound }
    var name: [UInt8] = []
    while case let byte = try reader.uint8(), byte != 0 {
      guard name.count < Self.longestName else { throw .name }
      name.append(byte)
    }
    guard offset >= reader.offset, offset <= bytes.count, count <= bytes.count - offset else { throw .bound }
    slot = String(decoding: name, as: UTF8.self)
    guard slot.utf8.count > Self.prefix.utf8.count, slot.uppercased().hasPrefix(Self.prefix) else {
      throw .noMailslotWrite
    }
    dataRange = offset..<offset + count
  }
}
