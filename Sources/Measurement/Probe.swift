import CLinuxShims
import Glibc
import IPCTransport
import LinuxIPC
import Synchronization

/// What the machine itself does just before and just after a trial, on the trial's own CPUs.
///
/// On virtual machines the host moves CPUs between hardware threads in the middle of everything; the cache-line
/// round trip is what shows it (210–255 ns against 38 ns).
public struct ProbeReport: Sendable, BitwiseCopyable, Codable {
  /// Median of the batches' mean round trip of one cache line between the two workers; 0 where it was not
  /// measured (one CPU for both).
  public var cacheLineNanoseconds: Double = 0
  /// Median time of a fixed loop of dependent multiplications.
  public var arithmeticNanoseconds: Double = 0
  /// The peer's clock minus this one's, and by how much that may be wrong.
  public var clockOffsetNanoseconds: Double = 0
  public var clockOffsetErrorNanoseconds: Double = 0
}

enum Probe {
  /// Batches whose median is reported, and round trips in each.
  private static var batchCount: Int { 16 }
  private static var batchLength: UInt64 { 200 }
  private static var deadlineNanoseconds: UInt64 { 20_000_000 }

  /// All workers call this at the same point; about a millisecond. Where there are several of a role, the cache line goes
  /// between the first of each, while the others are idle.
  static func run(_ page: ControlPage, _ seat: Seat, _ settings: TrialSettings) -> ProbeReport {
    var report = ProbeReport()
    let clock = settings.clock
    report.arithmeticNanoseconds = arithmetic(clock)
    guard page.barrier(seat, settings.crew) else { return report }
    if settings.cpusAreDistinct && seat.rank == 0 {
      if seat.role == .producer {
        initiate(page, clock, &report)
      } else {
        respond(page, clock)
      }
    }
    if settings.crew != .pair { _ = page.barrier(seat, settings.crew) }
    return report
  }

  private static func arithmetic(_ clock: Clock) -> Double {
    var times: [Double] = []
    for _ in 0..<9 {
      let start = clock.now()
      var value = start | 1
      for _ in 0..<ArithmeticChain.probeSteps { value = value &* 0x9E37_79B9_7F4A_7C15 &+ 1 }
      sink(value)
      times.append(Double(clock.nanoseconds(clock.now() &- start)))
    }
    return median(times)
  }

  /// Keeps the optimiser from dropping a computation.
  @inline(never) private static func sink(_ value: UInt64) {
    if value == 0 { sched_yield() }
  }

  /// Sends numbers in one line and waits for them in the other; 0 says that it is over.
  private static func initiate(_ page: ControlPage, _ clock: Clock, _ report: inout ProbeReport) {
    let (there, back) = page.probeLines
    let deadline = Clock.monotonicNanoseconds() + deadlineNanoseconds
    var token: UInt64 = 0
    var means: [Double] = []
    var (narrowest, offset) = (UInt64.max, 0.0)
    for _ in 0..<batchCount {
      let start = clock.now()
      for _ in 0..<batchLength {
        token &+= 1
        there.pointee.store(token, ordering: .releasing)
        guard spin(until: deadline, { back.pointee.load(ordering: .acquiring) == token }) else { return }
      }
      means.append(Double(clock.nanoseconds(clock.now() &- start)) / Double(batchLength))
    }
    for _ in 0..<256 {
      token &+= 1
      let sent = clock.now()
      there.pointee.store(token | stampRequest, ordering: .releasing)
      var reply: UInt64 = 0
      guard
        spin(
          until: deadline,
          {
            reply = back.pointee.load(ordering: .acquiring)
            return reply & stampRequest != 0 && reply & ~stampRequest != 0
          })
      else { return }
      let received = clock.now()
      if received &- sent < narrowest {
        narrowest = received &- sent
        // Cristian's algorithm: the peer read its clock somewhere between our two readings.
        let middle = sent &+ narrowest / 2
        let ticks = Int64(bitPattern: (reply & ~stampRequest) &- (middle & ~stampRequest))
        offset = Double(ticks) * 1e9 / clock.ticksPerSecond
      }
      back.pointee.store(0, ordering: .releasing)
    }
    there.pointee.store(.max, ordering: .releasing)
    report.cacheLineNanoseconds = median(means)
    report.clockOffsetNanoseconds = offset
    report.clockOffsetErrorNanoseconds = Double(clock.nanoseconds(narrowest)) / 2
  }

  /// A token with this bit asks for the responder's clock; the answer carries it too. Readings stay below it.
  private static var stampRequest: UInt64 { 1 << 63 }

  private static func respond(_ page: ControlPage, _ clock: Clock) {
    let (there, back) = page.probeLines
    let deadline = Clock.monotonicNanoseconds() + deadlineNanoseconds
    var last: UInt64 = 0
    while true {
      var token: UInt64 = 0
      guard
        spin(
          until: deadline,
          {
            token = there.pointee.load(ordering: .acquiring)
            return token != last
          })
      else { return }
      if token == .max { break }
      last = token
      back.pointee.store(
        token & stampRequest != 0 ? clock.now() | stampRequest : token, ordering: .releasing)
    }
    // The lines serve the second probe as well.
    there.pointee.store(0, ordering: .releasing)
    back.pointee.store(0, ordering: .releasing)
  }

  @inline(__always)
  private static func spin(until deadline: UInt64, _ ready: () -> Bool) -> Bool {
    var steps = 0
    while !ready() {
      ipcb_cpu_pause()
      steps &+= 1
      if steps & 4095 == 0 && Clock.monotonicNanoseconds() > deadline { return false }
    }
    return true
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
  }
}
