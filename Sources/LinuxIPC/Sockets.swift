import CLinuxShims
import Glibc
import SystemPackage

/// The few socket calls the mechanisms need, with addresses as plain values.
public struct Socket: Sendable {
  public var descriptor: FileDescriptor

  public init(descriptor: FileDescriptor) { self.descriptor = descriptor }

  /// The corresponding C function is `socket`.
  public static func unixStream() throws(SystemError) -> Socket { try create(AF_UNIX, "AF_UNIX") }
  public static func tcp() throws(SystemError) -> Socket { try create(AF_INET, "AF_INET") }

  private static func create(_ family: Int32, _ name: String) throws(SystemError) -> Socket {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    return Socket(
      descriptor: FileDescriptor(rawValue: try check("socket", name, Glibc.socket(family, type, 0))))
  }

  /// The corresponding C function is `bind`.
  public func bind(path: String) throws(SystemError) {
    try check("bind", path, ipcb_bind_unix(descriptor.rawValue, path))
  }

  /// Binds to 127.0.0.1; returns the port that the kernel chose.
  public func bindToLoopback() throws(SystemError) -> UInt16 {
    try check("bind", "127.0.0.1", ipcb_bind_loopback(descriptor.rawValue, 0))
    return UInt16(try check("getsockname", "", ipcb_local_port(descriptor.rawValue)))
  }

  /// The corresponding C function is `listen`.
  public func listen(backlog: Int32 = 1) throws(SystemError) {
    try check("listen", "", Glibc.listen(descriptor.rawValue, backlog))
  }

  /// The corresponding C function is `connect`.
  public func connect(path: String) throws(SystemError) {
    try retrying("connect", path) { ipcb_connect_unix(descriptor.rawValue, path) }
  }

  public func connect(loopbackPort port: UInt16) throws(SystemError) {
    try retrying("connect", "127.0.0.1:\(port)") { ipcb_connect_loopback(descriptor.rawValue, port) }
  }

  /// Waits up to `milliseconds` for a connection.
  ///
  /// The corresponding C functions are `poll` and `accept4`.
  public func accept(milliseconds: Int32) throws(SystemError) -> Socket {
    var poll = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
    guard try retrying("poll", "", { Glibc.poll(&poll, 1, milliseconds) }) > 0 else {
      throw SystemError("accept", "no connection within \(milliseconds) ms", errno: .timedOut)
    }
    let accepted = try retrying("accept4") {
      ipcb_accept4(descriptor.rawValue, Int32(SOCK_CLOEXEC.rawValue))
    }
    return Socket(descriptor: FileDescriptor(rawValue: accepted))
  }

  /// Sends each message at once instead of waiting to fill a segment (tcp(7)).
  public func setNoDelay() throws(SystemError) {
    try check(
      "setsockopt TCP_NODELAY", "",
      ipcb_set_socket_option(descriptor.rawValue, Int32(IPPROTO_TCP), TCP_NODELAY, 1))
  }

  public func close() { descriptor.closeQuietly() }
}
