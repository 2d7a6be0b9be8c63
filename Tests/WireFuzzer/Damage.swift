import FuzzSupport

/// What can be wrong with a packet. Lengths, counts and offsets are numbers of one to four bytes in either order, so
/// that is what is mostly changed.
enum Damage: CaseIterable {
  case numberReplaced, bitFlipped, byteReplaced, byteInserted, chunkRemoved, chunkRepeated, endLost, endAdded
  case joined, allReplaced

  static func any(_ generator: inout Generator) -> Damage {
    generator.oneIn(2) ? .numberReplaced : generator.pick(allCases)
  }

  func apply(to bytes: inout [UInt8], _ others: [[UInt8]], _ generator: inout Generator) {
    guard !bytes.isEmpty else { return bytes = generator.pick(others) }
    let place = generator.below(bytes.count)
    let length = min(bytes.count - place, 1 + generator.below(64))
    switch self {
    case .numberReplaced: Self.replaceNumber(in: &bytes, at: place, &generator)
    case .bitFlipped: bytes[place] ^= 1 << UInt8(generator.below(8))
    case .byteReplaced: bytes[place] = UInt8(generator.below(256))
    case .byteInserted: bytes.insert(UInt8(generator.below(256)), at: place)
    case .chunkRemoved: bytes.removeSubrange(place..<place + length)
    case .chunkRepeated: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
    case .endLost: bytes.removeLast(bytes.count - place)
    case .endAdded: bytes += (0..<length).map { _ in UInt8(generator.below(256)) }
    case .joined:
      let other = generator.pick(others)
      bytes = Array(bytes[..<place]) + other.suffix(generator.below(other.count + 1))
    case .allReplaced: bytes = (0..<generator.below(512)).map { _ in UInt8(generator.below(256)) }
    }
  }

  private static func replaceNumber(in bytes: inout [UInt8], at place: Int, _ generator: inout Generator) {
    let width = generator.pick([1, 2, 4])
    guard place + width <= bytes.count else { return }
    let edges: [UInt32] = [
      0, 1, 2, 3, 4, 7, 8, 15, 16, 23, 24, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xfff8, 0xffff,
      0x1_0000,
      0x00ff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff, UInt32(bytes.count),
      UInt32(bytes.count - place),
    ]
    var number = generator.pick(edges)
    if generator.oneIn(3) { number = number &+ UInt32(generator.below(9)) &- 4 }
    let isBigEndian = generator.oneIn(2)
    for index in 0..<width {
      let shift = UInt32(8 * (isBigEndian ? width - 1 - index : index))
      bytes[place + index] = UInt8(truncatingIfNeeded: number >> shift)
    }
  }
}
