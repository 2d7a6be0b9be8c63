import Glibc
import LinuxIPC
import Testing

@testable import Measurement

@Suite struct PeerLinkTests {
  /// A link and the other end of its connection, in the test's own hands.
  private func link() throws -> (PeerLink, Int32) {
    let (own, other) = try Socket.pair(.stream)
    return (PeerLink(descriptor: own.descriptor.rawValue), other.descriptor.rawValue)
  }

  private func say(_ bytes: [UInt8], to descriptor: Int32) {
    _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  private let own = PeerLink.Word(stage: 1, agreed: 0)

  @Test func aWordIsTheSameAfterItsWay() {
    let word = PeerLink.Word(stage: 3, agreed: 1 << 63 | 12345)
    #expect(word.bytes.count == PeerLink.Word.byteCount)
    #expect(PeerLink.Word(word.bytes) == word)
  }

  @Test func aWordOfAnotherLengthIsNone() {
    #expect(PeerLink.Word(Array(own.bytes.dropLast())) == nil)
    #expect(PeerLink.Word([0, 0, 0, 17] + [UInt8](repeating: 0, count: 16)) == nil)
    #expect(PeerLink.Word([]) == nil)
  }

  @Test func bothSidesGoOnWhenBothHaveCome() throws {
    let (link, other) = try link()
    defer { close(other) }
    say(PeerLink.Word(stage: 1, agreed: 42).bytes, to: other)
    #expect(link.meet(own, isAbandoned: { false })?.agreed == 42)
  }

  @Test func aWordInTwoPartsIsWaitedFor() throws {
    let (link, other) = try link()
    defer { close(other) }
    let bytes = PeerLink.Word(stage: 1, agreed: 7).bytes
    say(Array(bytes[..<9]), to: other)
    var looks = 0
    let theirs = link.meet(own) {
      looks += 1
      if looks == 3 { say(Array(bytes[9...]), to: other) }
      return false
    }
    #expect(theirs?.agreed == 7)
  }

  @Test(arguments: [
    PeerLink.Word(stage: 2, agreed: 0).bytes, Array("GET / HTTP/1.1\r\n\r\n".utf8),
    [UInt8](repeating: 0xFF, count: 100),
  ])
  func whoeverSaysSomethingElseIsNoPeer(bytes: [UInt8]) throws {
    let (link, other) = try link()
    defer { close(other) }
    say(bytes, to: other)
    #expect(link.meet(own, isAbandoned: { false }) == nil)
  }

  /// The harness reads why its peer gave up.
  @Test func aMessageThatIsNoWordIsLeftWhereItIs() throws {
    let (own, other) = try Socket.pair(.stream)
    defer { other.close() }
    let message = [0, 0, 0, 2] + Array("{}".utf8)
    say(message, to: other.descriptor.rawValue)
    #expect(PeerLink(descriptor: own.descriptor.rawValue).meet(self.own, isAbandoned: { false }) == nil)
    var bytes = [UInt8](repeating: 0, count: 100)
    #expect(recv(own.descriptor.rawValue, &bytes, 100, 0) == message.count)
    #expect(Array(bytes.prefix(message.count)) == message)
  }

  @Test func aPeerThatIsGoneAndAHarnessThatIsGoneEndTheWait() throws {
    let (first, other) = try link()
    close(other)
    #expect(first.meet(own, isAbandoned: { false }) == nil)
    let (second, silent) = try link()
    defer { close(silent) }
    var looks = 0
    let theirs = second.meet(own) {
      looks += 1
      return looks > 2
    }
    #expect(theirs == nil && looks > 2)
  }
}
