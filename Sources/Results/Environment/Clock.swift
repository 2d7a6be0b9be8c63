extension Environment {
  /// The clock of the trials, and what the kernel thinks of the machine's clocks.
  public struct Clock: Codable, Sendable, Equatable {
    /// As the caller described it: `tsc` or `monotonic`.
    public var name: String?
    public var resolutionNanoseconds: Double?
    public var readCostNanoseconds: Double?
    public var frequencyHertz: Double?
    /// The kernel's `current_clocksource`.
    public var source: String?
    /// The kernel's `available_clocksource`, best first.
    public var available: [String]?

    public init() {}
  }
}

extension Environment.Clock {
  init(reading files: SystemFiles, measured: ClockDescription) {
    name = measured.name
    resolutionNanoseconds = measured.resolutionNanoseconds
    readCostNanoseconds = measured.readCostNanoseconds
    frequencyHertz = measured.frequencyHertz
    let directory = "sys/devices/system/clocksource/clocksource0"
    source = files.text("\(directory)/current_clocksource")
    available = files.text("\(directory)/available_clocksource").map { text in
      text.split(separator: " ").map(String.init)
    }
  }
}
