// A peer that writes whatever it likes into a ring, while this side goes on using it.
//
//   RingScribbler OPERATIONS
//
// A child overwrites header words, indices, slot words and lengths as fast as it can: random values, and values
// chosen to be believed (the right sequence with an impossible length, an index just out of range). This side
// sends, receives, lends, takes and attaches. Data may be lost; memory may not: the ring lies between two
// inaccessible pages, every byte that is handed out is read or written, and the build has AddressSanitizer.
// Exits with 0 when all operations were done, and dies of the signal otherwise.
import Glibc
import LinuxIPC
import SharedRing
import Synchronization

struct Generator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }
}

/// Memory whose neighbours on both sides cannot be touched.
struct GuardedRegion {
  let bytes: UnsafeMutableRawBufferPointer

  init(byteCount: Int) {
    let page = 4096
    precondition(byteCount % page == 0, "the ring must end where the guard begins")
    guard
      let base = mmap(nil, byteCount + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      base != MAP_FAILED,
      let middle = mmap(
        base + page, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
      middle != MAP_FAILED
    else { fatalError("mmap failed") }
    bytes = UnsafeMutableRawBufferPointer(start: middle, count: byteCount)
  }

  func word(_ offset: Int) -> UnsafePointer<Atomic<UInt64>> {
    UnsafePointer((bytes.baseAddress! + offset).assumingMemoryBound(to: Atomic<UInt64>.self))
  }
}

/// Where the victim is, so that the scribbler can aim.
nonisolated let hints = Hints()

struct Hints: Sendable {
  private let mapping: Mapping
  init() {
    guard let mapping = try? Mapping.anonymous(byteCount: 4096) else { fatalError("mmap failed") }
    self.mapping = mapping
  }
  private func word(_ offset: Int) -> UnsafePointer<Atomic<UInt64>> {
    UnsafePointer((mapping.base + offset).assumingMemoryBound(to: Atomic<UInt64>.self))
  }
  var position: UnsafePointer<Atomic<UInt64>> { word(0) }
  var scribbles: UnsafePointer<Atomic<UInt64>> { word(128) }
  /// Attacks that may begin: a side that could not even be taken would show nothing.
  var begun: UnsafePointer<Atomic<UInt64>> { word(256) }

  func begin() { begun.pointee.store(1, ordering: .releasing) }
}

/// Half the values are noise, half are made to be believed.
func scribble(_ region: GuardedRegion, _ geometry: RingGeometry) -> Int32 {
  var random = Generator(state: UInt64(getpid()))
  while hints.begun.pointee.load(ordering: .acquiring) == 0 { sched_yield() }
  while true {
    let aim = hints.position.pointee.load(ordering: .relaxed)
    let near = aim &+ (random.next() % 5) &- 2
    switch random.next() % 6 {
    case 0:
      region.word(Int(random.next() % 512) * 8).pointee.store(random.next(), ordering: .relaxed)
    case 1:
      // The right sequence number with any length.
      let slot = Int(near & UInt64(geometry.slotCount - 1))
      let length = random.next() >> (random.next() % 64)
      region.word(4096 + slot * geometry.stride + 56).pointee.store(
        (near &+ 1) & 0xFFFF_FFFF | length << 32, ordering: .relaxed)
    case 2:
      region.word(RingHeader.Offset.head).pointee.store(
        near &- random.next() % UInt64(2 * geometry.slotCount), ordering: .relaxed)
    case 3:
      region.word(RingHeader.Offset.tail).pointee.store(
        near &+ random.next() % UInt64(2 * geometry.slotCount), ordering: .relaxed)
    case 4:
      let offset = Int(random.next() % UInt64(region.bytes.count / 8)) * 8
      region.word(offset).pointee.store(random.next(), ordering: .relaxed)
    default:
      // Geometry fields: believable ones among them.
      let value = random.next() % 2 == 0 ? 1 << (random.next() % 64) : random.next() % 100_000
      region.word(Int(random.next() % 4) * 8).pointee.store(value, ordering: .relaxed)
    }
    hints.scribbles.pointee.wrappingAdd(1, ordering: .relaxed)
  }
}

nonisolated(unsafe) var sink: UInt64 = 0
func readAll(_ bytes: borrowing RawSpan) {
  for offset in 0..<bytes.byteCount {
    sink &+= UInt64(bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self))
  }
}
func writeAll(_ bytes: inout MutableRawSpan) {
  for offset in 0..<bytes.byteCount {
    unsafe bytes.storeBytes(
      of: UInt8(truncatingIfNeeded: offset), toUncheckedByteOffset: offset, as: UInt8.self)
  }
}

/// Errors are the expected outcome; what must not happen is anything else.
func attempt(_ body: () throws(RingError) -> Void) {
  do throws(RingError) { try body() } catch {}
}

func attack(_ operations: Int, _ kind: RingKind, _ victim: (GuardedRegion, RingHeader) throws -> Void) throws
{
  // 4096 of header and 56 KiB of slots: both end with a page.
  let geometry = RingGeometry(kind: kind, slotCount: 64, capacity: kind == .records ? 896 : 832)
  let region = GuardedRegion(byteCount: geometry.byteCount)
  let header = try RingHeader.create(in: region.bytes, geometry)
  hints.begun.pointee.store(0, ordering: .relaxed)
  let child = try Processes.fork { scribble(region, geometry) }
  defer {
    child.kill()
    _ = try? child.reap()
  }
  try victim(region, header)
}

let operations = Int(CommandLine.arguments.dropFirst().first ?? "") ?? 1_000_000
/// Short, so that a wait for a message that never comes costs little.
let patience: UInt64 = 20_000

try attack(operations, .messages) { _, header in
  var ring = try MessageConsumer<Spin>(header, stallLimitNanoseconds: patience)
  hints.begin()
  for count in 0..<operations {
    if count % 2 == 0 {
      attempt { () throws(RingError) in try ring.receive { readAll($0) } }
    } else {
      attempt { () throws(RingError) in
        let loan = try ring.peek()
        readAll(loan.bytes)
      }
    }
    hints.position.pointee.store(ring.messageCount, ordering: .relaxed)
  }
}
try attack(operations, .messages) { _, header in
  var ring = try MessageProducer<Spin>(header, stallLimitNanoseconds: patience)
  hints.begin()
  for count in 0..<operations {
    attempt { () throws(RingError) in
      if count % 2 == 0 {
        try ring.send(count % 900) { writeAll(&$0) }
      } else {
        var loan = try ring.reserve(count % 900)
        var bytes = loan.bytes
        writeAll(&bytes)
        loan.commit()
      }
    }
    hints.position.pointee.store(ring.messageCount, ordering: .relaxed)
  }
}
try attack(operations, .records) { _, header in
  var ring = try RecordConsumer<Spin>(header, stallLimitNanoseconds: patience)
  hints.begin()
  var taken: UInt64 = 0
  for count in 0..<operations {
    attempt { () throws(RingError) in
      taken &+= UInt64(try ring.receive(atMost: count % 100 + 1) { bytes, _ in readAll(bytes) })
    }
    hints.position.pointee.store(taken, ordering: .relaxed)
  }
}
try attack(operations, .records) { _, header in
  var ring = try RecordProducer<Spin>(header, stallLimitNanoseconds: patience)
  hints.begin()
  var sent: UInt64 = 0
  for count in 0..<operations {
    attempt { () throws(RingError) in
      sent &+= UInt64(try ring.send(atMost: count % 100 + 1) { bytes, _ in writeAll(&bytes) })
    }
    hints.position.pointee.store(sent, ordering: .relaxed)
  }
}
try attack(operations, .messages) { region, _ in
  hints.begin()
  for _ in 0..<operations {
    guard let header = try? RingHeader.find(in: region.bytes, .messages) else { continue }
    precondition(header.geometry.byteCount <= region.bytes.count, "believed a geometry that does not fit")
  }
}
try attack(operations, .fanIn) { _, header in
  var ring = try FanInConsumer<Spin>(header, producerCount: 2, stallLimitNanoseconds: patience)
  hints.begin()
  for _ in 0..<operations {
    attempt { () throws(RingError) in try ring.receive { readAll($0) } }
    hints.position.pointee.store(ring.messageCount, ordering: .relaxed)
  }
}
try attack(operations, .fanIn) { _, header in
  var ring = try FanInProducer<Spin>(header, stallLimitNanoseconds: patience)
  hints.begin()
  for count in 0..<operations {
    attempt { () throws(RingError) in try ring.send(count % 900) { writeAll(&$0) } }
    hints.position.pointee.store(ring.messageCount, ordering: .relaxed)
  }
}
try attack(operations, .broadcast) { _, header in
  var ring = try BroadcastConsumer<Spin>(header, stallLimitNanoseconds: patience)
  hints.begin()
  for _ in 0..<operations {
    attempt { () throws(RingError) in try ring.receive { readAll($0) } }
    hints.position.pointee.store(ring.nextPosition, ordering: .relaxed)
  }
}
try attack(operations, .broadcast) { _, header in
  var ring = try BroadcastProducer<Spin>(header)
  hints.begin()
  for count in 0..<operations {
    attempt { () throws(RingError) in try ring.send(count % 900) { writeAll(&$0) } }
    hints.position.pointee.store(ring.messageCount, ordering: .relaxed)
  }
}
print(
  "survived \(hints.scribbles.pointee.load(ordering: .relaxed)) scribbles in \(9 * operations) operations")
