import Harness
import IPCTransport
import LinuxIPC

/// The server that a driver was told of: by its name, or by its address.
struct Target: Sendable {
  private let id: String
  private let rendezvous: Rendezvous?
  private let address: InternetAddress?

  /// - Throws: where nobody serves that name, or something else is served.
  init(_ id: String, _ variants: [String], connect: HostAndPort?, _ rendezvous: Rendezvous?) throws {
    self.id = id
    address = try connect?.resolve()
    self.rendezvous = connect == nil ? rendezvous : nil
    guard let offer = try self.rendezvous?.find(for: id) else { return }
    let mechanism = id.split(separator: ":").first.map(String.init)
    guard offer.mechanism == mechanism, variants.contains(offer.variant) else {
      throw Problem(
        .usage,
        "'\(self.rendezvous?.name ?? "")' serves \(offer.id), not \(id): give the mechanism that is served, or another NAME."
      )
    }
  }

  /// How it is shown.
  private var title: String { rendezvous.map { "'\($0.name)'" } ?? "The server at \(address!)" }

  var place: @Sendable () throws(ControlError) -> ServerCall.Place {
    { () throws(ControlError) in
      if let address { return .network(address) }
      do {
        return .path(try rendezvous!.find(for: id).header.door)
      } catch let problem as Problem {
        throw .refused(problem.sentence)
      } catch {
        throw .refused("\(error)")
      }
    }
  }

  var noteWaiting: @Sendable () -> Void {
    let title = title
    return { Terminal.note("\(title) is with another driver; waiting for it to end.") }
  }

  /// Words what goes wrong before anything has been measured or sent.
  func greeted<Value>(_ greet: () throws(ControlError) -> Value) throws -> Value {
    do throws(ControlError) {
      return try greet()
    } catch {
      switch error {
      case .refused(let sentence): throw Problem(.usage, sentence)
      case .system(let reason): throw nobodyServes(reason)
      case .gone, .hungUp, .silent, .nonsense:
        throw Problem(.toolFailed, "\(title) could not be greeted: \(error). Is it an 'ipcbench serve'?")
      case .interrupted: throw Problem(.toolFailed, "Interrupted; nothing was measured.")
      }
    }
  }

  private func nobodyServes(_ reason: SystemError) -> Problem {
    // A server that is gone by now has closed its door.
    if let rendezvous { return rendezvous.nobodyServes(id) }
    let address = address!
    return Problem(
      .toolFailed,
      "Nobody serves at \(address) (\(reason)): start 'ipcbench serve \(id) --listen \(address)' there first."
    )
  }

  /// Where the two sides are. The consumer is where its server was reached.
  func hosts(_ connection: ControlConnection) throws(SystemError) -> Hosts {
    guard let address else { return .loopback }
    return Hosts(
      scope: .network, producer: HostPlace(address: try connection.socket.localAddress().address),
      consumer: HostPlace(address: address.address), shareFiles: false)
  }
}
