import CLinuxShims
import Glibc
import SystemPackage

/// Descriptors that change hands between processes.
public enum Handle {
  /// A duplicate of descriptor `number` of another process; close-on-exec.
  ///
  /// The corresponding system call is `pidfd_getfd`. Needs the right to trace that process (ptrace(2)).
  public static func duplicate(_ number: Int32, of pid: Int32) throws(SystemError) -> FileDescriptor {
    let process = try Child.descriptor(of: pid)
    defer { process.closeQuietly() }
    return FileDescriptor(
      rawValue: try check("pidfd_getfd", "\(pid)", ipcb_pidfd_getfd(process.rawValue, number)))
  }

  /// Lets other processes of this user take descriptors and memory from this one, where Yama would forbid it.
  public static func allowTracing() { _ = ipcb_allow_tracing() }

  /// Why processes of one user may not trace each other here, nil where they may (kernel.yama.ptrace_scope).
  public static var tracingObstacle: String? {
    guard let scope = TextFile.read("/proc/sys/kernel/yama/ptrace_scope").flatMap({ Int($0) }), scope > 1
    else { return nil }
    if scope == 2 && geteuid() == 0 { return nil }
    return "kernel.yama.ptrace_scope is \(scope); set it to 0 or 1 with 'sysctl kernel.yama.ptrace_scope=1'"
  }

  /// Passes a descriptor with one byte.
  ///
  /// The corresponding C function is `sendmsg` with SCM_RIGHTS.
  public static func send(_ descriptor: FileDescriptor, over socket: Socket) throws(SystemError) {
    var byte: UInt8 = 0
    try retrying("sendmsg SCM_RIGHTS") {
      ipcb_send_descriptor(socket.descriptor.rawValue, descriptor.rawValue, &byte, 1)
    }
  }

  /// Takes the descriptor out of the next message.
  public static func receive(over socket: Socket) throws(SystemError) -> FileDescriptor {
    var (byte, descriptor): (UInt8, Int32) = (0, -1)
    try retrying("recvmsg SCM_RIGHTS") {
      ipcb_receive_descriptor(socket.descriptor.rawValue, &descriptor, &byte, 1)
    }
    guard descriptor >= 0 else {
      throw SystemError("recvmsg", "a message without a descriptor", errno: .badFileDescriptor)
    }
    return FileDescriptor(rawValue: descriptor)
  }

  /// On the measured path: a message of `count` bytes with a descriptor; −1 with errno.
  @inlinable @inline(__always)
  public static func sendRaw(
    _ socket: Int32, _ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int
  ) -> Int { ipcb_send_descriptor(socket, descriptor, bytes, count) }

  @inlinable @inline(__always)
  public static func receiveRaw(
    _ socket: Int32, _ descriptor: inout Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int
  ) -> Int { ipcb_receive_descriptor(socket, &descriptor, bytes, count) }
}

/// The memory of another process (process_vm_readv(2)); needs the right to trace it.
public enum ProcessMemory {
  @inlinable @inline(__always)
  public static func write(
    _ pid: Int32, at address: UInt64, _ bytes: UnsafeRawPointer, _ count: Int
  ) -> Int { ipcb_write_to_process(pid, address, bytes, count) }

  @inlinable @inline(__always)
  public static func read(
    _ pid: Int32, at address: UInt64, _ buffer: UnsafeMutableRawPointer, _ count: Int
  ) -> Int { ipcb_read_from_process(pid, address, buffer, count) }
}

/// Finding processes by name, as one finds a window by its title.
public enum ProcessName {
  /// Names longer than this are cut by the kernel (proc_pid_comm(5)).
  public static var maximumByteCount: Int { 15 }

  /// The corresponding C function is `prctl` with PR_SET_NAME.
  public static func set(_ name: String) { _ = ipcb_set_process_name(name) }

  /// Pids of the processes with this name that run `executable`; a stranger of the same name is not meant.
  public static func find(_ name: String, executable: String) -> [Int32] {
    Directory.names(of: "/proc").compactMap { Int32($0) }.filter {
      isRunning(name, executable: executable, as: $0)
    }
  }

  /// Whether the process has this name and runs this program.
  public static func isRunning(_ name: String, executable: String, as pid: Int32) -> Bool {
    TextFile.read("/proc/\(pid)/comm") == name && self.executable(of: pid) == executable
  }

  /// Where the program of a process lies, nil when it is gone or not ours to see.
  public static func executable(of pid: Int32) -> String? {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/\(pid)/exe", &buffer, buffer.count - 1)
    return count < 0 ? nil : String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
