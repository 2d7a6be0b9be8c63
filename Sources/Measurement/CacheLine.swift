import CLinuxShims
import Glibc
import LinuxIPC
import Synchronization

/// One word of one cache line, bounced between two CPUs: the floor of everything that goes through shared memory.
///
/// As `round-trip cache-line` of the reference programs does it: odd numbers there, even ones back, in the same word, and no
/// clock readings in between.
public enum CacheLine {
  private enum Offset {
    static var line: Int { 0 }
    static var arrivals: Int { 4096 }
    static var mean: Int { 4096 + 256 }
  }

  /// A number that ends the exchange.
  @inline(__always) private static var over: UInt64 { .max }
  private static var batchLength: UInt64 { 1000 }

  /// Mean nanoseconds of a round trip over about `nanoseconds`, after a quarter of that time as warm-up. Two processes,
  /// each pinned, are started for it and are gone afterwards.
  ///
  /// - Throws: where a CPU is not to be had, or a side does not answer for a second.
  public static func roundTrip(
    between first: Int, and second: Int, nanoseconds: UInt64, _ clock: Clock
  ) throws(SystemError) -> Double {
    let mapping = try Mapping.anonymous(byteCount: 8192)
    defer { mapping.unmap() }
    mapping.populate()
    let answering = try Processes.fork { run(on: second, mapping) { answer(mapping) } }
    let asking: Child
    do throws(SystemError) {
      asking = try Processes.fork { run(on: first, mapping) { ask(mapping, nanoseconds, clock) } }
    } catch {
      answering.kill()
      _ = try? answering.reap()
      throw error
    }
    let status = try asking.reap()
    // It has been told to end, or has nobody to wait for.
    if status != .exited(0) { answering.kill() }
    _ = try answering.reap()
    guard status == .exited(0) else {
      throw SystemError(
        "cache line", "no round trip between CPUs \(first) and \(second)", errno: .timedOut)
    }
    return (mapping.base + Offset.mean).load(as: Double.self)
  }

  private static func run(on cpu: Int, _ mapping: Mapping, _ body: () -> Bool) -> Int32 {
    StopSignal.resetInWorker()
    guard (try? Affinity.pin(to: cpu)) != nil else { return 1 }
    // Neither spins before both are where they belong.
    let arrivals = Futex(at: mapping.base + Offset.arrivals)
    let word = SharedWord(
      (mapping.base + Offset.arrivals + 128).assumingMemoryBound(to: Atomic<UInt64>.self))
    if word.pointee.add(1, ordering: .acquiringAndReleasing).newValue == 2 {
      arrivals.announce(1)
      arrivals.wake(.max)
    }
    let deadline = Clock.monotonicNanoseconds() + 1_000_000_000
    while arrivals.load() == 0 {
      arrivals.wait(while: 0, nanoseconds: 50_000_000)
      if Clock.monotonicNanoseconds() > deadline { return 1 }
    }
    return body() ? 0 : 1
  }

  private static func line(_ mapping: Mapping) -> SharedWord {
    SharedWord((mapping.base + Offset.line).assumingMemoryBound(to: Atomic<UInt64>.self))
  }

  private static func ask(_ mapping: Mapping, _ nanoseconds: UInt64, _ clock: Clock) -> Bool {
    let line = line(mapping)
    var number: UInt64 = 1
    let duration = clock.ticks(nanoseconds: Double(nanoseconds))
    var begin = clock.now()
    var finish = begin
    while finish < begin &+ duration / 4 {
      guard batch(line, &number) else { return false }
      finish = clock.now()
    }
    begin = finish
    var count: UInt64 = 0
    while finish < begin &+ duration {
      guard batch(line, &number) else { return false }
      finish = clock.now()
      count &+= batchLength
    }
    line.pointee.store(over, ordering: .releasing)
    let mean = Double(finish &- begin) * 1e9 / clock.ticksPerSecond / Double(count)
    (mapping.base + Offset.mean).storeBytes(of: mean, as: Double.self)
    return true
  }

  @inline(__always)
  private static func batch(_ line: SharedWord, _ number: inout UInt64) -> Bool {
    for _ in 0..<batchLength {
      line.pointee.store(number, ordering: .releasing)
      guard wait(line, for: number &+ 1) != nil else { return false }
      number &+= 2
    }
    return true
  }

  private static func answer(_ mapping: Mapping) -> Bool {
    let line = line(mapping)
    var number: UInt64 = 1
    while true {
      guard let found = wait(line, for: number) else { return false }
      if found == over { return true }
      line.pointee.store(number &+ 1, ordering: .releasing)
      number &+= 2
    }
  }

  /// Looks as the reference program does, and at anything else only every few thousand looks: whatever else stands in
  /// this loop changes how often the line is taken from the other side.
  ///
  /// - Returns: the number, or the one that says that it is over; nil where neither comes within a second.
  @inline(__always)
  private static func wait(_ line: SharedWord, for number: UInt64) -> UInt64? {
    var (steps, deadline): (UInt64, UInt64) = (0, 0)
    while line.pointee.load(ordering: .acquiring) != number {
      ipcb_cpu_pause()
      steps &+= 1
      if steps & 0xFFF == 0 {
        if line.pointee.load(ordering: .acquiring) == over { return over }
        let now = Clock.monotonicNanoseconds()
        if deadline == 0 { deadline = now + 1_000_000_000 }
        if now > deadline { return nil }
      }
    }
    return number
  }
}
