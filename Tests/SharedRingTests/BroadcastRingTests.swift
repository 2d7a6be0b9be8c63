import Foundation
import LinuxIPC
import Testing

@testable import SharedRing

/// One producer, several consumers that it does not wait for.
struct BroadcastRingTests {
  private func makeRing(capacity: Int = 100, slots: Int = 8) throws -> (Region, RingHeader) {
    let geometry = RingGeometry(kind: .broadcast, slotCount: slots, capacity: capacity)
    let region = Region(geometry.byteCount)
    return (region, try RingHeader.create(in: region.bytes, geometry))
  }

  private static func next(_ consumer: inout BroadcastConsumer<Spin>) throws -> UInt64 {
    var number: UInt64 = .max
    try consumer.receive { number = $0.unsafeLoad(as: UInt64.self) }
    return number
  }

  private static func send(_ producer: inout BroadcastProducer<Spin>, _ number: UInt64) throws {
    try producer.send(8) { $0.storeBytes(of: number, as: UInt64.self) }
  }

  @Test func everyConsumerGetsEveryMessage() throws {
    let (region, header) = try makeRing()
    var producer = try BroadcastProducer<Spin>(header)
    var first = try BroadcastConsumer<Spin>(header)
    var second = try BroadcastConsumer<Spin>(header)
    for number in 0..<100 as Range<UInt64> {
      try Self.send(&producer, number)
      #expect(try Self.next(&first) == number)
      if number % 4 == 3 { for late in number - 3...number { #expect(try Self.next(&second) == late) } }
    }
    #expect(first.lostCount == 0 && second.lostCount == 0)
    withExtendedLifetime(region) {}
  }

  @Test func whoComesLaterGetsWhatIsSentFromThenOn() throws {
    let (region, header) = try makeRing()
    var producer = try BroadcastProducer<Spin>(header)
    for number in 0..<5 as Range<UInt64> { try Self.send(&producer, number) }
    var consumer = try BroadcastConsumer<Spin>(header)
    try Self.send(&producer, 5)
    #expect(try Self.next(&consumer) == 5)
    withExtendedLifetime(region) {}
  }

  @Test func aSlowConsumerIsOverrunAndToldHowMuchItHasLost() throws {
    let (region, header) = try makeRing()
    var producer = try BroadcastProducer<Spin>(header)
    var consumer = try BroadcastConsumer<Spin>(header)
    for number in 0..<100 as Range<UInt64> { try Self.send(&producer, number) }
    // It goes on in the middle of what is still there.
    #expect(try Self.next(&consumer) == 96)
    #expect(consumer.lostCount == 96 && consumer.overrunCount == 1)
    for number in 97..<100 as Range<UInt64> { #expect(try Self.next(&consumer) == number) }
    #expect(consumer.nextPosition == producer.messageCount)
    withExtendedLifetime(region) {}
  }

  @Test func whatIsShownIsWhatWasSentThoughTheProducerNeverWaits() throws {
    let (region, header) = try makeRing(capacity: 512, slots: 4)
    let count: UInt64 = 200_000
    let thread = Thread {
      guard var producer = try? BroadcastProducer<Spin>(header) else { return }
      for number in 0..<count {
        try? producer.send(512) { span in
          for offset in stride(from: 0, to: 512, by: 8) {
            span.storeBytes(of: number, toByteOffset: offset, as: UInt64.self)
          }
        }
      }
      producer.close()
    }
    var consumer = try BroadcastConsumer<Yield>(header)
    thread.start()
    var (received, last) = (UInt64(0), UInt64.max)
    do {
      while true {
        var (first, isWhole) = (UInt64(0), true)
        try consumer.receive { span in
          first = span.unsafeLoad(as: UInt64.self)
          for offset in stride(from: 0, to: 512, by: 8)
          where span.unsafeLoad(fromByteOffset: offset, as: UInt64.self) != first { isWhole = false }
        }
        try #require(isWhole && first &+ 1 > last &+ 1)
        (received, last) = (received + 1, first)
      }
    } catch RingError.peerClosed {
      #expect(received + consumer.lostCount == count)
      #expect(last == count - 1)
    }
    withExtendedLifetime(region) {}
  }

  @Test func aClosedProducerIsSeenAfterItsLastMessage() throws {
    let (region, header) = try makeRing()
    var producer = try BroadcastProducer<Spin>(header)
    var consumer = try BroadcastConsumer<Spin>(header, stallLimitNanoseconds: 1_000_000)
    #expect(throws: RingError.timedOut) { try consumer.receive { _ in } }
    try Self.send(&producer, 1)
    producer.close()
    #expect(try Self.next(&consumer) == 1)
    #expect(throws: RingError.peerClosed) { try consumer.receive { _ in } }
    withExtendedLifetime(region) {}
  }

  @Test func impossibleLengthsAndIndicesAreCorruption() throws {
    let (region, header) = try makeRing()
    var producer = try BroadcastProducer<Spin>(header)
    #expect(throws: RingError.messageTooLarge) { try producer.send(101) { _ in } }
    var consumer = try BroadcastConsumer<Spin>(header, stallLimitNanoseconds: 1_000_000)
    MessageRing.slotWord(header.slots).pointee.store(1 | 101 << 32, ordering: .releasing)
    #expect(throws: RingError.corrupted) { try consumer.receive { _ in } }
    withExtendedLifetime(region) {}
  }
}
