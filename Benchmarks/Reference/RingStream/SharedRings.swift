import Glibc
import LinuxIPC
import Measurement
import SharedRing
import Synchronization

// The counterpart of shared-rings.cpp: FanInRing and BroadcastRing.

/// What all processes share beside the ring; in the first page.
struct SharedPage {
  let base: UnsafeMutableRawPointer
  var arrived: UnsafePointer<Atomic<UInt64>> {
    UnsafePointer(base.assumingMemoryBound(to: Atomic<UInt64>.self))
  }
  var words: UnsafeMutablePointer<UInt64> { (base + 128).assumingMemoryBound(to: UInt64.self) }
  var start: UInt64 {
    get { words[0] }
    nonmutating set { words[0] = newValue }
  }
  func end(_ index: Int) -> UnsafeMutablePointer<UInt64> { words + 1 + index }
  func received(_ index: Int) -> UnsafeMutablePointer<UInt64> { words + 17 + index }
}

enum SharedRings<Wait: WaitStrategy> {
  @inline(never)
  static func produce(_ header: RingHeader, _ byteCount: Int, _ producer: UInt64, _ count: UInt64) throws {
    var ring = try fanInProducer(header)
    let payload = Payload(byteCount: byteCount, touch: .all)
    var sequence: UInt64 = 0
    while sequence != count {
      let number = producer &<< 48 | sequence
      try ring.send(byteCount) { payload.fill(&$0, number, 0) }
      sequence &+= 1
    }
  }

  /// Two that come at once may ask for the same side of the ring.
  private static func fanInProducer(_ header: RingHeader) throws -> FanInProducer<Wait> {
    for _ in 0..<1000 { if let ring = try? FanInProducer<Wait>(header) { return ring } }
    return try FanInProducer(header)
  }

  @inline(never)
  static func consume(_ header: RingHeader, _ byteCount: Int, _ many: Int, _ count: UInt64) throws {
    var ring = try FanInConsumer<Wait>(header, producerCount: many)
    let payload = Payload(byteCount: byteCount, touch: .all)
    var next = InlineArray<16, UInt64>(repeating: 0)
    var remaining = count
    while remaining != 0 {
      var number: UInt64 = 0
      var matches = false
      try ring.receive {
        number = payload.sequence($0)
        matches = payload.matches($0, number)
      }
      let producer = Int(truncatingIfNeeded: number &>> 48)
      guard matches, producer < many, number & 0xFFFF_FFFF_FFFF == next[producer] else {
        throw RingError.corrupted
      }
      next[producer] &+= 1
      remaining &-= 1
    }
  }

  @inline(never)
  static func broadcast(_ header: RingHeader, _ byteCount: Int, _ count: UInt64) throws {
    var ring = try BroadcastProducer<Wait>(header)
    let payload = Payload(byteCount: byteCount, touch: .all)
    var sequence: UInt64 = 0
    while sequence != count {
      let number = sequence
      try ring.send(byteCount) { payload.fill(&$0, number, 0) }
      sequence &+= 1
    }
  }

  @inline(never)
  static func follow(
    _ ring: inout BroadcastConsumer<Wait>, _ byteCount: Int, _ count: UInt64
  ) throws -> UInt64 {
    let payload = Payload(byteCount: byteCount, touch: .all)
    var (number, received): (UInt64, UInt64) = (0, 0)
    while number &+ 1 < count || received == 0 {
      var matches = false
      try ring.receive {
        number = payload.sequence($0)
        matches = payload.matches($0, number)
      }
      guard matches else { throw RingError.corrupted }
      received &+= 1
    }
    return received
  }

  /// Moves `count` messages, from each producer or to each consumer.
  ///
  /// - Returns: how many were received per second.
  static func move(_ settings: Settings, _ count: UInt64) throws -> Double {
    let geometry = settings.geometry
    let mapping = try Mapping.anonymous(byteCount: geometry.byteCount + 4096)
    defer { mapping.unmap() }
    mapping.populate()
    let page = SharedPage(base: mapping.base)
    let header = try RingHeader.create(
      in: UnsafeMutableRawBufferPointer(start: mapping.base + 4096, count: geometry.byteCount), geometry)
    let (many, isFanIn) = (settings.batch, settings.layout == "fan-in")
    var children: [Child] = []
    for index in 0..<many {
      children.append(
        try start(on: settings.cpus[index % settings.cpus.count]) {
          if isFanIn {
            meet(page, many)
            return try produce(header, settings.byteCount, UInt64(index), count)
          }
          var ring = try BroadcastConsumer<Wait>(header)
          meet(page, many)
          page.received(index).pointee = try follow(&ring, settings.byteCount, count)
          page.end(index).pointee = Clock.monotonicNanoseconds()
        })
    }
    children.append(
      try start(on: settings.cpus[settings.cpus.count - 1]) {
        meet(page, many)
        page.start = Clock.monotonicNanoseconds()
        guard isFanIn else { return try broadcast(header, settings.byteCount, count) }
        try consume(header, settings.byteCount, many, count &* UInt64(many))
        page.received(0).pointee = count &* UInt64(many)
        page.end(0).pointee = Clock.monotonicNanoseconds()
      })
    for child in children where try child.reap() != .exited(0) { exit(3) }
    let end = (0..<16).map { page.end($0).pointee }.max() ?? 0
    let received = (0..<16).reduce(0) { $0 + page.received($1).pointee }
    return Double(received) * 1e9 / Double(end - page.start)
  }

  private static func start(on cpu: Int, _ body: () throws -> Void) throws -> Child {
    try Processes.fork {
      do {
        try Affinity.pin(to: cpu)
        try body()
        return 0
      } catch {
        print("ring-stream: \(error)")
        return 1
      }
    }
  }

  private static func meet(_ page: SharedPage, _ many: Int) {
    page.arrived.pointee.add(1, ordering: .sequentiallyConsistent)
    while page.arrived.pointee.load(ordering: .sequentiallyConsistent) != UInt64(many) + 1 { sched_yield() }
  }
}

/// Messages per second, the median of five fresh rings.
func sharedRingRate(_ settings: Settings) throws -> Double {
  // A side that waits yields where there are fewer CPUs than processes.
  let move = settings.batch + 1 > settings.cpus.count ? SharedRings<Yield>.move : SharedRings<Spin>.move
  let first = try move(settings, 200_000)
  let count = max(10_000, UInt64(first * Double(settings.milliseconds) / 5000 / Double(settings.batch)))
  return try (0..<5).map { _ in try move(settings, count) }.sorted()[2]
}
