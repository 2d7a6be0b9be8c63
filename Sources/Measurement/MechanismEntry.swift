import IPCTransport
import LinuxIPC

/// A mechanism as the rest of the program sees it: data, and closures compiled for its concrete types.
///
/// This is where polymorphism ends. `Form.of` is called with a concrete type in the registry and inlined there,
/// so that the loops behind `OpenChannel.work` are specialised for it.
public struct MechanismEntry: Sendable {
  public let mechanism: Mechanism
  /// One for each wait strategy the mechanism has.
  public let forms: [Form]

  public init(_ forms: Form...) {
    mechanism = forms[0].mechanism
    self.forms = forms
  }

  public func form(_ wait: WaitKind) -> Form? { forms.first { $0.wait == wait } }
}

/// A mechanism with one wait strategy.
public struct Form: Sendable {
  public let mechanism: Mechanism
  public let wait: WaitKind
  public let probe: @Sendable (ChannelSpec) throws(TransportError) -> Void
  public let open: @Sendable (ChannelSpec) throws(TransportError) -> OpenChannel
  public let removeLeftovers: @Sendable () -> Void
  /// For checks that are generic over the transport; never used to measure.
  public let visit: @Sendable (any FormVisitor) -> Void

  @usableFromInline init(
    mechanism: Mechanism, wait: WaitKind,
    probe: @escaping @Sendable (ChannelSpec) throws(TransportError) -> Void,
    open: @escaping @Sendable (ChannelSpec) throws(TransportError) -> OpenChannel,
    removeLeftovers: @escaping @Sendable () -> Void, visit: @escaping @Sendable (any FormVisitor) -> Void
  ) {
    self.mechanism = mechanism
    self.wait = wait
    self.probe = probe
    self.open = open
    self.removeLeftovers = removeLeftovers
    self.visit = visit
  }

  @inlinable
  public static func of<T: Transport & ~Copyable>(_ type: T.Type) -> Form {
    Form(
      mechanism: T.mechanism, wait: T.wait,
      probe: { spec throws(TransportError) in try T.probe(spec) },
      open: { spec throws(TransportError) in
        let channel = try T.open(spec)
        return OpenChannel(
          work: { role, settings, page in Worker.run(T.self, channel, role, spec, settings, page) },
          relinquish: { T.relinquish(channel) },
          close: { T.close(channel) })
      },
      removeLeftovers: { T.removeLeftovers() },
      visit: { $0.visit(T.self) })
  }
}

/// Something done with a form's concrete type.
public protocol FormVisitor {
  func visit<T: Transport & ~Copyable>(_ type: T.Type)
}

/// A channel that has been opened, with its type forgotten.
public struct OpenChannel: Sendable {
  /// In a worker: the whole of its life; returns its exit code.
  public let work: @Sendable (Role, TrialSettings, ControlPage) -> Int32
  /// In the parent, after the fork.
  public let relinquish: @Sendable () -> Void
  /// In the parent, after both workers are gone.
  public let close: @Sendable () -> Void

  @usableFromInline init(
    work: @escaping @Sendable (Role, TrialSettings, ControlPage) -> Int32,
    relinquish: @escaping @Sendable () -> Void, close: @escaping @Sendable () -> Void
  ) {
    self.work = work
    self.relinquish = relinquish
    self.close = close
  }
}
