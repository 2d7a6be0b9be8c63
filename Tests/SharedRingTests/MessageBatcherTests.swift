import LinuxIPC
import Testing

@testable import SharedRing

struct MessageBatcherTests {
  private func makeRing(slots: Int = 8) throws -> (Region, RingHeader) {
    let geometry = RingGeometry(kind: .messages, slotCount: slots, capacity: 100)
    let region = Region(geometry.byteCount)
    return (region, try RingHeader.create(in: region.bytes, geometry))
  }

  private func send(_ value: UInt64, _ batcher: inout MessageBatcher<Spin>) throws {
    try batcher.send(8) { $0.storeBytes(of: value, toByteOffset: 0, as: UInt64.self) }
  }

  private func receive(_ consumer: inout MessageConsumer<Spin>) throws -> UInt64 {
    var value: UInt64 = 0
    try consumer.receive { value = $0.unsafeLoad(fromByteOffset: 0, as: UInt64.self) }
    return value
  }

  @Test func aBatchIsSeenWhenItIsFlushedAndNotBefore() throws {
    let (region, header) = try makeRing()
    var batcher = try MessageBatcher<Spin>(header)
    var consumer = try MessageConsumer<Spin>(header, stallLimitNanoseconds: 1_000_000)
    var (next, expected): (UInt64, UInt64) = (0, 0)
    // Batches of every size that fits, with what the consumer has not yet handed back, over many laps.
    for count in (0..<200).map({ $0 % 6 + 1 }) {
      for _ in 0..<count {
        try send(next, &batcher)
        next += 1
      }
      #expect(throws: RingError.timedOut) { _ = try self.receive(&consumer) }
      batcher.flush()
      batcher.flush()
      for _ in 0..<count {
        #expect(try receive(&consumer) == expected)
        expected += 1
      }
    }
    withExtendedLifetime(region) {}
  }

  /// What cannot be seen is never read: a producer that waited for room first would wait for ever.
  @Test func aBatchThatTheRingCannotHoldIsPublishedBeforeTheProducerWaits() throws {
    let (region, header) = try makeRing(slots: 4)
    var batcher = try MessageBatcher<Spin>(header, stallLimitNanoseconds: 1_000_000)
    var consumer = try MessageConsumer<Spin>(header)
    for value in 0..<4 { try send(UInt64(value), &batcher) }
    #expect(throws: RingError.timedOut) { try self.send(4, &batcher) }
    for value in 0..<4 { #expect(try receive(&consumer) == UInt64(value)) }
    try send(4, &batcher)
    batcher.flush()
    #expect(try receive(&consumer) == 4)
    withExtendedLifetime(region) {}
  }

  @Test func whatWasNotFlushedIsNotSent() throws {
    let (region, header) = try makeRing()
    var batcher = try MessageBatcher<Spin>(header)
    var consumer = try MessageConsumer<Spin>(header)
    try send(1, &batcher)
    batcher.flush()
    try send(2, &batcher)
    try send(3, &batcher)
    batcher.close()
    #expect(try receive(&consumer) == 1)
    #expect(throws: RingError.peerClosed) { _ = try self.receive(&consumer) }
    withExtendedLifetime(region) {}
  }
}
