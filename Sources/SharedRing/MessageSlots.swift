/// The slots of a ring whose messages are published by their slots' own words.
@usableFromInline struct MessageSlots: Sendable {
  @usableFromInline nonisolated(unsafe) let base: UnsafeMutableRawPointer
  @usableFromInline let mask: UInt64
  @usableFromInline let stride: Int
  /// Where a message begins in its slot.
  @usableFromInline let payloadOffset: Int

  @usableFromInline init(_ header: RingHeader) {
    base = header.slots
    mask = UInt64(header.geometry.slotCount) - 1
    stride = header.geometry.stride
    payloadOffset = header.geometry.payloadOffset
  }

  @inlinable @inline(__always) var count: UInt64 { mask &+ 1 }

  @inlinable @inline(__always)
  func slot(_ position: UInt64) -> UnsafeMutableRawPointer {
    base + Int(truncatingIfNeeded: position & mask) &* stride
  }

  /// Memory for a message, or the message itself; its length was checked against the ring's capacity.
  @inlinable @inline(__always)
  func payload(of slot: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer { slot + payloadOffset }
}
