import CLinuxShims
import Foundation
import Glibc

/// How a program ended.
public struct ProgramResult: Sendable {
  /// Negative where a signal ended it.
  public var exitCode: Int32
  public var output: String
  public var errors: String
}

/// A program that is running.
///
/// Its output goes to files, so that it can never block on a full pipe; it inherits no descriptor, and whoever waits for
/// it does so with a deadline. (Foundation's `Process` offers neither.)
public final class RunningProgram {
  public let pid: Int32
  private let directory: URL
  private var status: Int32?

  /// How long any program of a test may take: the longest needs a minute on two idle CPUs.
  public static let patience = 300.0

  /// - Parameters:
  ///   - executable: a path.
  ///   - directory: where it starts.
  ///   - environment: beside this process's.
  public init(
    _ executable: String, _ arguments: [String], in directory: URL, environment: [String: String] = [:]
  ) throws {
    self.directory = try temporaryDirectory()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    for (number, name) in [(Int32(1), "out"), (2, "err")] {
      let path = self.directory.appendingPathComponent(name).path
      posix_spawn_file_actions_addopen(&actions, number, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var (nothing, everything) = (sigset_t(), sigset_t())
    sigemptyset(&nothing)
    sigfillset(&everything)
    posix_spawnattr_setsigmask(&attributes, &nothing)
    posix_spawnattr_setsigdefault(&attributes, &everything)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    // The corresponding function of the C library is an extension of its own: env(1) becomes the program.
    let command = ["env", "--chdir=\(directory.path)", executable] + arguments
    var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var settings: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
    defer { (words + settings).forEach { free($0) } }
    var pid: pid_t = 0
    _ = ipcb_close_on_exec_from(3)
    let failure = posix_spawn(&pid, "/usr/bin/env", &actions, &attributes, &words, &settings)
    self.pid = pid
    if failure != 0 { throw NotStarted(executable: executable, reason: String(cString: strerror(failure))) }
  }

  public func signal(_ signal: Int32) {
    if status == nil { kill(pid, signal) }
  }

  public var errorsSoFar: String { text("err") }
  public var outputSoFar: String { text("out") }

  /// What does not end in time is killed with everything that it has started, and its errors then say where it was.
  public func wait(within seconds: Double = RunningProgram.patience) -> ProgramResult {
    var remarks = ""
    if !eventually(within: seconds, { hasEnded }) {
      let tree = ProcessTree(of: pid)
      remarks = "\n\(seconds) s were not enough; its processes:\n\(tree.description)"
      tree.kill()
      _ = eventually(within: 10) { hasEnded }
    }
    defer { try? FileManager.default.removeItem(at: directory) }
    return ProgramResult(exitCode: exitCode, output: text("out"), errors: text("err") + remarks)
  }

  private var hasEnded: Bool {
    if status != nil { return true }
    var raw: Int32 = 0
    if waitpid(pid, &raw, WNOHANG) == pid { status = raw }
    return status != nil
  }

  /// See wait(2); what could not even be killed counts as killed.
  private var exitCode: Int32 {
    guard let status else { return -SIGKILL }
    return status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
  }

  private func text(_ name: String) -> String {
    (try? String(contentsOf: directory.appendingPathComponent(name), encoding: .utf8)) ?? ""
  }
}

struct NotStarted: Error, CustomStringConvertible {
  let executable: String
  let reason: String
  var description: String { "\(executable) was not started: \(reason)" }
}

/// A process and all that descend from it.
public struct ProcessTree: CustomStringConvertible {
  public let pids: [Int32]

  public init(of pid: Int32) {
    var found = [pid]
    var next = 0
    while next < found.count {
      found += Self.children(of: found[next])
      next += 1
    }
    pids = found
  }

  /// Those it has not reaped.
  public static func children(of pid: Int32) -> [Int32] {
    read(pid, "task/\(pid)/children").split(separator: " ").compactMap { Int32($0) }
  }

  /// What it was executed as; a child that has not executed anything yet has its parent's.
  public static func arguments(of pid: Int32) -> [String] {
    read(pid, "cmdline").split(separator: "\0").map(String.init)
  }

  public func kill() { pids.forEach { _ = Glibc.kill($0, SIGKILL) } }

  /// A line each: what it is, its state and where in the kernel it waits.
  public var description: String {
    pids.map { pid in
      let state = Self.read(pid, "stat").split(separator: ")").last?.split(separator: " ").first ?? "?"
      let command = Self.arguments(of: pid).joined(separator: " ").suffix(160)
      let stack = Self.read(pid, "stack").split(separator: "\n").map { $0.dropFirst(11) }.joined(
        separator: " ")
      return "\(pid) \(state) \(Self.read(pid, "wchan")) [\(Self.read(pid, "syscall"))] \(stack): \(command)"
    }.joined(separator: "\n")
  }

  private static func read(_ pid: Int32, _ file: String) -> String {
    let text = (try? String(contentsOfFile: "/proc/\(pid)/\(file)", encoding: .utf8)) ?? ""
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

/// Polls until a condition holds; false when it does not within the time.
public func eventually(within seconds: Double, _ condition: () -> Bool) -> Bool {
  let end = Date().addingTimeInterval(seconds)
  while Date() < end {
    if condition() { return true }
    usleep(5000)
  }
  return condition()
}
