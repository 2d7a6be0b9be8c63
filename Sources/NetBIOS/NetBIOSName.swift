/// A name of 16 bytes: up to 15 characters, and what it stands for (RFC 1001, section 14).
public struct NetBIOSName: Hashable, Sendable, CustomStringConvertible {
  /// Upper case, without the padding.
  public let text: String
  /// The sixteenth byte: 0x00 a workstation, 0x20 a server, 0x1e a group.
  public let suffix: UInt8

  public static var longest: Int { 15 }
  /// Bytes of a name in a packet, without a scope: a length, 32 letters and an end.
  public static var encodedByteCount: Int { 34 }
  /// Bytes of a name with its scope (RFC 883: 255 octets).
  static var mostEncodedBytes: Int { 255 }

  /// Nil when it is longer than 15 bytes, empty, or has others than printable ASCII characters.
  public init?(_ text: String, suffix: UInt8) {
    guard (1...Self.longest).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else {
      return nil
    }
    self.text = text.uppercased()
    self.suffix = suffix
  }

  /// As another computer has it, whatever is in it.
  init(octets: [UInt8]) {
    text = String(
      decoding: octets.prefix(Self.longest).reversed().drop { $0 == 0x20 }.reversed(), as: UTF8.self)
    suffix = octets[Self.longest]
  }

  private var octets: [UInt8] {
    let characters = Array(text.utf8.prefix(Self.longest))
    return characters + Array(repeating: 0x20, count: Self.longest - characters.count) + [suffix]
  }

  public var description: String {
    "\(text)<\(suffix < 16 ? "0" : "")\(String(suffix, radix: 16))>"
  }

  /// First-level encoding: each half of a byte as a letter from A to P (RFC 1001, section 14.1).
  public var encoded: [UInt8] {
    [32] + octets.flatMap { [UInt8(ascii: "A") + $0 >> 4, UInt8(ascii: "A") + $0 & 15] } + [0]
  }

  /// Reads a name and passes over its scope.
  public init(_ reader: inout OctetReader) throws(NetBIOSError) {
    let start = reader.offset
    guard try reader.uint8() == 32 else { throw .name }
    var octets: [UInt8] = []
    for _ in 0..<16 {
      let (high, low) = (try Self.half(try reader.uint8()), try Self.half(try reader.uint8()))
      octets.append(high << 4 | low)
    }
    while case let length = try reader.uint8(), length > 0 {
      guard length < 64, reader.offset - start + Int(length) < Self.mostEncodedBytes else { throw .name }
      try reader.skip(Int(length))
    }
    self.init(octets: octets)
  }

  private static func half(_ letter: UInt8) throws(NetBIOSError) -> UInt8 {
    guard (UInt8(ascii: "A")...UInt8(ascii: "P")).contains(letter) else { throw .name }
    return letter - UInt8(ascii: "A")
  }
}

/// An IPv4 address.
public struct IPv4Address: Hashable, Sendable, CustomStringConvertible {
  public var number: UInt32

  public init(number: UInt32) { self.number = number }

  /// Nil where the text is not four numbers: `192.0.2.1`.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    guard parts.count == 4, !parts.contains(nil) else { return nil }
    number = parts.reduce(0) { $0 << 8 | UInt32($1 ?? 0) }
  }

  public var description: String {
    (0..<4).map { String(number >> UInt32(24 - 8 * $0) & 0xff) }.joined(separator: ".")
  }
}
