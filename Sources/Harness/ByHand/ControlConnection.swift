import Foundation
import Glibc
import LinuxIPC

/// Why two sides by hand could not go on: one clause, without a full stop.
public enum ControlError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The other side has closed the connection, in the middle of a message or instead of an answer.
  case gone
  /// It has closed the connection where a message could have begun.
  case hungUp
  /// It said nothing for so many milliseconds.
  case silent(Int32)
  /// What it said cannot be understood.
  case nonsense(String)
  /// It said no, in a sentence of its own.
  case refused(String)
  /// The user asked to stop.
  case interrupted
  case system(SystemError)

  public var description: String {
    switch self {
    case .gone, .hungUp: "it closed the connection"
    case .silent(let milliseconds): "it said nothing for \(milliseconds / 1000) s"
    case .nonsense(let what): "it said \(what)"
    case .refused(let sentence): sentence
    case .interrupted: "the user asked to stop"
    case .system(let error): "\(error)"
    }
  }
}

/// What the two harnesses say to each other while no message moves: JSON objects, each after its length in four bytes.
/// Nothing that arrives is believed: a length is bounded, and every step has a deadline.
public struct ControlConnection: Sendable {
  public let socket: Socket

  /// A peer that announces more is none.
  public static var largestMessage: Int { 64 << 10 }
  /// Time for an answer that only takes a look.
  public static var promptMilliseconds: Int32 { 5000 }

  public init(_ socket: Socket) {
    self.socket = socket
    // Over TCP a barrier must not wait for an acknowledgement; a Unix socket has no such option.
    try? socket.setNoDelay()
  }

  public func close() { socket.close() }

  /// Says that nothing more will come from this side.
  func endSaying() { shutdown(socket.descriptor.rawValue, Int32(SHUT_WR)) }

  /// Whether the other side has closed the connection, or ended.
  public var isOver: Bool {
    var request = pollfd(fd: socket.descriptor.rawValue, events: Socket.peerHasClosed, revents: 0)
    return poll(&request, 1, 0) > 0
  }

  // MARK: Saying

  public func say(_ message: some Encodable) throws(ControlError) {
    guard let body = try? JSONEncoder().encode(message), body.count <= Self.largestMessage else {
      throw .nonsense("more than a message holds")
    }
    let length = withUnsafeBytes(of: UInt32(body.count).bigEndian) { Array($0) }
    try send(length + body)
  }

  private func send(_ bytes: [UInt8]) throws(ControlError) {
    var rest = bytes[...]
    let deadline = Deadline(Self.promptMilliseconds)
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(socket.descriptor.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        try wait(Int16(POLLOUT), deadline)
      } else if errno != EINTR {
        throw .gone
      }
    }
  }

  // MARK: Hearing

  public func hear<Message: Decodable>(
    _ type: Message.Type, milliseconds: Int32 = promptMilliseconds
  ) throws(ControlError) -> Message {
    try Self.decode(type, try hearBytes(milliseconds: milliseconds))
  }

  static func decode<Message: Decodable>(_ type: Message.Type, _ bytes: [UInt8]) throws(ControlError)
    -> Message
  {
    guard let message = try? JSONDecoder().decode(type, from: Data(bytes)) else {
      throw .nonsense("something that ipcbench does not say here")
    }
    return message
  }

  /// One message, not yet looked at.
  func hearBytes(milliseconds: Int32) throws(ControlError) -> [UInt8] {
    let deadline = Deadline(milliseconds)
    let prefix = try take(4, deadline, atEnd: .hungUp)
    let length = prefix.reduce(0) { $0 << 8 | Int($1) }
    guard (1...Self.largestMessage).contains(length) else {
      throw .nonsense("something that does not begin as an ipcbench of this kind does")
    }
    return try take(length, deadline)
  }

  /// - Parameter atEnd: what it means when the other side closes instead of saying anything.
  private func take(
    _ count: Int, _ deadline: Deadline, atEnd: ControlError = .gone
  ) throws(ControlError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      try wait(Int16(POLLIN), deadline)
      let got = bytes.withUnsafeMutableBytes {
        recv(socket.descriptor.rawValue, $0.baseAddress! + filled, count - filled, Int32(MSG_DONTWAIT))
      }
      if got > 0 {
        filled += got
      } else if got == 0 || (errno != EAGAIN && errno != EINTR) {
        throw filled == 0 ? atEnd : .gone
      }
    }
    return bytes
  }

  /// Whether something can be heard within a time.
  public func hasWord(within milliseconds: Int32) -> Bool {
    (try? wait(Int16(POLLIN), Deadline(milliseconds))) != nil
  }

  private func wait(_ event: Int16, _ deadline: Deadline) throws(ControlError) {
    while true {
      guard !StopSignal.isRequested else { throw .interrupted }
      var request = pollfd(fd: socket.descriptor.rawValue, events: event, revents: 0)
      if poll(&request, 1, min(100, max(0, deadline.millisecondsLeft))) > 0 { return }
      if deadline.millisecondsLeft <= 0 { throw .silent(deadline.milliseconds) }
    }
  }

  private struct Deadline {
    let milliseconds: Int32
    private let end: UInt64

    init(_ milliseconds: Int32) {
      self.milliseconds = milliseconds
      end = Clock.monotonicNanoseconds() &+ UInt64(max(0, milliseconds)) &* 1_000_000
    }

    var millisecondsLeft: Int32 {
      let now = Clock.monotonicNanoseconds()
      return now >= end ? 0 : Int32(clamping: (end - now + 999_999) / 1_000_000)
    }
  }
}

/// A text on one line: what would end the line or move the cursor is shown instead of done.
public func oneLine(_ text: String) -> String {
  text.unicodeScalars.reduce(into: "") { line, scalar in
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: line += scalar.escaped(asASCII: true)
    default: line.unicodeScalars.append(scalar)
    }
  }
}

/// A text of somebody else's, as it may be shown and recorded.
func bounded(_ text: String, _ count: Int = 400) -> String { String(oneLine(text).prefix(count)) }
