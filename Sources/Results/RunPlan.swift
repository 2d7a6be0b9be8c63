/// One trial that was planned, or done: a case and its round.
public struct PlannedTrial: Codable, Hashable, Sendable {
  public var identity: CaseIdentity
  /// Round number, from 0.
  public var trial: Int

  public init(identity: CaseIdentity, trial: Int) {
    self.identity = identity
    self.trial = trial
  }

  private enum CodingKeys: String, CodingKey {
    case identity = "case"
    case trial
  }
}

/// A case that was asked for and cannot run here.
public struct PlannedSkip: Codable, Hashable, Sendable {
  public var identity: CaseIdentity
  /// One sentence that names what is missing.
  public var reason: String

  public init(identity: CaseIdentity, reason: String) {
    self.identity = identity
    self.reason = reason
  }

  private enum CodingKeys: String, CodingKey {
    case identity = "case"
    case reason
  }
}

/// A machine as it describes itself to another one.
public struct PeerMachine: Codable, Sendable, Equatable {
  public var hostName: String?
  /// As in `Environment.Host`.
  public var hostID: String
  public var kernelRelease: String?
  public var cpuModel: String?
  /// Made anew by the kernel each time it starts (random(4)): the same in all containers of one machine.
  public var bootID: String?

  public init(
    hostName: String? = nil, hostID: String, kernelRelease: String? = nil, cpuModel: String? = nil,
    bootID: String? = nil
  ) {
    self.hostName = hostName
    self.hostID = hostID
    self.kernelRelease = kernelRelease
    self.cpuModel = cpuModel
    self.bootID = bootID
  }

  private enum CodingKeys: String, CodingKey {
    case hostName, hostID = "hostId", kernelRelease, cpuModel, bootID = "bootId"
  }

  /// Who started the consumers, for comparisons: `by hand on lab2 (host 1659b26c)`.
  public var consumer: String { "by hand on \(hostName ?? "a host") (host \(hostID.prefix(8)))" }
  public static var ownConsumer: String { "started by the run" }

  /// This machine.
  public static func capture(files: SystemFiles = SystemFiles()) -> PeerMachine {
    let host = Environment.Host(reading: files)
    return PeerMachine(
      hostName: host.name, hostID: host.hostID,
      kernelRelease: Environment.Kernel(reading: files).release,
      cpuModel: Environment.CPU(reading: files).model,
      bootID: files.text("proc/sys/kernel/random/boot_id"))
  }
}

/// What a run was asked to do: enough to resume it, and to do it again. Stored as `plan.json`.
public struct RunPlan: Codable, Sendable, Equatable {
  public var schemaVersion: Int
  public var runID: String
  /// Name or path of the suite; empty when the cases were given as options.
  public var suite: String
  /// The command line as it was typed, program name first.
  public var command: [String]
  /// Seeds the shuffle of every round.
  public var seed: UInt64
  public var rounds: Int
  /// The trials in the order in which they are to run.
  public var order: [PlannedTrial]
  public var skips: [PlannedSkip]
  /// Commit of the tool's own source; empty when it is not known.
  public var gitCommit: String
  /// ISO 8601, UTC.
  public var startedAt: String
  /// The consumers' machine where they were started by hand with 'ipcbench serve', as it described itself; nil where the
  /// run started them.
  public var peer: PeerMachine?

  public init(
    schemaVersion: Int = RunPlan.currentSchemaVersion, runID: String, suite: String, command: [String],
    seed: UInt64, rounds: Int, order: [PlannedTrial], skips: [PlannedSkip] = [], gitCommit: String = "",
    startedAt: String, peer: PeerMachine? = nil
  ) {
    self.peer = peer
    self.schemaVersion = schemaVersion
    self.runID = runID
    self.suite = suite
    self.command = command
    self.seed = seed
    self.rounds = rounds
    self.order = order
    self.skips = skips
    self.gitCommit = gitCommit
    self.startedAt = startedAt
  }

  private enum CodingKeys: String, CodingKey {
    case schemaVersion, runID = "runId", suite, command, seed, rounds, order, skips, gitCommit, startedAt
    case peer
  }

  public static let currentSchemaVersion = 1

  /// Every case of the plan once, in the order of first appearance; skipped cases last.
  public var cases: [CaseIdentity] {
    var seen = Set<CaseIdentity>()
    return (order.map(\.identity) + skips.map(\.identity)).filter { seen.insert($0).inserted }
  }
}
