import Harness
import IPCTransport
import LinuxIPC
import Measurement

/// Sends texts over the channel that a server offers.
final class Driver: FormVisitor {
  private let spec: ChannelSpec
  private let address: String
  private let texts: [String]
  private let connection: ControlConnection
  private(set) var outcome: Result<Void, any Error> = .success(())

  init(_ spec: ChannelSpec, address: String, _ texts: [String], _ connection: ControlConnection) {
    (self.spec, self.address, self.texts, self.connection) = (spec, address, texts, connection)
  }

  func visit<P: ChannelProvider, T: Transport & ~Copyable>(_ provider: P.Type, _ transport: T.Type)
  where P.Attachment == T.Attachment {
    outcome = Result {
      let channel = try P.find(address, spec)
      var transport = try T(try P.attach(channel, as: .producer, spec), as: .producer, spec)
      do throws(ExchangeError) {
        for text in texts { try send(text, &transport) }
      } catch {
        throw Problem(.caseFailed, "The text could not be sent: \(error).")
      }
      // On one machine the end of the channel is what ends the exchange; between two it could overtake a text.
      if spec.hosts.shareFiles {
        transport.shutDown()
        try requireAll()
      } else {
        try requireAll()
        transport.shutDown()
      }
    }
  }

  private func send<T: Transport & ~Copyable>(
    _ text: String, _ transport: inout T
  ) throws(ExchangeError) {
    let bytes = Array(text.utf8)
    try transport.send(bytes.count) { span in span.withUnsafeMutableBytes { $0.copyBytes(from: bytes) } }
  }

  private func requireAll() throws {
    let arrived: UInt64
    do throws(ControlError) {
      arrived = try connection.hear(TextsEnd.self, milliseconds: 10_000).arrived
    } catch {
      if case .silent = error {
        throw Problem(.caseFailed, "The server did not say within 10 s what has arrived; is it stopped?")
      }
      throw Problem(.caseFailed, "The server ended before it said what has arrived; start it again.")
    }
    guard arrived == UInt64(texts.count) else {
      throw Problem(.caseFailed, "\(arrived) of \(texts.count) texts arrived; send the others again.")
    }
  }
}
