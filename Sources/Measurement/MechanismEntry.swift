import IPCTransport
import LinuxIPC

/// A mechanism as the rest of the program sees it: data, and closures compiled for its concrete types.
///
/// This is where polymorphism ends. `Form.of` is called with concrete types in the registry and inlined there,
/// so that the loops behind `OpenChannel.work` are specialised for the transport.
public struct MechanismEntry: Sendable {
  public let mechanism: Mechanism
  /// One for each wait strategy the mechanism has, and for each variant whose exchange is another one.
  public let forms: [Form]

  public init(_ forms: Form...) { self.init(forms: forms) }

  /// - Parameter forms: at least one.
  public init(forms: [Form]) {
    mechanism = forms[0].mechanism
    self.forms = forms
  }

  /// The first one is the default. Empty where the mechanism does not do the pattern.
  public func forms(of variant: String, for pattern: PatternKind = .roundTrip) -> [Form] {
    let possible = forms.filter { $0.pattern == (pattern.hasOwnForms ? pattern : nil) }
    let own = possible.filter { $0.variants.contains(variant) }
    return own.isEmpty ? possible.filter(\.variants.isEmpty) : own
  }

  public func form(_ variant: String, _ wait: WaitKind, for pattern: PatternKind = .roundTrip) -> Form? {
    forms(of: variant, for: pattern).first { $0.wait == wait }
  }

  /// Adds forms.
  public func with(_ others: Form...) -> MechanismEntry { MechanismEntry(forms: forms + others) }
}

/// A mechanism with one wait strategy.
public struct Form: Sendable {
  public let mechanism: Mechanism
  public let wait: WaitKind
  /// The only pattern that it does; nil for every one that has no forms of its own.
  public let pattern: PatternKind?
  /// Bytes of the largest message where that is less than the mechanism's traits say.
  public let maximumMessageByteCount: Int?
  /// Whether messages may be lost.
  public let mayDrop: Bool
  /// The variants that this form is for; empty for all that have none of their own.
  public let variants: [String]
  public let replyByteCount: Int?
  public let probe: @Sendable (ChannelSpec) throws(TransportError) -> Void
  public let open: @Sendable (ChannelSpec) throws(TransportError) -> OpenChannel
  /// In a spawned worker: finds the channel and does the whole of the work; returns the exit code.
  public let workAt: @Sendable (_ address: String, Role, ChannelSpec, TrialSettings, ControlPage) -> Int32
  public let removeLeftovers: @Sendable () -> Void
  /// For checks and demonstrations, which are generic; never used to measure.
  public let visit: @Sendable (any FormVisitor) -> Void

  @usableFromInline init(
    mechanism: Mechanism, wait: WaitKind, pattern: PatternKind? = nil,
    maximumMessageByteCount: Int? = nil, mayDrop: Bool, variants: [String], replyByteCount: Int?,
    probe: @escaping @Sendable (ChannelSpec) throws(TransportError) -> Void,
    open: @escaping @Sendable (ChannelSpec) throws(TransportError) -> OpenChannel,
    workAt:
      @escaping @Sendable (_ address: String, Role, ChannelSpec, TrialSettings, ControlPage) -> Int32,
    removeLeftovers: @escaping @Sendable () -> Void, visit: @escaping @Sendable (any FormVisitor) -> Void
  ) {
    self.mechanism = mechanism
    self.wait = wait
    self.pattern = pattern
    self.maximumMessageByteCount = maximumMessageByteCount
    self.mayDrop = mayDrop
    self.variants = variants
    self.replyByteCount = replyByteCount
    self.probe = probe
    self.open = open
    self.workAt = workAt
    self.removeLeftovers = removeLeftovers
    self.visit = visit
  }

  /// - Parameter wait: nil where the transport's type says it.
  @inlinable
  public static func of<P: ChannelProvider, T: Transport & ~Copyable>(
    _ provider: P.Type, _ transport: T.Type, variants: [String] = [], wait: WaitKind? = nil
  ) -> Form where P.Attachment == T.Attachment {
    made(
      provider, wait: wait ?? T.wait, mayDrop: T.mayDrop, variants: variants,
      replyByteCount: T.replyByteCount,
      visit: { $0.visit(P.self, T.self) },
      work: { role, spec, settings, page, attach in
        Worker.run(T.self, role, spec, settings, page, attach: attach)
      })
  }

  /// A form for one pattern, in which the sides are of different types.
  ///
  /// - Parameters:
  ///   - sender: the producers' side; `receiver` the consumers'.
  ///   - maximumMessageByteCount: nil where the traits say it.
  @inlinable
  public static func only<
    P: ChannelProvider, S: Transport & ~Copyable, R: Transport & ~Copyable, L: Pattern
  >(
    _ pattern: L.Type, _ provider: P.Type, _ sender: S.Type, _ receiver: R.Type, variants: [String] = [],
    maximumMessageByteCount: Int? = nil
  ) -> Form where P.Attachment == S.Attachment, P.Attachment == R.Attachment {
    made(
      provider, wait: S.wait, pattern: L.kind, maximumMessageByteCount: maximumMessageByteCount,
      mayDrop: R.mayDrop, variants: variants,
      work: { role, spec, settings, page, attach in
        Worker.gather(S.self, R.self, L.self, role, spec, settings, page, attach: attach)
      })
  }

  /// One worker's whole work, once it knows how to attach.
  @usableFromInline
  typealias Work<Attachment> =
    @Sendable (
      Role, ChannelSpec, TrialSettings, ControlPage, _ attach: () throws(TransportError) -> Attachment
    ) -> Int32

  @inlinable
  static func made<P: ChannelProvider>(
    _ provider: P.Type, wait: WaitKind, pattern: PatternKind? = nil, maximumMessageByteCount: Int? = nil,
    mayDrop: Bool, variants: [String], replyByteCount: Int? = nil,
    visit: @escaping @Sendable (any FormVisitor) -> Void = { _ in }, work: @escaping Work<P.Attachment>
  ) -> Form {
    Form(
      mechanism: P.mechanism, wait: wait, pattern: pattern,
      maximumMessageByteCount: maximumMessageByteCount, mayDrop: mayDrop, variants: variants,
      replyByteCount: replyByteCount,
      probe: { spec throws(TransportError) in
        if spec.wait == .ioURing, let obstacle = URing.obstacle {
          throw TransportError(.unavailable, obstacle + ".")
        }
        try P.probe(spec)
      },
      open: { spec throws(TransportError) in
        let channel = try P.open(spec)
        return OpenChannel(
          launch: { P.launch(channel, $0, spec) },
          work: { role, settings, page in
            let spec = spec.seated(settings.rank)
            return work(role, spec, settings, page) { () throws(TransportError) in
              try P.attach(channel, as: role, spec)
            }
          },
          relinquish: { P.relinquish(channel) },
          close: { P.close(channel) })
      },
      workAt: { address, role, spec, settings, page in
        let spec = spec.seated(settings.rank)
        return work(role, spec, settings, page) { () throws(TransportError) in
          try spec.hosts.enter(as: role)
          return try P.attach(try P.find(address, spec), as: role, spec)
        }
      },
      removeLeftovers: { P.removeLeftovers() },
      visit: visit)
  }
}

/// Something done with a form's concrete types.
public protocol FormVisitor {
  func visit<P: ChannelProvider, T: Transport & ~Copyable>(_ provider: P.Type, _ transport: T.Type)
  where P.Attachment == T.Attachment
}

/// A channel that has been opened, with its types forgotten.
public struct OpenChannel: Sendable {
  /// In the parent: how this worker is to be started.
  public let launch: @Sendable (Role) -> Launch
  /// In a forked worker: the whole of its life; returns its exit code.
  public let work: @Sendable (Role, TrialSettings, ControlPage) -> Int32
  /// In the parent, after the workers were started.
  public let relinquish: @Sendable () -> Void
  /// In the parent, after both workers are gone.
  public let close: @Sendable () -> Void

  @usableFromInline init(
    launch: @escaping @Sendable (Role) -> Launch,
    work: @escaping @Sendable (Role, TrialSettings, ControlPage) -> Int32,
    relinquish: @escaping @Sendable () -> Void, close: @escaping @Sendable () -> Void
  ) {
    self.launch = launch
    self.work = work
    self.relinquish = relinquish
    self.close = close
  }
}
