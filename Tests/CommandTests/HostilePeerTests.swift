import Foundation
import Glibc
import Results
import TestSupport
import Testing

extension RunTests {
  /// Peers that talk nonsense, or go away in the middle.
  @Suite(.serialized) struct HostilePeerTests {
    private func expectServes(_ server: Server) throws {
      let workspace = try Workspace()
      let result = try server.measure(workspace, "--trials 1 --messages 20")
      #expect(result.exitCode == 0, "\(result.errors)")
      #expect(try workspace.load().trials.contains { $0.status == .ok })
    }

    private func expectOneComplaint(_ server: Server, _ words: String) {
      #expect(eventually(within: 10) { !server.complaints.isEmpty })
      #expect(server.complaints.count == 1, "\(server.complaints)")
      #expect(server.complaints.first?.contains(words) == true, "\(server.complaints)")
    }

    // MARK: Before a trial

    static let nonsense: [(String, [UInt8], words: String)] = [
      ("random bytes", (0..<64).map { _ in UInt8.random(in: 1...255) }, "does not begin as"),
      ("HTTP", Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8), "does not begin as"),
      ("a huge message", [0x7F, 0xFF, 0xFF, 0xFF] + Array("{}".utf8), "does not begin as"),
      ("nothing in it", [0, 0, 0, 0], "does not begin as"),
      ("no JSON", [0, 0, 0, 4] + Array("abcd".utf8), "does not say here"),
      ("another JSON", [0, 0, 0, 2] + Array("{}".utf8), "does not say here"),
      ("deep JSON", [0, 0, 0x80, 0] + [UInt8](repeating: 0x5B, count: 0x8000), "does not say here"),
    ]

    @Test(arguments: nonsense)
    func aPeerThatTalksNonsenseIsDroppedWithOneLine(name: String, bytes: [UInt8], words: String) throws {
      let server = try Server.listening("tcp")
      let peer = try server.knock()
      peer.say(bytes)
      #expect(peer.isClosed, "\(name)")
      expectOneComplaint(server, words)
      try expectServes(server)
      #expect(server.end().exitCode == 0)
      server.expectNoTraces()
    }

    @Test(arguments: [[UInt8](), [0, 0], [0, 0, 1, 0] + Array("{\"gree".utf8)])
    func aPeerThatStopsTalkingIsDroppedInTime(bytes: [UInt8]) throws {
      let server = try Server.listening("tcp")
      let peer = try server.knock()
      peer.say(bytes)
      #expect(peer.isClosed)
      expectOneComplaint(server, "it said nothing for 5 s")
      try expectServes(server)
      #expect(server.end().exitCode == 0)
    }

    @Test func aPeerThatHangsUpInTheMiddleOfAWordIsDropped() throws {
      let server = try Server("unix-stream")
      let peer = try server.knock()
      peer.say([0, 0, 1, 0] + Array("{\"gree".utf8))
      peer.close()
      expectOneComplaint(server, "it closed the connection")
      try expectServes(server)
      #expect(server.end().exitCode == 0)
    }

    @Test(arguments: [
      ("\"stream\"", "64", "1000", "the clocks of two machines differ"),
      ("\"round-trip\"", "-1", "1000", "at most 64KiB"),
      ("\"round-trip\"", "9223372036854775807", "1000", "at most 64KiB"),
      ("\"round-trip\"", "64", "18446744073709551615", "at most 10"),
      ("\"round-trip\"", "0", "1000", "at least 1 byte"),
    ])
    func aRequestThatCannotBeMetIsRefused(pattern: String, size: String, messages: String, words: String)
      throws
    {
      let server = try Server.listening("tcp")
      let peer = try server.knock()
      peer.sayHello("tcp")
      try #require(peer.hear().contains("served"))
      peer.say(
        """
        {"trial": {"pattern": \(pattern), "byteCount": \(size), "touch": "all", "durationNanoseconds": 1000000,
         "messages": \(messages), "deadlineNanoseconds": 18446744073709551615}}
        """)
      let answer = peer.hear()
      #expect(answer.contains(words), "\(answer)")
      #expect(peer.isClosed)
      try expectServes(server)
      #expect(server.end().exitCode == 0)
      server.expectNoTraces()
    }

    // MARK: During a trial

    private func request(_ server: Server) throws -> RawDriver {
      let peer = try server.knock()
      peer.sayHello("tcp")
      try #require(peer.hear().contains("served"))
      peer.say(
        """
        {"trial": {"pattern": "round-trip", "byteCount": 64, "touch": "all", "durationNanoseconds": 1000000,
         "messages": 1000, "deadlineNanoseconds": 20000000000}}
        """)
      try #require(peer.hear().contains("address"))
      return peer
    }

    @Test func aDriverThatNeverComesToTheChannelFailsItsTrialAndTheServerGoesOn() throws {
      let server = try Server.listening("tcp")
      let peer = try request(server)
      // The consumer has waited long enough for a connection.
      #expect(peer.hear().contains("failure"))
      expectOneComplaint(server, "A trial failed.")
      try expectServes(server)
      #expect(server.end().exitCode == 0)
      server.expectNoTraces()
    }

    @Test func aDriverThatGoesAwayDuringATrialIsNoticedAtOnce() throws {
      let server = try Server.listening("tcp")
      let peer = try request(server)
      peer.close()
      expectOneComplaint(server, "A driver went away during a trial.")
      try expectServes(server)
      #expect(server.end().exitCode == 0)
      server.expectNoTraces()
    }

    @Test func aPeerThatAgreesOnAnEndlessTrialOrMeetsTwiceDoesNotStopTheServer() throws {
      let server = try Server.listening("tcp")
      // Two barriers, and a phase of 2⁶³ − 1 messages, without ever coming to the channel.
      let peer = try request(server)
      for stage in 1...6 {
        let words = [UInt64(stage), UInt64.max >> 1].flatMap { word in
          withUnsafeBytes(of: word.bigEndian) { Array($0) }
        }
        peer.say([0, 0, 0, 16] + words)
      }
      peer.say([UInt8](repeating: 0xAA, count: 4096))
      #expect(eventually(within: 15) { !server.complaints.isEmpty })
      peer.close()
      try expectServes(server)
      #expect(server.end().exitCode == 0)
      server.expectNoTraces()
    }

    // MARK: The other way round

    @Test(arguments: nonsense)
    func aServerThatTalksNonsenseIsAnErrorOfTheDriver(name: String, bytes: [UInt8], words: String) throws {
      let listener = try RawListener()
      let driver = try Programs.start(
        "ipcbench", ["drive", "tcp", "--connect", "\(listener.port)", "--out", "/nonexistent"])
      let connection = try listener.accept()
      _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
      let result = driver.wait()
      close(connection)
      #expect(result.exitCode == 1)
      #expect(
        result.errors.contains(words) && result.errors.contains("Is it an 'ipcbench serve'?"),
        "\(result.errors)")
    }

    @Test(arguments: [
      (
        #"{"greeting": {"magic": "ipcbench", "protocolVersion": 77, "program": "8.1"}}"#,
        "The server is ipcbench 8.1, protocol 77", Int32(64)
      ),
      (
        """
        {"greeting": {"magic": "ipcbench", "protocolVersion": 2, "program": "0.1.0"}, "served": {"mechanism": "mptcp", \
        "variant": "", "wait": "block", "messageByteCount": 1, "machine": {"hostId": "x"}}}
        """, "serves something else", 1
      ),
      (
        #"{"greeting": {"magic": "ipcbench", "protocolVersion": 2, "program": "0.1.0"}, "refusal": "No\u001b[2J."}"#,
        #"No\u{1B}[2J."#, 64
      ),
    ])
    func aServerThatServesNothingToUseIsNamed(answer: String, words: String, exitCode: Int32) throws {
      let listener = try RawListener()
      let driver = try Programs.start("ipcbench", ["drive", "tcp", "--connect", "\(listener.port)"])
      let connection = try listener.accept()
      let body = Array(answer.utf8)
      let bytes = [0, 0, UInt8(body.count >> 8), UInt8(body.count & 255)] + body
      _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
      let result = driver.wait()
      close(connection)
      #expect(result.exitCode == exitCode)
      #expect(result.errors.contains(words), "\(result.errors)")
    }

    // MARK: Sides that are killed or interrupted

    /// A run that lasts, with its first trials done.
    private func longRun(_ server: Server, _ workspace: Workspace) throws -> RunningProgram {
      let driver = try server.startMeasuring(workspace, "--trials 200 --duration 100ms")
      let path = workspace.url.appendingPathComponent("latest/trials.jsonl").path
      let hasBegun = eventually(within: 20) {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").filter { $0 == "\n" }.count >= 2
      }
      try #require(hasBegun, "\(driver.errorsSoFar)")
      return driver
    }

    @Test(arguments: [false, true])
    func aKilledServerFailsTheTrialAndWhatWasMeasuredIsKept(byAddress: Bool) throws {
      let server = byAddress ? try Server.listening("tcp") : try Server("unix-stream")
      let workspace = try Workspace()
      let driver = try longRun(server, workspace)
      try server.awaitNextTrial()
      server.program.signal(SIGKILL)
      _ = server.program.wait()
      let result = driver.wait()
      #expect(result.exitCode == 3, "\(result.errors)")
      let run = try workspace.load()
      #expect(run.trials.contains { $0.status == .ok })
      let failed = run.trials.filter { $0.status == .failed }
      #expect(
        failed.first?.reason.contains("he server ended during the trial.") == true,
        "\(failed.first?.reason ?? "")")
      #expect(failed.allSatisfy { $0.reason.hasSuffix(".") })
      // The next server removes what the killed one left.
      #expect(try Server("mailslot").end().exitCode == 0)
      server.expectNoTraces()
    }

    @Test(arguments: [false, true])
    func aKilledDriverIsNoticedAndTheNextOneServed(byAddress: Bool) throws {
      let server = byAddress ? try Server.listening("udp") : try Server("shared-memory:posix")
      let workspace = try Workspace()
      let driver = try longRun(server, workspace)
      try server.awaitNextTrial()
      driver.signal(SIGKILL)
      _ = driver.wait()
      #expect(try !workspace.load().trials.isEmpty)
      #expect(eventually(within: 5) { !server.complaints.isEmpty })
      try expectServes(server)
      #expect(server.end().exitCode == 0)
      // What the driver left goes with the next server.
      #expect(try Server("mailslot").end().exitCode == 0)
      server.expectNoTraces()
    }

    @Test func anInterruptedDriverKeepsWhatItMeasuredAndTheServerGoesOn() throws {
      let server = try Server.listening("tcp")
      let workspace = try Workspace()
      let driver = try longRun(server, workspace)
      driver.signal(SIGINT)
      let result = driver.wait()
      #expect(result.exitCode == 1 && result.errors.contains("finished trials are kept"), "\(result.errors)")
      #expect(try workspace.load().trials.allSatisfy { $0.status == .ok })
      try expectServes(server)
      #expect(server.end().exitCode == 0)
      server.expectNoTraces()
    }

    @Test func aServerThatIsStoppedFailsTheTrialWhenItsTimeIsUp() throws {
      let server = try Server.listening("tcp")
      let workspace = try Workspace()
      let driver = try server.startMeasuring(workspace, "--trials 1 --duration 60s --deadline 2s")
      try server.awaitNextTrial()
      server.program.signal(SIGSTOP)
      let result = driver.wait()
      server.program.signal(SIGCONT)
      #expect(result.exitCode == 3, "\(result.errors)")
      let reason = try workspace.load().trials.first?.reason ?? ""
      #expect(reason.contains("did not report on its consumer: it said nothing for 10 s"), "\(reason)")
      try expectServes(server)
      #expect(server.end().exitCode == 0)
      server.expectNoTraces()
    }

    @Test func anInterruptedServerEndsAtOnceAndLeavesNothing() throws {
      let server = try Server.listening("tcp")
      let workspace = try Workspace()
      let driver = try longRun(server, workspace)
      #expect(server.end().exitCode == 0)
      #expect(driver.wait().exitCode == 3)
      #expect(try workspace.load().trials.contains { $0.status == .ok })
      server.expectNoTraces()
    }
  }
}

/// A server in the test's own hands.
final class RawListener {
  private let descriptor: Int32
  let port: UInt16

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) | listen(descriptor, 1) | getsockname(descriptor, $0, &length)
      }
    }
    try #require(status == 0)
    port = UInt16(bigEndian: address.sin_port)
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  func accept() throws -> Int32 {
    let connection = Glibc.accept(descriptor, nil, nil)
    try #require(connection >= 0)
    return connection
  }
}
