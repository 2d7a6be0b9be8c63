import CLinuxShims
import Foundation

/// Programs of this package, run as a user would run them, and others that help with it.
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
    _ = linesAreWrittenAtOnce
    return try RunningProgram(
      folder.appendingPathComponent(name).path, arguments, in: directory ?? packageRoot,
      environment: environment)
  }

  /// Runs a program of this package to its end.
  public static func run(
    _ name: String, _ arguments: [String], in directory: URL? = nil, environment: [String: String] = [:]
  ) throws -> ProgramResult {
    try start(name, arguments, in: directory, environment: environment).wait()
  }

  /// Runs any program to its end.
  ///
  /// - Parameter executable: a path.
  public static func call(
    _ executable: String, _ arguments: [String], in directory: URL? = nil
  ) throws -> ProgramResult {
    _ = linesAreWrittenAtOnce
    return try RunningProgram(executable, arguments, in: directory ?? packageRoot).wait()
  }

  /// Whoever stops the tests from outside can see how far they have come.
  private static let linesAreWrittenAtOnce: Void = { _ = ipcb_write_lines_at_once() }()
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
