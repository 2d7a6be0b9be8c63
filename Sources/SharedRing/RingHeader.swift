import LinuxIPC
import Synchronization

/// A word that both sides see. Every access spells its ordering.
@usableFromInline typealias SharedHalfWord = UnsafePointer<Atomic<UInt32>>

/// Which ring a region holds; written into its header.
public enum RingKind: UInt32, Sendable {
  case messages = 1
  case records = 2
  /// Several producers, one consumer.
  case fanIn = 3
  /// One producer, several consumers that it does not wait for.
  case broadcast = 4
}

/// Size and shape of a ring. Fixed at creation; both sides work with a checked copy of their own.
public struct RingGeometry: Sendable, Equatable {
  public let kind: RingKind
  /// Slots, a power of two.
  public let slotCount: Int
  /// Largest message, or size of each record of a record ring, in bytes.
  public let capacity: Int

  /// - Parameters:
  ///   - slotCount: rounded up to a power of two, at least 2.
  ///   - capacity: bytes; at least 1.
  public init(kind: RingKind, slotCount: Int, capacity: Int) {
    self.kind = kind
    self.slotCount = max(2, slotCount).roundedUpToPowerOfTwo
    self.capacity = max(1, capacity)
  }

  /// Bytes from one slot to the next.
  ///
  /// A message's slot starts with a cache line of its own whose last word publishes it. Messages of up to 56
  /// bytes lie in that line, right before the word; larger ones begin in the next line. So no store of a payload
  /// crosses into the line that the other side watches (measured: a vectorised fill that does costs up to
  /// 80 % of a round trip), and stores go up through the addresses, the word last (a third more messages per
  /// second than any other order). Records lie side by side: they are published by an index elsewhere.
  public var stride: Int {
    switch kind {
    case .messages, .fanIn, .broadcast:
      RingHeader.cacheLine + (fitsIntoFirstLine ? 0 : capacity.roundedUp(to: RingHeader.cacheLine))
    case .records: capacity
    }
  }

  /// Where a message begins in its slot.
  public var payloadOffset: Int {
    switch kind {
    case .messages, .fanIn, .broadcast:
      fitsIntoFirstLine ? RingHeader.slotWordOffset - capacity.roundedUp(to: 8) : RingHeader.cacheLine
    case .records: 0
    }
  }

  private var fitsIntoFirstLine: Bool { capacity <= RingHeader.slotWordOffset }

  /// Bytes of memory the ring needs, header included.
  public var byteCount: Int { RingHeader.byteCount + slotCount * stride }
}

/// The first page of a ring.
///
/// Words that different processes write are 128 bytes apart: processors fetch lines in pairs. A side reads
/// nothing here that it could be misled by more than once: geometry is copied and checked when attaching,
/// indices are read into a local and checked before use.
public struct RingHeader: Sendable {
  @usableFromInline nonisolated(unsafe) let base: UnsafeMutableRawPointer
  public let geometry: RingGeometry

  /// Offsets in bytes. The first 64 bytes are written by the creator only.
  public enum Offset {
    public static var magic: Int { 0 }
    public static var version: Int { 8 }
    public static var kind: Int { 12 }
    public static var slotCount: Int { 16 }
    public static var capacity: Int { 24 }
    /// Written by the producer.
    @inlinable public static var tail: Int { 128 }
    @inlinable public static var producerSide: Int { 256 }
    /// Written by the consumer.
    @inlinable public static var head: Int { 384 }
    @inlinable public static var consumerSide: Int { 512 }
    /// Set by the side that goes to sleep, cleared by the one that wakes it.
    @inlinable public static var consumerSleeps: Int { 640 }
    @inlinable public static var producerSleeps: Int { 768 }
    /// Where there are several producers: their sides, and 64 bytes further what each is claiming.
    @inlinable public static var producers: Int { 1024 }
    @inlinable public static var producerStride: Int { 128 }
    @inlinable public static var claim: Int { 64 }
  }

  @inlinable static var byteCount: Int { 4096 }
  @inlinable static var cacheLine: Int { 64 }
  @inlinable static var slotWordOffset: Int { 56 }
  static var magic: UInt64 { 0x676e_6952_6263_7069 }  // "ipcbRing"
  static var version: UInt32 { 1 }

  /// Makes an empty ring in zeroed memory.
  ///
  /// - Parameter region: at least `geometry.byteCount` bytes, aligned to 128.
  public static func create(
    in region: UnsafeMutableRawBufferPointer, _ geometry: RingGeometry
  ) throws(RingFormatError) -> RingHeader {
    guard let base = region.baseAddress, region.count >= geometry.byteCount else {
      throw RingFormatError("A ring of \(geometry.byteCount) bytes does not fit into \(region.count) bytes.")
    }
    base.storeBytes(of: version, toByteOffset: Offset.version, as: UInt32.self)
    base.storeBytes(of: geometry.kind.rawValue, toByteOffset: Offset.kind, as: UInt32.self)
    base.storeBytes(of: UInt64(geometry.slotCount), toByteOffset: Offset.slotCount, as: UInt64.self)
    base.storeBytes(of: UInt64(geometry.capacity), toByteOffset: Offset.capacity, as: UInt64.self)
    let header = RingHeader(base: base, geometry: geometry)
    // Last and with release: who sees the magic number sees the rest.
    header.word(Offset.magic).pointee.store(magic, ordering: .releasing)
    return header
  }

  /// Finds the ring that somebody else made in a region, and believes none of it unchecked.
  public static func find(
    in region: UnsafeMutableRawBufferPointer, _ kind: RingKind
  ) throws(RingFormatError) -> RingHeader {
    guard let base = region.baseAddress, region.count >= byteCount else {
      throw RingFormatError("\(region.count) bytes are too few for a ring.")
    }
    let candidate = RingHeader(base: base, geometry: RingGeometry(kind: kind, slotCount: 2, capacity: 1))
    guard candidate.word(Offset.magic).pointee.load(ordering: .acquiring) == magic else {
      throw RingFormatError("This memory holds no ring (its magic number is missing).")
    }
    let found = base.load(fromByteOffset: Offset.version, as: UInt32.self)
    guard found == version else {
      throw RingFormatError("The ring has layout version \(found), this side speaks version \(version).")
    }
    guard base.load(fromByteOffset: Offset.kind, as: UInt32.self) == kind.rawValue else {
      throw RingFormatError("The ring is not of the kind this side expects (\(kind)).")
    }
    let slotCount = base.load(fromByteOffset: Offset.slotCount, as: UInt64.self)
    let capacity = base.load(fromByteOffset: Offset.capacity, as: UInt64.self)
    return RingHeader(base: base, geometry: try checked(kind, slotCount, capacity, region.count))
  }

  private static func checked(
    _ kind: RingKind, _ slotCount: UInt64, _ capacity: UInt64, _ available: Int
  ) throws(RingFormatError) -> RingGeometry {
    // Each bound also keeps the products below from overflowing.
    guard slotCount.nonzeroBitCount == 1, slotCount >= 2, slotCount <= UInt64(available),
      capacity >= 1, capacity <= UInt64(available)
    else { throw RingFormatError("The ring's geometry is damaged: \(slotCount) slots of \(capacity) bytes.") }
    let geometry = RingGeometry(kind: kind, slotCount: Int(slotCount), capacity: Int(capacity))
    let (slots, overflow) = geometry.slotCount.multipliedReportingOverflow(by: geometry.stride)
    guard !overflow, slots <= available - byteCount else {
      throw RingFormatError("The ring claims more memory than it has (\(available) bytes).")
    }
    return geometry
  }

  /// The first slot.
  @inlinable var slots: UnsafeMutableRawPointer { base + RingHeader.byteCount }

  @inlinable @inline(__always) func word(_ offset: Int) -> SharedWord {
    SharedWord((base + offset).assumingMemoryBound(to: Atomic<UInt64>.self))
  }
}

extension Int {
  var roundedUpToPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
  func roundedUp(to multiple: Int) -> Int { (self + multiple - 1) / multiple * multiple }
}
