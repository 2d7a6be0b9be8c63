/// The 64-bit FNV-1a hash (draft-eastlake-fnv): tells things apart, the same on every machine and in every
/// run, unlike Swift's `Hasher`. It is no defence against somebody who makes collisions on purpose.
enum FNV1a {
  static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }

  /// Sixteen hexadecimal digits.
  static func hex(_ text: String) -> String {
    let digits = String(hash(text.utf8), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
