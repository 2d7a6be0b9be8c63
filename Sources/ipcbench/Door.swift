import Glibc
import LinuxIPC

/// Where drivers wait for their turn: a socket at which each of them knocks, and of which the server takes one at a
/// time. Nothing of the demonstrated exchange passes here.
struct Door {
  let path: String
  private let listener: Socket

  init(path: String) throws(SystemError) {
    self.path = path
    listener = try Socket.unix(.sequencedPackets)
    try listener.bind(path: path)
    try listener.listen(backlog: 16)
  }

  /// The next driver, nil when there was none for a moment.
  func nextTurn() throws(SystemError) -> Turn? {
    do throws(SystemError) {
      return Turn(connection: try listener.accept(milliseconds: 100))
    } catch {
      if error.errno == .timedOut { return nil }
      throw error
    }
  }

  func close() { listener.close() }
}

/// A driver's turn, on either side. The server says the serial of the channel when the turn begins, and at its end
/// how many texts have arrived.
struct Turn {
  private let connection: Socket

  fileprivate init(connection: Socket) { self.connection = connection }

  init(knockingAt path: String) throws(SystemError) {
    connection = try Socket.unix(.sequencedPackets)
    try connection.connect(path: path)
  }

  enum Answer: Equatable {
    case number(UInt64)
    case notYet
    /// The other side has ended.
    case gone
  }

  func say(_ number: UInt64) {
    withUnsafeBytes(of: number) { bytes in
      _ = send(connection.descriptor.rawValue, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    }
  }

  /// - Parameter milliseconds: −1 for as long as it takes.
  func hear(milliseconds: Int32) throws(SystemError) -> Answer {
    var request = pollfd(fd: connection.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
    guard try retrying("poll", "", { poll(&request, 1, milliseconds) }) > 0 else { return .notYet }
    var number: UInt64 = 0
    let count = withUnsafeMutableBytes(of: &number) { bytes in
      recv(connection.descriptor.rawValue, bytes.baseAddress, bytes.count, 0)
    }
    return count == MemoryLayout<UInt64>.size ? .number(number) : .gone
  }

  /// Server: a driver says nothing, so that there is something to hear only when it is gone.
  var isOver: Bool { (try? hear(milliseconds: 0)) != .notYet }

  func close() { connection.close() }
}
