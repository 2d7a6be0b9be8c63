import CLinuxShims
import Glibc
import SystemPackage

/// Children, and how they end.
public enum Processes {
  /// Forks; `child` runs in the new process, which ends with its return value and never returns from here.
  ///
  /// The caller must be single-threaded: only the forking thread lives on in the child, with every lock that
  /// another one held locked for ever (fork(2)). The child dies with its parent (PR_SET_PDEATHSIG).
  public static func fork(_ child: () -> Int32) throws(SystemError) -> Child {
    precondition(threadCount() == 1, "fork needs a single-threaded process")
    // Buffered output would be written once by each process.
    fflush(nil)
    let parent = getpid()
    let pid = try check("fork", "", ipcb_fork())
    if pid == 0 {
      dieWithParent(parent)
      _exit(child())
    }
    return Child(pid: pid)
  }

  /// Starts a program that has nothing of this process but its arguments and environment, and descriptors 0 and 1
  /// where they are given; everything else is close-on-exec. It must call `dieWithParent` first of all.
  ///
  /// The corresponding C function is `posix_spawn`.
  public static func spawn(
    _ path: String, _ arguments: [String], standardInput: FileDescriptor? = nil,
    standardOutput: FileDescriptor? = nil
  ) throws(SystemError) -> Child {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (descriptor, number) in [(standardInput, Int32(0)), (standardOutput, 1)] {
      if let descriptor {
        posix_spawn_file_actions_adddup2(&actions, descriptor.rawValue, number)
      } else {
        posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
      }
    }
    // Signals that this process ignores or blocks are no business of the new one's.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var nothing = sigset_t()
    sigemptyset(&nothing)
    posix_spawnattr_setsigmask(&attributes, &nothing)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var pointers: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    defer { pointers.forEach { free($0) } }
    var pid: pid_t = 0
    let failure = posix_spawn(&pid, path, &actions, &attributes, &pointers, environ)
    guard failure == 0 else { throw SystemError("posix_spawn", path, errno: Errno(rawValue: failure)) }
    return Child(pid: pid)
  }

  /// Threads of this process.
  public static func threadCount() -> Int {
    guard let directory = opendir("/proc/self/task") else { return 1 }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) {
      if entry.pointee.d_name.0 != UInt8(ascii: ".") { count += 1 }
    }
    return count
  }

  /// Ends this process when its parent does.
  public static func dieWithParent(_ parent: Int32) {
    _ = ipcb_set_parent_death_signal(SIGKILL)
    // A parent that died before the line above sends no signal.
    if getppid() != parent { _exit(1) }
  }

  /// Whether the process with this pid is the one that started at `startTime` (clock ticks since boot).
  public static func isAlive(pid: Int32, startTime: UInt64) -> Bool { self.startTime(of: pid) == startTime }

  /// Field 22 of /proc/PID/stat, nil when there is no such process (proc_pid_stat(5)).
  public static func startTime(of pid: Int32) -> UInt64? {
    guard let text = TextFile.read("/proc/\(pid)/stat"), let close = text.lastIndex(of: ")") else {
      return nil
    }
    // The command name may hold spaces and parentheses; fields are counted after its last one.
    let fields = text[text.index(after: close)...].split(separator: " ")
    return fields.count > 19 ? UInt64(fields[19]) : nil
  }
}

/// A child that has not been reaped.
public struct Child: Sendable {
  public let pid: Int32

  /// - Parameter pid: of a process that may be somebody else's child; it can be watched and killed, not reaped.
  public init(pid: Int32) { self.pid = pid }

  public func kill(_ signal: Int32 = SIGKILL) { Glibc.kill(pid, signal) }

  /// A descriptor that becomes readable when the child has ended.
  ///
  /// The corresponding system call is `pidfd_open`.
  public func descriptor() throws(SystemError) -> FileDescriptor { try Self.descriptor(of: pid) }

  public static func descriptor(of pid: Int32) throws(SystemError) -> FileDescriptor {
    FileDescriptor(rawValue: try check("pidfd_open", "\(pid)", ipcb_pidfd_open(pid)))
  }

  /// Waits for the child and takes its status.
  ///
  /// The corresponding C function is `waitpid`.
  public func reap() throws(SystemError) -> ExitStatus {
    var status: Int32 = 0
    try retrying("waitpid", "\(pid)") { waitpid(pid, &status, 0) }
    return ExitStatus(raw: status)
  }
}

public enum ExitStatus: Sendable, Equatable, CustomStringConvertible {
  case exited(Int32)
  case signalled(Int32)

  init(raw: Int32) {
    let signal = ipcb_wait_signal(raw)
    self = signal == 0 ? .exited(ipcb_wait_exit_code(raw)) : .signalled(signal)
  }

  public var description: String {
    switch self {
    case .exited(let code): "exited with code \(code)"
    case .signalled(let signal): "was killed by signal \(signal) (\(String(cString: strsignal(signal))))"
    }
  }
}

/// Signals that ask the harness to stop.
public enum StopSignal {
  /// How often SIGINT or SIGTERM has arrived. Only the handler writes it.
  nonisolated(unsafe) private static let arrivals: UnsafeMutablePointer<Int32> = {
    let word = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    word.initialize(to: 0)
    return word
  }()

  /// Counts SIGINT and SIGTERM from now on instead of dying of them; ignores SIGPIPE and SIGXFSZ, whose errors
  /// the failing call reports.
  public static func install() throws(SystemError) {
    // The word exists before a handler can run: a lazy initialiser must not run inside one.
    arrivals.pointee = 0
    let handler: @convention(c) (Int32) -> Void = { _ in StopSignal.arrivals.pointee &+= 1 }
    try check("sigaction", "", ipcb_install_signal_handlers(handler))
  }

  /// In a program that did not inherit that from the harness.
  public static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

  /// In a worker: the harness decides.
  public static func resetInWorker() { _ = ipcb_reset_signal_handlers() }

  public static var count: Int32 { arrivals.pointee }
  public static var isRequested: Bool { arrivals.pointee > 0 }
}

/// Small text files of /proc and /sys.
public enum TextFile {
  /// The whole file without trailing white space, nil when it cannot be read.
  public static func read(_ path: String) -> String? {
    let descriptor = ipcb_open(path, O_RDONLY | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return nil }
    defer { Glibc.close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0 && Glibc.errno == EINTR { continue }
      if count <= 0 { break }
      bytes.append(contentsOf: buffer[0..<count])
    }
    while let end = bytes.last, end == 10 || end == 32 || end == 0 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension TextFile {
  /// Makes a file, or replaces its contents, that only this user can read.
  public static func write(_ text: String, to path: String) throws(SystemError) {
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
    let descriptor = try check("open", path, ipcb_open(path, flags, 0o600))
    defer { Glibc.close(descriptor) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = try retrying("write", path) {
        rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      }
      rest = rest.dropFirst(written)
    }
  }
}

extension TextFile {
  /// Changes a setting; never makes a file.
  public static func set(_ value: String, at path: String) throws(SystemError) {
    let descriptor = try check("open", path, ipcb_open(path, O_WRONLY | O_TRUNC | O_CLOEXEC, 0))
    defer { Glibc.close(descriptor) }
    let text = value + "\n"
    _ = try retrying("write", path) {
      text.utf8CString.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count - 1) }
    }
  }
}

/// Waiting for one of several children.
public enum ProcessPoll {
  /// The index of a child that has ended, nil when none has within the time or a signal came.
  ///
  /// The corresponding C functions are `pidfd_open` and `poll`.
  public static func firstEnded(_ children: [Child], milliseconds: Int32) -> Int? {
    var requests: [pollfd] = []
    defer { requests.forEach { Glibc.close($0.fd) } }
    for (index, child) in children.enumerated() {
      // A child that cannot be watched any more has ended.
      guard let descriptor = try? child.descriptor() else { return index }
      requests.append(pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0))
    }
    guard poll(&requests, nfds_t(requests.count), milliseconds) > 0 else { return nil }
    return requests.firstIndex { $0.revents != 0 }
  }
}
