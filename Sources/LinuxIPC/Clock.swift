import CLinuxShims
import Glibc

/// The clock of a run: one for both sides of a host.
///
/// Where the kernel trusts the time-stamp counter, or the processor declares it constant and non-stop under a
/// paravirtual clock, readings are raw ticks, converted with a rate measured against CLOCK_MONOTONIC_RAW.
/// Elsewhere they are CLOCK_MONOTONIC nanoseconds. The struct is a plain value that both sides inherit, so
/// that they convert alike.
public struct Clock: Sendable, BitwiseCopyable, Codable {
  public enum Source: UInt8, Sendable, BitwiseCopyable, Codable {
    case ticks
    case monotonic
  }

  public let source: Source
  /// Nanoseconds = ticks × multiplier / 2³².
  @usableFromInline let multiplier: UInt64
  public let ticksPerSecond: Double

  public init(source: Source, ticksPerSecond: Double) {
    self.source = source
    self.ticksPerSecond = ticksPerSecond
    multiplier = UInt64((1e9 / ticksPerSecond) * 4_294_967_296)
  }

  /// A reading in ticks of this clock.
  @inlinable @inline(__always) public func now() -> UInt64 {
    source == .ticks ? ipcb_ticks() : Clock.monotonicNanoseconds()
  }

  @inlinable @inline(__always) public func nanoseconds(_ ticks: UInt64) -> UInt64 {
    let product = ticks.multipliedFullWidth(by: multiplier)
    return (product.high << 32) | (product.low >> 32)
  }

  public func ticks(nanoseconds: Double) -> UInt64 { UInt64(max(0, nanoseconds) * ticksPerSecond / 1e9) }

  /// CLOCK_MONOTONIC in nanoseconds.
  public static func monotonicNanoseconds() -> UInt64 { read(CLOCK_MONOTONIC) }

  static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  /// `tsc` or `monotonic`, as results record it.
  public var name: String { source == .ticks ? "tsc" : "monotonic" }
}

extension Clock {
  /// Chooses the clock of this machine; takes about 20 ms where it has to measure the counter's rate.
  public static func choose() -> Clock {
    guard counterIsInvariant() else { return Clock(source: .monotonic, ticksPerSecond: 1e9) }
    return Clock(source: .ticks, ticksPerSecond: measureRate())
  }

  /// Whether the counter ticks alike on every CPU and in every power state.
  static func counterIsInvariant() -> Bool {
    guard ipcb_ticks_supported() == 1 else { return false }
    #if arch(arm64)
      return true
    #else
      let current = TextFile.read("/sys/devices/system/clocksource/clocksource0/current_clocksource")
      if current == "tsc" { return true }
      guard current == "kvm-clock", let text = TextFile.read("/proc/cpuinfo") else { return false }
      return text.contains("constant_tsc") && text.contains("nonstop_tsc")
    #endif
  }

  private static func measureRate() -> Double {
    let first = pair()
    usleep(20_000)
    let second = pair()
    return Double(second.ticks - first.ticks) * 1e9 / Double(second.nanoseconds - first.nanoseconds)
  }

  /// One instant on both clocks: of several tries the one whose two counter readings lie closest together.
  private static func pair() -> (ticks: UInt64, nanoseconds: UInt64) {
    var best = (ticks: UInt64(0), nanoseconds: UInt64(0))
    var narrowest = UInt64.max
    for _ in 0..<32 {
      let before = ipcb_ticks()
      let nanoseconds = read(CLOCK_MONOTONIC_RAW)
      let after = ipcb_ticks()
      if after - before < narrowest {
        narrowest = after - before
        best = (before + (after - before) / 2, nanoseconds)
      }
    }
    return best
  }

  /// What a reading costs and the smallest step it can show, in nanoseconds: means over a thousand readings.
  public func characterise() -> (readCostNanoseconds: Double, resolutionNanoseconds: Double) {
    let rounds = 10_000
    let start = now()
    var previous = start
    var smallest = UInt64.max
    for _ in 0..<rounds {
      let reading = now()
      if reading > previous { smallest = min(smallest, reading - previous) }
      previous = reading
    }
    let cost = Double(previous - start) * 1e9 / ticksPerSecond / Double(rounds)
    // Some processors' counters advance in steps of many ticks; what counts is the smallest step seen.
    return (cost, smallest == .max ? cost : Double(smallest) * 1e9 / ticksPerSecond)
  }
}
