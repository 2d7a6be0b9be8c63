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
  public static func start(
    _ program: String, _ arguments: [String], standardOutput: FileDescriptor? = nil,
    standardError: FileDescriptor? = nil, directory: String? = nil
  ) throws(SystemError) -> Child {
    // Everything is made before the fork: the child may only make system calls.
    guard let name = strdup(program) else { throw SystemError("strdup", "", errno: .noMemory) }
    var pointers: [UnsafeMutablePointer<CChar>?] = [name] + arguments.map { strdup($0) } + [nil]
    defer { pointers.forEach { free($0) } }
    let place = directory.map { strdup($0) } ?? nil
    defer { free(place) }
    let null = try check("open", "/dev/null", open("/dev/null", O_RDWR | O_CLOEXEC))
    defer { close(null) }
    let descriptors = [null, standardOutput?.rawValue ?? null, standardError?.rawValue ?? null]
    return try fork {
      // What this process ignores would stay ignored in the other program.
      StopSignal.resetInWorker()
      for number in [SIGINT, SIGPIPE, SIGXFSZ] { signal(number, SIG_DFL) }
      if let place, chdir(place) != 0 { return 127 }
      for (number, descriptor) in descriptors.enumerated() {
        // A duplicate onto itself would stay close-on-exec.
        if descriptor == number {
          _ = fcntl(descriptor, F_SETFD, 0)
        } else if dup2(descriptor, Int32(number)) < 0 {
          return 127
        }
      }
      execvp(name, &pointers)
      // As a shell has it: found but not started, or not found.
      return errno == ENOENT ? 127 : 126
    }
  }
}
