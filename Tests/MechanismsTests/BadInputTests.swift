import Foundation
import IPCTransport
import LinuxIPC
import TestSupport
import Testing

@testable import Mechanisms

/// What people are told when a mechanism cannot be set up: one sentence, with what to do about it.
struct BadInputTests {
  // MARK: Wording

  @Test func aNameThatIsTakenIsSaidToBeLeftAlone() {
    let error = TransportError(SystemError("mkfifo", "/tmp/x", errno: .fileExists), doing: "create the FIFO")
    expectOneSentence(error.description)
    #expect(error.code == .system)
    for words in ["Cannot create the FIFO", "taken", "left alone", "remove it", "mkfifo /tmp/x"] {
      #expect(error.description.contains(words), "\(error)")
    }
  }

  @Test func aNameThatIsTooLongIsToBeShortened() {
    let error = TransportError(SystemError("bind", "/tmp/x", errno: .fileNameTooLong), doing: "name a pipe")
    expectOneSentence(error.description)
    for words in ["Cannot name a pipe", "too long", "shorter", "/tmp/x"] {
      #expect(error.description.contains(words), "\(error)")
    }
  }

  @Test func aMissingPermissionIsNamedWithWhatToDo() {
    let error = TransportError(
      SystemError("connect", "/var/x", errno: .permissionDenied), doing: "open the named pipe")
    #expect(error.code == .noPermission)
    expectOneSentence(error.description)
    for words in ["Cannot open the named pipe", "no permission", "/var/x"] {
      #expect(error.description.contains(words), "\(error)")
    }
    #expect(error.description.contains(";"), "\(error)")
  }

  @Test func tooManyOpenFilesNameTheLimitToRaise() {
    let error = TransportError(SystemError("pipe2", errno: .tooManyOpenFiles), doing: "create the pipes")
    #expect(error.code == .resourceLimit)
    expectOneSentence(error.description)
    #expect(error.description.contains("ulimit -n"))
  }

  // MARK: Limits and permissions

  /// How a program of this package ends when a shell starts it under other conditions.
  private func run(_ executable: String, _ arguments: [String]) throws -> ProgramResult {
    try Programs.call(executable, arguments, in: URL(fileURLWithPath: "/"))
  }

  private static let command = Programs.folder.appendingPathComponent("ipcbench").path
  private static let request = "-s 64 -p round-trip --trials 1 --duration 10ms"

  @Test func queuesOverTheUsersLimitNameTheLimitToRaise() throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    let result = try run(
      "/bin/bash",
      [
        "-c",
        "ulimit -q 1000; exec '\(Self.command)' run -m posix-mq \(Self.request) --format json "
          + "--out '\(directory.path)'",
      ])
    // Refused before anything is measured; nothing else is left to measure.
    #expect(result.exitCode == 64, "\(result.errors)")
    #expect(result.errors.contains("ulimit -q"), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }

  private static let canBeSomebodyElse =
    geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")

  @Test(.enabled(if: canBeSomebodyElse, "needs root and setpriv"))
  func anotherUsersDirectoryIsNamedWithWhatToDo() throws {
    let folder = try Folder()
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    let mayRun = try run("/usr/bin/setpriv", user + [Self.command, "--version"])
    try #require(mayRun.exitCode == 0, "the build is not readable for others: \(mayRun.errors)")
    let result = try run(
      "/usr/bin/setpriv",
      user + [Self.command, "run", "-m", "named-pipe", "--quiet", "--out", folder.file("results")]
        + Self.request.split(separator: " ").map(String.init))
    #expect(result.exitCode == 1, "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    #expect(result.errors.contains(folder.path) && result.errors.contains("permission"), "\(result.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  /// Does something with the file permissions of another user. Only this thread has them (setfsuid(2)).
  private func asSomebodyElse<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value
  {
    typealias SetFileUser = @convention(c) (uid_t) -> Int32
    let symbol = try #require(dlsym(nil, "setfsuid"))
    let setFileUser = unsafeBitCast(symbol, to: SetFileUser.self)
    return try OtherSide { () -> Value in
      _ = setFileUser(65534)
      defer { _ = setFileUser(0) }
      return try body()
    }.value()
  }

  @Test(.enabled(if: geteuid() == 0, "only root can be somebody else"))
  func anotherUsersNamedPipeIsRefusedForWantOfPermission() throws {
    let folder = try Folder()
    let path = folder.file("pipe")
    let server = try NamedPipeServer(
      path: path, mode: .messages, instanceLimit: 1, maximumMessageByteCount: 64)
    defer { server.close() }
    let error = try refusal {
      try asSomebodyElse { try NamedPipeClient.open(path, mode: .messages, milliseconds: 5000).close() }
    }
    #expect(error.code == .noPermission)
    expectOneSentence(error.description)
    #expect(error.description.contains(path) && error.description.contains("no permission"))
  }

  @Test(.enabled(if: geteuid() == 0, "only root can be somebody else"))
  func aPlaceWhereOneMayNotWriteIsRefusedForWantOfPermission() throws {
    let folder = try Folder()
    let path = folder.path
    let slot = try refusal {
      try asSomebodyElse {
        try Mailslot("news", in: path, reader: "0", maximumMessageByteCount: 10).close()
      }
    }
    #expect(slot.code == .noPermission)
    expectOneSentence(slot.description)
    let pipe = try refusal {
      try asSomebodyElse {
        try NamedPipeServer(
          path: path + "/pipe", mode: .bytes, instanceLimit: 1, maximumMessageByteCount: 1
        ).close()
      }
    }
    #expect(pipe.code == .noPermission)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
  }
}
