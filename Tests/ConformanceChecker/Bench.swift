import Glibc
import IPCTransport
import LinuxIPC
import Measurement

/// Runs a producer and a consumer in processes of their own over a fresh channel.
final class Bench<T: Transport & ~Copyable> {
  typealias Body = (inout T) throws -> Void

  let scope = ResourceScope()
  private let variant: String
  private let attach: Attach
  private let topology = Topology.detect()
  private let shared: Mapping
  private var serial = 0

  init(variant: String, attach: Attach) {
    self.variant = variant
    self.attach = attach
    guard let mapping = try? Mapping.anonymous(byteCount: 4096) else {
      fatalError("no memory for the checker")
    }
    shared = mapping
  }

  /// A number both processes see.
  var counter: Futex { Futex(at: shared.base) }

  func spec(messageByteCount: Int) -> ChannelSpec {
    serial += 1
    return ChannelSpec(
      variant: variant, attach: attach, messageByteCount: messageByteCount, topology: topology,
      scope: scope, serial: serial, stallLimitNanoseconds: 5_000_000_000)
  }

  /// - Parameter victim: the side that is expected to die of SIGKILL.
  func run(
    messageByteCount: Int, victim: Role? = nil, producer: @escaping Body, consumer: @escaping Body
  ) throws {
    let spec = spec(messageByteCount: messageByteCount)
    let channel = try T.open(spec)
    defer { T.close(channel) }
    shared.populate()
    var children: [(Role, Child)] = []
    for (role, body) in [(Role.producer, producer), (.consumer, consumer)] {
      children.append((role, try Processes.fork { self.work(channel, role, spec, body) }))
    }
    T.relinquish(channel)
    try reap(children, victim)
  }

  private func work(_ channel: T.Channel, _ role: Role, _ spec: ChannelSpec, _ body: Body) -> Int32 {
    // A check that hangs is a failure, not a hanging test run.
    alarm(20)
    do {
      var transport = try T(attaching: channel, as: role, spec)
      try body(&transport)
      transport.shutDown()
      return 0
    } catch {
      leave("\(role.rawValue): \(error)", role)
      return 1
    }
  }

  private func leave(_ text: String, _ role: Role) {
    let bytes = Array(text.utf8.prefix(900)) + [0]
    (shared.base + offset(role)).copyMemory(from: bytes, byteCount: bytes.count)
  }

  private func offset(_ role: Role) -> Int { role == .producer ? 1024 : 2048 }

  private func reap(_ children: [(Role, Child)], _ victim: Role?) throws {
    var problems: [String] = []
    for (role, child) in children {
      let status = try child.reap()
      if role == victim && status == .signalled(SIGKILL) { continue }
      if status == .exited(0) { continue }
      let text = String(cString: (shared.base + offset(role)).assumingMemoryBound(to: CChar.self))
      problems.append(text.isEmpty ? "\(role.rawValue) \(status)" : text)
    }
    try require(problems.isEmpty, problems.joined(separator: "; "))
  }
}

/// What a process could leave behind.
struct Leftovers: Equatable {
  /// Paths and System V segments of this suite.
  var names: [String]
  /// Open descriptors of this process.
  var descriptorCount: Int

  static func ofThisProcess() -> Leftovers {
    Leftovers(names: everywhere(), descriptorCount: entries(of: "/proc/self/fd").count)
  }

  static func everywhere() -> [String] {
    let files = ResourceScope.Root.allCases.flatMap { root in
      entries(of: root.rawValue).filter { $0.hasPrefix("ipcbench-") }.map { "\(root.rawValue)/\($0)" }
    }
    return (files + SystemVSegment.all().map { "sysv \($0.key)" }).sorted()
  }

  private static func entries(of path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        })
    }
    return names
  }
}
