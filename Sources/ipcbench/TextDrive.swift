import Harness
import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms

/// Sends texts to a server that has been greeted, and waits until everything has arrived.
struct TextDrive {
  private let entry: MechanismEntry
  private let served: Served
  private let connection: ControlConnection
  private let hosts: Hosts

  init(_ entry: MechanismEntry, _ served: Served, _ connection: ControlConnection, _ hosts: Hosts) {
    (self.entry, self.served, self.connection, self.hosts) = (entry, served, connection, hosts)
  }

  func send(_ texts: [String]) throws {
    let texts = texts.map { $0.isEmpty ? NotifiedText.placeholder : $0 }
    try requireRoom(for: texts)
    guard let form = entry.form(served.variant, served.wait) else {
      throw Problem(.usage, "\(served.id) is served in a way that is not known here.")
    }
    try connection.say(ControlRequest(texts: UInt64(texts.count)))
    let offer = try connection.hear(ChannelOffer.self, milliseconds: 20_000)
    if let refusal = offer.refusal { throw Problem(.usage, oneLine(refusal)) }
    let spec = ChannelSpec(
      variant: served.variant, wait: served.wait, attach: .name, messageByteCount: served.messageByteCount,
      topology: Topology.detect(), scope: offer.scope ?? ResourceScope(), serial: offer.serial, hosts: hosts)
    let driver = Driver(spec, address: offer.address, texts, connection)
    form.visit(driver)
    try driver.outcome.get()
  }

  private func requireRoom(for texts: [String]) throws {
    for text in texts where text.utf8.count > served.messageByteCount {
      throw Problem(
        .usage,
        "A text has \(text.utf8.count) bytes, and the server takes \(served.messageByteCount) at most: shorten it, or "
          + "serve with a larger --size where \(served.id) allows it.")
    }
  }
}
