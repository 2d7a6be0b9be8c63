import Foundation
import IPCTransport
import LinuxIPC
import Mechanisms
import Testing

/// What a mailslot promises: messages, a reader with a time-out, broadcasts that may be lost and are counted.
struct MailslotTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  private func slot(_ name: String = "news", reader: String = "0", maximum: Int = 1000) throws -> Mailslot {
    var slot = try Mailslot(name, in: folder.path, reader: reader, maximumMessageByteCount: maximum)
    slot.readTimeout = 10_000
    return slot
  }

  private func writer(_ name: String = "news") throws -> MailslotWriter {
    try MailslotWriter(name, in: folder.path)
  }

  private func broadcast(_ message: [UInt8], to name: String = "news") throws -> (sent: Int, lost: Int) {
    try MailslotWriter.broadcast(message, to: name, in: folder.path)
  }

  // MARK: Messages

  @Test func eachReadIsOneMessage() throws {
    var slot = try slot()
    var writer = try writer()
    defer {
      slot.close()
      writer.close()
    }
    let messages: [[UInt8]] = [Array("one".utf8), [], Array("two".utf8), [UInt8](repeating: 7, count: 1000)]
    for message in messages { try writer.write(message) }
    for message in messages { #expect(try slot.read() == message) }
  }

  @Test func theReaderGivesUpAfterItsTimeOut() throws {
    var slot = try slot()
    defer { slot.close() }
    slot.readTimeout = 100
    let before = Date()
    #expect(try slot.read() == nil)
    #expect(Date().timeIntervalSince(before) < 10)
    slot.readTimeout = 0
    #expect(try slot.read() == nil)
  }

  @Test func aReaderWithoutATimeOutWaitsForTheMessage() throws {
    var slot = try slot()
    defer { slot.close() }
    slot.readTimeout = -1
    let reading = slot
    let reader = OtherSide { () -> [UInt8]? in
      var slot = reading
      return try slot.read()
    }
    #expect(reader.outcome(within: 0.2) == nil)
    var writer = try writer()
    defer { writer.close() }
    try writer.write([1, 2, 3])
    #expect(try reader.value() == [1, 2, 3])
  }

  @Test func theInfoIsTheSizeOfTheNextMessageAndHowManyWait() throws {
    var slot = try slot()
    var writer = try writer()
    defer {
      slot.close()
      writer.close()
    }
    var info = slot.info()
    #expect(info.nextByteCount == nil && info.count == 0)
    for size in [5, 0, 300] { try writer.write([UInt8](repeating: 1, count: size)) }
    for (next, count) in [(5, 3), (0, 2), (300, 1)] {
      info = slot.info()
      #expect(info.nextByteCount == next && info.count == count)
      #expect(try slot.read()?.count == next)
    }
    info = slot.info()
    #expect(info.nextByteCount == nil && info.count == 0)
  }

  @Test func askingForTheInfoDoesNotTakeMessagesAway() throws {
    var slot = try slot()
    var writer = try writer()
    defer {
      slot.close()
      writer.close()
    }
    try writer.write([1])
    _ = slot.info()
    try writer.write([2])
    #expect(slot.info().count == 2)
    #expect(try slot.read() == [1])
    #expect(try slot.read() == [2])
  }

  @Test func aMessageOverTheMaximumIsRefusedAndTheSlotGoesOn() throws {
    var slot = try slot(maximum: 100)
    var writer = try writer()
    defer {
      slot.close()
      writer.close()
    }
    #expect(writer.maximumMessageByteCount == 100)
    let error = try refusal { try writer.write([UInt8](repeating: 0, count: 101)) }
    #expect(error.code == .messageTooLarge)
    expectOneSentence(error.description)
    #expect(error.description.contains("100 bytes") && error.description.contains("101"))
    #expect(writer.sentCount == 0)
    try writer.write([UInt8](repeating: 9, count: 100))
    #expect(try slot.read() == [UInt8](repeating: 9, count: 100))
  }

  @Test func twoSlotsMakeItTwoWay() throws {
    var (questions, answers) = (try slot("questions"), try slot("answers"))
    var (ask, answer) = (try writer("questions"), try writer("answers"))
    defer {
      [questions, answers].forEach { $0.close() }
      [ask, answer].forEach { $0.close() }
    }
    for number in UInt8(0)..<50 {
      try ask.write([number])
      let question = try #require(try questions.read())
      try answer.write([question[0] * 2])
      #expect(try answers.read() == [number * 2])
    }
  }

  @Test func whatIsSentAndReceivedIsCounted() throws {
    var slot = try slot()
    var writer = try writer()
    defer {
      slot.close()
      writer.close()
    }
    for number in UInt8(0)..<5 { try writer.write([number]) }
    #expect(writer.sentCount == 5 && slot.receivedCount == 0)
    for _ in 0..<3 { _ = try slot.read() }
    #expect(slot.receivedCount == 3)
    _ = slot.info()
    #expect(slot.receivedCount == 3, "counted when it is looked at")
  }

  @Test func aWriterWaitsWhileTheSlotIsFullAndNothingIsLost() throws {
    var slot = try slot()
    defer { slot.close() }
    let directory = folder.path
    let count = 1000
    let writing = OtherSide { () -> Int in
      var writer = try MailslotWriter("news", in: directory)
      defer { writer.close() }
      for number in 0..<count { try writer.write([UInt8(number & 0xff), UInt8(number >> 8)]) }
      return writer.sentCount
    }
    for number in 0..<count {
      guard try slot.read() == [UInt8(number & 0xff), UInt8(number >> 8)] else {
        Issue.record("message \(number) is not the one that was sent")
        break
      }
    }
    #expect(try writing.value() == count)
    #expect(slot.receivedCount == count)
  }

  // MARK: Broadcasts

  @Test func aBroadcastReachesEveryReaderOfTheName() throws {
    var readers = try (0..<3).map { try slot(reader: "\($0)") }
    var stranger = try slot("other")
    defer { (readers + [stranger]).forEach { $0.close() } }
    let counts = try broadcast(Array("all".utf8))
    #expect(counts.sent == 3 && counts.lost == 0)
    for index in readers.indices { #expect(try readers[index].read() == Array("all".utf8)) }
    #expect(stranger.info().count == 0)
  }

  @Test func aBroadcastToANameThatNobodyReadsReachesNobody() throws {
    let counts = try broadcast([1], to: "nobody")
    #expect(counts.sent == 0 && counts.lost == 0)
  }

  @Test func aBroadcastOfFourHundredBytesIsSent() throws {
    var slot = try slot()
    defer { slot.close() }
    #expect(try broadcast([UInt8](repeating: 3, count: 400)).sent == 1)
    #expect(try slot.read()?.count == 400)
  }

  @Test func aBroadcastOverFourHundredBytesIsRefused() throws {
    var slot = try slot()
    defer { slot.close() }
    let error = try refusal { _ = try broadcast([UInt8](repeating: 3, count: 401)) }
    #expect(error.code == .messageTooLarge)
    expectOneSentence(error.description)
    #expect(error.description.contains("400 bytes") && error.description.contains("401"))
    #expect(slot.info().count == 0, "a part of it came")
  }

  @Test func aBroadcastToAFullSlotIsLostThereAndCountedAndComesToTheOthers() throws {
    var (full, quick) = (try slot(reader: "full"), try slot(reader: "quick"))
    defer { [full, quick].forEach { $0.close() } }
    var (sent, lost, rounds) = (0, 0, 0)
    // The queue's length is the system's (net.unix.max_dgram_qlen).
    while lost < 3 && rounds < 20_000 {
      let counts = try broadcast([UInt8(rounds & 0xff)])
      (sent, lost) = (sent + counts.sent, lost + counts.lost)
      #expect(try quick.read() == [UInt8(rounds & 0xff)])
      rounds += 1
    }
    #expect(lost == 3)
    #expect(sent + lost == 2 * rounds)
    #expect(quick.receivedCount == rounds)
    // What was not lost is all there, in order, and afterwards there is room again.
    #expect(full.info().count == rounds - lost)
    #expect(try full.read() == [0])
    #expect(try broadcast([1]).lost == 0)
  }

  @Test func aBroadcastOverTheMaximumOfOneReaderIsNotCutShortForIt() throws {
    var (small, large) = (try slot(reader: "small", maximum: 10), try slot(reader: "large"))
    defer { [small, large].forEach { $0.close() } }
    let counts = try broadcast([UInt8](repeating: 5, count: 300))
    #expect(try large.read()?.count == 300)
    #expect(counts.sent == 1 && counts.lost == 1)
    #expect(small.info().count == 0)
  }

  // MARK: Names

  @Test func aSlotThatNobodyOwnsIsNamedInASentence() throws {
    let error = try refusal { try writer("nobody").close() }
    #expect(error.code == .unavailable)
    expectOneSentence(error.description)
    #expect(error.description.contains("'nobody'") && error.description.contains(folder.path))
  }

  @Test func aSlotWhoseReaderHasClosedItIsNotThereAnyMore() throws {
    try slot().close()
    #expect(throws: TransportError.self) { try writer().close() }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test func aSlotWhoseReaderHasDiedIsAnErrorToWriteToAndALossToABroadcast() throws {
    // As a process that is killed leaves it: the path without the socket.
    let dead = try Socket.unix(.datagram)
    try dead.bind(path: folder.file("news.0.100.slot"))
    dead.close()
    expectOneSentence(try refusal { try writer().close() }.description)
    let counts = try broadcast([1])
    #expect(counts.sent == 0 && counts.lost == 1)
  }

  @Test func writingToASlotWhoseReaderHasJustEndedIsAnError() throws {
    let slot = try slot()
    var writer = try writer()
    defer { writer.close() }
    slot.close()
    expectOneSentence(try refusal { try writer.write([1]) }.description)
    #expect(writer.sentCount == 0)
  }

  @Test func aSlotNameThatIsTakenIsRefusedAndTheFirstReaderGoesOn() throws {
    var first = try slot()
    defer { first.close() }
    let error = try refusal { try slot().close() }
    expectOneSentence(error.description)
    #expect(error.description.contains(first.path))
    var writer = try writer()
    defer { writer.close() }
    try writer.write([4])
    #expect(try first.read() == [4])
    #expect(error.description.contains("taken"), "\(error)")
  }

  @Test func aSlotNameTakenBySomebodyElsesFileIsRefusedAndTheFileStays() throws {
    let path = folder.file("news.0.1000.slot")
    try "somebody else's".write(toFile: path, atomically: false, encoding: .utf8)
    #expect(throws: TransportError.self) { try slot().close() }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "somebody else's")
  }

  @Test func aSlotWithADotInItsNameIsFound() throws {
    let slot = try slot("news.local")
    defer { slot.close() }
    try writer("news.local").close()
  }

  @Test func aSlotPathThatIsTooLongIsRefused() throws {
    let error = try refusal { try slot(String(repeating: "x", count: 120)).close() }
    expectOneSentence(error.description)
    #expect(error.description.contains("name is too long"))
  }
}
