import Foundation
import TestSupport
import Testing

extension RunTests {
  @Suite(.serialized) struct ServeTests {
    private func run(_ arguments: String...) throws -> ProgramResult {
      try Programs.run("ipcbench", arguments)
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
      server.expectNoTraces()
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
      server.expectNoTraces()
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

    /// A driver that hangs before it attaches: opening a FIFO waits for the other side for ever.
    private func hangingDriver(_ server: Server) throws -> RawDriver {
      let driver = try server.knock()
      driver.sayHello("fifo")
      try #require(driver.hear().contains("served"))
      driver.say(#"{"texts": 1}"#)
      try #require(driver.hear().contains("address"))
      return driver
    }

    @Test func aDriverWaitsForItsTurnAndIsServedWhenTheOneBeforeItGoesAway() throws {
      let server = try Server("fifo")
      let hanging = try hangingDriver(server)
      let next = try server.start(["hello"])
      #expect(eventually(within: 10) { next.errorsSoFar.contains("waiting") }, "\(next.errorsSoFar)")
      hanging.close()
      #expect(next.wait().exitCode == 0)
      let result = server.end()
      #expect(result.exitCode == 0 && result.output == "hello\n")
      server.expectNoTraces()
    }

    @Test func anInterruptIsNoticedWhileTheOtherSideIsWaitedFor() throws {
      let server = try Server("fifo")
      let hanging = try hangingDriver(server)
      #expect(server.end().exitCode == 0)
      hanging.close()
      server.expectNoTraces()
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
      server.expectNoTraces()
    }

    @Test func aTerminatedServerRemovesEverythingToo() throws {
      let server = try Server("mailslot")
      server.program.signal(SIGTERM)
      #expect(server.program.wait().exitCode == 0)
      server.expectNoTraces()
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
      next.expectNoTraces()
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
      killed.expectNoTraces()
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
      server.expectNoTraces()
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
      ("serve pipe x", "pipe cannot be attached by 'name'"),
      ("serve eventfd x", "eventfd cannot be attached by 'name'"),
      ("serve mailslo x", "did you mean 'mailslot'"), ("drive mailslo x --text a", "did you mean 'mailslot'"),
      ("serve mailslot x --wait never", "--wait"), ("serve zeromq x --wait spin", "it offers block"),
      ("serve mapped-file-notify x --size 1025", "at most 1KiB"),
      ("serve mailslot x --size 0", "at least 1"),
      ("drive mailslot", "NAME"), ("serve mailslot", "NAME"), ("drive mailslot x --trials 0", "--trials"),
      ("drive mailslot x --messages 0", "--messages"), ("drive mailslot x --pin 4096x", "--pin"),
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
        // A /tmp of its own.
        let script = """
          mount -t tmpfs tmpfs /tmp || exit 77
          d=/tmp/ipcbench-serve-$(id -u); \(make) || exit 77
          '\(executable)' serve mailslot x
          """
        let result = try Programs.call("/usr/bin/unshare", ["--mount", "/bin/bash", "-c", script])
        let text = result.errors
        // Not everybody may mount.
        if result.exitCode == 77 { continue }
        #expect(result.exitCode == 1, "\(make): \(text)")
        #expect(text.contains("must be a directory of mode 0700 that is yours"), "\(make): \(text)")
      }
    }
  }
}
