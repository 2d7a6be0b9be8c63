import DCERPC
import Foundation
import Glibc
import IPCTransport
import LinuxIPC
import Mechanisms
import Services
import SystemPackage

// MARK: A server, for foreign clients

/// A client's connection, served by the same association as the mechanism has.
private struct ServedClient {
  let socket: Socket
  private var stream = FragmentStream()
  private var association: ServerAssociation

  init(_ socket: Socket, _ interfaces: [RPCInterface]) {
    self.socket = socket
    association = ServerAssociation(interfaces, endpoint: "135")
  }

  /// Reads what there is, and answers it. Whether the connection goes on.
  mutating func serve(_ buffer: inout [UInt8]) -> Bool {
    let got = recv(socket.descriptor.rawValue, &buffer, buffer.count, 0)
    guard got > 0 else { return false }
    buffer.withUnsafeBytes { stream.append(UnsafeRawBufferPointer(rebasing: $0[..<got])) }
    do throws(WireError) {
      while let fragment = try stream.next() {
        let reaction = association.receive(fragment)
        guard send(reaction.bytes), !reaction.closes else { return false }
      }
      return true
    } catch {
      return false
    }
  }

  private func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes {
        Glibc.send(socket.descriptor.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { return false }
      rest = rest.dropFirst(sent)
    }
    return true
  }
}

/// Serves interfaces to any number of clients, until it is killed.
private func serveForever(_ listeners: [(socket: Socket, interfaces: [RPCInterface])]) throws {
  var clients: [ServedClient] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    var requests = (listeners.map(\.socket) + clients.map(\.socket)).map {
      pollfd(fd: $0.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
    }
    guard poll(&requests, nfds_t(requests.count), 1000) > 0 else { continue }
    for index in clients.indices.reversed() where requests[listeners.count + index].revents != 0 {
      if !clients[index].serve(&buffer) { clients.remove(at: index).socket.close() }
    }
    for (index, listener) in listeners.enumerated() where requests[index].revents != 0 {
      guard let socket = try? listener.socket.accept(milliseconds: 0) else { continue }
      clients.append(ServedClient(socket, listener.interfaces))
    }
  }
}

/// The interface rpcecho on one host, with an endpoint mapper at its port 135; `body` is told the other host's namespace.
private func withEchoServer(_ stage: Stage, _ body: (_ client: HostPlace, _ server: HostPlace) throws -> Void)
  throws
{
  let hosts = try stage.services.ready(TwoHosts.self).hosts
  let page = try ResultPage()
  let server = try stage.fork(page, .consumer) {
    try hosts.enter(as: .consumer)
    let (mapper, echo) = (try Socket.tcp(), try Socket.tcp())
    try mapper.bind(address: hosts.consumer.address, port: 135)
    try echo.bind(address: hosts.consumer.address, port: 0)
    for socket in [mapper, echo] { try socket.listen(backlog: 8) }
    let tower = Tower(
      EchoInterface.id, .tcp(port: try echo.localPort(), address: [192, 0, 2, 2]))
    page.counter.store(1)
    try serveForever([
      (mapper, [EndpointMapper.interface([tower])]),
      (echo, [EchoInterface.interface, MessagesInterface.echo]),
    ])
  }
  try waitFor("the server") { page.counter.load() == 1 }
  try body(hosts.producer, hosts.consumer)
  server.kill()
  try require(page.text(.consumer).isEmpty, page.text(.consumer))
}

/// What Samba's client library says, run where a host is.
private func samba(_ stage: Stage, at host: HostPlace, _ arguments: [String]) throws -> String {
  let python = "/usr/bin/python3"
  let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("samba-client.py").path
  let probe = try Processes.start(python, ["-c", "import samba.dcerpc.echo"])
  guard try probe.reap() == .exited(0) else {
    throw TransportError(
      .unavailable, "Samba's client library is not installed: install the package python3-samba.")
  }
  let output = try stage.scope.path("samba-output")
  let file = FileDescriptor(rawValue: open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
  defer { file.closeQuietly() }
  let child = try Processes.start(
    try unwrap(Program.find("nsenter"), "nsenter is missing"),
    ["--net=\(host.namespace ?? "")", python, script] + arguments, standardOutput: file, standardError: file)
  let status = try child.reap()
  let text = TextFile.read(output) ?? ""
  try require(status == .exited(0), "\(status): \(text)")
  return text
}

// MARK: Samba's server

/// samba-dcerpcd, with an endpoint mapper at port 135 and Samba's own interfaces, in namespaces and folders of its own.
private func withSamba(_ stage: Stage, _ body: (_ processInside: Int32) throws -> Void) throws {
  let daemon = "/usr/libexec/samba/samba-dcerpcd"
  guard access(daemon, X_OK) == 0 else {
    throw TransportError(.unavailable, "samba-dcerpcd is not installed: install the package samba.")
  }
  let folder = try stage.scope.path("samba")
  try Directory.create(folder)
  var lines = ["[global]", "server role = standalone", "interfaces = lo", "bind interfaces only = yes"]
  lines += [
    "rpc start on demand helpers = no", "log file = \(folder)/log", "ncalrpc dir = \(folder)/ncalrpc",
  ]
  for kind in ["private dir", "lock directory", "state directory", "cache directory", "pid directory"] {
    let place = "\(folder)/\(kind.split(separator: " ")[0])"
    try Directory.create(place)
    lines.append("\(kind) = \(place)")
  }
  try TextFile.write(lines.joined(separator: "\n") + "\n", to: "\(folder)/smb.conf")
  let script =
    "ip link set lo up && { \(daemon) -F --no-process-group -s \(folder)/smb.conf --libexec-rpcds & wait; }"
  let child = try stage.start(
    quietly: "unshare", ["--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script])
  try waitFor("Samba's endpoint mapper", seconds: 20) {
    try require(!isGone(child.pid), "samba-dcerpcd ended")
    return access("\(folder)/ncalrpc/EPMAPPER", F_OK) == 0
  }
  try body(child.pid)
}

/// What asks for a value of Windows' registry, which Samba has too (MS-RRP).
private let registry = SyntaxID(RPCUUID(0x338c_d001, 0x2244, 0x31f1, node: 0xaaaa_9000_3800_1003), major: 1)

/// Runs something in a child that is in the network of another process.
private func inNetwork(of pid: Int32, _ stage: Stage, _ body: @escaping () throws -> Void) throws {
  let page = try ResultPage()
  let child = try stage.fork(page, .producer) {
    try Namespaces.enter(network: "/proc/\(pid)/ns/net")
    try body()
  }
  try require(stage.end(child) == .exited(0), page.text(.producer))
}

let dceChecks: [Check] = [
  Check(noting: "Samba's client finds our server by our endpoint mapper, and gets the right answers") {
    stage in
    var note = ""
    try withEchoServer(stage) { client, server in
      note = try samba(stage, at: client, ["ncacn_ip_tcp:\(server.address)"])
      try require(note.contains("out of range"), "another fault: \(note)")
    }
    return note.split(separator: "\n").joined(separator: ", ")
  },
  Check("an interface and a version that are not there are refused, as Samba's client says") { stage in
    try withEchoServer(stage) { client, server in
      for (uuid, major) in [
        ("12345778-1234-abcd-ef00-0123456789ab", "0"), ("60a15ec5-4de8-11d7-a637-005056a20182", "2"),
      ] {
        let text = try samba(stage, at: client, ["ncacn_ip_tcp:\(server.address)[135]", uuid, major])
        try require(text.contains("refused"), text)
      }
    }
  },
  Check("our client calls our server over the network, and is told what is not there") { stage in
    try withEchoServer(stage) { client, server in
      let page = try ResultPage()
      let child = try stage.fork(page, .producer) {
        try Namespaces.enter(network: client.namespace ?? "")
        let mapper = DCEEndpoint.port(server.address, 135)
        let port = try DCEConnection.port(of: EchoInterface.id, mapper: mapper)
        var echo = try DCEConnection(bindingTo: EchoInterface.id, at: .port(server.address, port))
        let data = pattern(300_000)
        let result = try echo.call(
          EchoInterface.Operation.echoData.rawValue, EchoInterface.echoParameters(data))
        try require(try EchoInterface.echoResult(result, count: data.count) == data, "other data")
        let unknown = try refusal { _ = try echo.call(99, []) }
        try require(unknown.description.contains("nca_s_op_rng_error"), "\(unknown)")
        let bad = try refusal { _ = try echo.call(EchoInterface.Operation.addOne.rawValue, [1]) }
        try require(bad.description.contains("rpc_x_bad_stub_data"), "\(bad)")
        // A fault is no reason to hang up.
        let sum = try echo.call(EchoInterface.Operation.addOne.rawValue, EchoInterface.addOneParameters(41))
        try require(try EchoInterface.addOneResult(sum) == 42, "another sum")
        let version = SyntaxID(EchoInterface.id.uuid, major: 7)
        let other = try refusal { _ = try DCEConnection(bindingTo: version, at: .port(server.address, port)) }
        try require(other.description.contains("not this version"), "\(other)")
        let nobody = try refusal { _ = try DCEConnection.port(of: registry, mapper: mapper) }
        try require(nobody.description.contains("knows no server"), "\(nobody)")
      }
      try require(stage.end(child) == .exited(0), page.text(.producer))
    }
  },
  Check(noting: "our client asks Samba's endpoint mapper, and calls the server that it names") { stage in
    let page = try ResultPage()
    try withSamba(stage) { process in
      try inNetwork(of: process, stage) {
        let mapper = DCEEndpoint.port("127.0.0.1", 135)
        let port = try DCEConnection.port(of: registry, mapper: mapper)
        var connection = try DCEConnection(bindingTo: registry, at: .port("127.0.0.1", port))
        defer { connection.close() }
        // OpenHKLM (2): no system name, maximum allowed; a handle and a status come back.
        var parameters = NDREncoder()
        parameters.null()
        parameters.uint32(0x0200_0000)
        do {
          let result = try connection.call(2, parameters.bytes)
          try require(result.count == 24, "\(result.count) bytes")
          page.leave("OpenHKLM answered, port \(port)", .consumer)
        } catch let error as TransportError {
          // Nobody but an administrator may, and this client says no name.
          try require(error.description.contains("fault"), "\(error)")
          page.leave("port \(port), OpenHKLM: \(error)", .consumer)
        }
        let unknown = try refusal { _ = try connection.call(200, []) }
        try require(unknown.description.contains("nca_s_op_rng_error"), "\(unknown)")
        let version = SyntaxID(registry.uuid, major: 9)
        _ = try refusal { _ = try DCEConnection(bindingTo: version, at: .port("127.0.0.1", port)) }
      }
    }
    return page.text(.consumer)
  },
]
