import Glibc

/// Reads /proc and /sys below a root, so that tests can read a made-up machine.
///
/// What is absent, unreadable or not of the expected form is nil: a fact that is not known is never a zero.
public struct SystemFiles: Sendable {
  /// `/`, or a directory that holds a `proc` and a `sys` of its own.
  public var root: String

  public init(root: String = "/") {
    self.root = root.hasSuffix("/") ? root : root + "/"
  }

  /// The whole file as text, without white space at its ends; nil when it is absent, unreadable or empty.
  public func text(_ path: String) -> String? {
    guard let bytes = bytes(path) else { return nil }
    // Device-tree strings and /proc/*/environ are separated or ended by zero bytes.
    let text = String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self).trimmed
    return text.isEmpty ? nil : text
  }

  /// The whole file; nil when it is absent or unreadable. Reads at most 4 MiB.
  func bytes(_ path: String) -> [UInt8]? {
    // O_NONBLOCK: a fixture or a strange /sys entry that is a pipe must not hang the capture.
    let descriptor = open(root + path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < 4 << 20 {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return bytes
  }

  public func integer(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

  /// A list of CPUs or nodes in the kernel's notation, as it stands: `0-3,8`; nil when it is empty.
  public func list(_ path: String) -> String? { text(path).flatMap { $0 == "(null)" ? nil : $0 } }

  /// `0` or `1`, `N` or `Y`.
  public func flag(_ path: String) -> Bool? {
    switch text(path) {
    case "1", "Y", "y": true
    case "0", "N", "n": false
    default: nil
    }
  }

  /// The word in brackets of a file such as `always [madvise] never`.
  public func chosen(_ path: String) -> String? {
    guard let text = text(path), let open = text.firstIndex(of: "["),
      let close = text[open...].firstIndex(of: "]")
    else { return nil }
    return String(text[text.index(after: open)..<close])
  }

  public func lines(_ path: String) -> [Substring]? { text(path)?.split(separator: "\n") }

  public func exists(_ path: String) -> Bool { access(root + path, F_OK) == 0 }

  /// The names in a directory, sorted; empty when it is absent.
  public func names(in path: String) -> [String] {
    (try? Files.names(in: root + path)) ?? []
  }

  /// The numbers of `cpu0`, `cpu1`, … or `node0`, … in a directory, ascending.
  func numbers(in path: String, prefix: String) -> [Int] {
    names(in: path).compactMap { $0.hasPrefix(prefix) ? Int($0.dropFirst(prefix.count)) : nil }.sorted()
  }

  /// `key: value` lines; the first of several equal keys wins.
  func fields(_ path: String) -> [String: String]? {
    guard let lines = lines(path) else { return nil }
    var fields: [String: String] = [:]
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let key = line[..<colon].trimmed
      if fields[key] == nil { fields[key] = line[line.index(after: colon)...].trimmed }
    }
    return fields
  }
}

extension StringProtocol {
  var trimmed: String {
    let start = drop { $0.isWhitespace }
    guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...end])
  }

  /// The number at the start of a text such as `24684084 kB`.
  var leadingInteger: Int? { Int(trimmed.prefix { $0.isNumber || $0 == "-" }) }
}
