import LinuxIPC

/// A histogram of nanoseconds in memory that outlives its writer.
///
/// The layout is HdrHistogram's with three significant digits from 1 ns to 60 s: values below 2,048 are counted
/// exactly, larger ones in 1,024 steps per power of two. Recording is two shifts and an addition; it allocates
/// nothing, and the memory does not grow with the number of samples. One process writes; others read after it
/// has ended.
///
/// Source: G. Tene, HdrHistogram; the same indexing as `Histogram` of hdrhistogram-swift.
public struct SharedHistogram: Sendable {
  @usableFromInline nonisolated(unsafe) let words: UnsafeMutablePointer<UInt64>

  /// - Parameter address: `byteCount` zeroed bytes, aligned to 8.
  public init(at address: UnsafeMutableRawPointer) {
    words = address.assumingMemoryBound(to: UInt64.self)
  }

  @inlinable static var halfMagnitude: Int { 10 }
  /// Values from here on are counted as this one and show in `maximum`: 60 s.
  @inlinable public static var highestTrackable: UInt64 { 60_000_000_000 }
  /// Buckets that cover `highestTrackable`: 2,048 × 2²⁵ > 60 × 10⁹.
  @inlinable static var bucketCount: Int { 26 }
  @inlinable public static var slotCount: Int { (bucketCount + 1) << halfMagnitude }
  /// Words in front of the counts: minimum (inverted, so that zeroed memory is empty), maximum, sum.
  @inlinable static var prefixCount: Int { 3 }
  @inlinable public static var byteCount: Int { (prefixCount + slotCount) * 8 }

  @inlinable @inline(__always)
  public func record(_ nanoseconds: UInt64) {
    words[0] = Swift.max(words[0], ~nanoseconds)
    words[1] = Swift.max(words[1], nanoseconds)
    words[2] &+= nanoseconds
    words[SharedHistogram.prefixCount &+ SharedHistogram.index(of: nanoseconds)] &+= 1
  }

  @inlinable @inline(__always)
  static func index(of nanoseconds: UInt64) -> Int {
    let value = Swift.min(nanoseconds, highestTrackable)
    let bucket = 53 &- (value | 2047).leadingZeroBitCount
    let sub = Int(truncatingIfNeeded: value &>> UInt64(truncatingIfNeeded: bucket))
    return ((bucket &+ 1) &<< halfMagnitude) &+ sub &- (1 &<< halfMagnitude)
  }

  /// The lowest value counted in a slot.
  static func value(at index: Int) -> UInt64 {
    let bucket = Swift.max(0, (index >> halfMagnitude) - 1)
    let sub = index - (bucket << halfMagnitude)
    return UInt64(sub) << UInt64(bucket)
  }

  public func reset() { words.update(repeating: 0, count: Self.byteCount / 8) }

  /// What was recorded: values and counts of the slots in use.
  public struct Snapshot: Sendable {
    public var values: [UInt64] = []
    public var counts: [UInt64] = []
    public var minimum: UInt64 = 0
    public var maximum: UInt64 = 0
    public var sum: UInt64 = 0
    public var totalCount: UInt64 = 0

    public init() {}

    /// All of several.
    public init(merging parts: [Snapshot]) {
      let recorded = parts.filter { $0.totalCount > 0 }
      var counts: [UInt64: UInt64] = [:]
      for part in recorded {
        for (value, count) in zip(part.values, part.counts) { counts[value, default: 0] += count }
      }
      values = counts.keys.sorted()
      self.counts = values.map { counts[$0] ?? 0 }
      minimum = recorded.map(\.minimum).min() ?? 0
      maximum = recorded.map(\.maximum).max() ?? 0
      sum = recorded.reduce(0) { $0 &+ $1.sum }
      totalCount = recorded.reduce(0) { $0 + $1.totalCount }
    }
  }

  public func snapshot() -> Snapshot {
    var snapshot = Snapshot()
    for index in 0..<Self.slotCount {
      let count = words[Self.prefixCount + index]
      guard count > 0 else { continue }
      snapshot.values.append(Self.value(at: index))
      snapshot.counts.append(count)
      snapshot.totalCount += count
    }
    guard snapshot.totalCount > 0 else { return snapshot }
    snapshot.minimum = ~words[0]
    snapshot.maximum = words[1]
    snapshot.sum = words[2]
    return snapshot
  }
}
