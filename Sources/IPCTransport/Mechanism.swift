import LinuxIPC

/// What is known about a mechanism without running it.
public struct Mechanism: Sendable {
  /// One of several forms of a mechanism, written after a colon: `shared-memory:memfd`.
  public struct Variant: Sendable {
    /// Empty for the plain form, which the id alone names.
    public var name: String
    public var summary: String
    /// Where they differ from the mechanism's.
    public var traits: Traits?
    /// Where its calls are others than the mechanism's; then it has a page of its own.
    public var explanation: Explanation?

    public init(
      _ name: String, _ summary: String, traits: Traits? = nil, explanation: Explanation? = nil
    ) {
      self.name = name
      self.summary = summary
      self.traits = traits
      self.explanation = explanation
    }
  }

  /// The kebab-case id, without a variant.
  public var id: String
  /// One line: what it is.
  public var summary: String
  /// The Win32 mechanism it is the counterpart of; nil where there is none.
  public var counterpart: String?
  /// Empty where there is only one form.
  public var variants: [Variant]
  private var commonTraits: Traits
  public var explanation: Explanation
  public var manPages: [String]

  public init(
    id: String, summary: String, counterpart: String? = nil, variants: [Variant] = [], traits: Traits,
    explanation: Explanation, manPages: [String]
  ) {
    self.id = id
    self.summary = summary
    self.counterpart = counterpart
    self.variants = variants
    self.commonTraits = traits
    self.explanation = explanation
    self.manPages = manPages
  }

  /// Names of all forms; one empty name where there are no variants.
  public var variantNames: [String] { variants.isEmpty ? [""] : variants.map(\.name) }

  public func variant(_ name: String) -> Variant? { variants.first { $0.name == name } }

  public func traits(of variant: String) -> Traits { self.variant(variant)?.traits ?? commonTraits }

  /// `shared-memory:memfd`, or the id alone.
  public func id(of variant: String) -> String { variant.isEmpty ? id : "\(id):\(variant)" }
}

/// How a side gets hold of the channel.
public enum Attach: String, CaseIterable, Codable, Sendable {
  /// Over the fork: a mapping or a descriptor.
  case inherit
  /// By a name. The workers are started as unrelated processes, which are told nothing else.
  case name
  /// A descriptor that the consumer takes out of the producer (pidfd_getfd(2), the counterpart of
  /// DuplicateHandle).
  case handle
  /// A descriptor that the producer passes in a message (SCM_RIGHTS, unix(7)).
  case scmRights = "scm-rights"
}

/// The facts a plan filters on.
public struct Traits: Sendable {
  public enum Framing: String, Sendable {
    /// Message boundaries are kept.
    case message
    /// Bytes only: this suite frames messages with a length.
    case byteStream = "byte stream"
    /// The sender gets the receiver's answer.
    case call
    /// A wake-up with at most a small payload of its own. Only its round trip is measured, at that size.
    case notification
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
  /// Bytes of the smallest message; 1 where an empty one cannot be told from the end of the channel.
  public var minimumMessageByteCount: Int
  /// Bytes; nil where only memory limits it. The payload itself for a notification.
  public var maximumMessageByteCount: Int?
  /// Whether what was sent can still be received when the producer has died.
  public var survivesProducer = true
  /// Whether its sides are on hosts of its own, whatever the scope that was asked for: it is always a network's.
  public var bringsHosts = false
  /// Whether two sides on different machines can meet by an address alone: with no file, page, service or privilege that
  /// they would have to share.
  public var meetsByAddressAlone = false
  /// Whether a message can be timed from one side to the other.
  public var deliversAcrossProcesses: Bool { reach != .process }

  public init(
    framing: Framing, direction: Direction, reach: Reach, delivery: Delivery = .reliable,
    attach: [Attach] = [.inherit], payloadCopies: Int, minimumMessageByteCount: Int = 0,
    maximumMessageByteCount: Int? = nil, meetsByAddressAlone: Bool = false
  ) {
    self.meetsByAddressAlone = meetsByAddressAlone
    self.framing = framing
    self.direction = direction
    self.reach = reach
    self.delivery = delivery
    self.attach = attach
    self.payloadCopies = payloadCopies
    self.minimumMessageByteCount = minimumMessageByteCount
    self.maximumMessageByteCount = maximumMessageByteCount
  }

  /// A wake-up that carries `payloadByteCount` bytes of its own.
  public static func notification(
    payloadByteCount: Int = 0, reach: Reach = .host, attach: [Attach] = [.inherit]
  ) -> Traits {
    Traits(
      framing: .notification, direction: .oneWay, reach: reach, attach: attach, payloadCopies: 0,
      minimumMessageByteCount: payloadByteCount, maximumMessageByteCount: payloadByteCount)
  }
}
