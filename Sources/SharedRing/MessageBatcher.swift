import LinuxIPC
import Synchronization

/// A producer of a message ring whose messages become visible together.
///
/// The word of a batch's first message is held back until `flush`, the others are stored at once: the consumer, who goes
/// by the first, sees none of them before, and one store, and one wake-up, publishes all.
public struct MessageBatcher<Wait: WaitStrategy>: ~Copyable {
  @usableFromInline var producer: MessageProducer<Wait>
  /// Of the message that is held back; nil where nothing is.
  @usableFromInline var firstSlot: UnsafeMutableRawPointer?
  @usableFromInline var firstWord: UInt64 = 0

  public init(
    _ header: RingHeader, stallLimitNanoseconds: UInt64 = 10_000_000_000
  ) throws(RingFormatError) {
    producer = try MessageProducer(header, stallLimitNanoseconds: stallLimitNanoseconds)
  }

  public var stalls: UInt64 { producer.stalls }
  public var capacity: Int { producer.capacity }

  /// Writes one message in place: `fill` gets the slot's own memory. A batch that the ring cannot hold is published in
  /// parts.
  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(RingError) {
    // Nobody makes room by reading what cannot be seen.
    if producer.position == producer.limit && producer.isFull { flush() }
    let slot = try producer.claim(byteCount)
    var payload = MutableRawSpan(_unsafeStart: slot + producer.payloadOffset, byteCount: byteCount)
    fill(&payload)
    let word = MessageRing.sequence(producer.position) | UInt64(truncatingIfNeeded: byteCount) << 32
    if firstSlot == nil {
      firstSlot = slot
      firstWord = word
    } else {
      MessageRing.slotWord(slot).pointee.store(word, ordering: .releasing)
    }
    producer.advance()
  }

  /// Makes everything that was sent visible.
  @inlinable @inline(__always)
  public mutating func flush() {
    guard let slot = firstSlot else { return }
    MessageRing.slotWord(slot).pointee.store(firstWord, ordering: .releasing)
    firstSlot = nil
    if Wait.sleeps { producer.consumerSpot.wakeSleeper() }
  }

  /// Tells the consumer that no more messages will come. What was not flushed is not sent.
  public func close() { producer.close() }
}
