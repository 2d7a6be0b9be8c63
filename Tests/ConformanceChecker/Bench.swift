import Foundation
import IPCTransport
import LinuxIPC
import Measurement

/// What one side is told when it is started as a program of its own.
struct SideOrder: Codable {
  var exchange: String
  var role: Role
  var address: String
  var messageByteCount: Int
  var scope: ResourceScope
  var serial: Int
  /// The file with the counter, and with what a failing side says.
  var page: String
  /// Nil where a service starts it.
  var parent: Int32?
}

/// The page that both sides and the checker share.
struct SharedPage {
  let mapping: LinuxIPC.Mapping

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

/// One side of an exchange, in its own process.
func work<P: ChannelProvider, T: Transport & ~Copyable>(
  _ provider: P.Type, _ exchange: Exchange<T>, _ role: Role, _ spec: ChannelSpec, _ page: SharedPage,
  _ channel: () throws(TransportError) -> P.Channel
) -> Int32 where P.Attachment == T.Attachment {
  do {
    var transport = try T(try P.attach(try channel(), as: role, spec), as: role, spec)
    try (role == .producer ? exchange.producer : exchange.consumer)(&transport, page.counter)
    transport.shutDown()
    return 0
  } catch {
    page.leave("\(role.rawValue): \(error)", role)
    return 1
  }
}

/// A side that was started by its name.
struct Side: FormVisitor {
  let order: SideOrder
  let variant: String
  let wait: WaitKind
  let attach: Attach

  func visit<P: ChannelProvider, T: Transport & ~Copyable>(_ provider: P.Type, _ transport: T.Type)
  where P.Attachment == T.Attachment {
    guard let exchange = Exchanges<T>(traits: P.mechanism.traits(of: variant)).named(order.exchange),
      let descriptor = try? SharedObject.openFile(path: order.page),
      let mapping = try? LinuxIPC.Mapping.shared(descriptor, byteCount: 4096)
    else { exit(64) }
    descriptor.closeQuietly()
    let spec = ChannelSpec(
      variant: variant, wait: wait, attach: attach, messageByteCount: order.messageByteCount,
      topology: Topology.detect(), scope: order.scope, serial: order.serial,
      stallLimitNanoseconds: 5_000_000_000)
    _exit(
      work(provider, exchange, order.role, spec, SharedPage(mapping: mapping)) { () throws(TransportError) in
        try P.find(order.address, spec)
      })
  }
}

/// Runs a producer and a consumer in processes of their own over a fresh channel.
final class Bench<P: ChannelProvider, T: Transport & ~Copyable> where P.Attachment == T.Attachment {
  let scope = ResourceScope()
  let traits: Traits
  private let variant: String
  private let wait: WaitKind
  private let attach: Attach
  private let topology = Topology.detect()
  private let page: SharedPage
  private let pagePath: String
  private var serial = 0
  /// Daemons that the mechanism needs; whoever ends this process stops them before.
  let services: ServiceHost

  init(variant: String, wait: WaitKind, attach: Attach) throws {
    self.variant = variant
    self.wait = wait
    self.attach = attach
    traits = P.mechanism.traits(of: variant)
    services = ServiceHost(scope: scope, logDirectory: try scope.path("services"))
    pagePath = try scope.path("checker-\(getpid())", in: .memory)
    let descriptor = try SharedObject.createFile(path: pagePath, byteCount: 4096)
    page = SharedPage(mapping: try LinuxIPC.Mapping.shared(descriptor, byteCount: 4096))
    descriptor.closeQuietly()
  }

  func spec(messageByteCount: Int) -> ChannelSpec {
    serial += 1
    return ChannelSpec(
      variant: variant, wait: wait, attach: attach, messageByteCount: messageByteCount, topology: topology,
      scope: scope, serial: serial, stallLimitNanoseconds: 5_000_000_000, services: services,
      workerCommand: [Program.ownPath] + CommandLine.arguments[1...3])
  }

  func run(_ exchange: Exchange<T>) throws {
    let spec = spec(messageByteCount: exchange.messageByteCount)
    let channel = try P.open(spec)
    defer { P.close(channel) }
    page.mapping.populate()
    // Who is started by a service has its order before the other one asks for it.
    var children: [(Role, Child)] = []
    for role in Role.allCases.reversed() {
      if let child = try start(exchange, role, channel, spec) { children.append((role, child)) }
    }
    P.relinquish(channel)
    try reap(children, exchange.victim)
  }

  private func start(
    _ exchange: Exchange<T>, _ role: Role, _ channel: P.Channel, _ spec: ChannelSpec
  ) throws -> Child? {
    switch P.launch(channel, role, spec) {
    case .fork:
      return try Processes.fork {
        work(P.self, exchange, role, spec, self.page) { () throws(TransportError) in channel }
      }
    case .spawn(let address, let input, let output):
      return try Processes.spawn(
        "/proc/self/exe",
        Array(CommandLine.arguments[1...3]) + [order(exchange, role, address, spec, parent: getpid())],
        standardInput: input, standardOutput: output)
    case .activated(let address, let orderPath):
      try TextFile.write(order(exchange, role, address, spec, parent: nil), to: orderPath)
      return nil
    }
  }

  private func order(
    _ exchange: Exchange<T>, _ role: Role, _ address: String, _ spec: ChannelSpec, parent: Int32?
  ) throws -> String {
    let order = SideOrder(
      exchange: exchange.name, role: role, address: address, messageByteCount: exchange.messageByteCount,
      scope: scope, serial: spec.serial, page: pagePath, parent: parent)
    return String(decoding: try JSONEncoder().encode(order), as: UTF8.self)
  }

  /// A check that hangs is a failure, not a hanging test run.
  private static var deadlineNanoseconds: UInt64 { 20_000_000_000 }

  private func reap(_ children: [(Role, Child)], _ victim: Role?) throws {
    let deadline = Clock.monotonicNanoseconds() + Self.deadlineNanoseconds
    var running = children
    var problems: [String] = []
    while !running.isEmpty {
      if let ended = ProcessPoll.firstEnded(running.map(\.1), milliseconds: 100) {
        let (role, child) = running.remove(at: ended)
        let status = try child.reap()
        let isExpected = status == .exited(0) || (role == victim && status == .signalled(SIGKILL))
        if !isExpected {
          problems.append(page.text(role).isEmpty ? "\(role.rawValue) \(status)" : page.text(role))
        }
      } else if Clock.monotonicNanoseconds() > deadline {
        problems += running.map { "\($0.0.rawValue) hangs" }
        running.forEach { $0.1.kill() }
        for (_, child) in running { _ = try child.reap() }
        break
      }
    }
    try require(problems.isEmpty, problems.joined(separator: "; "))
  }
}

/// What a process could leave behind.
struct Leftovers: Equatable {
  /// Paths, and System V objects of this suite.
  var names: [String]
  /// Open descriptors of this process.
  var descriptorCount: Int

  static func ofThisProcess() -> Leftovers {
    Leftovers(names: everywhere(), descriptorCount: Directory.names(of: "/proc/self/fd").count)
  }

  static func everywhere() -> [String] {
    let files = ResourceScope.Root.allCases.flatMap { root in
      Directory.names(of: root.rawValue).filter { $0.contains("ipcbench-") }.map { "\(root.rawValue)/\($0)" }
    }
    // Keys of this suite begin with "IB" (see SystemVKey).
    let tables = ["shm", "msg", "sem"].flatMap { table in
      (TextFile.read("/proc/sysvipc/\(table)") ?? "").split(separator: "\n").dropFirst().compactMap { line in
        line.split(separator: " ").first.flatMap { Int32($0) }
          .flatMap { UInt32(bitPattern: $0) >> 16 == 0x4942 ? "\(table) \($0)" : nil }
      }
    }
    return (files + tables).sorted()
  }
}
