/// The machine a run was measured on, as far as it could be read. Stored as `environment.json`.
///
/// Every fact is optional: what is absent is nil, never zero or "unknown".
public struct Environment: Codable, Sendable, Equatable {
  public var schemaVersion = Environment.currentSchemaVersion
  /// When it was captured: ISO 8601, UTC.
  public var time = ""
  /// The command line, program name first.
  public var command: [String] = []
  public var host = Host()
  public var kernel = Kernel()
  public var cpu = CPU()
  /// Memory nodes, by number.
  public var numa: [Node] = []
  public var memory = Memory()
  public var virtualisation = Virtualisation()
  /// What the kernel says of each CPU vulnerability: `["spectre_v2": "Mitigation: …"]`.
  public var mitigations: [String: String] = [:]
  public var security = Security()
  public var isolation = Isolation()
  public var clock = Clock()
  public var limits = Limits()
  public var load = Load()
  public var toolchain = Toolchain()
  public var tool = Tool()

  public init() {}

  public static let currentSchemaVersion = 1

  /// Reads the machine. Costs a few milliseconds; never fails.
  ///
  /// - Parameters:
  ///   - clock: the clock that the trials will be measured with.
  ///   - command: the command line, program name first.
  ///   - tool: version and commit of the tool itself; found out from where the executable lies when nil.
  ///   - files: where /proc and /sys are found.
  public static func capture(
    clock: ClockDescription, command: [String], tool: Tool? = nil, files: SystemFiles = SystemFiles()
  ) -> Environment {
    var environment = Environment()
    environment.time = Timestamp.now.iso8601
    environment.command = command
    environment.host = Host(reading: files)
    environment.kernel = Kernel(reading: files)
    environment.cpu = CPU(reading: files)
    environment.numa = Node.all(reading: files)
    environment.memory = Memory(reading: files)
    environment.virtualisation = Virtualisation(reading: files)
    environment.mitigations = readMitigations(files)
    environment.security = Security(reading: files)
    environment.isolation = Isolation(reading: files)
    environment.clock = Clock(reading: files, measured: clock)
    environment.limits = Limits(reading: files)
    environment.load = Load(reading: files)
    environment.toolchain = Toolchain.current
    environment.tool = tool ?? Tool(reading: files)
    return environment
  }
}

/// The clock that the caller measures with; handed in, because this module measures nothing.
public struct ClockDescription: Codable, Sendable, Hashable {
  /// `tsc` or `monotonic`.
  public var name: String
  /// The smallest step between two different readings.
  public var resolutionNanoseconds: Double
  /// What one reading costs.
  public var readCostNanoseconds: Double
  /// Ticks per second; nil where the clock counts nanoseconds.
  public var frequencyHertz: Double?

  public init(
    name: String, resolutionNanoseconds: Double, readCostNanoseconds: Double, frequencyHertz: Double? = nil
  ) {
    self.name = name
    self.resolutionNanoseconds = resolutionNanoseconds
    self.readCostNanoseconds = readCostNanoseconds
    self.frequencyHertz = frequencyHertz
  }
}
