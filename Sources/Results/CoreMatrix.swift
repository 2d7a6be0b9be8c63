/// Round trips between every two CPUs of a machine; stored as JSON.
public struct CoreMatrix: Codable, Sendable {
  public struct CPU: Codable, Sendable, Equatable {
    public var id, core, socket, node, lastLevelCache: Int

    public init(id: Int, core: Int, socket: Int, node: Int, lastLevelCache: Int) {
      (self.id, self.core, self.socket) = (id, core, socket)
      (self.node, self.lastLevelCache) = (node, lastLevelCache)
    }
  }

  /// What was found for one pair of CPUs. It is measured one way round, the lower number first.
  public struct Pair: Codable, Sendable {
    public var producerCPU, consumerCPU: Int
    /// `same-l3`, as in a case's identity.
    public var placement: String
    /// Nanoseconds, a value for each trial that succeeded.
    public var values: [Double] = []
    public var median: Double?
    /// Why others did not; nil where all did.
    public var failure: String?

    // As they come back from snake case.
    private enum CodingKeys: String, CodingKey {
      case producerCPU = "producerCpu"
      case consumerCPU = "consumerCpu"
      case placement, values, median, failure
    }

    public init(_ producerCPU: Int, _ consumerCPU: Int, _ placement: String) {
      (self.producerCPU, self.consumerCPU, self.placement) = (producerCPU, consumerCPU, placement)
    }
  }

  public var schemaVersion = 1
  public var hostID, environmentHash, gitCommit: String
  /// `cache-line`, or a mechanism's id.
  public var mechanism = CoreMatrix.bareCacheLine
  /// What the values are.
  public var metric = "cache_line"
  public var unit = "ns"
  /// Empty, and nil, for a bare cache line.
  public var wait = ""
  public var messageBytes: Int?
  public var trials: Int
  public var trialNanoseconds: UInt64
  public var seed: UInt64
  public var cpus: [CPU]
  public var pairs: [Pair] = []

  private enum CodingKeys: String, CodingKey {
    case hostID = "hostId"
    case schemaVersion, environmentHash, gitCommit, mechanism, metric, unit, wait, messageBytes, trials
    case trialNanoseconds, seed, cpus, pairs
  }

  /// - Throws: `unreadable`, `newerVersion` or `malformed`.
  public static func load(_ path: String) throws(ResultsError) -> CoreMatrix {
    try ResultsJSON.decode(CoreMatrix.self, from: Files.read(path), path: path, currentVersion: 1)
  }

  public static var bareCacheLine: String { "cache-line" }

  public init(_ environment: Environment, cpus: [CPU], trials: Int, trialNanoseconds: UInt64, seed: UInt64) {
    hostID = environment.host.hostID
    environmentHash = environment.hash
    gitCommit = environment.tool.gitCommit ?? ""
    (self.cpus, self.trials, self.trialNanoseconds, self.seed) = (cpus, trials, trialNanoseconds, seed)
  }

  public func pair(_ one: Int, _ other: Int) -> Pair? {
    pairs.first { ($0.producerCPU, $0.consumerCPU) == (min(one, other), max(one, other)) }
  }

  public var hasFailures: Bool { pairs.contains { $0.failure != nil } }
}
