import Glibc

/// The few byte operations that reading half a million rows spends its time in.
extension UnsafeRawBufferPointer {
  /// The offset of the first such byte; the corresponding C function is `memchr`.
  func offset(of byte: UInt8) -> Int? {
    guard let base = baseAddress, let found = memchr(base, Int32(byte), count) else { return nil }
    return UnsafeRawPointer(found) - base
  }

  func contains(_ byte: UInt8) -> Bool { offset(of: byte) != nil }

  subscript(part range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: self[range])
  }

  /// Only bytes below 128; looked at eight at a time.
  var isASCII: Bool {
    var offset = 0
    while offset + 8 <= count {
      if loadUnaligned(fromByteOffset: offset, as: UInt64.self) & 0x8080_8080_8080_8080 != 0 {
        return false
      }
      offset += 8
    }
    while offset < count {
      if self[offset] >= 0x80 { return false }
      offset += 1
    }
    return true
  }

  /// The bytes as text; only for bytes that are known to be UTF-8.
  var text: String { String(decoding: self, as: UTF8.self) }
}

extension String {
  /// Only printable ASCII characters, the space included, and few enough to be shown.
  var isPlainName: Bool { utf8.count <= 255 && utf8.allSatisfy { (0x20..<0x7F).contains($0) } }

  /// The text as it is quoted in a sentence: short, and on one line.
  var excerpt: String {
    let shown = unicodeScalars.prefix(41)
    let printable = shown.prefix(40).map { $0.properties.generalCategory == .control ? "?" : $0 }
    return String(String.UnicodeScalarView(printable)) + (shown.count > 40 ? "…" : "")
  }
}
