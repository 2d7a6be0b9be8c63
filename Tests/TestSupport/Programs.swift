import Foundation

/// Programs of this package, run as a user would run them.
public struct ProgramResult: Sendable {
  public var exitCode: Int32
  public var output: String
  public var errors: String
}

public enum Programs {
  /// The folder of the test bundle, in which the package's executables are built too.
  public static var folder: URL {
    let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(fileURLWithPath: path).deletingLastPathComponent()
  }

  public static var packageRoot: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
  }

  /// Starts a program of this package without waiting for it.
  public static func start(
    _ name: String, _ arguments: [String], in directory: URL? = nil, environment: [String: String] = [:]
  ) throws -> RunningProgram {
    try RunningProgram(
      executable: folder.appendingPathComponent(name), arguments, in: directory ?? packageRoot,
      environment: environment)
  }

  /// Runs a program of this package to its end.
  public static func run(
    _ name: String, _ arguments: [String], in directory: URL? = nil, environment: [String: String] = [:]
  ) throws -> ProgramResult {
    try start(name, arguments, in: directory, environment: environment).wait()
  }
}

/// A program that is running; its output goes to files, so that it can never block on a full pipe.
public final class RunningProgram: @unchecked Sendable {
  private let process = Process()
  private let directory: URL
  public var pid: Int32 { process.processIdentifier }

  init(executable: URL, _ arguments: [String], in directory: URL, environment: [String: String]) throws {
    self.directory = try temporaryDirectory()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = directory
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try Self.file(self.directory, "out")
    process.standardError = try Self.file(self.directory, "err")
    try process.run()
  }

  private static func file(_ directory: URL, _ name: String) throws -> FileHandle {
    let url = directory.appendingPathComponent(name)
    try Data().write(to: url)
    return try FileHandle(forWritingTo: url)
  }

  public func signal(_ signal: Int32) { kill(pid, signal) }

  public var errorsSoFar: String { text("err") }
  public var outputSoFar: String { text("out") }

  public func wait() -> ProgramResult {
    process.waitUntilExit()
    defer { try? FileManager.default.removeItem(at: directory) }
    let code = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    return ProgramResult(exitCode: code, output: text("out"), errors: text("err"))
  }

  private func text(_ name: String) -> String {
    (try? String(contentsOf: directory.appendingPathComponent(name), encoding: .utf8)) ?? ""
  }
}

/// A fresh directory; the caller removes it.
public func temporaryDirectory() throws -> URL {
  let url = FileManager.default.temporaryDirectory.appendingPathComponent("test-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  return url
}

/// What this suite has left on the machine, by name.
public enum Traces {
  public static var all: [String] {
    let files = ["/dev/shm", "/tmp", "/var/tmp"].flatMap { directory in
      ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
        .filter { $0.wholeMatch(of: /(sem\.)?ipcbench-\d+-\d+.*/) != nil }.map { "\(directory)/\($0)" }
    }
    return (files + systemVObjects + processes).sorted()
  }

  /// Segments, queues and semaphores with this suite's mark in their key (see proc_sysvipc_shm in proc(5)).
  private static var systemVObjects: [String] {
    ["shm", "msg", "sem"].flatMap { kind -> [String] in
      let table = (try? String(contentsOfFile: "/proc/sysvipc/\(kind)", encoding: .utf8)) ?? ""
      return table.split(separator: "\n").dropFirst().compactMap { line in
        guard let key = line.split(separator: " ").first.flatMap({ Int32($0) }) else { return nil }
        return UInt32(bitPattern: key) >> 16 == 0x4942 ? "\(kind) \(key)" : nil
      }
    }
  }

  /// Processes that run the command in a test's directory; somebody else's run is none of ours.
  private static var processes: [String] {
    let pids = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int($0) }
    return pids.compactMap { pid in
      let line = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
      return line.contains("/ipcbench\0") && line.contains("/test-") ? "process \(pid)" : nil
    }
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
