import CLinuxShims
import Glibc

/// What a process made happen between two moments, as counted event by event. A plain value, so that a worker can
/// leave it in shared memory; nil where the kernel or the processor does not count.
public struct EventCounts: Sendable, BitwiseCopyable, Codable, Equatable {
  public var systemCalls: UInt64?
  /// Of the processor, in user and kernel mode.
  public var cycles: UInt64?
  public var instructions: UInt64?

  public init() {}

  public init(systemCalls: UInt64?, cycles: UInt64?, instructions: UInt64?) {
    self.systemCalls = systemCalls
    self.cycles = cycles
    self.instructions = instructions
  }
}

/// Counts what the threads of this process do.
///
/// Counting is not free: while anybody counts system calls, the kernel takes its slow way into each one, of every
/// process, and giving the last such counter back waits for all CPUs, some 40 ms. Whatever is counted is therefore not
/// timed as well.
///
/// The corresponding C function is `perf_event_open`, one event for each thread that lives at the start.
public struct EventCounters: ~Copyable {
  /// What can be counted here.
  public struct Kinds: Sendable, Codable, Equatable {
    /// The kernel's number of its tracepoint raw_syscalls:sys_enter; nil where system calls cannot be counted.
    public var systemCallEntry: UInt64?
    public var processor: Bool

    public init(systemCallEntry: UInt64?, processor: Bool) {
      self.systemCallEntry = systemCallEntry
      self.processor = processor
    }

    public var isEmpty: Bool { systemCallEntry == nil && !processor }
  }

  private var systemCalls: [Int32] = []
  private var cycles: [Int32] = []
  private var instructions: [Int32] = []

  /// Opens what can be opened, and begins to count.
  public init(_ kinds: Kinds) {
    for thread in Self.threads() {
      if kinds.processor {
        cycles.append(ipcb_count_cycles(thread))
        instructions.append(ipcb_count_instructions(thread))
      }
      if let number = kinds.systemCallEntry {
        systemCalls.append(ipcb_count_tracepoint(number, thread))
      }
    }
    for counter in cycles + instructions + systemCalls { _ = ipcb_counter_set(counter, 1) }
  }

  /// Ends counting, and gives the counters back. The call that ends it is one of those counted.
  public consuming func stop() -> EventCounts {
    for counter in systemCalls + instructions + cycles { _ = ipcb_counter_set(counter, 0) }
    return EventCounts(
      systemCalls: Self.sum(systemCalls), cycles: Self.sum(cycles), instructions: Self.sum(instructions))
  }

  deinit {
    for counter in systemCalls + cycles + instructions where counter >= 0 { close(counter) }
  }

  /// Nil where one of them could not be opened, or was not on the processor all the time.
  private static func sum(_ counters: [Int32]) -> UInt64? {
    guard !counters.isEmpty else { return nil }
    var total: UInt64 = 0
    for counter in counters {
      // Count, time on, time counted: perf_event_open(2), read_format.
      var values: (UInt64, UInt64, UInt64) = (0, 0, 0)
      let size = MemoryLayout.size(ofValue: values)
      guard counter >= 0, read(counter, &values, size) == size, values.1 == values.2 else { return nil }
      total += values.0
    }
    return total
  }

  private static func threads() -> [Int32] {
    guard let directory = opendir("/proc/self/task") else { return [] }
    defer { closedir(directory) }
    var threads: [Int32] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if let thread = Int32(name) { threads.append(thread) }
    }
    return threads
  }

  // MARK: What can be counted

  /// Tries it: counts this process for a moment. Single-threaded.
  public static func kindsHere() -> Kinds {
    var kinds = Kinds(systemCallEntry: systemCallEntry(), processor: true)
    let counts = EventCounters(kinds).stop()
    if counts.systemCalls == nil { kinds.systemCallEntry = nil }
    kinds.processor = counts.cycles != nil && counts.instructions != nil
    return kinds
  }

  private static func systemCallEntry() -> UInt64? {
    for place in ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] {
      if let number = systemCallEntry(in: place) { return number }
    }
    return systemCallEntryUnmounted()
  }

  private static func systemCallEntry(in place: String) -> UInt64? {
    TextFile.read("\(place)/events/raw_syscalls/sys_enter/id").flatMap { UInt64($0) }
  }

  /// Where nobody has mounted tracefs, a child does, in mounts of its own that end with it.
  private static func systemCallEntryUnmounted() -> UInt64? {
    guard let page = try? Mapping.anonymous(byteCount: 4096) else { return nil }
    let child = try? Processes.fork {
      let place = "/sys/kernel/tracing"
      guard ipcb_mount_for_itself("tracefs", place) == 0, let number = systemCallEntry(in: place) else {
        return 1
      }
      page.base.storeBytes(of: number, as: UInt64.self)
      return 0
    }
    guard let status = try? child?.reap(), status == .exited(0) else { return nil }
    return page.base.load(as: UInt64.self)
  }
}
