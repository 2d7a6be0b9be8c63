import Glibc
import Harness
import LinuxIPC

/// Where drivers wait for their turn: a socket at which each of them knocks, and of which the server takes one at a
/// time. Nothing of what is measured or shown passes here.
struct Door {
  /// Nil where it is reached over the network.
  let path: String?
  private let listener: Socket

  init(path: String) throws(SystemError) {
    self.path = path
    listener = try Socket.unix(.stream)
    try listener.bind(path: path)
    try listener.listen(backlog: 16)
  }

  /// - Parameter address: of this host; port 0 for one that is free.
  init(at address: InternetAddress) throws(SystemError) {
    path = nil
    listener = try Socket.tcp()
    // A port that the last server left is usable at once; one that another listens on is not.
    try listener.set(SO_REUSEADDR, 1, "SO_REUSEADDR")
    try listener.bind(address: address.address, port: address.port)
    try listener.listen(backlog: 16)
  }

  func address() throws(SystemError) -> InternetAddress { try listener.localAddress() }

  /// The next driver, nil when there was none for a moment.
  func nextTurn() throws(SystemError) -> ControlConnection? {
    do throws(SystemError) {
      return ControlConnection(try listener.accept(milliseconds: 100))
    } catch {
      // A driver that gave up between its knock and its turn is no reason to end.
      if [.timedOut, .connectionAbort, .interrupted].contains(error.errno) { return nil }
      throw error
    }
  }

  func close() { listener.close() }

  /// Whether somebody listens behind a door: also a process that cannot be seen from here, in another container.
  static func isAnswered(_ path: String) -> Bool {
    guard let socket = try? Socket.unix(.stream) else { return false }
    defer { socket.close() }
    do throws(SystemError) {
      try socket.descriptor.setNonBlocking(true)
      try socket.connect(path: path)
      return true
    } catch {
      // Many wait there already.
      return error.errno == .resourceTemporarilyUnavailable
    }
  }
}
