import Foundation
import Glibc
import TestSupport
import Testing

/// A server under a name of its own, or at an address.
final class Server {
  let id: String
  let name: String
  let program: RunningProgram
  static let directory = "/tmp/ipcbench-serve-\(geteuid())"
  var file: String { "\(Self.directory)/\(name)" }

  /// Returns when it can be driven.
  init(_ id: String, name: String = Server.freshName(), _ options: String = "") throws {
    (self.id, self.name) = (id, name)
    let program = try Programs.start(
      "ipcbench", ["serve", id, name] + options.split(separator: " ").map(String.init))
    let isReady = eventually(within: 10) { program.errorsSoFar.contains("Serving") }
    try #require(isReady, "\(program.errorsSoFar)")
    self.program = program
  }

  /// At a free port of the loopback interface.
  static func listening(_ id: String, _ options: String = "") throws -> Server {
    try Server(id, "--listen 0 \(options)")
  }

  static func freshName() -> String { "test-\(UUID().uuidString.prefix(13))" }

  /// Where it listens.
  var port: String {
    let text = program.errorsSoFar
    return text.firstMatch(of: /Serving \S+ at 127\.0\.0\.1:(\d+)/).map { String($0.output.1) } ?? ""
  }

  /// How a driver is to find it.
  private var place: [String] { port.isEmpty ? [name] : ["--connect", port] }

  func start(_ texts: [String], id: String? = nil) throws -> RunningProgram {
    try Programs.start("ipcbench", ["drive", id ?? self.id] + place + texts.flatMap { ["--text", $0] })
  }

  func drive(_ texts: String..., id: String? = nil) throws -> ProgramResult {
    try start(texts, id: id).wait()
  }

  /// Measures into a workspace.
  func startMeasuring(_ workspace: Workspace, _ options: String = "", id: String? = nil) throws
    -> RunningProgram
  {
    try Programs.start(
      "ipcbench",
      ["drive", id ?? self.id] + place + ["--out", workspace.url.path, "--quiet"]
        + options.split(separator: " ").map(String.init))
  }

  func measure(_ workspace: Workspace, _ options: String = "", id: String? = nil) throws -> ProgramResult {
    try startMeasuring(workspace, options, id: id).wait()
  }

  /// As ^C does.
  func end() -> ProgramResult {
    program.signal(SIGINT)
    return program.wait()
  }

  /// The workers of the trial it is in; none between trials.
  var workers: [Int32] { ProcessTree.children(of: program.pid) }

  /// Returns when a trial has just begun.
  func awaitNextTrial() throws {
    let earlier = workers
    let hasBegun = eventually(within: 10) { workers.contains { !earlier.contains($0) } }
    try #require(hasBegun, "\(program.errorsSoFar)")
  }

  /// The lines it has written beside the first one.
  var complaints: [String] {
    program.errorsSoFar.split(separator: "\n").map(String.init).filter { $0.hasPrefix("ipcbench: ") }
  }

  /// Nothing of it is there any more.
  func expectNoTraces() {
    #expect(Traces.all.isEmpty, "\(Traces.all)")
    #expect(!FileManager.default.fileExists(atPath: file))
    let others = try? FileManager.default.contentsOfDirectory(atPath: Self.directory)
    #expect(others == nil || others?.isEmpty == false, "the empty directory is still there")
  }

  /// A connection to its door.
  func knock() throws -> RawDriver {
    if let port = UInt16(port) { return try RawDriver(port: port) }
    let offer = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
    let header = (offer as? [String: Any])?["header"] as? [String: Any]
    return try RawDriver(path: try #require(header?["door"] as? String))
  }
}

/// The other end of a control connection, in the test's own hands: says whatever the test likes.
final class RawDriver {
  private var descriptor: Int32

  init(path: String) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    try connect(&address)
  }

  init(port: UInt16) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    try connect(&address)
  }

  deinit { close() }

  private func connect<Address>(_ address: inout Address) throws {
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
    try #require(status == 0, "\(String(cString: strerror(errno)))")
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  func say(_ bytes: [UInt8]) { _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  /// A whole message.
  func say(_ json: String) {
    let body = Array(json.utf8)
    say(withUnsafeBytes(of: UInt32(body.count).bigEndian) { Array($0) } + body)
  }

  func sayHello(_ mechanism: String, variant: String = "", version: Int = 2, program: String = "0.1.0") {
    say(
      """
      {"greeting": {"magic": "ipcbench", "protocolVersion": \(version), "program": "\(program)"},
       "mechanism": "\(mechanism)", "variants": ["\(variant)"], "machine": {"hostId": "test"}}
      """)
  }

  /// The body of the next message; empty when the other side closes, or says nothing for 10 s.
  func hear() -> String {
    let length = take(4).reduce(0) { $0 << 8 | Int($1) }
    return String(decoding: take(length), as: UTF8.self)
  }

  private func take(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let got = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + filled, count - filled, 0) }
      guard got > 0 else { return [] }
      filled += got
    }
    return bytes
  }

  /// Whether the other side closes within 10 s.
  var isClosed: Bool {
    var byte: UInt8 = 0
    while true {
      let got = recv(descriptor, &byte, 1, 0)
      if got == 0 { return true }
      if got < 0 { return errno == ECONNRESET }
    }
  }
}
