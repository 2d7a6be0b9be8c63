import IPCTransport
import LinuxIPC
import Measurement
import Results

/// The first words of both sides, which every version can read.
public struct Greeting: Codable, Sendable, Equatable {
  var magic = Greeting.currentMagic
  public var protocolVersion = Greeting.currentProtocol
  public var program: String

  static var currentMagic: String { "ipcbench" }
  /// Raised when anything that the sides say to each other changes.
  public static var currentProtocol: Int { 2 }

  public init(program: String) { self.program = program }

  /// Why two programs cannot talk, nil where they can: a channel's layout may change with any version.
  ///
  /// - Parameter side: what this side calls the other one: `the server`.
  public func whyNot(_ other: Greeting, _ side: String) -> String? {
    guard other != self else { return nil }
    return
      "\(side) is ipcbench \(bounded(other.program, 40)), protocol \(other.protocolVersion), but this is "
      + "\(program), protocol \(protocolVersion): use the same program on both sides."
  }
}

/// What a driver wants.
public struct DriverHello: Codable, Sendable {
  public var greeting: Greeting
  public var mechanism: String
  /// Those that are meant; one of them must be served.
  public var variants: [String]
  /// Nil where any will do.
  public var wait: WaitKind?
  /// Nil where the driver was told an address only.
  public var name: String?
  public var machine: PeerMachine

  public init(
    _ greeting: Greeting, mechanism: String, variants: [String], wait: WaitKind?, name: String?,
    machine: PeerMachine
  ) {
    self.greeting = greeting
    self.mechanism = mechanism
    self.variants = variants
    self.wait = wait
    self.name = name
    self.machine = machine
  }
}

/// What a server answers: what it serves, or why it serves nothing to this driver.
public struct ServerHello: Codable, Sendable {
  public var greeting: Greeting
  public var refusal: String?
  public var served: Served?

  public init(_ greeting: Greeting, refusal: String? = nil, served: Served? = nil) {
    self.greeting = greeting
    self.refusal = refusal
    self.served = served
  }
}

/// The same in every trial of a driver's.
public struct Served: Codable, Sendable {
  public var mechanism: String
  public var variant: String
  public var wait: WaitKind
  /// The largest message that the server takes.
  public var messageByteCount: Int
  public var machine: PeerMachine
  /// The CPU to which the consumer is pinned.
  public var cpu: Int?

  public init(
    mechanism: String, variant: String, wait: WaitKind, messageByteCount: Int, machine: PeerMachine, cpu: Int?
  ) {
    self.mechanism = mechanism
    self.variant = variant
    self.wait = wait
    self.messageByteCount = messageByteCount
    self.machine = machine
    self.cpu = cpu
  }

  /// As it is typed.
  public var id: String { variant.isEmpty ? mechanism : "\(mechanism):\(variant)" }
}

/// What a driver asks for next: texts to be received, or a trial.
public struct ControlRequest: Codable, Sendable {
  /// How many texts will come.
  public var texts: UInt64?
  public var trial: TrialRequest?

  public init(texts: UInt64? = nil, trial: TrialRequest? = nil) {
    self.texts = texts
    self.trial = trial
  }
}

public struct TrialRequest: Codable, Sendable {
  var pattern: PatternKind
  var byteCount: Int
  var touch: Touch
  var durationNanoseconds: UInt64
  var messages: UInt64?
  /// How long a side may make no progress.
  var deadlineNanoseconds: UInt64
}

/// The answer to a request: a channel, or why there is none.
public struct ChannelOffer: Codable, Sendable {
  public var refusal: String?
  public var address = ""
  public var serial = 0
  /// The server's: names of what the channel consists of.
  public var scope: ResourceScope?

  public init(refusal: String) { self.refusal = refusal }

  public init(address: String, _ spec: ChannelSpec) {
    self.address = address
    serial = spec.serial
    scope = spec.scope
  }
}

/// What the server says when texts have ended.
public struct TextsEnd: Codable, Sendable {
  public var arrived: UInt64
  public init(arrived: UInt64) { self.arrived = arrived }
}

/// What the server says when a trial has ended: what its consumer found, or why it found nothing; neither where it was
/// stopped because the driver was gone.
struct TrialEnd: Codable, Sendable {
  var report: WorkerReport?
  var failure: String?
}

extension WorkerReport {
  /// Whether numbers that another program reported can be used: nothing here is a time of years, or a count that no
  /// trial has.
  var isPlausible: Bool {
    let limit: UInt64 = 1 << 53
    let counts = [
      messages, stalls, usage.userNanoseconds, usage.systemNanoseconds, usage.voluntarySwitches,
      usage.involuntarySwitches, usage.minorFaults, usage.majorFaults, migrations, attachNanoseconds,
    ]
    let times = [probeBefore, probeAfter].flatMap {
      [
        $0.cacheLineNanoseconds, $0.arithmeticNanoseconds, $0.clockOffsetNanoseconds,
        $0.clockOffsetErrorNanoseconds,
      ]
    }
    return counts.allSatisfy { $0 < limit } && times.allSatisfy { $0.magnitude < 1e15 }
  }
}

extension PeerMachine {
  /// As another program described it, fit to be shown and recorded.
  var bounded: PeerMachine {
    func short(_ text: String?) -> String? { text.map { Harness.bounded($0, 120) } }
    return PeerMachine(
      hostName: short(hostName), hostID: Harness.bounded(hostID, 120), kernelRelease: short(kernelRelease),
      cpuModel: short(cpuModel), bootID: short(bootID))
  }
}
