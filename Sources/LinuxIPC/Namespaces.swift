import CLinuxShims
import Glibc

/// Namespaces that another process keeps; see namespaces(7).
public enum Namespaces {
  /// Moves this process, which must have one thread, into a network namespace.
  ///
  /// - Parameter path: a file that stands for it, as in /proc/PID/ns.
  ///
  /// The corresponding C function is `setns`.
  public static func enter(network path: String) throws(SystemError) {
    try enter(path) { ipcb_enter_network($0) }
  }

  /// As `enter(network:)`, a mount namespace: other files may be behind a path.
  public static func enter(mounts path: String) throws(SystemError) {
    try enter(path) { ipcb_enter_mounts($0) }
  }

  private static func enter(_ path: String, _ call: (Int32) -> Int32) throws(SystemError) {
    let file = try check("open", path, open(path, O_RDONLY | O_CLOEXEC))
    defer { close(file) }
    try check("setns", path, call(file))
  }
}
