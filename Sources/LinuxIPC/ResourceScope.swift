import CLinuxShims
import Glibc
import SystemPackage

/// Where everything that a run creates outside its own memory has its name.
///
/// Each name holds the pid and the start time of the process that owns it, so that the next run can tell a
/// leftover of a killed one from the property of a living one, and remove only the former.
public struct ResourceScope: Sendable, Codable {
  public let pid: Int32
  public let startTime: UInt64

  public init() {
    pid = getpid()
    startTime = Processes.startTime(of: pid) ?? 0
  }

  /// Another process's.
  public init(pid: Int32, startTime: UInt64) {
    self.pid = pid
    self.startTime = startTime
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

  /// Notes down a kernel object that no file system shows, so that it is removed with the scope's files, by the
  /// next run if need be. To be called once it has been made: what is noted is ours.
  public func note(_ object: KernelObject) throws(SystemError) {
    let path = try path(object.note)
    let descriptor = try check("open", path, ipcb_open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
    Glibc.close(descriptor)
  }

  /// Removes the object and its note.
  public func remove(_ object: KernelObject) {
    object.remove()
    if let path = try? path(object.note) { unlink(path) }
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

  /// Splits `ipcbench-<pid>-<start time>[-…]`; nil for any other name. Named semaphores lie in /dev/shm with a
  /// prefix of the C library's (sem_overview(7)).
  static func owner(of name: String) -> (pid: Int32, startTime: UInt64)? {
    let name = name.hasPrefix("sem.") ? String(name.dropFirst(4)) : name
    guard name.hasPrefix(prefix) else { return nil }
    let parts = name.dropFirst(prefix.count).split(separator: "-", maxSplits: 2)
    guard parts.count >= 2, let pid = Int32(parts[0]), let start = UInt64(parts[1]) else { return nil }
    return (pid, start)
  }

  @discardableResult
  private static func removeEntries(
    in root: Root, where matches: (Int32, UInt64) -> Bool
  ) -> [String] {
    let names = Directory.names(of: root.rawValue).filter { name in
      owner(of: name).map { matches($0.pid, $0.startTime) } ?? false
    }
    return names.filter { Directory.removeTree("\(root.rawValue)/\($0)") }
  }
}

/// Objects that have a name or key but no place in a directory of ours.
public enum KernelObject: Sendable, Equatable {
  /// A POSIX message queue: `/name`.
  case messageQueue(String)
  case systemVQueue(key: Int32)
  case systemVSemaphores(key: Int32)
  /// The socket of an X server, which has its place in /tmp (Xserver(1)). One that chooses its number by itself makes no
  /// lock file.
  case display(Int32)
  /// A setting of the machine that was changed for a while: what it was before, one word.
  case setting(path: String, before: String)

  /// A file name that says all.
  var note: String {
    switch self {
    case .messageQueue(let name): "kernel.mq.\(name.dropFirst())"
    case .systemVQueue(let key): "kernel.msg.\(key)"
    case .systemVSemaphores(let key): "kernel.sem.\(key)"
    case .display(let number): "kernel.display.\(number)"
    case .setting(let path, let before): "kernel.setting.\(path.replacing("/", with: ","))=\(before)"
    }
  }

  init?(note: String) {
    let parts = note.split(separator: ".", maxSplits: 2).map(String.init)
    guard parts.count == 3, parts[0] == "kernel" else { return nil }
    switch (parts[1], Int32(parts[2])) {
    case ("mq", _): self = .messageQueue("/\(parts[2])")
    case ("msg", let key?): self = .systemVQueue(key: key)
    case ("sem", let key?): self = .systemVSemaphores(key: key)
    case ("display", let number?): self = .display(number)
    case ("setting", _):
      let text = parts[2]
      guard let equal = text.lastIndex(of: "=") else { return nil }
      self = .setting(
        path: String(text[..<equal]).replacing(",", with: "/"),
        before: String(text[text.index(after: equal)...]))
    default: return nil
    }
  }

  /// Puts a setting back; does nothing when an object is gone.
  func remove() {
    switch self {
    case .messageQueue(let name): _ = ipcb_mq_unlink(name)
    case .systemVQueue(let key):
      let id = ipcb_msgget(key, 0)
      if id >= 0 { _ = ipcb_msgctl_remove(id) }
    case .systemVSemaphores(let key):
      let id = ipcb_semget(key, 0, 0)
      if id >= 0 { _ = ipcb_semctl_remove(id) }
    case .display(let number):
      // A server that took the number since, or one that is still ending, answers and removes its own.
      let path = "/tmp/.X11-unix/X\(number)"
      guard let socket = try? Socket.unix(.stream) else { return }
      defer { socket.close() }
      do throws(SystemError) {
        try socket.connect(path: path)
      } catch {
        if error.errno == .connectionRefused { unlink(path) }
      }
    case .setting(let path, let before): try? TextFile.set(before, at: path)
    }
  }
}

/// What lies in a directory.
public enum Directory {
  /// Without `.` and `..`; empty when it cannot be read.
  public static func names(of path: String) -> [String] {
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

  /// The corresponding C function is `mkdir` with mode 0700.
  public static func create(_ path: String) throws(SystemError) {
    try check("mkdir", path, mkdir(path, 0o700))
  }

  public static func remove(_ path: String) { _ = removeTree(path) }

  /// Removes a file, or a directory and the files in it; false when it belongs to somebody else.
  static func removeTree(_ path: String) -> Bool {
    var info = stat()
    guard lstat(path, &info) == 0, info.st_uid == geteuid() else { return false }
    // A symbolic link is removed, never followed: these directories can be written by others.
    guard info.st_mode & S_IFMT == S_IFDIR else { return unlink(path) == 0 }
    // A daemon of a run that was killed may be ending just now, and have written one more file.
    for _ in 0..<100 {
      for name in names(of: path) {
        KernelObject(note: name)?.remove()
        _ = removeTree("\(path)/\(name)")
      }
      if rmdir(path) == 0 { return true }
      guard Glibc.errno == ENOTEMPTY else { return false }
      usleep(1_000)
    }
    return false
  }
}
