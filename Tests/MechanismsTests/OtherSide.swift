import Foundation
import IPCTransport
import LinuxIPC
import Testing

/// The other side of an exchange, on a thread of its own. Not a child: the test runner has threads, so it
/// cannot fork.
final class OtherSide<Value: Sendable>: @unchecked Sendable {
  private let ended = NSCondition()
  private var result: Result<Value, any Error>?

  init(_ body: @escaping @Sendable () throws -> Value) {
    Thread.detachNewThread { [self] in
      let result = Result { try body() }
      ended.withLock {
        self.result = result
        ended.broadcast()
      }
    }
  }

  /// What the side came to, or what it threw; a side that is not done within the time fails the test.
  func value(within seconds: Double = 20) throws -> Value {
    try #require(outcome(within: seconds), "the other side is not done after \(seconds) s").get()
  }

  /// Nil while the side is still at it.
  func outcome(within seconds: Double) -> Result<Value, any Error>? {
    ended.withLock {
      let end = Date().addingTimeInterval(seconds)
      while result == nil, ended.wait(until: end) {}
      return result
    }
  }
}

/// A directory for the files of one test.
final class Folder {
  let path: String
  init() throws {
    // Not the temporary directory of TestSupport: its UUID would take half of a socket path's 107 bytes.
    path = "/tmp/t\(getpid())-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }
  func holds(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }
}

/// The error that setting something up ends with.
func refusal(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) throws -> TransportError {
  try #require(throws: TransportError.self, sourceLocation: sourceLocation, performing: body)
}

/// Fails unless a text is what people are to be shown: one sentence on one line.
func expectOneSentence(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(text.hasSuffix(".") && !text.hasSuffix(".."), "\(text)", sourceLocation: sourceLocation)
  #expect(!text.contains("\n") && !text.contains(". "), "\(text)", sourceLocation: sourceLocation)
  #expect(text.first?.isUppercase == true || text.hasPrefix("'"), "\(text)", sourceLocation: sourceLocation)
}

/// What a reader without patience sees.
enum Readiness {
  /// Whether there is something to read, the end included.
  static func canRead(_ descriptor: Int32, milliseconds: Int32 = 0) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, milliseconds) > 0
  }
}

/// Everything up to the end.
func readToEnd(_ descriptor: Int32) -> String {
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while case let got = read(descriptor, &buffer, buffer.count), got > 0 { bytes += buffer[..<got] }
  return String(decoding: bytes, as: UTF8.self)
}
