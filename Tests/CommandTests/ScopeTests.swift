import Foundation
import Results
import TestSupport
import Testing

extension RunTests {
  /// Nothing but root may make network namespaces.
  private static var isPrivileged: Bool { geteuid() == 0 }

  @Test func producerAndConsumerOnHostsOfTheirOwnExchangeTheSameMessages() throws {
    let workspace = try Workspace()
    let result = try workspace.run(
      "-m tcp,mptcp,udp,udp:multicast,zeromq:tcp,nng:tcp -p round-trip --scope host,network --trials 1 "
        + "--messages 50 --quiet")
    guard Self.isPrivileged else { return print("--scope network skipped: this user is not root") }
    #expect(result.exitCode == 0, "\(result.errors)")
    let measured = try workspace.load().trials.filter { $0.status == .ok && $0.attempt == 0 }
    for scope in ["host", "network"] {
      #expect(Set(measured.filter { $0.identity.scope == scope }.map(\.identity.id)).count >= 4)
    }
    for record in measured {
      #expect((record.value("messages") ?? 0) + (record.value("messages_lost") ?? 0) == 50)
    }
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test func whatDoesNotLeaveTheHostSaysSo() throws {
    let workspace = try Workspace()
    let result = try workspace.run("-m tcp,pipe,zeromq:ipc --scope network --trials 1 --messages 20 --quiet")
    guard Self.isPrivileged else { return print("--scope network skipped: this user is not root") }
    #expect(result.exitCode == 0, "\(result.errors)")
    let skipped = try workspace.load().trials.filter { $0.status == .skipped }
    #expect(skipped.map(\.identity.id).sorted() == ["pipe", "zeromq:ipc"])
    #expect(skipped.allSatisfy { $0.reason.contains("does not leave the host") })
  }

  @Test func namespacesEndWithAHarnessThatIsKilled() throws {
    guard Self.isPrivileged else { return print("--scope network skipped: this user is not root") }
    let workspace = try Workspace()
    let program = try workspace.start("-m tcp --scope network --trials 50 --duration 200ms")
    var children: [Int32] = []
    let found = eventually(within: 10) {
      let path = "/proc/\(program.pid)/task/\(program.pid)/children"
      let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
      children = text.split(separator: " ").compactMap { Int32($0) }
      return children.count == 3
    }
    try #require(found, "no workers and keeper: \(program.errorsSoFar)")
    program.signal(SIGKILL)
    _ = program.wait()
    let ended = eventually(within: 5) {
      children.allSatisfy { pid in
        let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return stat.isEmpty || stat.split(separator: ")").last?.hasPrefix(" Z") == true
      }
    }
    #expect(ended, "the keeper or a worker lives on")
    #expect(try Workspace().run("-m pipe --trials 1 --messages 5 --quiet").exitCode == 0)
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }
}
