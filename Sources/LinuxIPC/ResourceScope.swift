import Glibc
import SystemPackage

/// Where everything that a run creates outside its own memory has its name.
///
/// Each name holds the pid and the start time of the process that owns it, so that the next run can tell a
/// leftover of a killed one from the property of a living one, and remove only the former.
public struct ResourceScope: Sendable {
  public let pid: Int32
  public let startTime: UInt64

  public init() {
    pid = getpid()
    startTime = Processes.startTime(of: pid) ?? 0
  }

  /// `ipcbench-<pid>-<start time>`.
  public var tag: String { "\(Self.prefix)\(pid)-\(startTime)" }

  static let prefix = "ipcbench-"

  /// Where sockets, FIFOs and files on a disk live; each holds at most one directory per run, of mode 0700.
  public enum Root: String, CaseIterable, Sendable {
    /// Sockets and FIFOs. Not $TMPDIR: an AF_UNIX path has only 107 bytes (unix(7)).
    case temporary = "/tmp"
    case disk = "/var/tmp"
    case memory = "/dev/shm"
  }

  /// The name of a POSIX shared-memory object of this run.
  public func objectName(_ name: String) -> String { "/\(tag)-\(name)" }

  /// The path of a file of this run, whose directory is made on first use.
  public func path(_ name: String, in root: Root = .temporary) throws(SystemError) -> String {
    let directory = "\(root.rawValue)/\(tag)"
    if mkdir(directory, 0o700) < 0 && Glibc.errno != EEXIST {
      throw SystemError.last("mkdir", directory)
    }
    return "\(directory)/\(name)"
  }

  /// Removes everything of this run that still has a name.
  public func removeAll() {
    for root in Root.allCases { Self.removeEntries(in: root) { $0 == pid && $1 == startTime } }
  }

  /// Removes what processes that are gone left behind; returns the names removed.
  @discardableResult
  public static func removeLeftovers() -> [String] {
    Root.allCases.flatMap { root in
      removeEntries(in: root) { !Processes.isAlive(pid: $0, startTime: $1) }
    }
  }

  /// Splits `ipcbench-<pid>-<start time>[-…]`; nil for any other name.
  static func owner(of name: String) -> (pid: Int32, startTime: UInt64)? {
    guard name.hasPrefix(prefix) else { return nil }
    let parts = name.dropFirst(prefix.count).split(separator: "-", maxSplits: 2)
    guard parts.count >= 2, let pid = Int32(parts[0]), let start = UInt64(parts[1]) else { return nil }
    return (pid, start)
  }

  @discardableResult
  private static func removeEntries(
    in root: Root, where matches: (Int32, UInt64) -> Bool
  ) -> [String] {
    let names = DirectoryListing.names(of: root.rawValue).filter { name in
      owner(of: name).map { matches($0.pid, $0.startTime) } ?? false
    }
    return names.filter { DirectoryListing.removeTree("\(root.rawValue)/\($0)") }
  }
}

enum DirectoryListing {
  static func names(of path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// Removes a file, or a directory and the files in it; false when it belongs to somebody else.
  static func removeTree(_ path: String) -> Bool {
    var info = stat()
    guard lstat(path, &info) == 0, info.st_uid == geteuid() else { return false }
    // A symbolic link is removed, never followed: these directories can be written by others.
    guard info.st_mode & S_IFMT == S_IFDIR else { return unlink(path) == 0 }
    for name in names(of: path) { _ = removeTree("\(path)/\(name)") }
    return rmdir(path) == 0
  }
}
