import Foundation
import TestSupport
import Testing

/// A server under a name of its own.
private final class Server {
  let id: String
  let name: String
  let program: RunningProgram
  static let directory = "/tmp/ipcbench-serve-\(geteuid())"
  var file: String { "\(Self.directory)/\(name)" }

  /// Returns when it can be driven.
  init(_ id: String, name: String = Server.freshName(), _ options: String = "") throws {
    (self.id, self.name) = (id, name)
    let program = try Programs.start(
      "ipcbench", ["serve", id, name] + options.split(separator: " ").map(String.init))
    let isReady = eventually(within: 10) { program.errorsSoFar.contains("Serving") }
    try #require(isReady, "\(program.errorsSoFar)")
    self.program = program
  }

  static func freshName() -> String { "test-\(UUID().uuidString.prefix(13))" }

  func start(_ texts: [String], id: String? = nil) throws -> RunningProgram {
    try Programs.start("ipcbench", ["drive", id ?? self.id, name] + texts.flatMap { ["--text", $0] })
  }

  func drive(_ texts: String..., id: String? = nil) throws -> ProgramResult {
    try start(texts, id: id).wait()
  }

  /// As ^C does.
  func end() -> ProgramResult {
    program.signal(SIGINT)
    return program.wait()
  }

  var hasEnded: Bool { kill(program.pid, 0) != 0 }

  /// Takes a turn and does nothing with it, as a driver that hangs before it attaches. Returns when it has the turn.
  func knock() throws -> Int32 {
    let offer = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
    let door = try #require((offer as? [String: Any])?["door"] as? String)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: door.utf8) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    var serial: UInt64 = 0
    try #require(status == 0 && recv(descriptor, &serial, 8, 0) == 8)
    return descriptor
  }
}

extension RunTests {
  @Suite(.serialized) struct ServeTests {
    private func run(_ arguments: String...) throws -> ProgramResult {
      try Programs.run("ipcbench", arguments)
    }

    /// Nothing of a server is there any more.
    private func expectNoTraces(_ server: Server) {
      #expect(Traces.all.isEmpty, "\(Traces.all)")
      #expect(!FileManager.default.fileExists(atPath: server.file))
      let others = try? FileManager.default.contentsOfDirectory(atPath: Server.directory)
      #expect(others == nil || others?.isEmpty == false, "the empty directory is still there")
    }

    // MARK: Texts

    @Test(arguments: [
      "mailslot", "mapped-file-notify", "mapped-file-notify:tmpfs", "unix-stream", "named-pipe",
      "shared-memory:posix", "copy-data", "fifo",
    ])
    func aTextAppearsOnTheOtherSide(_ id: String) throws {
      let server = try Server(id)
      let first = try server.drive("hello", "", "two\nlines \u{1B}[1m, ä")
      #expect(first.exitCode == 0, "\(first.errors)")
      #expect(first.output.isEmpty && first.errors.isEmpty)
      let second = try server.drive("a second driver")
      #expect(second.exitCode == 0, "\(second.errors)")
      let result = server.end()
      #expect(result.exitCode == 0, "\(result.errors)")
      #expect(
        result.output == "hello\nno message\ntwo\\nlines \\u{1B}[1m, ä\na second driver\n", "\(result.output)"
      )
      expectNoTraces(server)
    }

    @Test func anIdWithoutItsVariantMeansTheFirstThatRunsHereAndTheServerNamesIt() throws {
      let server = try Server("mapped-file", "--once")
      #expect(server.program.errorsSoFar.contains("Serving mapped-file:"))
      #expect(try server.drive("hello").exitCode == 0)
      #expect(server.program.wait().output == "hello\n")
    }

    @Test(arguments: ["spin", "block"])
    func aServerThatIsToServeOnceEndsAfterItsFirstDriver(_ wait: String) throws {
      let server = try Server("unix-seqpacket", "--once --wait \(wait)")
      #expect(try server.drive("hello").exitCode == 0)
      let result = server.program.wait()
      #expect(result.exitCode == 0 && result.output == "hello\n")
      expectNoTraces(server)
    }

    @Test func aTextOfTheLargestSizeIsTakenAndALongerOneRefused() throws {
      let server = try Server("mailslot", "--size 100")
      #expect(try server.drive(String(repeating: "x", count: 100)).exitCode == 0)
      let longer = try server.drive(String(repeating: "y", count: 101))
      #expect(longer.exitCode == 64)
      #expect(
        longer.errors.contains("101 bytes") && longer.errors.contains("100 at most"), "\(longer.errors)")
      #expect(server.end().output == String(repeating: "x", count: 100) + "\n")
    }

    // MARK: Drivers that hang or go away

    @Test func aDriverWaitsForItsTurnAndIsServedWhenTheOneBeforeItGoesAway() throws {
      // Opening a FIFO waits for the other side for ever.
      let server = try Server("fifo")
      let hanging = try server.knock()
      let next = try server.start(["hello"])
      #expect(eventually(within: 10) { next.errorsSoFar.contains("waiting") }, "\(next.errorsSoFar)")
      close(hanging)
      #expect(next.wait().exitCode == 0)
      let result = server.end()
      #expect(result.exitCode == 0 && result.output == "hello\n")
      expectNoTraces(server)
    }

    @Test func anInterruptIsNoticedWhileTheOtherSideIsWaitedFor() throws {
      let server = try Server("fifo")
      let hanging = try server.knock()
      defer { close(hanging) }
      #expect(server.end().exitCode == 0)
      expectNoTraces(server)
    }

    /// Enough to print that the driver can be stopped in the middle.
    @Test(arguments: [("mapped-file-notify:tmpfs", 1024, 300), ("unix-stream", 50_000, 30)])
    func anInterruptIsNoticedWhileATextIsWaitedFor(_ id: String, byteCount: Int, count: Int) throws {
      let server = try Server(id)
      let text = String(repeating: "x", count: byteCount)
      let driver = try server.start(Array(repeating: text, count: count))
      #expect(eventually(within: 10) { !server.program.outputSoFar.isEmpty })
      driver.signal(SIGSTOP)
      #expect(server.end().exitCode == 0)
      driver.signal(SIGCONT)
      let result = driver.wait()
      #expect([0, 3].contains(result.exitCode), "\(result.errors)")
      expectNoTraces(server)
    }

    @Test func aTerminatedServerRemovesEverythingToo() throws {
      let server = try Server("mailslot")
      server.program.signal(SIGTERM)
      #expect(server.program.wait().exitCode == 0)
      expectNoTraces(server)
    }

    // MARK: Servers that were killed

    @Test func aKilledServersNameIsFreeAndItsLeftoversAreRemovedByTheNext() throws {
      let killed = try Server("mailslot")
      killed.program.signal(SIGKILL)
      _ = killed.program.wait()
      #expect(FileManager.default.fileExists(atPath: killed.file))
      let next = try Server("unix-stream", name: killed.name)
      #expect(try next.drive("hello").exitCode == 0)
      let result = next.end()
      #expect(result.exitCode == 0 && result.output == "hello\n")
      expectNoTraces(next)
    }

    @Test func nobodyServesANameWhoseServerWasKilledAndItsFileIsRemoved() throws {
      let killed = try Server("mailslot")
      killed.program.signal(SIGKILL)
      _ = killed.program.wait()
      let result = try killed.drive("hello")
      #expect(result.exitCode == 1)
      #expect(result.errors.contains("Nobody serves '\(killed.name)'"), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: killed.file))
      // Any command that measures or serves removes the rest.
      _ = try Server("mailslot").end()
      expectNoTraces(killed)
    }

    // MARK: What cannot be

    @Test func nobodyServesANameThatIsNotThere() throws {
      let result = try run("drive", "mailslot", "test-nobody", "--text", "hello")
      #expect(result.exitCode == 1)
      #expect(
        result.errors
          == "ipcbench: Nobody serves 'test-nobody': start 'ipcbench serve mailslot test-nobody' first.\n")
    }

    @Test func anotherMechanismThanIsServedIsRefusedAndBothAreNamed() throws {
      let server = try Server("mapped-file-notify:tmpfs")
      for id in ["mailslot", "mapped-file-notify:signal"] {
        let result = try server.drive("hello", id: id)
        #expect(result.exitCode == 64)
        #expect(
          result.errors.contains("serves mapped-file-notify:tmpfs, not \(id)"), "\(result.errors)")
      }
      // Without a variant whichever is served is meant.
      #expect(try server.drive("hello", id: "mapped-file-notify").exitCode == 0)
      #expect(server.end().output == "hello\n")
    }

    @Test func aNameInUseIsRefusedAndItsServerGoesOn() throws {
      let server = try Server("mailslot")
      let second = try run("serve", "unix-stream", server.name)
      #expect(second.exitCode == 64)
      #expect(second.errors.contains("served already"), "\(second.errors)")
      #expect(try server.drive("hello").exitCode == 0)
      #expect(server.end().output == "hello\n")
      expectNoTraces(server)
    }

    @Test func aServerOfAnotherVersionIsNamed() throws {
      let server = try Server("mailslot")
      let offer = try String(contentsOfFile: server.file, encoding: .utf8)
      let pattern = /"protocolVersion" : \d+/
      try offer.replacing(pattern, with: "\"protocolVersion\" : 999")
        .write(toFile: server.file, atomically: false, encoding: .utf8)
      let result = try server.drive("hello")
      #expect(result.exitCode == 64)
      #expect(result.errors.contains("protocol 999"), "\(result.errors)")
      #expect(server.end().exitCode == 0)
    }

    @Test(arguments: [
      ("a/b", "cannot be a NAME"), ("..", "cannot be a NAME"), (".hidden", "cannot be a NAME"),
      ("", "cannot be a NAME"), ("with space", "cannot be a NAME"), ("ä", "cannot be a NAME"),
      (String(repeating: "n", count: 65), "at most 64 bytes, this one has 65"),
    ])
    func aStrangeNameIsAUsageError(name: String, words: String) throws {
      for arguments in [["serve", "mailslot", name], ["drive", "mailslot", name, "--text", "hello"]] {
        let result = try Programs.run("ipcbench", arguments)
        #expect(result.exitCode == 64)
        #expect(result.errors.contains(words), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
      }
    }

    @Test(arguments: [
      ("serve pipe x", "pipe cannot be attached by 'name'"), ("serve eventfd x", "notification"),
      ("serve mailslo x", "did you mean 'mailslot'"), ("drive mailslo x --text a", "did you mean 'mailslot'"),
      ("serve mailslot x --wait never", "--wait"), ("serve zeromq x --wait spin", "it offers block"),
      ("serve mapped-file-notify x --size 1025", "at most 1KiB"),
      ("serve mailslot x --size 0", "at least 1"),
      ("drive mailslot x", "--text"), ("serve mailslot", "name"),
    ])
    func whatCannotBeServedOrDrivenIsAUsageErrorThatSaysWhy(arguments: String, words: String) throws {
      let result = try Programs.run("ipcbench", arguments.split(separator: " ").map(String.init))
      #expect(result.exitCode == 64)
      #expect(result.errors.contains(words), "\(result.errors)")
      #expect(result.output.isEmpty)
    }

    @Test func aDirectoryThatIsALinkOrOpenToOthersIsRefused() throws {
      let executable = Programs.folder.appendingPathComponent("ipcbench").path
      for make in ["ln -s /var/tmp $d", "mkdir -m 777 $d", "touch $d", "mkdir -m 700 $d; chown 12345 $d"] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        // A /tmp of its own.
        let script = """
          mount -t tmpfs tmpfs /tmp || exit 77
          d=/tmp/ipcbench-serve-$(id -u); \(make) || exit 77
          '\(executable)' serve mailslot x
          """
        process.arguments = ["--mount", "/bin/bash", "-c", script]
        let errors = Foundation.Pipe()
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        // Not everybody may mount.
        if process.terminationStatus == 77 { continue }
        #expect(process.terminationStatus == 1, "\(make): \(text)")
        #expect(text.contains("must be a directory of mode 0700 that is yours"), "\(make): \(text)")
      }
    }
  }
}
