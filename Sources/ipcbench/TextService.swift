import Harness
import IPCTransport
import LinuxIPC
import Measurement

/// Receives one driver's texts and prints them: opens a channel, as a trial's parent does, and has it consumed by a
/// process of its own. That one can be ended at any moment, whatever it is waiting for, and takes with it all that it has
/// mapped and opened.
final class TextService: FormVisitor {
  private let spec: ChannelSpec
  private let connection: ControlConnection
  private let count: UInt64
  /// Not zero once the consumer has met its driver; then how many texts have arrived.
  private let page: LinuxIPC.Mapping
  private var hasMet: Futex { Futex(at: page.base) }
  private var arrived: UnsafeMutablePointer<UInt64> { (page.base + 64).assumingMemoryBound(to: UInt64.self) }
  private(set) var outcome: Result<Bool, any Error> = .success(false)

  /// - Parameter count: how many texts the driver has.
  init(_ spec: ChannelSpec, _ connection: ControlConnection, count: UInt64) throws(SystemError) {
    self.spec = spec
    self.connection = connection
    self.count = count
    page = try .anonymous(byteCount: 4096)
  }

  func visit<P: ChannelProvider, T: Transport & ~Copyable>(_ provider: P.Type, _ transport: T.Type)
  where P.Attachment == T.Attachment {
    outcome = Result { try serve(provider, transport) }
    page.unmap()
  }

  /// Whether a driver was served to its end.
  private func serve<P: ChannelProvider, T: Transport & ~Copyable>(
    _ provider: P.Type, _ transport: T.Type
  ) throws -> Bool where P.Attachment == T.Attachment {
    let channel: P.Channel
    do throws(TransportError) {
      channel = try P.open(spec)
    } catch {
      try connection.say(ChannelOffer(refusal: error.description))
      throw error
    }
    defer { P.close(channel) }
    let address = P.address(of: channel)
    let consumer = try Processes.fork { consume(provider, transport, address) }
    P.relinquish(channel)
    do throws(ControlError) {
      try connection.say(ChannelOffer(address: address, spec))
    } catch {
      consumer.kill()
      _ = try consumer.reap()
      throw error
    }
    return try judge(try watch(consumer))
  }

  // MARK: The consumer's process

  private enum Ending {
    static var served: Int32 { 0 }
    static var brokenOff: Int32 { 1 }
    static var neverMet: Int32 { 2 }
  }

  private func consume<P: ChannelProvider, T: Transport & ~Copyable>(
    _ provider: P.Type, _ transport: T.Type, _ address: String
  ) -> Int32 where P.Attachment == T.Attachment {
    StopSignal.resetInWorker()
    do throws(TransportError) {
      // By its address, as a program that is told nothing else.
      let channel = try P.find(address, spec)
      var transport = try T(try P.attach(channel, as: .consumer, spec), as: .consumer, spec)
      hasMet.store(1)
      return show(&transport)
    } catch {
      Terminal.error("A driver came, but the sides did not meet. \(error.description)")
      return Ending.neverMet
    }
  }

  private func show<T: Transport & ~Copyable>(_ transport: inout T) -> Int32 {
    let end = showAll(&transport)
    transport.shutDown()
    if end == .peerClosed { return Ending.served }
    Terminal.error("The exchange broke off: \(end).")
    return Ending.brokenOff
  }

  /// Prints what arrives until nothing more will come; returns why.
  private func showAll<T: Transport & ~Copyable>(_ transport: inout T) -> ExchangeError {
    // Where the sides share no files, a side may not see that the other one has ended.
    while spec.hosts.shareFiles || arrived.pointee < count {
      do throws(ExchangeError) {
        try transport.receive { span in
          span.withUnsafeBytes { Terminal.data(oneLine(String(decoding: $0, as: UTF8.self))) }
        }
        arrived.pointee += 1
      } catch {
        // A driver may take as long as it likes.
        if error != .timedOut { return error }
      }
    }
    return .peerClosed
  }

  // MARK: Looking after it

  private func watch(_ consumer: Child) throws(SystemError) -> ExitStatus {
    var endsAt = UInt64.max
    while ProcessPoll.firstEnded([consumer], milliseconds: 100) == nil {
      // A driver that went away before it was attached would be waited for in vain, and one on another machine always:
      // what it had sent gets a moment to arrive.
      if connection.isOver && (hasMet.load() == 0 || !spec.hosts.shareFiles) {
        endsAt = min(endsAt, Clock.monotonicNanoseconds() &+ (hasMet.load() == 0 ? 0 : 1_000_000_000))
      }
      if StopSignal.isRequested || Clock.monotonicNanoseconds() >= endsAt { consumer.kill() }
    }
    return try consumer.reap()
  }

  private func judge(_ status: ExitStatus) throws -> Bool {
    // A driver that has gone does not listen any more.
    if hasMet.load() != 0 { try? connection.say(TextsEnd(arrived: arrived.pointee)) }
    if status == .exited(Ending.served) { return true }
    if case .signalled = status, hasMet.load() != 0, !StopSignal.isRequested {
      Terminal.error("The process that received \(status).")
    }
    return false
  }
}
