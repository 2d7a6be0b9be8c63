import Glibc
import IPCTransport
import LinuxIPC
import Mechanisms
import Services
import SystemPackage

/// Program and version of Sources/ONCRPC/message.x.
private let program: UInt32 = 0x2000_4942
private let version: UInt32 = 1

/// Runs both sides of a channel; while they are connected and the consumer serves, `visit` is called, and afterwards the
/// two still understand each other.
private func withSides(
  _ stage: Stage, _ variant: String, _ visit: @escaping (_ portMapper: Int32) throws -> Void
) throws {
  try exchange(
    stage, ONC.self, ONCCalls.self, stage.spec(variant),
    producer: { side, counter in
      try side.send(3, fill([1, 2, 3]))
      counter.store(1)
      try waitFor("the visitor's end", seconds: 30) { counter.load() == 2 }
      try side.send(2, fill([4, 5]))
    },
    consumer: { side, _ in
      for expected in [[1, 2, 3], [4, 5]] as [[UInt8]] {
        var got: [UInt8] = []
        try side.receive { got = bytes(of: $0) }
        try require(got == expected, "\(got) instead of \(expected)")
      }
    },
    meanwhile: { address, page in
      defer { page.counter.store(2) }
      try waitFor("the first message") { page.counter.load() == 1 }
      try visit(try unwrap(Int32(address.split(separator: " ")[1]), "no port mapper in '\(address)'"))
    })
}

/// What rpcinfo(8) says in the namespaces of a port mapper.
private func rpcinfo(_ stage: Stage, _ portMapper: Int32, _ arguments: [String]) throws -> String {
  let output = try stage.scope.path("rpcinfo")
  let file = FileDescriptor(
    rawValue: open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
  defer { file.closeQuietly() }
  let nsenter = try unwrap(Program.find("nsenter"), "nsenter is missing")
  let child = try Processes.start(
    nsenter,
    ["--target", "\(portMapper)", "--net", "--mount", Program.find("rpcinfo") ?? "rpcinfo"] + arguments,
    standardOutput: file, standardError: file)
  _ = try child.reap()
  return TextFile.read(output) ?? ""
}

/// Where the program listens for TCP, as rpcbind has it.
private func port(_ stage: Stage, _ portMapper: Int32) throws -> UInt16 {
  let table = try rpcinfo(stage, portMapper, [])
  let entries = table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
  let entry = entries.first { $0.count >= 4 && $0[0] == "\(program)" && $0[2] == "tcp" }
  // Four numbers of the address, and two of the port (RFC 1833, section 2.2.1).
  let numbers = try unwrap(entry, "not in the table: \(table)")[3].split(separator: ".")
  let parts = numbers.compactMap { UInt16($0) }
  try require(parts.count == 6, "a strange address in \(table)")
  return parts[4] << 8 | parts[5]
}

/// Runs something in a child that is where a port mapper is.
private func inNamespaces(
  of portMapper: Int32, _ stage: Stage, _ body: @escaping () throws -> Void
) throws {
  let page = try ResultPage()
  let child = try stage.fork(page, .producer) {
    try PortMapper.enter(portMapper)
    try body()
  }
  try require(stage.end(child) == .exited(0), page.text(.producer))
}

// MARK: Calls by hand (RFC 5531)

private func words(_ values: UInt32...) -> [UInt8] {
  values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
}

/// A call with this number, and without credentials, in one fragment.
private func call(
  _ number: UInt32, rpcVersion: UInt32 = 2, program: UInt32 = program, version: UInt32 = version,
  procedure: UInt32, arguments: [UInt8] = []
) -> [UInt8] {
  let body = words(number, 0, rpcVersion, program, version, procedure, 0, 0, 0, 0) + arguments
  return words(0x8000_0000 | UInt32(body.count)) + body
}

/// Sends bytes over a connection of its own, and takes what comes back within a while; empty when the server hangs up.
private func ask(_ port: UInt16, _ request: [UInt8], milliseconds: Int32 = 2000) throws -> [UInt32] {
  let socket = try Socket.tcp()
  defer { socket.close() }
  try socket.connect(address: "127.0.0.1", port: port, milliseconds: 1000)
  let descriptor = socket.descriptor.rawValue
  _ = request.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
  guard poll(&ready, 1, milliseconds) > 0 else { return [] }
  var buffer = [UInt8](repeating: 0, count: 4096)
  let count = recv(descriptor, &buffer, buffer.count, 0)
  return stride(from: 0, to: max(count, 0) - 3, by: 4).map { start in
    buffer[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }
}

/// A reply is: its record's mark, the call's number, 1, and 0 where the call was accepted; then a verifier of two words,
/// and how it ended.
private func requireFault(_ reply: [UInt32], _ number: UInt32, accepted status: UInt32) throws {
  try require(
    reply.count >= 7 && reply[1] == number && reply[2] == 1 && reply[3] == 0 && reply[6] == status,
    "another reply: \(reply)")
}

/// Generates the same garbage every time.
private struct Garbage {
  private var state: UInt64 = 0x4942_5250_43
  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 33)
    }
  }
}

let oncChecks: [Check] = [
  Check(noting: "rpcbind is ready in less than two seconds") { stage in
    let began = Clock.monotonicNanoseconds()
    _ = try stage.services.ready(PortMapper.self)
    let milliseconds = (Clock.monotonicNanoseconds() - began) / 1_000_000
    try require(milliseconds < 2000, "after \(milliseconds) ms")
    return "after \(milliseconds) ms"
  },
  Check("rpcinfo finds the program over each network, calls it, and is told which versions there are") {
    stage in
    for (variant, network, host) in [
      ("onc", "local", ""), ("onc-tcp", "tcp", "127.0.0.1"), ("onc-udp", "udp", "127.0.0.1"),
    ] {
      try withSides(stage, variant) { portMapper in
        let table = try rpcinfo(stage, portMapper, [])
        let entry = table.split(separator: "\n").contains { line in
          let words = line.split(separator: " ")
          return words.count >= 3 && words[0] == "\(program)" && words[1] == "1" && words[2] == network
        }
        try require(entry, "\(network) is not in the table: \(table)")
        // rpcinfo calls a local program by `rpcinfo -T local ""` only through its own host's name.
        guard network != "local" else { return }
        let answer = try rpcinfo(stage, portMapper, ["-T", network, host, "\(program)", "1"])
        try require(answer.contains("version 1 ready and waiting"), "\(network): \(answer)")
        let other = try rpcinfo(stage, portMapper, ["-T", network, host, "\(program)", "2"])
        try require(
          other.contains("low version = 1, high version = 1"), "\(network), version 2: \(other)")
      }
    }
  },
  Check("each fault is told as RFC 5531 has it") { stage in
    try withSides(stage, "onc-tcp") { portMapper in
      let port = try port(stage, portMapper)
      try inNamespaces(of: portMapper, stage) {
        try requireFault(try ask(port, call(10, procedure: 0)), 10, accepted: 0)
        // PROG_UNAVAIL, PROG_MISMATCH with the versions, PROC_UNAVAIL.
        try requireFault(try ask(port, call(11, program: program + 1, procedure: 1)), 11, accepted: 1)
        let mismatch = try ask(port, call(12, version: 7, procedure: 1))
        try requireFault(mismatch, 12, accepted: 2)
        try require(mismatch.suffix(2) == [1, 1], "other versions: \(mismatch)")
        // A stranger's call of the procedure: denied, AUTH_ERROR, AUTH_TOOWEAK.
        let denied = try ask(port, call(13, procedure: 1, arguments: words(4, 0)))
        try require(denied.dropFirst() == [13, 1, 1, 1, 5], "not denied: \(denied)")
        // Another version of RPC: denied, RPC_MISMATCH, or no reply.
        let other = try ask(port, call(14, rpcVersion: 3, procedure: 0), milliseconds: 300)
        try require(other.isEmpty || other.dropFirst().starts(with: [14, 1, 1]), "accepted: \(other)")
      }
    }
  },
  Check("the client tells which versions a server has instead") { stage in
    let portMapper = try unwrap(try stage.services.ready(PortMapper.self).process, "no rpcbind").pid
    try inNamespaces(of: portMapper, stage) {
      // rpcbind itself is a program, 100000, whose versions are 2 to 4.
      let library = try ONCLibrary.load()
      do throws(ONCFault) {
        try library.connect("tcp", "127.0.0.1", 100_000, 9, milliseconds: 2000)
      } catch {
        try require(error.status == .programVersionMismatch, "\(error)")
        return try require(error.text == "it offers versions 2 to 4, not 9", "\(error)")
      }
      throw Claim("it was accepted")
    }
  },
  Check("a server outlives garbage, and serves its peer as before") { stage in
    try withSides(stage, "onc-tcp") { portMapper in
      let port = try port(stage, portMapper)
      try inNamespaces(of: portMapper, stage) {
        var garbage = Garbage()
        for round in 0..<200 {
          var request = garbage.bytes(round)
          // Every other one is a call up to a point.
          if round % 2 == 0 {
            request = Array(call(UInt32(round), procedure: UInt32(round % 5), arguments: request))
            request[4 + round % 40] ^= garbage.bytes(1)[0]
          }
          _ = try ask(port, request, milliseconds: 5)
        }
        // A length of 4 GiB, which nobody may allocate.
        _ = try ask(port, call(1, procedure: 1, arguments: words(.max)), milliseconds: 50)
      }
    }
  },
]
