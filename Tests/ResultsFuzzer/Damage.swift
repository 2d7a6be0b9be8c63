import FuzzSupport

/// What can happen to a file between the machine that wrote it and the one that reads it.
enum Damage: CaseIterable {
  case bitFlipped, byteReplaced, byteInserted, chunkRemoved, chunkRepeated, chunksExchanged, endLost
  case fieldReplaced, fieldRemoved, fieldsExchanged, lineRepeated, lineRemoved, linesExchanged, linesShuffled
  case columnRenamed, lineBreaksChanged, markAdded

  /// A field is what people and programs change, so it is what is mostly changed here.
  static func any(_ generator: inout Generator) -> Damage {
    generator.oneIn(2) ? .fieldReplaced : generator.pick(allCases)
  }

  func apply(to bytes: inout [UInt8], _ generator: inout Generator) {
    guard !bytes.isEmpty else { return }
    switch self {
    case .bitFlipped: bytes[generator.below(bytes.count)] ^= 1 << UInt8(generator.below(8))
    case .byteReplaced: bytes[generator.below(bytes.count)] = Self.byte(&generator)
    case .byteInserted: bytes.insert(Self.byte(&generator), at: generator.below(bytes.count + 1))
    case .endLost: bytes.removeLast(generator.below(bytes.count))
    case .markAdded: bytes.insert(contentsOf: [0xEF, 0xBB, 0xBF], at: 0)
    case .lineBreaksChanged:
      if generator.oneIn(4) { bytes = bytes.map { $0 == 10 ? 13 : $0 } } else { bytes.removeAll { $0 == 13 } }
    case .chunkRemoved, .chunkRepeated, .chunksExchanged: applyToChunk(of: &bytes, &generator)
    default: applyToLines(of: &bytes, &generator)
    }
  }

  private static func byte(_ generator: inout Generator) -> UInt8 {
    generator.oneIn(2)
      ? UInt8(generator.below(256)) : generator.pick(Array(",\"\n\r\0-.e0 ;\t'".utf8) + [0xFF, 0x80, 0xC3])
  }

  private func applyToChunk(of bytes: inout [UInt8], _ generator: inout Generator) {
    let start = generator.below(bytes.count)
    let chunk = start..<min(bytes.count, start + 1 + generator.below(64))
    switch self {
    case .chunkRemoved: bytes.removeSubrange(chunk)
    case .chunkRepeated: bytes.insert(contentsOf: bytes[chunk], at: start)
    default:
      let other = generator.below(bytes.count - chunk.count + 1)
      for offset in 0..<chunk.count { bytes.swapAt(start + offset, other + offset) }
    }
  }

  private func applyToLines(of bytes: inout [UInt8], _ generator: inout Generator) {
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false).map(Array.init)
    let (first, second) = (generator.below(lines.count), generator.below(lines.count))
    switch self {
    case .lineRepeated: lines.insert(lines[first], at: second)
    case .lineRemoved: lines.remove(at: first)
    case .linesExchanged: lines.swapAt(first, second)
    case .linesShuffled: lines = lines.prefix(1) + lines.dropFirst().shuffled(using: &generator)
    case .columnRenamed: applyToFields(of: &lines[0], &generator)
    default: applyToFields(of: &lines[first], &generator)
    }
    bytes = Array(lines.joined(separator: [10]))
  }

  private func applyToFields(of line: inout [UInt8], _ generator: inout Generator) {
    var fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map(Array.init)
    let (first, second) = (generator.below(fields.count), generator.below(fields.count))
    switch self {
    case .fieldRemoved: fields.remove(at: first)
    case .fieldsExchanged: fields.swapAt(first, second)
    case .columnRenamed where generator.oneIn(2): fields[first] = fields[second]
    default: fields[first] = Self.field(&generator)
    }
    line = Array(fields.joined(separator: [UInt8(ascii: ",")]))
  }

  /// What a field of some column could hold, and what no field should.
  private static func field(_ generator: inout Generator) -> [UInt8] {
    // Rarely, because it takes a thousand times as long as any other.
    if generator.oneIn(2_000) {
      return [UInt8](repeating: UInt8(ascii: "9"), count: 1 << generator.below(22))
    }
    return Array(generator.pick(fields).utf8)
  }

  private static let fields = [
    "", "0", "-0", "1", "-1", "2", "7", "0.5", "1e999", "-1e999", "1e308", "5e-324", "NaN", "nan", "inf",
    "-inf",
    "0x10", " 1", "1 ", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1.0",
    "4000.25",
    "\"", "\"\"", "\"a\"b", "\"a,b\"", "\"a\nb\"", "\u{1B}[2J", "µs", "日本", "a\u{0}b", "ok", "failed",
    "skipped",
    "true", "false", "TRUE", "lower", "higher", "none", "ns", "us", "ms", "1/s", "B/s", "ns/message", "all",
    "header", "latency_rtt_p50", "latency_service_p50", "message_rate", "cpu_user_producer", "clock_offset",
    "probe_cache_line_before", "probe_cache_line_after", "novelty", "pipe", "udp", "posix", "stream", "paced",
    "spin", "run-2", "624c8c8f5dd08261", "1659b26c506ebce9", "no such thing",
  ]
}
