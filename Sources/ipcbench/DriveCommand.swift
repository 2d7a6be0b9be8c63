import ArgumentParser
import Harness
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms

/// The sending side of a mechanism, by hand.
struct DriveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drive", abstract: "Sends texts over a mechanism to 'serve', which prints them.",
    usage: "ipcbench drive ID NAME --text TEXT... [options]",
    discussion: """
      The other side of 'ipcbench serve ID NAME', in another terminal. Ends when all texts have been received. An empty \
      text is sent as "\(NotifiedText.placeholder)".
      """)

  @Argument(help: "The mechanism that is served; without a variant, whichever is.") var id: String
  @Argument(help: "The name under which it is served.") var name: String
  @Option(
    name: .customLong("text"), parsing: .unconditionalSingleValue,
    help: "A text to send; may be given several times.")
  var texts: [String]

  func run() throws {
    let rendezvous = try Rendezvous(name)
    StopSignal.ignoreBrokenPipes()
    do {
      let (entry, variants) = try Registry.entries.named(id)
      let offer = try rendezvous.find(for: id)
      guard offer.mechanism == entry.mechanism.id, variants.contains(offer.variant) else {
        throw Problem(
          .usage,
          "'\(name)' serves \(offer.id), not \(id): give the mechanism that is served, or another NAME.")
      }
      let texts = texts.map { $0.isEmpty ? NotifiedText.placeholder : $0 }
      try requireRoom(for: texts, in: offer)
      try drive(rendezvous, entry, offer, texts)
    } catch let error as UsageError {
      throw Problem(.usage, error.description)
    } catch let error as TransportError {
      throw Problem(.toolFailed, error.description)
    } catch let error as SystemError {
      throw Problem(.toolFailed, "\(error).")
    }
  }

  private func requireRoom(for texts: [String], in offer: Offer) throws {
    for text in texts where text.utf8.count > offer.messageByteCount {
      throw Problem(
        .usage,
        "A text has \(text.utf8.count) bytes, and '\(name)' takes \(offer.messageByteCount) at most: shorten it, or "
          + "serve with a larger --size where \(offer.id) allows it.")
    }
  }

  /// Waits for its turn, sends, and waits until everything has arrived.
  private func drive(
    _ rendezvous: Rendezvous, _ entry: MechanismEntry, _ offer: Offer, _ texts: [String]
  ) throws {
    // A server that is gone by now has closed its door.
    guard let turn = try? Turn(knockingAt: offer.door) else { throw rendezvous.nobodyServes(id) }
    let serial = try awaitBeginning(of: turn, rendezvous)
    // The channel that is offered now: what was offered before went to another driver.
    let offer = try rendezvous.find(for: id)
    guard offer.serial == serial, let form = entry.form(offer.variant, offer.wait) else {
      throw rendezvous.nobodyServes(id)
    }
    let driver = Driver(offer, texts)
    form.visit(driver)
    try driver.outcome.get()
    try requireAll(texts, turn)
  }

  /// The serial of the channel that is this driver's.
  private func awaitBeginning(of turn: Turn, _ rendezvous: Rendezvous) throws -> Int {
    var answer = try turn.hear(milliseconds: 1000)
    if answer == .notYet {
      Terminal.note("'\(name)' is with another driver; waiting for it to end.")
      answer = try turn.hear(milliseconds: -1)
    }
    guard case .number(let serial) = answer else { throw rendezvous.nobodyServes(id) }
    return Int(serial)
  }

  private func requireAll(_ texts: [String], _ turn: Turn) throws {
    switch try turn.hear(milliseconds: 10_000) {
    case .number(UInt64(texts.count)): return
    case .number(let count):
      throw Problem(.caseFailed, "\(count) of \(texts.count) texts arrived; send the others again.")
    case .notYet:
      throw Problem(.caseFailed, "The server did not say within 10 s what has arrived; is it stopped?")
    case .gone:
      throw Problem(.caseFailed, "The server ended before it said what has arrived; start it again.")
    }
  }
}
