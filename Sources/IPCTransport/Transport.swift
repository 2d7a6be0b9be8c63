import LinuxIPC

/// Which end of a channel a worker holds.
public enum Role: String, Sendable, CaseIterable {
  /// Initiates: sends in every pattern, and receives the echo of a round trip.
  case producer
  /// Receives, and echoes in a round trip.
  case consumer
}

/// What a channel is opened for. The same value reaches both workers.
public struct ChannelSpec: Sendable {
  /// One of the mechanism's variants; empty where it has none.
  public var variant: String
  public var attach: Attach
  /// Payload bytes of the largest message.
  public var messageByteCount: Int
  /// How many messages the pattern can have in flight: 1 for a round trip, nil for as many as the mechanism
  /// takes. A channel that buffers may size its buffer by it.
  public var messagesInFlight: Int?
  public var memory: MemoryPolicy
  public var topology: Topology
  /// Names of everything the channel creates.
  public var scope: ResourceScope
  /// Distinguishes the channels of a run; part of their names.
  public var serial: Int
  /// How long a peer may make no progress before an exchange gives up, in nanoseconds.
  public var stallLimitNanoseconds: UInt64

  public init(
    variant: String = "", attach: Attach = .inherit, messageByteCount: Int,
    messagesInFlight: Int? = nil, memory: MemoryPolicy = .local, topology: Topology, scope: ResourceScope,
    serial: Int, stallLimitNanoseconds: UInt64 = 10_000_000_000
  ) {
    self.variant = variant
    self.attach = attach
    self.messageByteCount = messageByteCount
    self.messagesInFlight = messagesInFlight
    self.memory = memory
    self.topology = topology
    self.scope = scope
    self.serial = serial
    self.stallLimitNanoseconds = stallLimitNanoseconds
  }

  /// A name that is unique to this channel: `3-ring`.
  public func name(_ part: String) -> String { "\(serial)-\(part)" }
}

/// A mechanism in one of its wait strategies: how its channel is made, and one worker's end of it.
///
/// Contract, checked for every registered mechanism by the conformance suite:
/// - messages arrive in the order in which they were sent, each once, with its length and bytes unchanged;
/// - every size from 0 to `messageByteCount` bytes is carried; one byte more is refused with
///   `messageTooLarge` and leaves the channel usable;
/// - a producer that outruns its consumer waits; nothing is lost unless the traits say `mayDrop`;
/// - when a peer closes or dies, the other side gets everything that was sent before and then `peerClosed`;
/// - after `close` nothing of the channel is left, and `removeLeftovers` removes what a killed run left.
///
/// Hooks run in this order: `probe`, `open`, (fork), `relinquish` in the parent and `init` in the workers,
/// exchanges, `shutDown` in the workers, (reap), `close` in the parent.
public protocol Transport: ~Copyable, SendableMetatype {
  /// Descriptors, names, a mapping: plain values that survive a fork.
  associatedtype Channel: Sendable

  /// How this form of the mechanism waits.
  static var wait: WaitKind { get }
  static var mechanism: Mechanism { get }

  /// Parent, while planning: throws when the mechanism cannot run here, with what to do about it. May create
  /// nothing that outlives the call.
  static func probe(_ spec: ChannelSpec) throws(TransportError)
  /// Parent, before the fork, single-threaded: makes everything that both workers need.
  static func open(_ spec: ChannelSpec) throws(TransportError) -> Channel
  /// Parent, after the fork: gives up its own ends, so that a worker sees end-of-file when its peer is gone.
  static func relinquish(_ channel: Channel)
  /// Parent, after both workers are reaped, or instead of the fork after a failure: removes every name.
  static func close(_ channel: Channel)
  /// Parent, before the first trial of a run: removes what a killed run left where `ResourceScope` cannot see
  /// it (kernel objects without a path).
  static func removeLeftovers()

  /// Worker, pinned: takes its end. May block until the peer has taken the other one.
  init(attaching channel: Channel, as role: Role, _ spec: ChannelSpec) throws(TransportError)

  /// Worker, measured: has `fill` write a message of `byteCount` bytes in memory of the mechanism's choosing,
  /// and sends it. Waits by the strategy for room.
  mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError)
  /// Worker, measured: waits by the strategy for a message and shows it to `body`; the bytes are valid only
  /// inside it.
  mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError)

  /// Times an exchange could not proceed at once.
  var stalls: UInt64 { get }
  /// Worker, off the measured path: the memory that both sides share, so that the trial can record on which NUMA
  /// nodes its pages are; nil where the mechanism shares none.
  var sharedMapping: Mapping? { get }

  /// Worker, after its last exchange: tells the peer that no more will come.
  mutating func shutDown()
}

extension Transport where Self: ~Copyable {
  public static func relinquish(_ channel: Channel) {}
  public static func removeLeftovers() {}
  public var sharedMapping: Mapping? { nil }
}
