import Glibc
import IPCTransport
import LinuxIPC
import Services
import SystemPackage

struct Check: Sendable {
  var name: String
  /// Returns what is worth knowing, or nothing.
  var run: @Sendable (Stage) throws -> String

  init(_ name: String, _ run: @escaping @Sendable (Stage) throws -> Void) {
    self.name = name
    self.run = { stage in
      try run(stage)
      return ""
    }
  }

  init(noting name: String, _ run: @escaping @Sendable (Stage) throws -> String) {
    self.name = name
    self.run = run
  }
}

struct Claim: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws {
  if !condition { throw Claim(otherwise()) }
}

func unwrap<Value>(_ value: Value?, _ otherwise: @autoclosure () -> String) throws -> Value {
  guard let value else { throw Claim(otherwise()) }
  return value
}

/// The error with which something is refused.
func refusal(_ body: () throws -> Void) throws -> TransportError {
  do {
    try body()
  } catch let error as TransportError {
    try require(
      error.description.hasSuffix(".") && !error.description.contains("\n"), "no sentence: \(error)")
    return error
  }
  throw Claim("it was not refused")
}

/// Polls until it holds.
func waitFor(_ what: String, seconds: Double = 5, _ condition: () throws -> Bool) throws {
  let deadline = Clock.monotonicNanoseconds() + UInt64(seconds * 1e9)
  while try !condition() {
    try require(Clock.monotonicNanoseconds() < deadline, "not within \(seconds) s: \(what)")
    usleep(2000)
  }
}

/// What a check works with: daemons of its own, and child processes that do not outlive it.
final class Stage {
  let scope = ResourceScope()
  private(set) lazy var services = host()
  private var children: [Child] = []
  private var serial = 0

  func host() -> ServiceHost {
    ServiceHost(scope: scope, logDirectory: (try? scope.path("services")) ?? "/tmp")
  }

  func server() throws -> XServer { try services.ready(XServer.self) }
  func bus() throws -> MessageBus { try services.ready(MessageBus.self) }
  func x() throws -> XConnection { try XConnection(try server().address) }

  /// - Parameter patience: how long a peer may make no progress, in milliseconds.
  func spec(
    _ variant: String = "", byteCount: Int = 64, patience: UInt64 = 5000, workerCommand: [String] = []
  ) -> ChannelSpec {
    serial += 1
    return ChannelSpec(
      variant: variant, wait: .block, attach: .name, messageByteCount: byteCount,
      topology: Topology.detect(), scope: scope, serial: serial,
      stallLimitNanoseconds: patience * 1_000_000, services: services, workerCommand: workerCommand)
  }

  /// Runs something in a child, which says on the shared page what went wrong.
  func fork(_ page: ResultPage, _ role: Role, _ body: () throws -> Void) throws -> Child {
    let child = try Processes.fork {
      do {
        try body()
        return 0
      } catch {
        page.leave("\(role.rawValue): \(error)", role)
        return 1
      }
    }
    children.append(child)
    return child
  }

  /// A child for its own sake, to be killed at the end.
  @discardableResult
  func background(_ body: () throws -> Void) throws -> Child {
    try fork(try ResultPage(), .producer, body)
  }

  /// Another program, found on the PATH, with the display in its environment.
  func start(_ program: String, _ arguments: [String], output: String? = nil) throws -> Child {
    let address = try server().address
    setenv("DISPLAY", address.display, 1)
    setenv("XAUTHORITY", address.authority, 1)
    let path = try program.hasPrefix("/") ? program : unwrap(Program.find(program), "\(program) is missing")
    var file: FileDescriptor?
    if let output {
      file = FileDescriptor(rawValue: open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
    }
    defer { file?.closeQuietly() }
    let child = try Processes.start(path, arguments, standardOutput: file)
    children.append(child)
    return child
  }

  /// Another program, found on the PATH, that says nothing that anybody reads.
  func start(quietly program: String, _ arguments: [String]) throws -> Child {
    let path = try unwrap(Program.find(program), "\(program) is missing")
    let child = try Processes.start(path, arguments)
    children.append(child)
    return child
  }

  func end(_ child: Child) -> ExitStatus? {
    children.removeAll { $0.pid == child.pid }
    return try? child.reap()
  }

  func clear() {
    for child in children {
      child.kill()
      _ = try? child.reap()
    }
    services.stopAll()
    scope.removeAll()
  }
}

/// A page on which children leave what went wrong, and a counter that all see.
struct ResultPage {
  private let mapping: LinuxIPC.Mapping

  init() throws { mapping = try LinuxIPC.Mapping.anonymous(byteCount: 4096) }

  var counter: Futex { Futex(at: mapping.base) }

  private func offset(_ role: Role) -> Int { role == .producer ? 1024 : 2048 }

  func leave(_ text: String, _ role: Role) {
    let bytes = Array(text.utf8.prefix(900)) + [0]
    (mapping.base + offset(role)).copyMemory(from: bytes, byteCount: bytes.count)
  }

  func text(_ role: Role) -> String {
    String(cString: (mapping.base + offset(role)).assumingMemoryBound(to: CChar.self))
  }
}

/// Both sides of a channel, each in a process of its own; fails with what they say.
///
/// - Parameters:
///   - producer: nil where somebody else plays it.
///   - meanwhile: runs in this process after both were started.
func exchange<P: ChannelProvider, T: Transport & ~Copyable>(
  _ stage: Stage, _ provider: P.Type, _ transport: T.Type, _ spec: ChannelSpec,
  producer: ((inout T, Futex) throws -> Void)? = nil, consumer: ((inout T, Futex) throws -> Void)? = nil,
  meanwhile: (_ address: String, _ page: ResultPage) throws -> Void = { _, _ in }
) throws where P.Attachment == T.Attachment {
  let channel = try P.open(spec)
  defer { P.close(channel) }
  let (address, page) = (P.address(of: channel), try ResultPage())
  var children: [(Role, Child)] = []
  for (role, body) in [(Role.producer, producer), (.consumer, consumer)] {
    guard let body else { continue }
    let child = try stage.fork(page, role) {
      var side = try T(try P.attach(try P.find(address, spec), as: role, spec), as: role, spec)
      try body(&side, page.counter)
      side.shutDown()
    }
    children.append((role, child))
  }
  try meanwhile(address, page)
  for (role, child) in children {
    let status = stage.end(child)
    try require(
      status == .exited(0), page.text(role).isEmpty ? "\(role.rawValue) \(status!)" : page.text(role))
  }
}

/// The exchange must end with this error.
func expect<T: Transport & ~Copyable>(
  _ expected: ExchangeError, _ side: inout T, _ body: (inout T) throws(ExchangeError) -> Void
) throws {
  do throws(ExchangeError) {
    try body(&side)
  } catch {
    return try require(error == expected, "instead of '\(expected)' came '\(error)'")
  }
  throw Claim("instead of '\(expected)' nothing was reported")
}

/// Bytes that differ from place to place.
func pattern(_ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ $0 >> 8 &+ 7) }
}

func fill(_ bytes: [UInt8]) -> (inout MutableRawSpan) -> Void {
  { span in span.withUnsafeMutableBytes { $0.copyBytes(from: bytes) } }
}

func bytes(of span: borrowing RawSpan) -> [UInt8] { span.withUnsafeBytes { Array($0) } }

func read(_ path: String) -> [UInt8] {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return [] }
  defer { close(file) }
  var (all, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
  while case let got = Glibc.read(file, &buffer, buffer.count), got > 0 { all += buffer[..<got] }
  return all
}

func write(_ bytes: [UInt8], to path: String) throws {
  let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
  try require(file >= 0, "cannot write \(path)")
  defer { close(file) }
  var rest = bytes[...]
  while !rest.isEmpty {
    let written = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    try require(written > 0, "cannot write \(path)")
    rest = rest.dropFirst(written)
  }
}

/// Whether a process has ended, with all that it had open; a zombie has.
func isGone(_ pid: Int32) -> Bool {
  guard let state = TextFile.read("/proc/\(pid)/stat") else { return true }
  return state.split(separator: ")").last?.hasPrefix(" Z") == true
}

/// Processes whose command line or environment holds a text, zombies left out.
func processes(mentioning text: String) -> [Int32] {
  Directory.names(of: "/proc").compactMap { Int32($0) }.filter { pid in
    guard pid != getpid(), !isGone(pid) else { return false }
    return ["cmdline", "environ"].contains { name in
      String(decoding: read("/proc/\(pid)/\(name)"), as: UTF8.self).contains(text)
    }
  }
}
