import Harness
import IPCTransport
import LinuxIPC
import Measurement

/// Serves a form of a mechanism: one driver after the other, each with as many trials or texts as it asks for. Whatever
/// a driver does, the server goes on with the next one.
struct Server {
  let door: Door
  let reception: Reception
  let form: Form
  /// Of every channel, but for its serial and where the sides are.
  let spec: ChannelSpec
  let trials: ServedTrials
  let isOnce: Bool
  private var serial = 0

  init(
    _ door: Door, _ reception: Reception, _ form: Form, _ spec: ChannelSpec, _ trials: ServedTrials,
    isOnce: Bool
  ) {
    (self.door, self.reception, self.form, self.spec) = (door, reception, form, spec)
    (self.trials, self.isOnce) = (trials, isOnce)
  }

  /// Returns when the user asks to stop, or one driver has been served.
  mutating func serveAll() throws {
    while !StopSignal.isRequested {
      guard let connection = try door.nextTurn() else { continue }
      defer { connection.close() }
      switch serve(connection) {
      case .nothing: continue
      case .served: if isOnce { return }
      case .brokenOff:
        if isOnce && !StopSignal.isRequested {
          throw Problem(.caseFailed, "The driver was not served to its end.")
        }
      }
    }
  }

  private enum Visit { case nothing, served, brokenOff }

  // MARK: One driver

  private mutating func serve(_ connection: ControlConnection) -> Visit {
    do throws(ControlError) {
      _ = try reception.receive(connection)
    } catch {
      note(error)
      return .nothing
    }
    var visit = Visit.nothing
    do {
      let hosts = try hosts(connection)
      while let request = try nextRequest(connection) {
        guard try carryOut(request, connection, hosts) else { return .brokenOff }
        visit = .served
      }
    } catch let error as ControlError {
      note(error)
      return visit == .served ? .brokenOff : visit
    } catch {
      Terminal.error("A driver could not be served. \(error)")
      return .brokenOff
    }
    return visit
  }

  private func note(_ error: ControlError) {
    switch error {
    // Who only looks whether somebody is there is no driver.
    case .interrupted, .hungUp: return
    case .refused(let sentence): Terminal.error("A driver was refused. \(sentence)")
    default: Terminal.error("A driver was dropped: \(error).")
    }
  }

  /// Where the two sides are: what the driver has reached is where the consumer will be.
  private func hosts(_ connection: ControlConnection) throws(SystemError) -> Hosts {
    guard door.path == nil else { return .loopback }
    return Hosts(
      scope: .network, producer: HostPlace(address: try connection.socket.peerAddress().address),
      consumer: HostPlace(address: try connection.socket.localAddress().address), shareFiles: false)
  }

  /// Between two trials a driver writes a record, and no more.
  private static var idleMilliseconds: Int32 { 60_000 }

  /// Nil when the driver has what it wanted.
  private func nextRequest(_ connection: ControlConnection) throws(ControlError) -> ControlRequest? {
    do throws(ControlError) {
      return try connection.hear(ControlRequest.self, milliseconds: Self.idleMilliseconds)
    } catch {
      if error == .hungUp { return nil }
      throw error
    }
  }

  /// Whether the driver can go on.
  private mutating func carryOut(
    _ request: ControlRequest, _ connection: ControlConnection, _ hosts: Hosts
  ) throws -> Bool {
    serial += 1
    if let trial = request.trial {
      let ending = try trials.serve(trial, reception.served, over: connection, hosts, serial: serial)
      return note(ending)
    }
    guard let count = request.texts else { throw ControlError.nonsense("neither a trial nor texts") }
    return try receiveTexts(count, connection, hosts)
  }

  private func note(_ ending: ServedTrials.Ending) -> Bool {
    switch ending {
    case .measured: return true
    case .interrupted: return false
    case .refused(let sentence): Terminal.error("A trial was refused. \(sentence)")
    case .failed(let sentence): Terminal.error("A trial failed. \(sentence)")
    case .driverGone: Terminal.error("A driver went away during a trial.")
    }
    return false
  }

  private func receiveTexts(_ count: UInt64, _ connection: ControlConnection, _ hosts: Hosts) throws -> Bool {
    if let reason = whyNoTexts(hosts) {
      try connection.say(ChannelOffer(refusal: reason))
      throw ControlError.refused(reason)
    }
    var spec = spec
    spec.serial = serial
    spec.hosts = hosts
    let texts = try TextService(spec, connection, count: count)
    form.visit(texts)
    return try texts.outcome.get()
  }

  private func whyNoTexts(_ hosts: Hosts) -> String? {
    let traits = form.mechanism.traits(of: spec.variant)
    let id = form.mechanism.id(of: spec.variant)
    if traits.framing == .notification { return "\(id) is a notification: it carries no text." }
    if traits.delivery == .mayDrop && !hosts.shareFiles {
      return "\(id) may lose a text, and its end, on the way between two machines: send texts by NAME on one."
    }
    return nil
  }
}
