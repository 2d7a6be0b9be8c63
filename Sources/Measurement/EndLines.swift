import LinuxIPC

/// Words of the control page by which the sides of a phase tell each other that it is over, each on a pair of cache lines
/// of its own.
public struct EndLines: Sendable, BitwiseCopyable {
  private nonisolated(unsafe) let base: UnsafeMutableRawPointer
  private static var stride: Int { 128 }

  init(at base: UnsafeMutableRawPointer) { self.base = base }

  /// Set when an end mark has arrived: by the consumer of this rank, and in a fan-in for the producer of this rank.
  public func seen(_ rank: Int) -> Futex { Futex(at: base + (1 + rank) * Self.stride) }

  /// Set by the consumer of a fan-in when it has what it wanted.
  public var enough: Futex { Futex(at: base) }
}

/// What the consumer of a fan-in counted, by producer; plain memory, which the harness reads when it has ended.
public struct FanInTally: Sendable, BitwiseCopyable {
  @usableFromInline nonisolated(unsafe) let words: UnsafeMutablePointer<UInt64>

  init(at base: UnsafeMutableRawPointer) { words = base.assumingMemoryBound(to: UInt64.self) }

  /// Messages that came while all producers were sending.
  public subscript(producer rank: Int) -> UInt64 {
    get { words[rank] }
    nonmutating set { words[rank] = newValue }
  }

  /// When the last of these came, in ticks.
  public var endTicks: UInt64 {
    get { words[16] }
    nonmutating set { words[16] = newValue }
  }
}
