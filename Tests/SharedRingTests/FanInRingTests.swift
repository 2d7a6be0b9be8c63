import Foundation
import LinuxIPC
import Testing

@testable import SharedRing

/// Several producers, one consumer.
struct FanInRingTests {
  private func makeRing(capacity: Int = 16, slots: Int = 8) throws -> (Region, RingHeader) {
    let geometry = RingGeometry(kind: .fanIn, slotCount: slots, capacity: capacity)
    let region = Region(geometry.byteCount)
    return (region, try RingHeader.create(in: region.bytes, geometry))
  }

  private static func number(_ span: borrowing RawSpan) -> UInt64 {
    span.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
  }

  private static func next(_ consumer: inout FanInConsumer<Spin>) throws -> UInt64 {
    var number: UInt64 = .max
    try consumer.receive { number = Self.number($0) }
    return number
  }

  private static func send(_ producer: inout FanInProducer<Spin>, _ number: UInt64) throws {
    try producer.send(8) { $0.storeBytes(of: number, as: UInt64.self) }
  }

  /// The pid of a process that has ended.
  private static func deadProcess() throws -> UInt64 {
    let process = try Process.run(URL(fileURLWithPath: "/bin/true"), arguments: [])
    process.waitUntilExit()
    return UInt64(process.processIdentifier)
  }

  /// As if the producer had been killed.
  private static func kill(_ index: Int, _ header: RingHeader) throws {
    let pid = header.word(
      RingHeader.Offset.producers + index * RingHeader.Offset.producerStride + PeerWatchOffsets.pid)
    // The other half says in whose numbers.
    let namespace = pid.pointee.load(ordering: .acquiring) >> 32
    pid.pointee.store(namespace << 32 | (try deadProcess()), ordering: .releasing)
  }

  private enum PeerWatchOffsets { static var pid: Int { 8 } }

  @Test func messagesOfSeveralProducersArriveInTheOrderOfTheirClaims() throws {
    let (region, header) = try makeRing()
    var first = try FanInProducer<Spin>(header)
    var second = try FanInProducer<Spin>(header)
    var consumer = try FanInConsumer<Spin>(header, producerCount: 2)
    for round in 0..<100 as Range<UInt64> {
      try Self.send(&first, 3 * round)
      try Self.send(&second, 3 * round + 1)
      try Self.send(&first, 3 * round + 2)
      for offset in 0..<3 as Range<UInt64> { #expect(try Self.next(&consumer) == 3 * round + offset) }
    }
    #expect(first.messageCount == 200 && second.messageCount == 100 && consumer.messageCount == 300)
    withExtendedLifetime(region) {}
  }

  @Test(arguments: [2, 4])
  func nothingIsLostAndEachProducersMessagesStayInOrder(_ producerCount: Int) throws {
    let (region, header) = try makeRing(slots: 64)
    let count: UInt64 = 20_000
    let threads = (0..<producerCount).map { index in
      Thread {
        guard var producer = try? FanInProducer<Yield>(header) else { return }
        for number in 0..<count {
          try? producer.send(16) {
            $0.storeBytes(of: UInt64(index), as: UInt64.self)
            $0.storeBytes(of: number, toByteOffset: 8, as: UInt64.self)
          }
        }
        producer.close()
      }
    }
    threads.forEach { $0.start() }
    var consumer = try FanInConsumer<Yield>(header, producerCount: producerCount)
    var expected = [UInt64](repeating: 0, count: producerCount)
    for _ in 0..<count * UInt64(producerCount) {
      var (index, number) = (0, UInt64(0))
      try consumer.receive {
        index = Int($0.unsafeLoad(as: UInt64.self))
        number = $0.unsafeLoad(fromByteOffset: 8, as: UInt64.self)
      }
      try #require(index < producerCount && number == expected[index])
      expected[index] += 1
    }
    #expect(throws: RingError.peerClosed) { try consumer.receive { _ in } }
    #expect(consumer.abandonedCount == 0)
    withExtendedLifetime(region) {}
  }

  @Test func aFullRingMakesAProducerWaitAndCountsAStall() throws {
    let (region, header) = try makeRing()
    var producer = try FanInProducer<Spin>(header, stallLimitNanoseconds: 1_000_000)
    for number in 0..<8 as Range<UInt64> { try Self.send(&producer, number) }
    #expect(throws: RingError.timedOut) { try Self.send(&producer, 8) }
    #expect(producer.stalls == 1)
    // The wait claimed nothing.
    var consumer = try FanInConsumer<Spin>(header, producerCount: 1, stallLimitNanoseconds: 1_000_000)
    for number in 0..<8 as Range<UInt64> { #expect(try Self.next(&consumer) == number) }
    try Self.send(&producer, 9)
    #expect(try Self.next(&consumer) == 9)
    withExtendedLifetime(region) {}
  }

  @Test func theEndIsSeenWhenAllProducersHaveComeAndGone() throws {
    let (region, header) = try makeRing()
    var consumer = try FanInConsumer<Spin>(header, producerCount: 2, stallLimitNanoseconds: 1_000_000)
    var first = try FanInProducer<Spin>(header)
    try Self.send(&first, 1)
    first.close()
    #expect(try Self.next(&consumer) == 1)
    #expect(throws: RingError.timedOut) { try consumer.receive { _ in } }
    var second = try FanInProducer<Spin>(header)
    try Self.send(&second, 2)
    second.close()
    #expect(try Self.next(&consumer) == 2)
    #expect(throws: RingError.peerClosed) { try consumer.receive { _ in } }
    withExtendedLifetime(region) {}
  }

  @Test func aMessageWhoseProducerDiedBeforeItWasPublishedIsSteppedOver() throws {
    let (region, header) = try makeRing()
    var victim = try FanInProducer<Spin>(header)
    var other = try FanInProducer<Spin>(header)
    var consumer = try FanInConsumer<Spin>(header, producerCount: 2, stallLimitNanoseconds: 50_000_000)
    try Self.send(&victim, 1)
    #expect(try victim.claimPosition() == 1)
    try Self.send(&other, 3)
    #expect(try Self.next(&consumer) == 1)
    try Self.kill(0, header)
    #expect(try Self.next(&consumer) == 3)
    #expect(consumer.abandonedCount == 1 && consumer.messageCount == 3)
    other.close()
    #expect(throws: RingError.peerClosed) { try consumer.receive { _ in } }
    withExtendedLifetime(region) {}
  }

  @Test func aMessageThatALivingProducerClaimedIsWaitedForThoughADeadOneHadTried() throws {
    let (region, header) = try makeRing()
    let loser = try FanInProducer<Spin>(header)
    var winner = try FanInProducer<Spin>(header)
    var consumer = try FanInConsumer<Spin>(header, producerCount: 2, stallLimitNanoseconds: 20_000_000)
    // Both were about to claim the first message; one of them got it, the other one died.
    header.claim(0).pointee.store(0, ordering: .releasing)
    #expect(try winner.claimPosition() == 0)
    try Self.kill(0, header)
    #expect(throws: RingError.timedOut) { try consumer.receive { _ in } }
    #expect(consumer.abandonedCount == 0)
    MessageRing.slotWord(header.slots).pointee.store(MessageRing.sequence(0), ordering: .releasing)
    winner.finishClaim()
    try consumer.receive { #expect($0.byteCount == 0) }
    _ = loser.capacity
    withExtendedLifetime(region) {}
  }

  @Test func aRingHasALimitedNumberOfProducers() throws {
    let (region, header) = try makeRing()
    for _ in 0..<FanInRing.mostProducers { try FanInProducer<Spin>(header).close() }
    do {
      _ = try FanInProducer<Spin>(header)
      Issue.record("a seventeenth producer was accepted")
    } catch {
      #expect(error.description.contains("16 producers"))
    }
    #expect(RingHeader.Offset.producers + FanInRing.mostProducers * RingHeader.Offset.producerStride <= 4096)
    withExtendedLifetime(region) {}
  }

  @Test func impossibleLengthsAndIndicesAreCorruption() throws {
    let (region, header) = try makeRing()
    var consumer = try FanInConsumer<Spin>(header, producerCount: 1)
    MessageRing.slotWord(header.slots).pointee.store(1 | 17 << 32, ordering: .releasing)
    #expect(throws: RingError.corrupted) { try consumer.receive { _ in } }
    var producer = try FanInProducer<Spin>(header, stallLimitNanoseconds: 1_000_000)
    for index in [1000, UInt64(bitPattern: -9)] {
      header.word(RingHeader.Offset.tail).pointee.store(8, ordering: .releasing)
      header.word(RingHeader.Offset.head).pointee.store(index, ordering: .releasing)
      #expect(throws: RingError.corrupted) { try Self.send(&producer, 1) }
    }
    #expect(throws: RingError.messageTooLarge) { try producer.send(17) { _ in } }
    withExtendedLifetime(region) {}
  }
}
