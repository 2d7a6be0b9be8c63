// The ring library alone, one way and as fast as it goes: the counterpart of ring-stream.cpp.
//
//   ring-stream LAYOUT BYTES BATCH SLOTS DURATION_MS CPUS
//   ring-stream batch 64 32 4096 300 0,1
//
// LAYOUT is `slot` (MessageRing, one message at a time), `batch` (RecordRing, BATCH records at a time), `fan-in`
// (FanInRing, BATCH producers) or `broadcast` (BroadcastRing, BATCH consumers): for the last two see
// shared-rings.cpp. Every byte is written by one process and checked by the other. Prints one line of JSON.
import Glibc
import LinuxIPC
import Measurement
import SharedRing

struct Settings {
  var layout = "slot"
  var byteCount = 64
  var batch = 1
  var slotCount = 1024
  var milliseconds = 300
  var cpus = [0, 1]

  init?(_ arguments: [String]) {
    guard arguments.count == 6, let byteCount = Int(arguments[1]), let batch = Int(arguments[2]),
      let slots = Int(arguments[3]), let milliseconds = Int(arguments[4])
    else { return nil }
    layout = arguments[0]
    (self.byteCount, self.batch, slotCount, self.milliseconds) = (byteCount, batch, slots, milliseconds)
    cpus = arguments[5].split(separator: ",").compactMap { Int($0) }
    let isShared = ["fan-in", "broadcast"].contains(layout)
    guard isShared ? !cpus.isEmpty && batch <= 16 && byteCount >= 32 : cpus.count == 2,
      isShared || ["slot", "batch"].contains(layout), byteCount > 0, batch > 0
    else { return nil }
  }

  var geometry: RingGeometry {
    let kinds: [String: RingKind] = ["slot": .messages, "fan-in": .fanIn, "broadcast": .broadcast]
    return RingGeometry(kind: kinds[layout] ?? .records, slotCount: slotCount, capacity: byteCount)
  }
}

/// One process's half of a layout: moves `count` messages.
typealias Half = (RingHeader, Settings, UInt64) throws -> Void

func sendMessages(_ header: RingHeader, _ settings: Settings, _ count: UInt64) throws {
  var ring = try MessageProducer<Spin>(header)
  let payload = Payload(byteCount: settings.byteCount, touch: .all)
  var sequence: UInt64 = 0
  while sequence != count {
    try ring.send(settings.byteCount) { payload.fill(&$0, sequence, 0) }
    sequence &+= 1
  }
}

func receiveMessages(_ header: RingHeader, _ settings: Settings, _ count: UInt64) throws {
  var ring = try MessageConsumer<Spin>(header)
  let payload = Payload(byteCount: settings.byteCount, touch: .all)
  var sequence: UInt64 = 0
  while sequence != count {
    var matches = false
    try ring.receive { matches = payload.matches($0, sequence) }
    if !matches { throw RingError.corrupted }
    sequence &+= 1
  }
}

func sendRecords(_ header: RingHeader, _ settings: Settings, _ count: UInt64) throws {
  var ring = try RecordProducer<Spin>(header)
  let wordsPerRecord = UInt64(settings.byteCount / 8)
  var sent: UInt64 = 0
  while sent < count {
    let first = sent &* wordsPerRecord
    let granted = try ring.send(atMost: min(settings.batch, Int(count - sent))) { bytes, _ in
      RecordWords.fill(&bytes, first)
    }
    sent &+= UInt64(granted)
  }
}

func receiveRecords(_ header: RingHeader, _ settings: Settings, _ count: UInt64) throws {
  var ring = try RecordConsumer<Spin>(header)
  let wordsPerRecord = UInt64(settings.byteCount / 8)
  var received: UInt64 = 0
  while received < count {
    let first = received &* wordsPerRecord
    var matches = false
    let granted = try ring.receive(atMost: min(settings.batch, Int(count - received))) { bytes, _ in
      matches = RecordWords.match(bytes, first)
    }
    if !matches { throw RingError.corrupted }
    received &+= UInt64(granted)
  }
}

/// Word number i of a stream of records is i times this, as in single messages of eight bytes.
enum RecordWords {
  static var multiplier: UInt64 { 0x9E37_79B9_7F4A_7C15 }

  @inline(__always)
  private static func lanes(from first: UInt64) -> SIMD4<UInt64> {
    SIMD4(repeating: first &* multiplier) &+ SIMD4(0, 1, 2, 3) &* SIMD4(repeating: multiplier)
  }

  @inline(__always)
  static func fill(_ span: inout MutableRawSpan, _ first: UInt64) {
    span.withUnsafeMutableBytes { buffer in
      guard let bytes = buffer.baseAddress else { return }
      var (offset, words) = (0, lanes(from: first))
      while offset &+ 32 <= buffer.count {
        bytes.storeBytes(of: words, toByteOffset: offset, as: SIMD4<UInt64>.self)
        words &+= SIMD4(repeating: multiplier &* 4)
        offset &+= 32
      }
      var word = words[0]
      while offset < buffer.count {
        bytes.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
        word &+= multiplier
        offset &+= 8
      }
    }
  }

  @inline(__always)
  static func match(_ span: borrowing RawSpan, _ first: UInt64) -> Bool {
    span.withUnsafeBytes { buffer in
      guard let bytes = buffer.baseAddress else { return false }
      var (offset, words) = (0, lanes(from: first))
      var differences = SIMD4<UInt64>.zero
      while offset &+ 32 <= buffer.count {
        differences |= bytes.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt64>.self) ^ words
        words &+= SIMD4(repeating: multiplier &* 4)
        offset &+= 32
      }
      var difference = differences[0] | differences[1] | differences[2] | differences[3]
      var word = words[0]
      while offset < buffer.count {
        difference |= bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ word
        word &+= multiplier
        offset &+= 8
      }
      return difference == 0
    }
  }
}

/// Forks the two halves over a fresh ring and returns the seconds from the first fork's start to both ends,
/// by the clock that each half reads around its loop.
func measure(_ settings: Settings, _ count: UInt64) throws -> Double {
  let geometry = settings.geometry
  let mapping = try Mapping.anonymous(byteCount: geometry.byteCount + 4096)
  defer { mapping.unmap() }
  mapping.populate()
  // The first page carries the two times back.
  let region = UnsafeMutableRawBufferPointer(start: mapping.base + 4096, count: geometry.byteCount)
  let header = try RingHeader.create(in: region, geometry)
  let halves: [Half] =
    settings.layout == "slot" ? [sendMessages, receiveMessages] : [sendRecords, receiveRecords]
  let times = mapping.base.assumingMemoryBound(to: UInt64.self)
  var children: [Child] = []
  for (index, half) in halves.enumerated() {
    children.append(
      try Processes.fork {
        do {
          try Affinity.pin(to: settings.cpus[index])
          if index == 0 { times[0] = Clock.monotonicNanoseconds() }
          try half(header, settings, count)
          if index == 1 { times[1] = Clock.monotonicNanoseconds() }
          return 0
        } catch {
          print("ring-stream: \(error)")
          return 1
        }
      })
  }
  for child in children where try child.reap() != .exited(0) { exit(3) }
  return Double(times[1] - times[0]) / 1e9
}

guard let settings = Settings(Array(CommandLine.arguments.dropFirst())) else {
  print("usage: ring-stream slot|batch|fan-in|broadcast BYTES BATCH SLOTS DURATION_MS CPUS")
  exit(64)
}
if ["fan-in", "broadcast"].contains(settings.layout) {
  let rate = try sharedRingRate(settings)
  print(
    """
    {"name": "\(settings.layout)", "bytes": \(settings.byteCount), "many": \(settings.batch), \
    "slots": \(settings.slotCount), "messages_per_s": \(rate)}
    """)
  exit(0)
}
// The median of five fresh rings: where a ring's pages happen to lie moves its rate by a tenth.
let trial = UInt64(max(64, 64_000_000 / max(settings.byteCount, 16)))
let trialSeconds = try measure(settings, trial)
let count = max(16, UInt64(Double(trial) / trialSeconds * Double(settings.milliseconds) / 5000))
let rates = try (0..<5).map { _ in Double(count) / (try measure(settings, count)) }.sorted()
let rate = rates[2]
print(
  """
  {"name": "ring-\(settings.layout)", "bytes": \(settings.byteCount), "batch": \(settings.batch), \
  "slots": \(settings.slotCount), "messages": \(count), "messages_per_s": \(rate), \
  "bytes_per_s": \(rate * Double(settings.byteCount))}
  """)
