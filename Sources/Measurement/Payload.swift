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
public struct Payload: Sendable, BitwiseCopyable, Codable {
  public let byteCount: Int
  /// Bytes written and read; at most `byteCount`.
  @usableFromInline let touchedByteCount: Int

  /// - Parameter byteCount: 0 for a notification that carries nothing.
  public init(byteCount: Int, touch: Touch) {
    self.byteCount = byteCount
    touchedByteCount = touch == .all ? byteCount : min(byteCount, Payload.stampByteCount)
  }

  @inlinable public static var stampByteCount: Int { 32 }
  /// 2⁶⁴ / φ, odd: sequence numbers become keys that differ in every byte.
  @inlinable static var multiplier: UInt64 { 0x9E37_79B9_7F4A_7C15 }

  /// Writes message number `sequence`.
  ///
  /// Small on purpose, so that the measured loops inline it: what few sizes need is out of line.
  @inlinable @inline(__always)
  public func fill(_ span: inout MutableRawSpan, _ sequence: UInt64, _ ticks: UInt64) {
    span.withUnsafeMutableBytes { buffer in
      guard let bytes = buffer.baseAddress else { return }
      let key = sequence &* Payload.multiplier
      guard touchedByteCount >= Payload.stampByteCount else {
        if touchedByteCount != 0 { fillRest(bytes, from: 0, key) }
        return
      }
      let length = UInt64(truncatingIfNeeded: byteCount)
      // Upwards and the stamp first: stores that go up through a cache line merge on their way out.
      bytes.storeBytes(of: sequence, as: UInt64.self)
      bytes.storeBytes(of: ticks, toByteOffset: 8, as: UInt64.self)
      bytes.storeBytes(of: length, toByteOffset: 16, as: UInt64.self)
      bytes.storeBytes(of: Payload.check(sequence, ticks, length), toByteOffset: 24, as: UInt64.self)
      // Four words at a time in the processor's own types, instead of leaving it to the loop vectoriser: for the
      // few words of a small message its preamble cost more than the stores.
      var offset = Payload.stampByteCount
      var words = SIMD4<UInt64>(repeating: key) &+ SIMD4(4, 5, 6, 7)
      while offset &+ 32 <= touchedByteCount {
        bytes.storeBytes(of: words, toByteOffset: offset, as: SIMD4<UInt64>.self)
        words &+= SIMD4(repeating: 4)
        offset &+= 32
      }
      if offset != touchedByteCount { fillRest(bytes, from: offset, key) }
    }
  }

  /// Whether a message is message number `sequence`, byte for byte.
  @inlinable @inline(__always)
  public func matches(_ span: borrowing RawSpan, _ sequence: UInt64) -> Bool {
    guard span.byteCount == byteCount else { return false }
    return span.withUnsafeBytes { buffer in
      guard let bytes = buffer.baseAddress else { return byteCount == 0 }
      let key = sequence &* Payload.multiplier
      guard touchedByteCount >= Payload.stampByteCount else {
        return touchedByteCount == 0 || restMatches(bytes, from: 0, key)
      }
      let length = UInt64(truncatingIfNeeded: byteCount)
      let ticks = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      // Differences are gathered and looked at once: a branch per word would make the processor wait for each.
      var difference = bytes.loadUnaligned(as: UInt64.self) ^ sequence
      difference |= bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self) ^ length
      difference |=
        bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self) ^ Payload.check(sequence, ticks, length)
      var offset = Payload.stampByteCount
      var words = SIMD4<UInt64>(repeating: key) &+ SIMD4(4, 5, 6, 7)
      var differences = SIMD4<UInt64>.zero
      while offset &+ 32 <= touchedByteCount {
        differences |= bytes.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt64>.self) ^ words
        words &+= SIMD4(repeating: 4)
        offset &+= 32
      }
      difference |= differences[0] | differences[1] | differences[2] | differences[3]
      if offset != touchedByteCount && !restMatches(bytes, from: offset, key) { return false }
      return difference == 0
    }
  }

  /// The send time in a message's stamp, in ticks; 0 where the message is too short to carry one.
  @inlinable @inline(__always)
  public func sendTicks(_ span: borrowing RawSpan) -> UInt64 {
    guard span.byteCount >= Payload.stampByteCount else { return 0 }
    return span.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self) }
  }

  /// Bytes from which on a message's number can be read from it.
  public static var numberedByteCount: Int { 8 }

  /// The number of a message that may not be the next one; the message must have 8 bytes at least.
  @inlinable @inline(__always)
  public func sequence(_ span: borrowing RawSpan) -> UInt64 {
    guard span.byteCount == byteCount, byteCount >= 8 else { return .max }
    return span.withUnsafeBytes { buffer in
      let first = buffer.loadUnaligned(as: UInt64.self)
      // Shorter messages begin with their key, which is the number times an odd constant.
      return byteCount >= Payload.stampByteCount ? first : first &* Payload.inverse
    }
  }

  /// The inverse of `multiplier` modulo 2⁶⁴.
  @inlinable static var inverse: UInt64 { 0xF1DE_83E1_9937_733D }

  @inlinable @inline(__always)
  static func check(_ sequence: UInt64, _ ticks: UInt64, _ length: UInt64) -> UInt64 {
    sequence ^ ticks ^ length ^ multiplier
  }

  /// Writes what the loops above leave: single words, then single bytes, which hold the low bytes of the key.
  @inlinable @inline(never)
  func fillRest(_ bytes: UnsafeMutableRawPointer, from start: Int, _ key: UInt64) {
    var offset = start
    while offset &+ 8 <= touchedByteCount {
      bytes.storeBytes(of: Payload.word(key, offset), toByteOffset: offset, as: UInt64.self)
      offset &+= 8
    }
    while offset < touchedByteCount {
      bytes.storeBytes(of: Payload.byte(key, offset), toByteOffset: offset, as: UInt8.self)
      offset &+= 1
    }
  }

  @inlinable @inline(never)
  func restMatches(_ bytes: UnsafeRawPointer, from start: Int, _ key: UInt64) -> Bool {
    var offset = start
    var difference: UInt64 = 0
    while offset &+ 8 <= touchedByteCount {
      difference |= bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ Payload.word(key, offset)
      offset &+= 8
    }
    while offset < touchedByteCount {
      difference |= UInt64(bytes.load(fromByteOffset: offset, as: UInt8.self) ^ Payload.byte(key, offset))
      offset &+= 1
    }
    return difference == 0
  }

  @inlinable static func word(_ key: UInt64, _ offset: Int) -> UInt64 {
    key &+ UInt64(truncatingIfNeeded: offset &>> 3)
  }

  @inlinable static func byte(_ key: UInt64, _ offset: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: key &>> UInt64(truncatingIfNeeded: (offset & 7) &* 8))
  }
}
