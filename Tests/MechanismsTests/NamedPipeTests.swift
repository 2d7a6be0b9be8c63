import Foundation
import IPCTransport
import LinuxIPC
import Testing

@testable import Mechanisms

/// What the named pipe of Win32 promises: instances, waiting clients, messages, refusals.
struct NamedPipeTests {
  private let folder: Folder
  private var path: String { folder.file("pipe") }

  init() throws { folder = try Folder() }

  private func server(_ mode: NamedPipeMode = .messages, instances: Int = 1) throws -> NamedPipeServer {
    try NamedPipeServer(path: path, mode: mode, instanceLimit: instances, maximumMessageByteCount: 65_536)
  }

  private func client(
    _ mode: NamedPipeMode = .messages, milliseconds: UInt64 = 10_000
  ) -> OtherSide<NamedPipeInstance> {
    let path = path
    return OtherSide { try NamedPipeClient.open(path, mode: mode, milliseconds: milliseconds) }
  }

  /// A conversation: the server's end, and a client's.
  private func connect(
    _ server: inout NamedPipeServer
  ) throws -> (server: NamedPipeInstance, client: NamedPipeInstance) {
    let client = client(server.mode)
    let instance = try server.connect(milliseconds: 10_000)
    return (instance, try client.value())
  }

  private func text(_ read: (bytes: [UInt8], isComplete: Bool)?) -> String? {
    read.map { String(decoding: $0.bytes, as: UTF8.self) }
  }

  // MARK: Instances

  @Test func aClientPastTheInstanceLimitWaitsForABoundedTimeAndIsToldWhy() throws {
    var server = try server()
    defer { server.close() }
    let (ours, theirs) = try connect(&server)
    defer { [ours, theirs].forEach { $0.close() } }
    let late = client(milliseconds: 300)
    let error = try refusal { try late.value().close() }
    #expect(error.code == .resourceLimit)
    expectOneSentence(error.description)
    #expect(error.description.contains("in use") && error.description.contains(path))
  }

  @Test func aWaitingClientGetsTheInstanceThatBecomesFree() throws {
    var server = try server()
    defer { server.close() }
    let (ours, theirs) = try connect(&server)
    defer { theirs.close() }
    let late = client()
    #expect(late.outcome(within: 0.3) == nil, "an instance past the limit")
    server.disconnect(ours)
    var next = try server.connect(milliseconds: 10_000)
    let instance = try late.value()
    defer { [next, instance].forEach { $0.close() } }
    try instance.write(Array("here".utf8))
    #expect(text(try next.read(100)) == "here")
  }

  @Test func aServerTakesNoMoreClientsThanItsInstances() throws {
    var server = try server(instances: 2)
    defer { server.close() }
    let (first, second) = (try connect(&server), try connect(&server))
    defer { [first.server, first.client, second.server, second.client].forEach { $0.close() } }
    #expect(server.instanceCount == 2)
    let error = try refusal { try server.connect(milliseconds: 0).close() }
    #expect(error.code == .resourceLimit)
    expectOneSentence(error.description)
    server.disconnect(first.server)
    #expect(server.instanceCount == 1)
  }

  @Test func aClientThatGaveUpDoesNotTakeAnInstance() throws {
    var server = try server()
    defer { server.close() }
    let (ours, theirs) = try connect(&server)
    defer { theirs.close() }
    let impatient = client(milliseconds: 100)
    #expect(throws: TransportError.self) { try impatient.value().close() }
    server.disconnect(ours)
    let next = try connect(&server)
    defer { [next.server, next.client].forEach { $0.close() } }
    #expect(server.instanceCount == 1)
  }

  @Test func aServerThatNobodyComesToWaitsForABoundedTime() throws {
    var server = try server()
    defer { server.close() }
    let error = try refusal { try server.connect(milliseconds: 100).close() }
    expectOneSentence(error.description)
    #expect(server.instanceCount == 0)
  }

  @Test func aClientWhoseServerDoesNotComeIsToldThePath() throws {
    let early = client(milliseconds: 200)
    let error = try refusal { try early.value().close() }
    expectOneSentence(error.description)
    #expect(error.description.contains(path))
  }

  @Test func aClientMayComeBeforeItsServer() throws {
    let early = client()
    #expect(early.outcome(within: 0.1) == nil)
    var server = try server()
    defer { server.close() }
    let ours = try server.connect(milliseconds: 10_000)
    let theirs = try early.value()
    [ours, theirs].forEach { $0.close() }
  }

  @Test func aClientWaitsForABoundedTimeAlsoWhereTheQueueOfClientsIsFull() throws {
    let server = try server()
    // More than the queue holds; each leaves as soon as it cannot get in.
    var queued: [Socket] = []
    defer { queued.forEach { $0.close() } }
    for _ in 0..<200 {
      let socket = try Socket.unix(.sequencedPackets)
      queued.append(socket)
      try socket.descriptor.setNonBlocking(true)
      if (try? socket.connect(path: path)) == nil { break }
    }
    try #require(queued.count < 200, "the queue takes everybody")
    let late = client(milliseconds: 300)
    let outcome = late.outcome(within: 5)
    server.close()
    guard case .failure(let error as TransportError)? = outcome else {
      Issue.record("it still waits after 5 s")
      return
    }
    expectOneSentence(error.description)
    _ = late.outcome(within: 20)
  }

  @Test func aWaitingClientWhoseServerEndsIsToldThat() throws {
    var server = try server()
    let (ours, theirs) = try connect(&server)
    defer { [ours, theirs].forEach { $0.close() } }
    let late = client()
    #expect(late.outcome(within: 0.3) == nil)
    server.close()
    let error = try refusal { try late.value().close() }
    expectOneSentence(error.description)
    #expect(!error.description.contains("is not a named pipe"), "\(error)")
  }

  // MARK: Disconnecting

  @Test func disconnectDiscardsWhatTheClientHadWrittenAndNobodyRead() throws {
    var server = try server()
    defer { server.close() }
    let (ours, theirs) = try connect(&server)
    defer { theirs.close() }
    for word in ["never", "read"] { try theirs.write(Array(word.utf8)) }
    server.disconnect(ours)

    var (next, newcomer) = try connect(&server)
    defer { [next, newcomer].forEach { $0.close() } }
    #expect(!Readiness.canRead(next.socket.descriptor.rawValue, milliseconds: 50))
    try newcomer.write(Array("mine".utf8))
    #expect(text(try next.read(100)) == "mine")
  }

  @Test(arguments: [NamedPipeMode.messages, .bytes])
  func aClientThatIsDisconnectedSeesTheEnd(_ mode: NamedPipeMode) throws {
    var server = try server(mode)
    defer { server.close() }
    var (ours, theirs) = try connect(&server)
    defer { theirs.close() }
    try theirs.write(Array("question".utf8))
    #expect(text(try ours.read(100)) == "question")
    try ours.write(Array("answer".utf8))
    server.disconnect(ours)
    #expect(text(try theirs.read(100)) == "answer")
    #expect(try theirs.read(100) == nil)
    let error = try #require(throws: SystemError.self) { try theirs.write([1]) }
    #expect(error.errno == .brokenPipe)
  }

  @Test(arguments: [NamedPipeMode.messages, .bytes])
  func aClientWhoseWordsWereDiscardedSeesTheEndToo(_ mode: NamedPipeMode) throws {
    var server = try server(mode)
    defer { server.close() }
    var (ours, theirs) = try connect(&server)
    defer { theirs.close() }
    try theirs.write(Array("unread".utf8))
    server.disconnect(ours)
    let end = try theirs.read(100)
    #expect(end == nil)
    #expect(try theirs.read(100) == nil)
  }

  @Test func whatWasSentBeforeTheEndIsReadAlsoWhereThePeerLeftSomethingUnread() throws {
    try checkLastMessage(ByteStream<CopyingSender, Block>.self, .bytes)
    try checkLastMessage(ByteStream<CopyingSender, Spin>.self, .bytes)
    try checkLastMessage(Messages<Packets<Connected, Block>>.self, .messages)
    try checkLastMessage(Messages<Packets<Connected, Spin>>.self, .messages)
  }

  private func checkLastMessage<T: Transport & ~Copyable>(
    _ transport: T.Type, _ mode: NamedPipeMode
  ) throws where T.Attachment == Ends {
    let (here, there) = try Socket.pair(mode.kind)
    let spec = ChannelSpec(
      wait: T.wait, messageByteCount: 64, topology: .detect(), scope: ResourceScope(), serial: 900_004)
    var ours = try T(Ends(here), as: .consumer, spec)
    var theirs = try T(Ends(there), as: .producer, spec)
    defer { ours.shutDown() }
    try ours.send(8) { $0.storeBytes(of: 1, as: UInt64.self) }
    try theirs.send(8) { $0.storeBytes(of: 42, as: UInt64.self) }
    theirs.shutDown()
    var received: UInt64 = 0
    try ours.receive { received = $0.unsafeLoadUnaligned(as: UInt64.self) }
    #expect(received == 42)
    let end = #expect(throws: ExchangeError.self) { try ours.receive { _ in } }
    #expect(end == .peerClosed)
  }

  @Test func theServerSeesTheEndOfAClientAfterItsLastMessage() throws {
    var server = try server()
    defer { server.close() }
    var (ours, theirs) = try connect(&server)
    defer { server.disconnect(ours) }
    try theirs.write(Array("last".utf8))
    theirs.close()
    #expect(text(try ours.read(100)) == "last")
    #expect(try ours.read(100) == nil)
  }

  // MARK: Messages

  @Test func aShortReadKeepsTheRestOfTheMessageAndSaysSo() throws {
    var server = try server()
    defer { server.close() }
    var (ours, theirs) = try connect(&server)
    defer { [ours, theirs].forEach { $0.close() } }
    try theirs.write(Array("abcdefgh".utf8))
    try theirs.write(Array("next".utf8))
    let parts = try (0..<4).map { _ in try #require(try ours.read(3)) }
    #expect(parts.map { text($0) } == ["abc", "def", "gh", "nex"])
    #expect(parts.map(\.isComplete) == [false, false, true, false])
    let end = try #require(try ours.read(3))
    #expect(text(end) == "t" && end.isComplete)
  }

  @Test func aReadOfExactlyTheMessageIsComplete() throws {
    var server = try server()
    defer { server.close() }
    var (ours, theirs) = try connect(&server)
    defer { [ours, theirs].forEach { $0.close() } }
    try theirs.write(Array("abcd".utf8))
    #expect(try ours.read(4)?.isComplete == true)
  }

  @Test func messageModeKeepsBoundaries() throws {
    var server = try server()
    defer { server.close() }
    var (ours, theirs) = try connect(&server)
    defer { [ours, theirs].forEach { $0.close() } }
    let sizes = [1, 5, 4096, 60_000, 2]
    let sender = theirs
    let writer = OtherSide {
      for size in sizes { try sender.write([UInt8](repeating: UInt8(size & 0xff), count: size)) }
    }
    for size in sizes {
      let message = try #require(try ours.read(100_000))
      #expect(message.bytes == [UInt8](repeating: UInt8(size & 0xff), count: size) && message.isComplete)
    }
    try writer.value()
  }

  @Test func byteModeJoinsWhatWasWritten() throws {
    var server = try server(.bytes)
    defer { server.close() }
    var (ours, theirs) = try connect(&server)
    defer { [ours, theirs].forEach { $0.close() } }
    for word in ["one", "two", "three"] { try theirs.write(Array(word.utf8)) }
    #expect(text(try ours.read(100)) == "onetwothree")
    try theirs.write(Array("longer".utf8))
    #expect(text(try ours.read(4)) == "long")
    #expect(text(try ours.read(4)) == "er")
  }

  @Test(arguments: [NamedPipeMode.messages, .bytes])
  func bothSidesReadAndWrite(_ mode: NamedPipeMode) throws {
    var server = try server(mode)
    defer { server.close() }
    var (ours, theirs) = try connect(&server)
    defer { [ours, theirs].forEach { $0.close() } }
    // Both are on their way at once: neither direction waits for the other.
    try ours.write(Array("to the client".utf8))
    try theirs.write(Array("to the server".utf8))
    #expect(text(try theirs.read(100)) == "to the client")
    #expect(text(try ours.read(100)) == "to the server")
  }

  @Test(arguments: [NamedPipeMode.messages, .bytes])
  func eachOfManyClientsHasAConversationOfItsOwn(_ mode: NamedPipeMode) throws {
    let count = 16
    var server = try server(mode, instances: count)
    defer { server.close() }
    let path = path
    // Each client says its number, and expects twice as much.
    let clients = (0..<count).map { number in
      OtherSide { () -> Int in
        var instance = try NamedPipeClient.open(path, mode: mode, milliseconds: 10_000)
        defer { instance.close() }
        try instance.write([UInt8(number)])
        return Int(try #require(try instance.read(10)).bytes[0])
      }
    }
    var instances = try (0..<count).map { _ in try server.connect(milliseconds: 10_000) }
    let numbers = try instances.indices.map { try #require(try instances[$0].read(10)).bytes }
    #expect(Set(numbers.map { Int($0[0]) }) == Set(0..<count))
    // In another order than they came.
    for index in instances.indices.reversed() { try instances[index].write([2 * numbers[index][0]]) }
    #expect(try clients.map { try $0.value() } == (0..<count).map { 2 * $0 })
    for instance in instances { server.disconnect(instance) }
    #expect(server.instanceCount == 0)
  }

  // MARK: Strangers

  /// Somebody else's server on the path: accepts one client and sends it some bytes. It keeps the connection
  /// until its socket is closed.
  private func stranger(_ mode: NamedPipeMode, says bytes: [UInt8]) throws -> (Socket, OtherSide<Socket>) {
    let listener = try Socket.unix(mode.kind)
    try listener.bind(path: path)
    try listener.listen()
    let side = OtherSide { () -> Socket in
      let socket = try listener.accept(milliseconds: 10_000)
      _ = send(socket.descriptor.rawValue, bytes, bytes.count, Int32(MSG_NOSIGNAL))
      return socket
    }
    return (listener, side)
  }

  private func greeting(version: UInt32 = 1, mode: NamedPipeMode) -> [UInt8] {
    var greeting = NamedPipeGreeting(
      mode: mode.rawValue, instanceLimit: 1, maximumMessageByteCount: 100)
    greeting.version = version
    return withUnsafeBytes(of: greeting) { Array($0) }
  }

  private func refusalOfPeer(in mode: NamedPipeMode, saying bytes: [UInt8]) throws -> TransportError {
    let (listener, side) = try stranger(mode, says: bytes)
    defer { listener.close() }
    let client = client(mode)
    let socket = try side.value()
    defer { socket.close() }
    let outcome = try #require(client.outcome(within: 20), "the client still waits")
    return try refusal { try outcome.get().close() }
  }

  @Test(arguments: [NamedPipeMode.messages, .bytes])
  func aPeerOfAnotherVersionIsRefusedWithBothVersions(_ mode: NamedPipeMode) throws {
    let error = try refusalOfPeer(in: mode, saying: greeting(version: 7, mode: mode))
    #expect(error.code == .unsupported)
    expectOneSentence(error.description)
    #expect(error.description.contains("version 7") && error.description.contains("version 1"))
  }

  @Test(arguments: [NamedPipeMode.messages, .bytes])
  func aPeerThatDoesNotSpeakOurGreetingIsRefused(_ mode: NamedPipeMode) throws {
    let error = try refusalOfPeer(in: mode, saying: Array("220 mail.example.org ESMTP ready\r\n".utf8))
    #expect(error.code == .unsupported)
    expectOneSentence(error.description)
    #expect(error.description.contains(path))
  }

  @Test func aPeerWhoseMessageIsTooShortForAGreetingIsRefused() throws {
    expectOneSentence(try refusalOfPeer(in: .messages, saying: [1, 2, 3]).description)
  }

  @Test func aPeerThatSaysItIsInTheOtherModeIsRefused() throws {
    let error = try refusalOfPeer(in: .messages, saying: greeting(mode: .bytes))
    expectOneSentence(error.description)
    #expect(error.description.contains("mode"))
  }

  @Test func aPeerThatStopsInTheMiddleOfAGreetingIsNotWaitedForWithoutLimit() throws {
    let (listener, side) = try stranger(.bytes, says: [1, 2, 3])
    defer { listener.close() }
    let client = client(.bytes, milliseconds: 500)
    let socket = try side.value()
    #expect(client.outcome(within: 5) != nil)
    socket.close()
    expectOneSentence(try refusal { try client.value().close() }.description)
  }

  @Test func aPeerThatHangsUpInsteadOfGreetingIsRefused() throws {
    let listener = try Socket.unix(.sequencedPackets)
    defer { listener.close() }
    try listener.bind(path: path)
    try listener.listen()
    let client = client()
    try listener.accept(milliseconds: 10_000).close()
    expectOneSentence(try refusal { try client.value().close() }.description)
  }

  @Test func aClientInTheOtherModeIsRefused() throws {
    let server = try server(.messages)
    defer { server.close() }
    let other = client(.bytes, milliseconds: 300)
    let error = try refusal { try other.value().close() }
    expectOneSentence(error.description)
    #expect(error.description.contains("mode"), "\(error)")
  }

  // MARK: Names

  @Test func aNameThatIsTakenBySomebodyElsesFileIsRefusedAndTheFileStays() throws {
    try "somebody else's".write(toFile: path, atomically: false, encoding: .utf8)
    let error = try refusal { try server().close() }
    expectOneSentence(error.description)
    #expect(error.description.contains(path))
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "somebody else's")
    #expect(error.description.contains("taken") && error.description.contains("left alone"), "\(error)")
  }

  @Test func aSecondServerOfTheSameNameIsRefusedAndTheFirstGoesOn() throws {
    var first = try server()
    defer { first.close() }
    #expect(throws: TransportError.self) { try server().close() }
    let (ours, theirs) = try connect(&first)
    [ours, theirs].forEach { $0.close() }
  }

  @Test func aPathThatIsNoPipeIsRefusedByTheClient() throws {
    try "no socket".write(toFile: path, atomically: false, encoding: .utf8)
    let client = client(milliseconds: 200)
    let error = try refusal { try client.value().close() }
    expectOneSentence(error.description)
    #expect(error.description.contains(path))
  }

  @Test func aPathOverOneHundredAndSevenBytesIsTooLong() throws {
    let stem = folder.file("")
    let longest = stem + String(repeating: "x", count: 107 - stem.utf8.count)
    try NamedPipeServer(path: longest, mode: .messages, instanceLimit: 1, maximumMessageByteCount: 1).close()
    let error = try refusal {
      try NamedPipeServer(path: longest + "x", mode: .messages, instanceLimit: 1, maximumMessageByteCount: 1)
        .close()
    }
    expectOneSentence(error.description)
    #expect(error.description.contains("name is too long") && error.description.contains("shorter"))
    let client = OtherSide {
      try NamedPipeClient.open(longest + "x", mode: .messages, milliseconds: 10_000).close()
    }
    #expect(try refusal { try client.value() }.description.contains("name is too long"))
  }
}
