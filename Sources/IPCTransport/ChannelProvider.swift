import LinuxIPC
import SystemPackage

/// Which end of a channel a worker holds.
public enum Role: String, Sendable, CaseIterable, Codable {
  /// Initiates: sends in every pattern, and receives the echo of a round trip.
  case producer
  /// Receives, and echoes in a round trip.
  case consumer

  public var peer: Role { self == .producer ? .consumer : .producer }
}

/// What a channel is opened for. The same value reaches both workers.
public struct ChannelSpec: Sendable {
  /// One of the mechanism's variants; empty where it has none, and for its plain form.
  public var variant: String
  public var wait: WaitKind
  public var attach: Attach
  /// Payload bytes of the largest message.
  public var messageByteCount: Int
  /// How many messages the pattern can have in flight: 1 for a round trip, nil for as many as the mechanism
  /// takes. A channel that buffers may size its buffer by it.
  public var messagesInFlight: Int?
  /// How many messages a sender that gathers them sends together.
  public var batch = 1
  /// Who shares the channel.
  public var crew: Crew
  /// In a worker: which of those of its role it is, from 0.
  public var rank = 0
  public var memory: MemoryPolicy
  public var topology: Topology
  /// Names of everything the channel creates.
  public var scope: ResourceScope
  /// Distinguishes the channels of a run; part of their names.
  public var serial: Int
  /// How long a peer may make no progress before an exchange gives up, in nanoseconds.
  public var stallLimitNanoseconds: UInt64
  /// Where the two sides are.
  public var hosts: Hosts
  /// The daemons of the run; nil in workers, and while planning.
  public var services: ServiceHost?
  /// The program, and the arguments before its order, by which a worker is started; where somebody else than the
  /// harness starts it.
  public var workerCommand: [String]

  public init(
    variant: String = "", wait: WaitKind, attach: Attach = .inherit, messageByteCount: Int,
    messagesInFlight: Int? = nil, crew: Crew = .pair, memory: MemoryPolicy = .local, topology: Topology,
    scope: ResourceScope,
    serial: Int, stallLimitNanoseconds: UInt64 = 10_000_000_000, hosts: Hosts = .loopback,
    services: ServiceHost? = nil, workerCommand: [String] = []
  ) {
    self.variant = variant
    self.wait = wait
    self.attach = attach
    self.messageByteCount = messageByteCount
    self.messagesInFlight = messagesInFlight
    self.crew = crew
    self.memory = memory
    self.topology = topology
    self.scope = scope
    self.serial = serial
    self.stallLimitNanoseconds = stallLimitNanoseconds
    self.hosts = hosts
    self.services = services
    self.workerCommand = workerCommand
  }

  /// For the worker of this rank.
  public func seated(_ rank: Int) -> ChannelSpec {
    var spec = self
    spec.rank = rank
    return spec
  }

  /// Parent: a daemon of the run, running.
  public func service<S: Service>(_ type: S.Type) throws(TransportError) -> S {
    try service(type, on: Hosts.loopback.producer)
  }

  /// Parent: a daemon that serves one host.
  public func service<S: Service>(_ type: S.Type, on host: HostPlace) throws(TransportError) -> S {
    guard let services else { throw TransportError(.unsupported, "Nobody runs \(S.title) here.") }
    return try services.ready(type, on: host)
  }

  /// A name that is unique to this channel: `3-ring`.
  public func name(_ part: String) -> String { "\(serial)-\(part)" }
}

/// How a worker process comes to be.
public enum Launch: Sendable {
  /// A copy of the harness, which has the channel as it is.
  case fork
  /// A program of its own, which is told an address, and gets descriptors 0 and 1 where they are given; all other
  /// descriptors are close-on-exec.
  case spawn(address: String, standardInput: FileDescriptor? = nil, standardOutput: FileDescriptor? = nil)
  /// A program of its own that a service starts, by `workerCommand`, when the peer asks for it. It finds its order
  /// in this file.
  case activated(address: String, orderPath: String)
}

/// A mechanism: what it is, and how a channel of it is made, attached to and removed. Everything but the
/// exchange itself, which is the affair of a `Transport`.
///
/// Hooks run in this order: `probe`, `open`, `launch`, (start of the workers), `relinquish` in the parent;
/// in a spawned worker `find`; `attach` in both workers; (exchanges, end of the workers), `close` in the parent.
public protocol ChannelProvider: SendableMetatype {
  /// Descriptors, names, a mapping: plain values that survive a fork.
  associatedtype Channel: Sendable
  /// What an exchange works on: `Mapping`, `Ends`, or a type of the mechanism's own.
  associatedtype Attachment

  static var mechanism: Mechanism { get }

  /// Parent, while planning: throws when the mechanism cannot run here, with what to do about it. May create
  /// nothing that outlives the call.
  static func probe(_ spec: ChannelSpec) throws(TransportError)
  /// Parent, before the workers are started, single-threaded: makes what they need from outside.
  static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel
  /// Parent, after `open`: whether a worker is forked or a program of its own. By default it is spawned when the
  /// spec says that workers attach by name.
  static func launch(_ channel: Channel, _ role: Role, _ spec: ChannelSpec) -> Launch
  /// Parent: what an unrelated process has to be told to attach: a path, a key, a port.
  static func address(of channel: Channel) -> String
  /// Parent, after the workers were started: gives up its own ends, so that a worker sees end-of-file when its
  /// peer is gone.
  static func relinquish(_ channel: Channel)
  /// Parent, after both workers are reaped, or instead of starting them after a failure: removes every name.
  static func close(_ channel: Channel)
  /// Parent, before the first trial of a run: removes what a killed run left where `ResourceScope` cannot see
  /// it (kernel objects without a path).
  static func removeLeftovers()

  /// Spawned worker: the channel behind an address.
  static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel
  /// Worker, pinned: takes its end. May block until the peer has taken the other one.
  static func attach(
    _ channel: Channel, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> Attachment
}

extension ChannelProvider {
  public static func probe(_ spec: ChannelSpec) throws(TransportError) {}

  public static func launch(_ channel: Channel, _ role: Role, _ spec: ChannelSpec) -> Launch {
    spec.attach == .name ? .spawn(address: address(of: channel)) : .fork
  }

  public static func relinquish(_ channel: Channel) {}
  public static func removeLeftovers() {}
}

/// Mechanisms whose workers are always forked.
extension ChannelProvider {
  public static func address(of channel: Channel) -> String { "" }

  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> Channel {
    throw TransportError(.unsupported, "\(mechanism.id) has no name by which a process could find it.")
  }
}

/// Mechanisms whose channel is a name: it is its own address.
extension ChannelProvider where Channel == String {
  public static func address(of name: String) -> String { name }
  public static func find(_ address: String, _ spec: ChannelSpec) throws(TransportError) -> String { address }
}
