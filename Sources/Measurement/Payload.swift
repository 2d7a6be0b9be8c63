/// How many of a message's bytes are written and read.
public enum Touch: String, CaseIterable, Codable, Sendable {
  /// Every byte: what an application that has something to say does.
  case all
  /// The stamp only. Zero-copy mechanisms then "reach" any bandwidth; labelled wherever it appears.
  case header
}

/// Writes and checks the contents of messages of one size.
///
/// From 32 bytes on a message starts with its stamp, four 64-bit words: sequence number, send time in ticks,
/// length, and a check value over these three. Every further word is the key of the sequence number plus the
/// word's index, so that a word that is lost, moved or belongs to another message shows. Shorter messages hold
/// key words only. The consumer compares every byte with what it must be.
public struct Payload: Sendable, BitwiseCopyable {
  public let byteCount: Int
  /// Bytes written and read; at most `byteCount`.
  @usableFromInline let touchedByteCount: Int

  /// - Parameter byteCount: at least 1.
  public init(byteCount: Int, touch: Touch) {
    self.byteCount = byteCount
    touchedByteCount = touch == .all ? byteCount : min(byteCount, Payload.stampByteCount)
  }

  @inlinable public static var stampByteCount: Int { 32 }
  /// 2⁶⁴ / φ, odd: sequence numbers become keys that differ in every byte.
  @inlinable static var multiplier: UInt64 { 0x9E37_79B9_7F4A_7C15 }

  /// Writes message number `sequence`.
  @inlinable @inline(__always)
  public func fill(_ span: inout MutableRawSpan, _ sequence: UInt64, _ ticks: UInt64) {
    let count = touchedByteCount
    let length = UInt64(truncatingIfNeeded: byteCount)
    span.withUnsafeMutableBytes { buffer in
      guard let bytes = buffer.baseAddress else { return }
      let key = sequence &* Payload.multiplier
      if count < Payload.stampByteCount {
        Payload.fillShort(bytes, count, key)
        return
      }
      bytes.storeBytes(of: sequence, as: UInt64.self)
      bytes.storeBytes(of: ticks, toByteOffset: 8, as: UInt64.self)
      bytes.storeBytes(of: length, toByteOffset: 16, as: UInt64.self)
      bytes.storeBytes(
        of: Payload.check(sequence, ticks, length), toByteOffset: 24, as: UInt64.self)
      Payload.fillWords(bytes, from: 4, to: count &>> 3, key)
      if count & 7 != 0 { Payload.fillTail(bytes, count & ~7, count, key) }
    }
  }

  /// Whether a message is message number `sequence`, byte for byte.
  @inlinable @inline(__always)
  public func matches(_ span: borrowing RawSpan, _ sequence: UInt64) -> Bool {
    guard span.byteCount == byteCount else { return false }
    let count = touchedByteCount
    let length = UInt64(truncatingIfNeeded: byteCount)
    return span.withUnsafeBytes { buffer in
      guard let bytes = buffer.baseAddress else { return false }
      let key = sequence &* Payload.multiplier
      if count < Payload.stampByteCount { return Payload.shortMatches(bytes, count, key) }
      let ticks = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      // Differences are gathered and looked at once: a branch per word would keep the loop from vectorising.
      var difference = bytes.loadUnaligned(as: UInt64.self) ^ sequence
      difference |= bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self) ^ length
      difference |=
        bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self) ^ Payload.check(sequence, ticks, length)
      difference |= Payload.wordDifference(bytes, from: 4, to: count &>> 3, key)
      if count & 7 != 0 { difference |= Payload.tailDifference(bytes, count & ~7, count, key) }
      return difference == 0
    }
  }

  /// The send time in a message's stamp, in ticks; 0 where the message is too short to carry one.
  @inlinable @inline(__always)
  public func sendTicks(_ span: borrowing RawSpan) -> UInt64 {
    guard span.byteCount >= Payload.stampByteCount else { return 0 }
    return span.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self) }
  }

  @inlinable @inline(__always)
  static func check(_ sequence: UInt64, _ ticks: UInt64, _ length: UInt64) -> UInt64 {
    sequence ^ ticks ^ length ^ multiplier
  }

  @inlinable @inline(__always)
  static func fillShort(_ bytes: UnsafeMutableRawPointer, _ count: Int, _ key: UInt64) {
    fillWords(bytes, from: 0, to: count &>> 3, key)
    if count & 7 != 0 { fillTail(bytes, count & ~7, count, key) }
  }

  @inlinable @inline(__always)
  static func shortMatches(_ bytes: UnsafeRawPointer, _ count: Int, _ key: UInt64) -> Bool {
    var difference = wordDifference(bytes, from: 0, to: count &>> 3, key)
    if count & 7 != 0 { difference |= tailDifference(bytes, count & ~7, count, key) }
    return difference == 0
  }

  /// Words are written four at a time, in the types the processor has, instead of leaving it to the loop
  /// vectoriser: for the few words of a small message its preamble cost more than the stores.
  @inlinable @inline(__always)
  static func fillWords(
    _ bytes: UnsafeMutableRawPointer, from start: Int, to end: Int, _ key: UInt64
  ) {
    var index = start
    var values = SIMD4<UInt64>(repeating: key &+ UInt64(truncatingIfNeeded: start)) &+ SIMD4(0, 1, 2, 3)
    while index &+ 4 <= end {
      bytes.storeBytes(of: values, toByteOffset: index &* 8, as: SIMD4<UInt64>.self)
      values &+= SIMD4(repeating: 4)
      index &+= 4
    }
    if (end &- index) & 2 != 0 {
      bytes.storeBytes(of: values.lowHalf, toByteOffset: index &* 8, as: SIMD2<UInt64>.self)
      index &+= 2
    }
    if index < end {
      bytes.storeBytes(
        of: key &+ UInt64(truncatingIfNeeded: index), toByteOffset: index &* 8, as: UInt64.self)
    }
  }

  @inlinable @inline(__always)
  static func wordDifference(
    _ bytes: UnsafeRawPointer, from start: Int, to end: Int, _ key: UInt64
  ) -> UInt64 {
    var index = start
    var values = SIMD4<UInt64>(repeating: key &+ UInt64(truncatingIfNeeded: start)) &+ SIMD4(0, 1, 2, 3)
    var found = SIMD4<UInt64>.zero
    while index &+ 4 <= end {
      found |= bytes.loadUnaligned(fromByteOffset: index &* 8, as: SIMD4<UInt64>.self) ^ values
      values &+= SIMD4(repeating: 4)
      index &+= 4
    }
    var difference = found[0] | found[1] | found[2] | found[3]
    while index < end {
      difference |=
        bytes.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self)
        ^ (key &+ UInt64(truncatingIfNeeded: index))
      index &+= 1
    }
    return difference
  }

  /// The last bytes of a size that is no multiple of eight hold the low bytes of the key.
  @inlinable
  static func fillTail(_ bytes: UnsafeMutableRawPointer, _ start: Int, _ end: Int, _ key: UInt64) {
    for offset in start..<end {
      bytes.storeBytes(
        of: UInt8(truncatingIfNeeded: key &>> UInt64(8 * (offset - start))), toByteOffset: offset,
        as: UInt8.self)
    }
  }

  @inlinable
  static func tailDifference(_ bytes: UnsafeRawPointer, _ start: Int, _ end: Int, _ key: UInt64) -> UInt64 {
    var difference: UInt8 = 0
    for offset in start..<end {
      difference |=
        bytes.load(fromByteOffset: offset, as: UInt8.self)
        ^ UInt8(truncatingIfNeeded: key &>> UInt64(8 * (offset - start)))
    }
    return UInt64(difference)
  }
}
