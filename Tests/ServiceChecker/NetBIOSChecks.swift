import Glibc
import IPCTransport
import LinuxIPC
import Mechanisms
import NetBIOS
import Services
import SystemPackage

private let server = NetBIOSNetwork.serverAddress

private func name(_ text: String, _ suffix: UInt8 = 0x20) -> NetBIOSName {
  NetBIOSName(text, suffix: suffix)!
}
private func address(_ host: Int) -> String { NetworkNamespaces.address(ofHost: host) }

/// Runs something in a child on one of the hosts; it fails with what went wrong there.
private func on(_ host: Int, _ stage: Stage, _ body: @escaping () throws -> Void) throws {
  let page = try ResultPage()
  let child = try background(host, stage, page, body)
  try require(stage.end(child) == .exited(0), page.text(.consumer))
}

private func background(
  _ host: Int, _ stage: Stage, _ page: ResultPage, _ body: @escaping () throws -> Void
) throws -> Child {
  let network = try stage.services.ready(NetBIOSNetwork.self).namespaces
  return try stage.fork(page, .consumer) {
    try Namespaces.enter(network: network.path(ofHost: host))
    try body()
  }
}

/// Holds a name on a host, and answers for it, until it is killed.
private func holder(
  _ held: NetBIOSName, isGroup: Bool = false, _ host: Int, _ stage: Stage
) throws -> Child {
  let page = try ResultPage()
  let child = try background(host, stage, page) {
    var client = try NameClient(at: address(host), server: server)
    try client.register(held, isGroup: isGroup)
    page.counter.store(1)
    while true { try client.serve(milliseconds: 1000) }
  }
  try waitFor("\(held) is registered: \(page.text(.consumer))") { page.counter.load() == 1 }
  return child
}

/// What a program says that is run on a host.
private func output(_ stage: Stage, on host: Int, _ program: String, _ arguments: [String]) throws -> String {
  let network = try stage.services.ready(NetBIOSNetwork.self).namespaces
  let path = try stage.scope.path("program-output")
  let file = FileDescriptor(rawValue: open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
  defer { file.closeQuietly() }
  let child = try Processes.start(
    try unwrap(Program.find("nsenter"), "nsenter is missing"),
    ["--net=\(network.path(ofHost: host))", program] + arguments, standardOutput: file, standardError: file)
  _ = try child.reap()
  return TextFile.read(path) ?? ""
}

/// Samba's client of the name service.
private func nmblookup(_ stage: Stage, _ name: String) throws -> String {
  guard let program = Program.find("nmblookup") else {
    throw TransportError.missing("nmblookup", package: "samba-common-bin")
  }
  return try output(
    stage, on: 0, program,
    ["-s", "/dev/null", "--option=interfaces=\(address(0))/24", "--recursion", "-U", server, name])
}

/// A listener that is asked for sessions, and gives each caller the next answer.
private func answer(at host: String, _ answers: [[UInt8]]) throws {
  let listener = try Socket.tcp()
  try listener.set(SO_REUSEADDR, 1, "SO_REUSEADDR")
  try listener.bind(address: host, port: SessionPacket.port)
  try listener.listen()
  for bytes in answers {
    let socket = try listener.accept(milliseconds: 5000)
    _ = try SessionIO.read(socket)
    _ = send(socket.descriptor.rawValue, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    usleep(20_000)
    socket.close()
  }
}

private typealias SessionStream = FramedStream<CopyingSender, Block, SessionFraming>

let netbiosChecks: [Check] = [
  Check(noting: "nmbd is ready in less than two seconds") { stage in
    let began = Clock.monotonicNanoseconds()
    _ = try stage.services.ready(NetBIOSNetwork.self)
    let milliseconds = (Clock.monotonicNanoseconds() - began) / 1_000_000
    try require(milliseconds < 2000, "after \(milliseconds) ms")
    return "with its network after \(milliseconds) ms"
  },
  Check("nmblookup finds a name that we registered, and not when it was released") { stage in
    let (unique, group) = (name("IPCBUNIQUE"), name("IPCBGROUP", 0x1c))
    let members = [try holder(group, isGroup: true, 0, stage), try holder(unique, 1, stage)]
    let found = try nmblookup(stage, "IPCBUNIQUE#20")
    try require(found.contains("\(address(1)) IPCBUNIQUE<20>"), found)
    // Of other groups than those of 0x1c a name server tells no member.
    let many = try nmblookup(stage, "IPCBGROUP#1c")
    try require(many.contains("\(address(0)) IPCBGROUP<1c>"), many)
    members.forEach { $0.kill() }
    for member in members { _ = stage.end(member) }
    try on(1, stage) {
      var client = try NameClient(at: address(1), server: server)
      defer { client.close() }
      try client.refresh(unique)
      try client.release(unique)
    }
    let gone = try nmblookup(stage, "IPCBUNIQUE#20")
    try require(gone.contains("failed to find name"), gone)
  },
  Check("a name server tells our client what is registered") { stage in
    try on(0, stage) {
      var client = try NameClient(at: address(0), server: server)
      defer { client.close() }
      let owners = try client.find(name("IPCBENCHNS"))
      try require(owners.map(\.address.description) == [server], "\(owners)")
      try require(try client.find(name("NOBODY")).isEmpty, "somebody is NOBODY")
      let own = name("IPCBOWN")
      try client.register(own)
      try require(try client.find(own).map(\.address.description) == [address(0)], "not registered")
      try client.release(own)
      try require(try client.find(own).isEmpty, "not released")
      _ = try refusal { _ = try client.awaitOwner(own, milliseconds: 200) }
    }
  },
  Check("a name that its owner defends cannot be taken, and one that nobody defends can") { stage in
    let held = name("IPCBHELD")
    let owner = try holder(held, 0, stage)
    try on(1, stage) {
      var client = try NameClient(at: address(1), server: server)
      defer { client.close() }
      let error = try refusal { try client.register(held) }
      try require(error.description.contains("another host has it"), "\(error)")
    }
    owner.kill()
    _ = stage.end(owner)
    try on(1, stage) {
      var client = try NameClient(at: address(1), server: server)
      defer { client.close() }
      // The name server waits for an owner that is gone, and says so (WACK).
      try client.register(held)
      try require(try client.find(held).map(\.address.description) == [address(1)], "it has another owner")
      try client.release(held)
    }
  },
  Check("an owner who is told of a conflict defends its name no longer") { stage in
    let (held, page) = (name("IPCBBOTH"), try ResultPage())
    let owner = try background(0, stage, page) {
      var client = try NameClient(at: address(0), server: server)
      try client.register(held)
      page.counter.store(1)
      try waitFor("the demand") {
        try client.serve(milliseconds: 20)
        return client.conflicts == [held]
      }
    }
    try waitFor("the name") { page.counter.load() == 1 }
    try on(2, stage) {
      let demand = NameServicePacket.conflictDemand(7, held, of: .init(IPv4Address(address(1))!))
      let socket = try Socket.udp()
      try socket.bind(address: server, port: 0)
      try socket.send(demand.encoded, to: IPv4Address(address(0))!.number, port: NameServicePacket.port)
    }
    try require(stage.end(owner) == .exited(0), page.text(.consumer))
  },
  Check("a session is accepted, refused with a reason, or sent elsewhere") { stage in
    let (called, page) = (name("IPCBCALLED"), try ResultPage())
    let callee = try background(1, stage, page) {
      let listener = try SessionListener(at: address(1), port: 1139)
      page.counter.store(1)
      // The first request is for another name; the second one comes by a retarget.
      let socket = try listener.accept(for: called)
      var side = try SessionStream(Ends(socket), as: .consumer, stage.spec(byteCount: 64))
      try side.receive { _ in }
    }
    let reference = try background(1, stage, try ResultPage()) {
      let refusals: [SessionPacket.Refusal] = [
        .notListeningForCallingName, .insufficientResources, .unspecified,
      ]
      try answer(
        at: address(1),
        [SessionPacket.retarget(IPv4Address(address(1))!, port: 1139).encoded]
          + refusals.map { SessionPacket.negativeResponse($0).encoded }
          + [Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)])
    }
    try waitFor("a listener") { page.counter.load() == 1 }
    try on(0, stage) {
      let (caller, there) = (SessionCaller(name("IPCBCALLER")), IPv4Address(address(1))!)
      let absent = try refusal { _ = try caller.call(name("IPCBABSENT"), at: there, port: 1139) }
      try require(absent.description.contains("the name is not here"), "\(absent)")
      let socket = try caller.call(called, at: there)
      var side = try SessionStream(Ends(socket), as: .producer, stage.spec(byteCount: 64))
      try side.send(3, fill([1, 2, 3]))
      for expected in ["does not listen for this caller", "no room", "does not say why"] {
        let error = try refusal { _ = try caller.call(called, at: there) }
        try require(error.description.contains(expected), "\(error)")
      }
      let nonsense = try refusal { _ = try caller.call(called, at: there) }
      try require(nonsense.description.contains("no packet of the session service"), "\(nonsense)")
    }
    try require(stage.end(callee) == .exited(0), page.text(.consumer))
    _ = stage.end(reference)
  },
  Check("keep-alives are passed over, a length of 17 bits is kept, and anything else is the end") { stage in
    let page = try ResultPage()
    let (first, second) = try Socket.pair(.stream)
    let child = try stage.fork(page, .consumer) {
      var side = try SessionStream(
        Ends(second), as: .consumer, stage.spec(byteCount: SessionPacket.largestMessage))
      for expected in [5, 131_071] {
        try side.receive { span in _ = span.byteCount == expected ? page.counter.store(UInt32(expected)) : ()
        }
        try require(page.counter.load() == UInt32(expected), "not \(expected) bytes")
      }
      try expect(.corrupted, &side) { side throws(ExchangeError) in try side.receive { _ in } }
    }
    var side = try SessionStream(
      Ends(first), as: .producer, stage.spec(byteCount: SessionPacket.largestMessage))
    for byteCount in [5, 131_071] {
      for _ in 0..<3 { try SessionIO.write(.keepAlive, to: first) }
      try side.send(byteCount) { _ in }
    }
    try expect(.messageTooLarge, &side) { side throws(ExchangeError) in try side.send(131_072) { _ in } }
    try SessionIO.write(.positiveResponse, to: first)
    try require(stage.end(child) == .exited(0), page.text(.consumer))
  },
  Check("a datagram reaches its name, the members of its group, or everybody, and nobody else") { stage in
    let group = name("IPCBGROUP", 0x1e)
    // Two members of the group and one that is not, on three hosts; each says what it got.
    let hosts = [(1, "IPCBONE", true), (2, "IPCBTWO", true), (2, "IPCBTHREE", false)]
    let receivers = try hosts.map { host, own, isMember in
      let page = try ResultPage()
      let child = try background(host, stage, page) {
        let socket = try DatagramSocket(name(own), groups: isMember ? [group] : [], at: address(host))
        page.counter.store(1)
        var got: [UInt8] = []
        while let datagram = try socket.receive(milliseconds: 1000) {
          try require(datagram.source == name("IPCBSENDER"), "from \(datagram.source)")
          got += datagram.data
        }
        let expected: [UInt8] = (own == "IPCBONE" ? [1] : []) + (isMember ? [2] : []) + [3]
        try require(got == expected, "\(own) got \(got)")
      }
      return (child, page)
    }
    try waitFor("the receivers") { receivers.allSatisfy { $0.1.counter.load() == 1 } }
    try on(0, stage) {
      let socket = try DatagramSocket(name("IPCBSENDER"), at: address(0))
      try socket.send([1], .directUnique, to: name("IPCBONE"), at: IPv4Address(address(1))!)
      try socket.send([2], .directGroup, to: group)
      try socket.send([3], .broadcast, to: name("*", 0))
      let error = try refusal { try socket.send(Array(repeating: 0, count: 513), .broadcast, to: group) }
      try require(error.description.contains("at most 512 bytes"), "\(error)")
    }
    for (child, page) in receivers { try require(stage.end(child) == .exited(0), page.text(.consumer)) }
  },
  Check("every reader of a mailslot gets a broadcast, nobody else does, and 401 bytes are refused") { stage in
    // Two readers on one host, one on another; and one of another slot.
    let readers = try [(1, "all"), (1, "all"), (2, "all"), (1, "others")].map { host, slot in
      let page = try ResultPage()
      let child = try background(host, stage, page) {
        let reader = try NetworkMailslotReader(slot)
        page.counter.store(1)
        let message = try reader.read(milliseconds: 2000)
        let expected = slot == "all" ? [UInt8](repeating: 7, count: 400) : nil
        try require(message == expected, "\(slot): \(message?.count ?? -1) bytes")
      }
      return (child, page)
    }
    try waitFor("the readers") { readers.allSatisfy { $0.1.counter.load() == 1 } }
    try on(0, stage) {
      let writer = try NetworkMailslotWriter(slot: "all", from: name("IPCBWRITER"), at: address(0))
      let error = try refusal { try writer.write(Array(repeating: 7, count: 401)) }
      try require(error.description.contains("at most 400 bytes"), "\(error)")
      try writer.write(Array(repeating: 7, count: 400))
    }
    for (reader, page) in readers { try require(stage.end(reader) == .exited(0), page.text(.consumer)) }
  },
  Check(noting: "tshark understands every packet, and names the mailslot") { stage in
    guard let tshark = Program.find("tshark") else {
      throw TransportError.missing("tshark", package: "tshark")
    }
    let network = try stage.services.ready(NetBIOSNetwork.self).namespaces
    let capture = try stage.scope.path("capture.pcapng")
    let sniffer = try stage.start(
      quietly: "nsenter",
      [
        "--net=\(network.path(ofHost: 1))", tshark, "-q", "-i", NetworkNamespaces.interface, "-a",
        "duration:20", "-w",
        capture,
      ])
    try waitFor("tshark", seconds: 15) {
      (TextFile.read("/proc/\(sniffer.pid)/stat") != nil) && access(capture, R_OK) == 0
    }
    usleep(700_000)
    for round in 0..<2 {
      try exchange(
        stage, NetBIOSSession.self, SessionStream.self, stage.spec("session", byteCount: 2000),
        producer: { side, _ in for size in [0, 64, 2000] { try side.send(size) { _ in } } },
        consumer: { side, _ in for _ in 0..<3 { try side.receive { _ in } } })
      try exchange(
        stage, NetBIOSDatagram.self, Messages<EnvelopedDatagrams<NetBIOSEnvelope, Block>>.self,
        stage.spec("datagram", byteCount: 512),
        producer: { side, _ in for size in [0, 64, 512] { try side.send(size) { _ in } } },
        consumer: { side, _ in for _ in 0..<3 { try side.receive { _ in } } })
      try exchange(
        stage, NetworkMailslot.self, Messages<EnvelopedDatagrams<MailslotEnvelope, Block>>.self,
        stage.spec("network", byteCount: 400),
        producer: { side, _ in for size in [0, 64, 400] { try side.send(size) { _ in } } },
        consumer: { side, _ in for _ in 0..<3 { try side.receive { _ in } } })
      _ = round
    }
    usleep(500_000)
    sniffer.kill(SIGINT)
    _ = stage.end(sniffer)
    let fields = try output(
      stage, on: 0, tshark,
      [
        "-r", capture, "-T", "fields", "-E", "separator=|", "-e", "frame.protocols", "-e", "_ws.malformed",
        "-e",
        "_ws.expert.message", "-e", "mailslot.name",
      ])
    let frames = fields.split(separator: "\n").map {
      $0.split(separator: "|", omittingEmptySubsequences: false)
    }
    .filter { $0.count == 4 }
    let bad = frames.filter { !$0[1].isEmpty || $0[2].contains("alformed") }
    try require(bad.isEmpty, "not understood: \(bad)")
    let kinds = Set(frames.map(\.[0]))
    func count(_ part: String) -> Int { frames.count { $0[0].contains(part) } }
    for part in [":nbns", ":nbss", ":nbdgm", ":smb"] {
      try require(count(part) > 0, "no \(part) in \(kinds)")
    }
    let slots = frames.filter { $0[3].lowercased().contains("\\mailslot\\ipcbench\\") }
    try require(slots.count >= 4, "the mailslot is not named: \(slots)")
    return "\(count(":nbns")) nbns, \(count(":nbss")) nbss, \(count(":nbdgm")) nbdgm, \(slots.count) mailslot"
  },
]
