import LinuxIPC
import Testing

@testable import SharedRing

struct MessageRingTests {
  private func makeRing(capacity: Int = 100, slots: Int = 8) throws -> (Region, RingHeader) {
    let geometry = RingGeometry(kind: .messages, slotCount: slots, capacity: capacity)
    let region = Region(geometry.byteCount)
    return (region, try RingHeader.create(in: region.bytes, geometry))
  }

  private static func fill(_ span: inout MutableRawSpan, _ value: UInt8) {
    for offset in 0..<span.byteCount { span.storeBytes(of: value, toByteOffset: offset, as: UInt8.self) }
  }

  private static func bytes(_ span: borrowing RawSpan) -> [UInt8] {
    (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
  }

  @Test func messagesOfAnyLengthArriveInOrderOverManyLaps() throws {
    let (region, header) = try makeRing()
    var producer = try MessageProducer<Spin>(header)
    var consumer = try MessageConsumer<Spin>(header)
    for index in 0..<1000 {
      try producer.send(index % 101) { Self.fill(&$0, UInt8(truncatingIfNeeded: index)) }
      var received: [UInt8] = []
      try consumer.receive { received = Self.bytes($0) }
      #expect(received == [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: index % 101))
    }
    withExtendedLifetime(region) {}
  }

  @Test func aFullRingMakesTheProducerWaitAndCountsAStall() throws {
    let (region, header) = try makeRing()
    var producer = try MessageProducer<Spin>(header, stallLimitNanoseconds: 1_000_000)
    for _ in 0..<8 { try producer.send(1) { _ in } }
    #expect(throws: RingError.timedOut) { try producer.send(1) { _ in } }
    #expect(producer.stalls == 1)
    withExtendedLifetime(region) {}
  }

  @Test func aMessageOverTheCapacityIsRefusedAndTheRingStaysUsable() throws {
    let (region, header) = try makeRing()
    var producer = try MessageProducer<Spin>(header)
    var consumer = try MessageConsumer<Spin>(header)
    #expect(throws: RingError.messageTooLarge) { try producer.send(101) { _ in } }
    #expect(throws: RingError.messageTooLarge) { try producer.send(-1) { _ in } }
    try producer.send(100) { Self.fill(&$0, 7) }
    var count = 0
    try consumer.receive { count = $0.byteCount }
    #expect(count == 100)
    withExtendedLifetime(region) {}
  }

  @Test func aCommittedLoanIsReceivedAndADroppedOneIsSteppedOver() throws {
    let (region, header) = try makeRing()
    var producer = try MessageProducer<Spin>(header)
    var consumer = try MessageConsumer<Spin>(header)
    do {
      var loan = try producer.reserve(3)
      var span = loan.bytes
      Self.fill(&span, 1)
      loan.commit()
    }
    do { _ = try producer.reserve(5) }
    try producer.reserve(6).abort()
    do {
      var loan = try producer.reserve(2)
      var span = loan.bytes
      Self.fill(&span, 2)
      loan.commit()
    }
    var first: [UInt8] = []
    var second: [UInt8] = []
    do {
      let loan = try consumer.peek()
      first = Self.bytes(loan.bytes)
    }
    do {
      let loan = try consumer.peek()
      second = Self.bytes(loan.bytes)
    }
    #expect(first == [1, 1, 1])
    #expect(second == [2, 2])
    withExtendedLifetime(region) {}
  }

  @Test func loansHandSlotsBackOverManyLaps() throws {
    let (region, header) = try makeRing()
    var producer = try MessageProducer<Spin>(header, stallLimitNanoseconds: 1_000_000)
    var consumer = try MessageConsumer<Spin>(header, stallLimitNanoseconds: 1_000_000)
    for index in 0..<100 {
      try producer.reserve(index).commit()
      let byteCount = try consumer.peek().byteCount
      #expect(byteCount == index)
      try producer.reserve(1).commit()
      try consumer.peek().release()
    }
    withExtendedLifetime(region) {}
  }

  @Test func aClosedPeerIsSeenAfterItsLastMessage() throws {
    let (region, header) = try makeRing()
    var producer = try MessageProducer<Spin>(header)
    var consumer = try MessageConsumer<Spin>(header)
    try producer.send(1) { _ in }
    producer.close()
    try consumer.receive { _ in }
    #expect(throws: RingError.peerClosed) { try consumer.receive { _ in } }
    withExtendedLifetime(region) {}
  }

  @Test func eachSideCanBeTakenOnce() throws {
    let (region, header) = try makeRing()
    let first = try MessageProducer<Spin>(header)
    do {
      _ = try MessageProducer<Spin>(header)
      Issue.record("a second producer was accepted")
    } catch {
      #expect(error.description.contains("in use"))
    }
    _ = first.capacity
    withExtendedLifetime(region) {}
  }

  @Test func anImpossibleLengthIsCorruption() throws {
    let (region, header) = try makeRing()
    var consumer = try MessageConsumer<Spin>(header)
    MessageRing.slotWord(header.slots).pointee.store(1 | 101 << 32, ordering: .releasing)
    #expect(throws: RingError.corrupted) { try consumer.receive { _ in } }
    withExtendedLifetime(region) {}
  }

  @Test func anImpossibleIndexIsCorruption() throws {
    let (region, header) = try makeRing()
    var producer = try MessageProducer<Spin>(header)
    for _ in 0..<8 { try producer.send(1) { _ in } }
    header.word(RingHeader.Offset.head).pointee.store(1000, ordering: .releasing)
    #expect(throws: RingError.corrupted) { try producer.send(1) { _ in } }
    withExtendedLifetime(region) {}
  }

  @Test func sequenceNumbersOutliveTheirThirtyTwoBits() {
    #expect(MessageRing.sequence(0) == 1)
    #expect(MessageRing.sequence(0xFFFF_FFFF) == 0)
    #expect(MessageRing.sequence(0x1_0000_0000) == 1)
  }
}

struct RecordRingTests {
  @Test func batchesArriveWholeAndInOrderOverManyLaps() throws {
    let geometry = RingGeometry(kind: .records, slotCount: 16, capacity: 8)
    let region = Region(geometry.byteCount)
    let header = try RingHeader.create(in: region.bytes, geometry)
    var producer = try RecordProducer<Spin>(header)
    var consumer = try RecordConsumer<Spin>(header)
    var (sent, received) = (UInt64(0), UInt64(0))
    for round in 0..<500 {
      let granted = try producer.send(atMost: round % 11 + 1) { span, count in
        for index in 0..<count {
          span.storeBytes(of: sent + UInt64(index), toByteOffset: index * 8, as: UInt64.self)
        }
      }
      #expect(granted >= 1)
      sent += UInt64(granted)
      while received < sent {
        received += UInt64(
          try consumer.receive(atMost: 5) { span, count in
            for index in 0..<count {
              #expect(
                span.unsafeLoad(fromByteOffset: index * 8, as: UInt64.self) == received + UInt64(index))
            }
          })
      }
    }
    withExtendedLifetime(region) {}
  }

  @Test func anImpossibleTailIsCorruption() throws {
    let geometry = RingGeometry(kind: .records, slotCount: 16, capacity: 8)
    let region = Region(geometry.byteCount)
    let header = try RingHeader.create(in: region.bytes, geometry)
    var consumer = try RecordConsumer<Spin>(header)
    header.word(RingHeader.Offset.tail).pointee.store(17, ordering: .releasing)
    #expect(throws: RingError.corrupted) { _ = try consumer.receive(atMost: 1) { _, _ in } }
    withExtendedLifetime(region) {}
  }
}
