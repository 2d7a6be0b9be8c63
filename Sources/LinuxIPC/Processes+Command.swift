import CLinuxShims
import Glibc
import SystemPackage

extension Processes {
  /// Starts another program as a child that dies with this process (PR_SET_PDEATHSIG outlives `execve`).
  /// Everything but the standard descriptors is closed by being close-on-exec.
  ///
  /// The corresponding C functions are `fork` and `execvp`.
  ///
  /// - Parameters:
  ///   - program: a path, or a name to be found on the PATH.
  ///   - standardInput: nil for /dev/null; likewise the other two.
  ///   - directory: where it starts; nil for this process's.
  ///   - daemon: nil for a command of the user's.
  public static func start(
    _ program: String, _ arguments: [String], standardOutput: FileDescriptor? = nil,
    standardError: FileDescriptor? = nil, directory: String? = nil, daemon: DaemonStart? = nil
  ) throws(SystemError) -> Child {
    // Everything is made before the fork: the child may only make system calls.
    guard let name = strdup(program) else { throw SystemError("strdup", "", errno: .noMemory) }
    var pointers: [UnsafeMutablePointer<CChar>?] = [name] + arguments.map { strdup($0) } + [nil]
    defer { pointers.forEach { free($0) } }
    let place = directory.map { strdup($0) } ?? nil
    defer { free(place) }
    let null = try check("open", "/dev/null", open("/dev/null", O_RDWR | O_CLOEXEC))
    defer { close(null) }
    var descriptors = [null, standardOutput?.rawValue ?? null, standardError?.rawValue ?? null]
    var variables: [UnsafeMutablePointer<CChar>?] = []
    if let daemon {
      if let report = daemon.report { descriptors.append(report.rawValue) }
      variables = daemon.environment.map { strdup("\($0)=\($1)") } + [nil]
    }
    defer { variables.forEach { free($0) } }
    let deathSignal = daemon?.deathSignal ?? SIGKILL
    return try fork {
      // What this process ignores would stay ignored in the other program.
      StopSignal.resetInWorker()
      for number in [SIGINT, SIGPIPE, SIGXFSZ] { signal(number, SIG_DFL) }
      _ = ipcb_unblock_signals()
      if let place, chdir(place) != 0 { return 127 }
      for (number, descriptor) in descriptors.enumerated() {
        // A duplicate onto itself would stay close-on-exec.
        if descriptor == number {
          _ = fcntl(descriptor, F_SETFD, 0)
        } else if dup2(descriptor, Int32(number)) < 0 {
          return 127
        }
      }
      if daemon != nil {
        // Nothing that somebody else waits for the end of; not everything was opened by this program.
        _ = ipcb_close_from(Int32(descriptors.count))
        // Its own session, so that a ^C in the terminal is not meant for it.
        setsid()
        _ = ipcb_set_parent_death_signal(deathSignal)
        _ = ipcb_execvpe(name, &pointers, &variables)
      } else {
        execvp(name, &pointers)
      }
      // As a shell has it: found but not started, or not found.
      return errno == ENOENT ? 127 : 126
    }
  }
}

/// What a daemon gets that a command does not.
public struct DaemonStart: Sendable {
  /// All of it: nothing of this process's environment, in which the user's session is named.
  public var environment: [String: String]
  /// Becomes its descriptor 3, on which it says where it can be reached; nil where it says nothing.
  public var report: FileDescriptor?
  /// What it is sent when this process dies: a daemon that removes what it made is asked to end, rather than killed.
  public var deathSignal: Int32

  public init(environment: [String: String], report: FileDescriptor?, deathSignal: Int32 = SIGTERM) {
    self.environment = environment
    self.report = report
    self.deathSignal = deathSignal
  }
}
