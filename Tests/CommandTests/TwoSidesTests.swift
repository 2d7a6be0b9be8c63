import Foundation
import Results
import TestSupport
import Testing

extension RunTests {
  /// Trials whose two sides were started by hand.
  @Suite(.serialized) struct TwoSidesTests {
    private func served(_ id: String, byAddress: Bool) throws -> Server {
      byAddress ? try .listening(id) : try Server(id)
    }

    private func expectMeasured(_ run: Run, scope: String, trials: Int, messages: Double) {
      let measured = run.trials.filter { $0.attempt == 0 }
      #expect(measured.count == trials)
      for record in measured {
        #expect(record.status == .ok, "\(record.reason)")
        #expect(record.identity.scope == scope && record.identity.attach == "name")
        #expect(record.value("messages") == messages)
        #expect((record.value("latency_rtt_p50") ?? 0) > 0)
        // What the consumer found has come too.
        #expect(record.value("cpu_system_consumer") != nil && record.value("stalls_consumer") != nil)
      }
    }

    // MARK: What is measured

    @Test(arguments: [
      ("unix-stream", false), ("shared-memory:posix", false), ("futex", false), ("dbus", false),
      ("udp", false), ("tcp", true), ("tcp:zerocopy", true), ("mptcp", true), ("udp", true),
      ("udp:multicast", true), ("zeromq:tcp", true), ("nng:tcp", true),
    ])
    func theDriverWritesTheRecordsOfARun(_ id: String, byAddress: Bool) throws {
      let server: Server
      do { server = try served(id, byAddress: byAddress) } catch { return print("\(id) cannot run here") }
      let workspace = try Workspace()
      let result = try server.measure(workspace, "--trials 2 --messages 100")
      #expect(result.exitCode == 0, "\(result.errors)")
      #expect(result.output.contains("by-hand"))
      let run = try workspace.load()
      expectMeasured(run, scope: byAddress ? "network" : "host", trials: 2, messages: 100)
      #expect(run.plan.peer?.kernelRelease == run.environment.kernel.release)
      #expect(run.plan.peer?.hostName == run.environment.host.name)
      #expect(server.end().exitCode == 0)
      server.expectNoTraces()
    }

    @Test func severalSizesAndADurationAreMeasuredOverOneConnection() throws {
      let server = try Server.listening("tcp", "--once")
      let workspace = try Workspace()
      let result = try server.measure(workspace, "-s 64,4KiB --duration 20ms --trials 2 --pin none")
      #expect(result.exitCode == 0, "\(result.errors)")
      let run = try workspace.load()
      #expect(Set(run.trials.map(\.identity.messageBytes)) == [64, 4096])
      #expect(run.trials.allSatisfy { $0.status == .ok && $0.identity.placement == "unpinned" })
      // One connection was one driver.
      let ended = server.program.wait()
      #expect(ended.exitCode == 0, "\(ended.errors)")
      server.expectNoTraces()
    }

    @Test func theRunCanBeReportedAndCompared() throws {
      let server = try Server("unix-seqpacket")
      let workspace = try Workspace()
      #expect(try server.measure(workspace, "--trials 2 --messages 50").exitCode == 0)
      let path = try workspace.load().path
      #expect(server.end().exitCode == 0)
      let report = try Programs.run("ipcbench", ["report", path])
      #expect(report.exitCode == 0 && report.output.contains("unix-seqpacket"), "\(report.errors)")
      #expect(report.output.contains("by hand on"), "\(report.output)")
      let comparison = try Programs.run("ipcbench", ["compare", path, path, "--all"])
      #expect(comparison.output.contains("unix-seqpacket"), "\(comparison.errors)")
      // Against a run that started its consumers itself.
      let other = try Workspace()
      #expect(
        try other.run("-m unix-seqpacket -p round-trip --wait block --trials 2 --messages 50 --quiet")
          .exitCode == 0)
      let both = try Programs.run("ipcbench", ["compare", path, try other.load().path, "--all"])
      #expect(
        both.output.contains("by hand on") && both.output.contains("started by the run"), "\(both.output)")
    }

    @Test func theSidesMayBeInTwoNetworkNamespaces() throws {
      guard geteuid() == 0 else { return print("network namespaces skipped: this user is not root") }
      let workspace = try Workspace()
      let executable = Programs.folder.appendingPathComponent("ipcbench").path
      let script = """
        unshare --net sleep 60 & other=$!
        trap 'kill -KILL $other $server 2>/dev/null; wait' EXIT
        until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
        inside="nsenter --net=/proc/$other/ns/net"
        ip link add cable type veth peer name cable netns /proc/$other/ns/net || exit 77
        ip addr add 192.0.2.1/24 dev cable && ip link set cable up && ip link set lo up
        $inside ip addr add 192.0.2.2/24 dev cable && $inside ip link set cable up && $inside ip link set lo up
        for id in tcp udp; do
          $inside '\(executable)' serve $id --listen 192.0.2.2:7000 --once 2>'\(workspace.url.path)/serving' & server=$!
          until grep -q Serving '\(workspace.url.path)/serving'; do sleep 0.05; done
          '\(executable)' drive $id --connect 192.0.2.2:7000 --trials 1 --messages 100 --quiet \
            --out '\(workspace.url.path)/'$id || exit 1
          wait $server || exit 2
        done
        """
      let result = try Programs.call("/usr/bin/unshare", ["--net", "/bin/bash", "-c", script])
      #expect(result.exitCode == 0, "\(result.errors)")
      for id in ["tcp", "udp"] {
        let run = try RunDirectory.open("\(workspace.url.path)/\(id)/latest").load()
        expectMeasured(run, scope: "network", trials: 1, messages: 100)
      }
      #expect(Traces.all.isEmpty, "\(Traces.all)")
    }

    /// A process of another container cannot be seen, and what it serves is found all the same.
    @Test(arguments: ["unix-stream", "shared-memory:posix", "mailslot"])
    func theDriverMayBeInAContainerThatSharesTheDirectories(_ id: String) throws {
      guard geteuid() == 0 else { return print("namespaces skipped: this user is not root") }
      let server = try Server(id)
      let workspace = try Workspace()
      let arguments = [
        "--pid", "--fork", "--mount-proc", Programs.folder.appendingPathComponent("ipcbench").path, "drive",
        id,
        server.name, "--trials", "2", "--duration", "50ms", "--quiet", "--out", workspace.url.path,
      ]
      let result = try Programs.call("/usr/bin/unshare", arguments)
      #expect(result.exitCode == 0, "\(result.errors)")
      #expect(try workspace.load().trials.allSatisfy { $0.status == .ok && $0.identity.scope == "host" })
      #expect(server.complaints.isEmpty, "\(server.complaints)")
      #expect(server.end().exitCode == 0)
      server.expectNoTraces()
    }

    // MARK: Texts between addresses

    @Test(arguments: ["tcp", "zeromq:tcp", "nng:tcp"])
    func textsGoToAnAddressToo(_ id: String) throws {
      let server: Server
      do { server = try .listening(id) } catch { return print("\(id) cannot run here") }
      for _ in 0..<2 {
        let result = try server.drive("hello", "again")
        #expect(result.exitCode == 0, "\(result.errors)")
      }
      let result = server.end()
      #expect(result.exitCode == 0 && result.output == "hello\nagain\nhello\nagain\n", "\(result.output)")
      server.expectNoTraces()
    }

    @Test func aMechanismThatMayLoseATextSaysSoBetweenAddresses() throws {
      let server = try Server.listening("udp")
      let result = try server.drive("hello")
      #expect(result.exitCode == 64 && result.errors.contains("may lose a text"), "\(result.errors)")
      #expect(server.end().exitCode == 0)
    }

    // MARK: What is refused

    @Test(arguments: [
      ("drive unix-stream x -p stream", "only a round trip is measured by one"),
      ("drive unix-stream x -p stream", "ipcbench run -m unix-stream -p stream --attach name"),
      ("drive tcp --connect 7000 -p paced", "the clocks of two machines differ"),
      ("drive unix-stream x --text hello -s 64", "measures nothing"),
      ("drive unix-stream --connect 7000", "unix-stream does not leave the host"),
      ("serve zeromq:ipc --listen 7000", "zeromq:ipc does not leave the host"),
      ("serve tcp --listen nowhere.invalid:7000", "has no IPv4 address"),
      ("serve tcp --listen 1:2:3", "--listen"), ("drive tcp --connect host:70000", "--connect"),
    ])
    func whatCannotBeMeasuredIsAUsageErrorThatSaysWhy(arguments: String, words: String) throws {
      let result = try Programs.run("ipcbench", arguments.split(separator: " ").map(String.init))
      #expect(result.exitCode == 64)
      #expect(result.errors.contains(words), "\(result.errors)")
      #expect(result.output.isEmpty)
    }

    @Test func nobodyAtAnAddressIsNamed() throws {
      let server = try Server.listening("tcp")
      let port = server.port
      #expect(server.end().exitCode == 0)
      let result = try Programs.run("ipcbench", ["drive", "tcp", "--connect", port])
      #expect(result.exitCode == 1)
      #expect(result.errors.contains("Nobody serves at 127.0.0.1:\(port)"), "\(result.errors)")
    }

    @Test func anAddressInUseIsNamed() throws {
      let server = try Server.listening("tcp")
      let second = try Programs.run("ipcbench", ["serve", "tcp", "--listen", server.port])
      #expect(second.exitCode == 1)
      #expect(second.errors.contains("Cannot listen at 127.0.0.1:\(server.port)"), "\(second.errors)")
      #expect(server.end().exitCode == 0)
    }

    @Test(arguments: [
      ("mptcp", "", "serves tcp, not mptcp"), ("tcp:zerocopy", "", "serves tcp, not tcp:zerocopy"),
      ("tcp", "--wait spin", "is served with --wait block, not spin"),
      ("tcp", "other-name", "not 'other-name'"),
    ])
    func aMismatchIsOneSentenceOnBothSidesAndTheServerGoesOn(id: String, options: String, words: String)
      throws
    {
      let server = try Server.listening("tcp")
      let workspace = try Workspace()
      let result = try server.measure(workspace, options, id: id)
      #expect(result.exitCode == 64)
      #expect(result.errors.contains(words), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1)
      #expect(server.complaints.count == 1 && server.complaints[0].contains(words), "\(server.complaints)")
      #expect(try server.measure(workspace, "--trials 1 --messages 20").exitCode == 0)
      #expect(server.end().exitCode == 0)
      server.expectNoTraces()
    }

    @Test func aMessageThatIsLargerThanTheServerTakesIsRefused() throws {
      let server = try Server.listening("tcp", "--size 1KiB")
      let result = try server.measure(try Workspace(), "-s 2KiB")
      #expect(result.exitCode == 64)
      #expect(result.errors.contains("at most 1KiB") && result.errors.contains("--size"), "\(result.errors)")
      #expect(server.end().exitCode == 0)
    }

    @Test func anotherVersionIsToldSoAndTheServerGoesOn() throws {
      let server = try Server.listening("tcp")
      for (version, program) in [(999, "0.1.0"), (2, "9.9.9")] {
        let driver = try server.knock()
        driver.sayHello("tcp", version: version, program: program)
        let answer = driver.hear()
        #expect(answer.contains("use the same program on both sides"), "\(answer)")
        #expect(answer.contains("protocol \(version)") && answer.contains(program))
        #expect(driver.isClosed)
      }
      #expect(eventually(within: 5) { server.complaints.count == 2 }, "\(server.complaints)")
      #expect(server.complaints.allSatisfy { $0.contains("use the same program") })
      #expect(try server.measure(try Workspace(), "--trials 1 --messages 20").exitCode == 0)
      #expect(server.end().exitCode == 0)
    }
  }
}
