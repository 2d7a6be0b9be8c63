import CLinuxShims
import Glibc

/// How a side waits for its peer, as it is typed and recorded.
public enum WaitKind: String, CaseIterable, Codable, Sendable {
  case spin
  case yield
  case block
  case spinThenBlock = "spin-then-block"
  /// Behind a call that waits for several descriptors, as in an event loop: poll(2), epoll_wait(2), io_uring_enter(2).
  case poll
  case epoll
  case ioURing = "io-uring"

  /// Those whose exchange is `Multiplexed`.
  public var isMultiplexed: Bool { [.poll, .epoll, .ioURing].contains(self) }
}

/// What a side does between two looks at something that its peer changes.
///
/// A strategy is a type, not a flag, so that the loop around it is compiled for it alone. Strategies have no
/// state; what they wait for is the caller's.
public protocol WaitStrategy: Sendable, SendableMetatype {
  static var kind: WaitKind { get }
  /// Whether a side may go to sleep in the kernel, so that its peer has to look for a sleeper after each
  /// publication. Where it is false that look is compiled away.
  static var sleeps: Bool { get }
  /// How many looks are taken before the side goes to sleep; not used where `sleeps` is false.
  static var spinBudget: Int { get }
  /// Whether calls themselves block: there is nothing to be tried before the kernel puts the side to sleep.
  static var blocksInCalls: Bool { get }
  /// Whether a side asks the kernel for something to read before it reads.
  static var asksFirst: Bool { get }
  /// One step between two looks.
  static func relax()
  /// A look at the clock and at the peer's life is taken once every so many steps; a power of two.
  static var stepsPerCheck: Int { get }
}

extension WaitStrategy {
  @inlinable public static var blocksInCalls: Bool { sleeps && spinBudget == 0 }
  @inlinable public static var asksFirst: Bool { false }
}

/// Looks again at once. Lowest latency; burns one CPU a side for as long as it waits, and needs a CPU of its
/// own.
public enum Spin: WaitStrategy {
  @inlinable public static var kind: WaitKind { .spin }
  @inlinable public static var sleeps: Bool { false }
  @inlinable public static var spinBudget: Int { .max }
  @inlinable public static var stepsPerCheck: Int { 4096 }
  @inlinable @inline(__always) public static func relax() { ipcb_cpu_pause() }
}

/// Gives the CPU away between two looks: fair to others on the same CPU, never asleep.
public enum Yield: WaitStrategy {
  @inlinable public static var kind: WaitKind { .yield }
  @inlinable public static var sleeps: Bool { false }
  @inlinable public static var spinBudget: Int { .max }
  @inlinable public static var stepsPerCheck: Int { 256 }
  @inlinable @inline(__always) public static func relax() { sched_yield() }
}

/// Sleeps in the kernel until woken: burns nothing, and pays a system call and a wake-up.
public enum Block: WaitStrategy {
  @inlinable public static var kind: WaitKind { .block }
  @inlinable public static var sleeps: Bool { true }
  @inlinable public static var spinBudget: Int { 0 }
  @inlinable public static var stepsPerCheck: Int { 1 }
  @inlinable @inline(__always) public static func relax() {}
}

/// Spins for about 20 µs, the cost of the sleep it hopes to save, and sleeps after that.
public enum SpinThenBlock: WaitStrategy {
  @inlinable public static var kind: WaitKind { .spinThenBlock }
  @inlinable public static var sleeps: Bool { true }
  @inlinable public static var spinBudget: Int { 1000 }
  @inlinable public static var stepsPerCheck: Int { 1024 }
  @inlinable @inline(__always) public static func relax() { ipcb_cpu_pause() }
}

/// The event loop of a server: asks the kernel which descriptor is ready, and reads then what is there without blocking.
///
/// What it sleeps in is a `Multiplexer`, so that one compiled exchange serves `poll`, `epoll` and `io-uring`.
public enum Multiplexed: WaitStrategy {
  @inlinable public static var kind: WaitKind { .poll }
  @inlinable public static var sleeps: Bool { true }
  @inlinable public static var spinBudget: Int { 0 }
  @inlinable public static var stepsPerCheck: Int { 1 }
  @inlinable public static var blocksInCalls: Bool { false }
  @inlinable public static var asksFirst: Bool { true }
  @inlinable @inline(__always) public static func relax() {}
}
