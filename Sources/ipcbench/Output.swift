import Foundation
import Glibc

/// Files that the user named.
enum Output {
  static func write(_ text: String, to path: String) throws {
    do {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw Problem(.toolFailed, "Cannot write \(path): \(error.localizedDescription)")
    }
  }

  static func append(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw Problem(.toolFailed, "Cannot write \(path): \(String(cString: strerror(errno))).")
    }
    defer { close(descriptor) }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw Problem(.toolFailed, "Cannot write \(path): \(String(cString: strerror(errno))).")
      }
      bytes = bytes.dropFirst(count)
    }
  }
}
