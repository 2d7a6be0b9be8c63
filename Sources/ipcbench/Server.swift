import IPCTransport
import LinuxIPC
import Measurement

/// Serves a form of a mechanism: opens one channel after the other, as a trial's parent does, and has each consumed
/// by a process of its own. That one can be ended at any moment, whatever it is waiting for, and takes with it all
/// that it has mapped and opened.
final class Server: FormVisitor {
  private let rendezvous: Rendezvous
  /// Of the channel that is offered.
  private var spec: ChannelSpec
  private let isOnce: Bool
  /// Not zero once the consumer has met its driver.
  private let page: LinuxIPC.Mapping
  private var hasMet: Futex { Futex(at: page.base) }
  private(set) var outcome: Result<Void, any Error> = .success(())

  /// - Parameter spec: of every channel, but for its serial.
  init(_ rendezvous: Rendezvous, _ spec: ChannelSpec, isOnce: Bool) throws(SystemError) {
    self.rendezvous = rendezvous
    self.spec = spec
    self.isOnce = isOnce
    page = try .anonymous(byteCount: 4096)
  }

  func visit<P: ChannelProvider, T: Transport & ~Copyable>(_ provider: P.Type, _ transport: T.Type)
  where P.Attachment == T.Attachment {
    outcome = Result { try serve(provider, transport) }
  }

  private func serve<P: ChannelProvider, T: Transport & ~Copyable>(
    _ provider: P.Type, _ transport: T.Type
  ) throws where P.Attachment == T.Attachment {
    let door = try Door(path: try spec.scope.path("door"))
    defer { door.close() }
    defer { rendezvous.withdraw(spec.scope) }
    var isDone = false
    while !StopSignal.isRequested && !isDone {
      spec.serial += 1
      let channel = try P.open(spec)
      defer { P.close(channel) }
      let address = P.address(of: channel)
      try rendezvous.publish(Offer(P.mechanism, spec, address: address, door: door.path))
      if spec.serial == 1 {
        Terminal.note("Serving \(P.mechanism.id(of: spec.variant)) '\(rendezvous.name)'; ^C ends it.")
      }
      guard let turn = try awaitDriver(door) else { return }
      defer { turn.close() }
      hasMet.store(0)
      let consumer = try Processes.fork { consume(provider, transport, address, turn) }
      P.relinquish(channel)
      let status = try watch(consumer, turn)
      isDone = try judge(status) && isOnce
    }
  }

  /// Nil when the user asked to stop.
  private func awaitDriver(_ door: Door) throws(SystemError) -> Turn? {
    while !StopSignal.isRequested {
      guard let turn = try door.nextTurn() else { continue }
      // It may have given up while it waited.
      if !turn.isOver { return turn }
      turn.close()
    }
    return nil
  }

  // MARK: The consumer's process

  private enum Ending {
    static var served: Int32 { 0 }
    static var brokenOff: Int32 { 1 }
    static var neverMet: Int32 { 2 }
  }

  private func consume<P: ChannelProvider, T: Transport & ~Copyable>(
    _ provider: P.Type, _ transport: T.Type, _ address: String, _ turn: Turn
  ) -> Int32 where P.Attachment == T.Attachment {
    StopSignal.resetInWorker()
    turn.say(UInt64(spec.serial))
    do throws(TransportError) {
      // By its address, as a program that is told nothing else.
      let channel = try P.find(address, spec)
      var transport = try T(try P.attach(channel, as: .consumer, spec), as: .consumer, spec)
      hasMet.store(1)
      return show(&transport, turn)
    } catch {
      Terminal.error("A driver came, but the sides did not meet. \(error.description)")
      return Ending.neverMet
    }
  }

  private func show<T: Transport & ~Copyable>(_ transport: inout T, _ turn: Turn) -> Int32 {
    var count: UInt64 = 0
    let end = showAll(&transport, &count)
    transport.shutDown()
    turn.say(count)
    if end == .peerClosed { return Ending.served }
    Terminal.error("The exchange broke off: \(end).")
    return Ending.brokenOff
  }

  /// Prints what arrives until nothing more will come; returns why.
  private func showAll<T: Transport & ~Copyable>(_ transport: inout T, _ count: inout UInt64) -> ExchangeError
  {
    while true {
      do throws(ExchangeError) {
        try transport.receive { span in
          span.withUnsafeBytes { Terminal.data(oneLine(String(decoding: $0, as: UTF8.self))) }
        }
        count += 1
      } catch {
        // A driver may take as long as it likes.
        if error != .timedOut { return error }
      }
    }
  }

  // MARK: Looking after it

  private func watch(_ consumer: Child, _ turn: Turn) throws(SystemError) -> ExitStatus {
    while ProcessPoll.firstEnded([consumer], milliseconds: 100) == nil {
      // A driver that went away before it was attached would be waited for in vain.
      if StopSignal.isRequested || (hasMet.load() == 0 && turn.isOver) { consumer.kill() }
    }
    return try consumer.reap()
  }

  /// Whether a driver was served, or nearly.
  private func judge(_ status: ExitStatus) throws -> Bool {
    if status == .exited(Ending.served) { return true }
    guard hasMet.load() != 0, !StopSignal.isRequested else { return false }
    if case .signalled = status { Terminal.error("The process that received \(status).") }
    if isOnce { throw Problem(.caseFailed, "The driver was not served to its end.") }
    return true
  }
}

/// A text on one line: what would end the line or move the cursor is shown instead of done.
func oneLine(_ text: String) -> String {
  text.unicodeScalars.reduce(into: "") { line, scalar in
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: line += scalar.escaped(asASCII: true)
    default: line.unicodeScalars.append(scalar)
    }
  }
}
