import IPCTransport
import LinuxIPC
import Measurement

/// Sends texts over the channel that a server offers.
final class Driver: FormVisitor {
  private let offer: Offer
  private let texts: [String]
  private(set) var outcome: Result<Void, any Error> = .success(())

  init(_ offer: Offer, _ texts: [String]) {
    self.offer = offer
    self.texts = texts
  }

  func visit<P: ChannelProvider, T: Transport & ~Copyable>(_ provider: P.Type, _ transport: T.Type)
  where P.Attachment == T.Attachment {
    outcome = Result {
      let spec = offer.spec
      let channel = try P.find(offer.address, spec)
      var transport = try T(try P.attach(channel, as: .producer, spec), as: .producer, spec)
      do throws(ExchangeError) {
        for text in texts { try send(text, &transport) }
      } catch {
        throw Problem(.caseFailed, "The text could not be sent: \(error).")
      }
      transport.shutDown()
    }
  }

  private func send<T: Transport & ~Copyable>(
    _ text: String, _ transport: inout T
  ) throws(ExchangeError) {
    let bytes = Array(text.utf8)
    try transport.send(bytes.count) { span in span.withUnsafeMutableBytes { $0.copyBytes(from: bytes) } }
  }
}
