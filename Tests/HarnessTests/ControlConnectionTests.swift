import Glibc
import LinuxIPC
import Measurement
import Testing

@testable import Harness

@Suite struct ControlConnectionTests {
  private struct Letter: Codable, Equatable { var text: String }

  private func pair() throws -> (ControlConnection, ControlConnection) {
    let (first, second) = try Socket.pair(.stream)
    return (ControlConnection(first), ControlConnection(second))
  }

  private func say(_ bytes: [UInt8], _ connection: ControlConnection) {
    _ = send(connection.socket.descriptor.rawValue, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  @Test func messagesArriveOneByOne() throws {
    let (first, second) = try pair()
    let letters = ["", "hello", String(repeating: "x", count: 30_000)].map(Letter.init)
    for letter in letters { try first.say(letter) }
    for letter in letters { #expect(try second.hear(Letter.self, milliseconds: 100) == letter) }
  }

  @Test func aMessageThatIsTooLongIsNotSent() throws {
    let (first, _) = try pair()
    #expect(throws: ControlError.self) {
      try first.say(Letter(text: String(repeating: "x", count: ControlConnection.largestMessage)))
    }
  }

  @Test func aPeerThatDoesNotReadIsGivenUp() throws {
    let (first, _) = try pair()
    let letter = Letter(text: String(repeating: "x", count: 60_000))
    #expect(throws: ControlError.silent(ControlConnection.promptMilliseconds)) {
      for _ in 0..<100 { try first.say(letter) }
    }
  }

  @Test(arguments: [UInt32](arrayLiteral: 0, 65_537, .max))
  func aLengthOutOfBoundsIsNonsense(length: UInt32) throws {
    let (first, second) = try pair()
    say(withUnsafeBytes(of: length.bigEndian) { Array($0) }, first)
    #expect(throws: ControlError.self) { try second.hear(Letter.self, milliseconds: 100) }
  }

  @Test func silenceAndHalfAMessageEndWithTheDeadline() throws {
    let (first, second) = try pair()
    #expect(throws: ControlError.silent(50)) { try second.hear(Letter.self, milliseconds: 50) }
    say([0, 0, 0, 9, 0x7B], first)
    #expect(throws: ControlError.silent(50)) { try second.hear(Letter.self, milliseconds: 50) }
  }

  @Test func aPeerThatHangsUpIsToldFromOneThatBreaksOff() throws {
    let (first, second) = try pair()
    first.close()
    #expect(throws: ControlError.hungUp) { try second.hear(Letter.self, milliseconds: 100) }
    let (third, fourth) = try pair()
    say([0, 0, 0, 9, 0x7B], third)
    third.close()
    #expect(throws: ControlError.gone) { try fourth.hear(Letter.self, milliseconds: 100) }
    #expect(fourth.isOver)
  }

  @Test func anotherVersionIsNamedWithBoth() {
    let own = Greeting(program: "1.0")
    #expect(own.whyNot(own, "The server") == nil)
    let sentence = own.whyNot(Greeting(program: "2.0"), "The server")
    #expect(sentence?.contains("2.0") == true && sentence?.contains("1.0") == true)
    // It may be anybody's.
    let hostile = own.whyNot(
      Greeting(program: "\u{1B}[2J" + String(repeating: "x", count: 9999)), "The driver")
    #expect(hostile?.contains("\u{1B}") == false && (hostile?.count ?? 0) < 300)
  }

  @Test func aReportWithNumbersThatCannotBeIsNotUsed() {
    var report = WorkerReport()
    #expect(report.isPlausible)
    report.attachNanoseconds = .max
    #expect(!report.isPlausible)
    report = WorkerReport()
    report.probeAfter.arithmeticNanoseconds = -1e300
    #expect(!report.isPlausible)
  }
}
