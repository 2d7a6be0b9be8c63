import LinuxIPC
import Synchronization

/// A slot lent to the producer, to be filled at leisure.
///
/// The loan cannot outlive the ring nor exist twice, and the ring cannot be used while it is out: the compiler
/// sees to it. It ends with `commit()`; a loan that is dropped publishes an aborted slot, over which the
/// consumer steps.
@frozen public struct SendLoan<Wait: WaitStrategy>: ~Copyable, ~Escapable {
  @usableFromInline let slot: UnsafeMutableRawPointer
  @usableFromInline let payload: UnsafeMutableRawPointer
  @usableFromInline let position: UInt64
  @usableFromInline let spot: SleepingSpot
  public let byteCount: Int

  @inlinable @_lifetime(&producer)
  init(_ producer: inout MessageProducer<Wait>, _ byteCount: Int) throws(RingError) {
    slot = try producer.claim(byteCount)
    payload = slot + producer.payloadOffset
    position = producer.position
    spot = producer.consumerSpot
    self.byteCount = byteCount
    producer.advance()
  }

  /// The payload, uninitialised or holding what an earlier message left.
  @inlinable public var bytes: MutableRawSpan {
    @_lifetime(&self)
    mutating get {
      let span = MutableRawSpan(_unsafeStart: payload, byteCount: byteCount)
      return _overrideLifetime(span, mutating: &self)
    }
  }

  /// Publishes the message.
  @inlinable public consuming func commit() {
    publish(UInt64(byteCount))
    discard self
  }

  /// Gives the slot up. The same as dropping the loan, said aloud.
  @inlinable public consuming func abort() {}

  @inlinable deinit { publish(MessageRing.aborted >> 32) }

  @inlinable func publish(_ length: UInt64) {
    MessageRing.slotWord(slot).pointee.store(
      MessageRing.sequence(position) | length << 32, ordering: .releasing)
    if Wait.sleeps { spot.wakeSleeper() }
  }
}

/// A message lent to the consumer. It goes back when the loan is released or dropped.
@frozen public struct ReceiveLoan<Wait: WaitStrategy>: ~Copyable, ~Escapable {
  @usableFromInline let payload: UnsafeRawPointer
  @usableFromInline let header: RingHeader
  @usableFromInline let spot: SleepingSpot
  /// The consumer's index to publish, nil while the quarter is not complete.
  @usableFromInline let head: UInt64?
  public let byteCount: Int

  @inlinable @_lifetime(&consumer)
  init(_ consumer: inout MessageConsumer<Wait>) throws(RingError) {
    let (payload, byteCount) = try consumer.take()
    self.payload = payload
    self.byteCount = byteCount
    header = consumer.header
    spot = consumer.producerSpot
    head = consumer.position & consumer.releaseMask == 0 ? consumer.position : nil
  }

  @inlinable public var bytes: RawSpan {
    @_lifetime(borrow self)
    borrowing get {
      _overrideLifetime(RawSpan(_unsafeStart: payload, byteCount: byteCount), borrowing: self)
    }
  }

  @inlinable public consuming func release() {}

  @inlinable deinit {
    guard let head else { return }
    header.word(RingHeader.Offset.head).pointee.store(head, ordering: .releasing)
    if Wait.sleeps { spot.wakeSleeper() }
  }
}

extension MessageProducer {
  /// Borrows the next slot for a message of `byteCount` bytes; waits for one by the ring's strategy.
  @inlinable @_lifetime(&self)
  public mutating func reserve(_ byteCount: Int) throws(RingError) -> SendLoan<Wait> {
    try SendLoan(&self, byteCount)
  }
}

extension MessageConsumer {
  /// Borrows the next message; waits for it by the ring's strategy.
  @inlinable @_lifetime(&self)
  public mutating func peek() throws(RingError) -> ReceiveLoan<Wait> { try ReceiveLoan(&self) }
}
