import LinuxIPC

/// What is known about a mechanism without running it.
public struct Mechanism: Sendable {
  /// One of several forms of a mechanism, written after a colon: `shared-memory:memfd`.
  public struct Variant: Sendable {
    public var name: String
    public var summary: String

    public init(_ name: String, _ summary: String) {
      self.name = name
      self.summary = summary
    }
  }

  /// The kebab-case id, without a variant.
  public var id: String
  /// One line: what it is.
  public var summary: String
  /// The Win32 mechanism it is the counterpart of; nil where there is none.
  public var counterpart: String?
  /// The first one is meant when the id is given alone; empty where there is only one form.
  public var variants: [Variant]
  public var traits: Traits
  public var manPages: [String]

  public init(
    id: String, summary: String, counterpart: String? = nil, variants: [Variant] = [], traits: Traits,
    manPages: [String]
  ) {
    self.id = id
    self.summary = summary
    self.counterpart = counterpart
    self.variants = variants
    self.traits = traits
    self.manPages = manPages
  }
}

/// How a side gets hold of the channel.
public enum Attach: String, CaseIterable, Codable, Sendable {
  /// Over the fork: a mapping or a descriptor.
  case inherit
  /// By a name that unrelated processes could know as well.
  case name
}

/// The facts a plan filters on.
public struct Traits: Sendable {
  public enum Framing: String, Sendable {
    /// Message boundaries are kept.
    case message
    /// Bytes only: this suite frames messages with a length.
    case byteStream = "byte stream"
  }
  public enum Direction: String, Sendable {
    case oneWay = "one way"
    case twoWay = "two way"
  }
  public enum Reach: String, Sendable {
    /// Nothing leaves the process: the tool's own cost.
    case process
    case processTree = "process tree"
    case host
    case network
  }
  public enum Delivery: String, Sendable {
    case reliable
    case mayDrop = "may drop"
  }

  public var framing: Framing
  /// Of one channel object; the suite opens two where a round trip needs them.
  public var direction: Direction
  public var reach: Reach
  public var delivery: Delivery
  public var attach: [Attach]
  /// Times each payload byte is copied between the producer's write and the consumer's read.
  public var payloadCopies: Int
  /// Bytes; nil where only memory limits it.
  public var maximumMessageByteCount: Int?
  /// Whether a message can be timed from one side to the other.
  public var deliversAcrossProcesses: Bool { reach != .process }

  public init(
    framing: Framing, direction: Direction, reach: Reach, delivery: Delivery = .reliable,
    attach: [Attach] = [.inherit], payloadCopies: Int, maximumMessageByteCount: Int? = nil
  ) {
    self.framing = framing
    self.direction = direction
    self.reach = reach
    self.delivery = delivery
    self.attach = attach
    self.payloadCopies = payloadCopies
    self.maximumMessageByteCount = maximumMessageByteCount
  }
}
