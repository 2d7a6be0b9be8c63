import Glibc
import IPCTransport
import LinuxIPC
import Mechanisms
import Services

private let topic = "/org/ipcbench/prices"

/// A server of items in a child, that changes an item as often as it is told to by an execute.
private func withServer(_ stage: Stage, _ body: (BusConnection, _ service: String) throws -> Void) throws {
  let (bus, name, page) = (try stage.bus().address, "org.ipcbench.Check", try ResultPage())
  _ = try stage.fork(page, .producer) {
    let connection = try BusConnection(bus)
    var server = DDEServer(connection, topic: topic, items: ["gold": [1, 2, 3], "tin": [4]])
    try connection.own(name)
    page.counter.store(1)
    while true {
      guard let message = connection.awaitNext(milliseconds: 20_000) else { return }
      server.notice(message)
      guard message.kind == .call else { continue }
      var changes = 0
      _ = server.serve(message) { command in
        changes = Int(command) ?? 0
        return "done: \(command)"
      }
      for value in 0..<changes { server.set("gold", [UInt8(value)]) }
    }
  }
  try waitFor("the server") { page.counter.load() == 1 }
  let connection = try BusConnection(bus)
  defer { connection.close() }
  try body(connection, name)
}

/// Updates that come within a while: the values, or nothing where the news has none.
private func updates(_ bus: BusConnection, milliseconds: Int32 = 300) -> [(member: String, value: [UInt8]?)] {
  var found: [(String, [UInt8]?)] = []
  while let message = bus.awaitNext(milliseconds: milliseconds) {
    guard message.isSignal("Data") || message.isSignal("Changed") else { continue }
    let member = message.member
    message.skipText()
    found.append((member, member == "Data" ? message.readBytes().map { Array($0) } : nil))
  }
  return found
}

let ddeChecks: [Check] = [
  Check("a request returns the item's value, a poke changes it, an execute runs and answers") { stage in
    try withServer(stage) { bus, service in
      let client = try DDEClient(bus, service: service, topic: topic)
      try require(try client.request("gold") == [1, 2, 3], "another value")
      try client.poke("gold", [9, 9])
      try require(try client.request("gold") == [9, 9], "it was not changed")
      try require(try client.execute("0") == "done: 0", "another result")
    }
  },
  Check("an unknown item, an unknown topic and an unknown service are refused, each with a sentence") {
    stage in
    try withServer(stage) { bus, service in
      let client = try DDEClient(bus, service: service, topic: topic)
      let item = try refusal { _ = try client.request("silver") }
      try require(item.description.contains("no item 'silver'"), "\(item)")
      let other = try DDEClient(bus, service: service, topic: "/org/ipcbench/weather")
      let unknown = try refusal { _ = try other.request("gold") }
      try require(unknown.description.contains("no topic"), "\(unknown)")
      let nobody = try DDEClient(bus, service: "org.ipcbench.Nobody", topic: topic)
      let absent = try refusal { _ = try nobody.request("gold") }
      try require(absent.description.contains("org.ipcbench.Nobody"), "\(absent)")
    }
  },
  Check("an over-long name and a malformed topic are refused with a sentence") { stage in
    try withServer(stage) { bus, service in
      let long = "org." + String(repeating: "x", count: 300)
      _ = try refusal { _ = try DDEClient(bus, service: long, topic: topic).request("gold") }
      _ = try refusal { _ = try DDEClient(bus, service: service, topic: "no/path").request("gold") }
      _ = try refusal { try bus.own(long) }
    }
  },
  Check("a hot link brings each value, and stops when it is unadvised") { stage in
    try withServer(stage) { bus, service in
      let client = try DDEClient(bus, service: service, topic: topic)
      try client.advise("gold", isHot: true)
      _ = try client.execute("3")
      let came = updates(bus)
      try require(came.map(\.member) == ["Data", "Data", "Data"], "\(came)")
      // Signals queue: the last value counts.
      try require(came.last?.value == [2], "\(came)")
      try client.unadvise("gold")
      _ = try client.execute("3")
      try require(updates(bus).isEmpty, "news came after it was stopped")
    }
  },
  Check("a warm link brings the news without the value, which a request then gets") { stage in
    try withServer(stage) { bus, service in
      let client = try DDEClient(bus, service: service, topic: topic)
      try client.advise("gold", isHot: false)
      _ = try client.execute("2")
      let came = updates(bus)
      try require(
        came.map(\.member) == ["Changed", "Changed"] && came.allSatisfy { $0.value == nil }, "\(came)")
      try require(try client.request("gold") == [1], "another value")
    }
  },
  Check("two clients may have links of different kinds to one item, and one that leaves takes its own") {
    stage in
    try withServer(stage) { bus, service in
      let second = try BusConnection(try stage.bus().address)
      let (hot, warm) = (
        try DDEClient(bus, service: service, topic: topic),
        try DDEClient(second, service: service, topic: topic)
      )
      try hot.advise("gold", isHot: true)
      try warm.advise("gold", isHot: false)
      try hot.poke("gold", [5])
      let (first, other) = (updates(bus), updates(second))
      try require(first.map(\.member) == ["Data"] && first[0].value == [5], "\(first)")
      try require(other.map(\.member) == ["Changed"], "\(other)")
      second.close()
      usleep(50_000)
      try hot.poke("gold", [6])
      try require(updates(bus).map(\.member) == ["Data"], "the other link was lost too")
    }
  },
]

/// The object server beside this program.
private var serverProgram: String { Program.companion("ipcbench-object-server") }

/// A connection, and the name under which the bus starts an object's server.
private func withActivation(
  _ stage: Stage, _ command: [String], _ body: (BusConnection, _ name: String) throws -> Void
) throws {
  let (bus, name) = (try stage.bus(), "org.ipcbench.CheckedServer")
  try bus.declare(name, command: command)
  let connection = try BusConnection(bus.address)
  defer { connection.close() }
  try connection.reload()
  try body(connection, name)
}

private func create(_ bus: BusConnection, _ name: String) throws -> String {
  let reply = try bus.call(name, ObjectTable.serverPath, ObjectTable.interface, "Create")
  return try unwrap(reply.readPath(), "no handle came")
}

private func count(_ bus: BusConnection, _ name: String, _ handle: String, _ member: StaticString) throws
  -> UInt32
{
  try unwrap(try bus.call(name, handle, ObjectTable.interface, member).readNumber(), "no count came")
}

/// A document with one embedded object: a title, and the object's bytes.
private struct Document: Equatable {
  var title: String
  var object: [UInt8]

  func save(_ path: String) throws {
    let name = Array(title.utf8)
    try write([UInt8(name.count)] + name + object, to: path)
  }

  static func load(_ path: String) throws -> Document {
    let all = read(path)
    let length = Int(try unwrap(all.first, "an empty document"))
    return Document(
      title: String(decoding: all[1...length], as: UTF8.self), object: Array(all.dropFirst(length + 1)))
  }
}

let objectChecks: [Check] = [
  Check("the bus starts an object's server when somebody asks, and it ends with its last object") { stage in
    try withActivation(stage, [serverProgram, "org.ipcbench.CheckedServer"]) { bus, name in
      try require(bus.owner(of: name) == nil, "it runs already")
      let (first, second) = (try create(bus, name), try create(bus, name))
      try require(bus.owner(of: name) != nil, "it does not run")
      try require(first != second && first.hasPrefix("/"), "handles \(first) and \(second)")
      try require(try count(bus, name, first, "AddReference") == 2, "another count")
      try require(try count(bus, name, first, "Release") == 1, "another count")
      try require(try count(bus, name, first, "Release") == 0, "another count")
      let gone = try refusal { _ = try bus.call(name, first, ObjectTable.interface, "Release") }
      try require(gone.description.contains("no object"), "\(gone)")
      try require(try count(bus, name, second, "Release") == 0, "another count")
      try waitFor("the server's end") { bus.owner(of: name) == nil }
    }
  },
  Check("a call on an object returns what was sent, a call on none is refused") { stage in
    try withActivation(stage, [serverProgram, "org.ipcbench.CheckedServer"]) { bus, name in
      let handle = try create(bus, name)
      let contents = pattern(100_000)
      let reply = try bus.call(name, handle, ObjectTable.interface, "Call") { $0.append(bytes: contents) }
      try require(reply.readBytes().map { Array($0) } == contents, "other bytes came")
      _ = try refusal { _ = try bus.call(name, "/org/ipcbench/object/99", ObjectTable.interface, "Call") }
      _ = try refusal { _ = try bus.call(name, handle, ObjectTable.interface, "Unknown") }
    }
  },
  Check("a server ends when the client that held its object dies") { stage in
    try withActivation(stage, [serverProgram, "org.ipcbench.CheckedServer"]) { bus, name in
      let address = try stage.bus().address
      let client = try stage.background {
        _ = try create(try BusConnection(address), name)
        kill(getpid(), SIGKILL)
      }
      _ = stage.end(client)
      try waitFor("the server's end") { bus.owner(of: name) == nil }
    }
  },
  Check("an edited object's bytes come back into the container's document when it is closed") { stage in
    try withActivation(stage, [serverProgram, "org.ipcbench.CheckedServer"]) { bus, name in
      let path = try stage.scope.path("report.doc")
      try Document(title: "Annual report", object: pattern(5000)).save(path)
      var document = try Document.load(path)
      let handle = try create(bus, name)
      let loaded = document.object
      _ = try bus.call(name, handle, ObjectTable.interface, "Load") { $0.append(bytes: loaded) }
      _ = try bus.call(name, handle, ObjectTable.interface, "Append") { $0.append(bytes: [1, 2, 3]) }
      _ = try bus.call(name, handle, ObjectTable.interface, "Close")
      // The container's site.
      while let message = bus.awaitNext(milliseconds: 3000) {
        guard message.isCall("SaveObject"), message.path == handle else { continue }
        document.object = message.readBytes().map { Array($0) } ?? []
        bus.reply(to: message)
        break
      }
      try document.save(path)
      let expected = Document(title: "Annual report", object: pattern(5000) + [1, 2, 3])
      try require(try Document.load(path) == expected, "another document")
      try waitFor("the server's end") { bus.owner(of: name) == nil }
    }
  },
  Check("a server that is missing, and one that crashes, are refused with the reason") { stage in
    for command in ["/nonexistent/server", "/bin/false"] {
      try withActivation(stage, [command]) { bus, name in
        let began = Clock.monotonicNanoseconds()
        let error = try refusal { _ = try create(bus, name) }
        try require(error.description.contains(name) && error.description.contains("started"), "\(error)")
        try require(Clock.monotonicNanoseconds() - began < 5_000_000_000, "it took too long")
      }
    }
  },
  Check("a command with blanks and quotes is started as it is") { stage in
    let program = try stage.scope.path("it's a server")
    symlink(serverProgram, program)
    try withActivation(stage, [program, "org.ipcbench.CheckedServer"]) { bus, name in
      _ = try create(bus, name)
    }
  },
  Check("pixels hold contents of every length") { _ in
    for count in [0, 1, 2, 3, 767, 768, 769, 65_535, 65_536] {
      let contents = pattern(count)
      let lines = EmbeddedView.lineCount(for: count)
      var pixels = [UInt8](repeating: 0xAA, count: lines * EmbeddedView.width * 4)
      contents.withUnsafeBytes { source in
        pixels.withUnsafeMutableBytes { EmbeddedView.encode(source, in: $0) }
      }
      var decoded = [UInt8](repeating: 0, count: max(count, 1))
      pixels.withUnsafeBytes { source in
        decoded.withUnsafeMutableBytes { EmbeddedView.decode(source, count, in: $0.baseAddress!) }
      }
      try require(Array(decoded.prefix(count)) == contents, "\(count) bytes")
    }
  },
  Check("a view shows its server's pixels, and goes with the server") { stage in
    let address = try stage.server().address
    let container = try EmbeddedWindow(address, isContainer: true)
    let page = try ResultPage()
    let server = try stage.fork(page, .consumer) {
      let view = try EmbeddedWindow(address, isContainer: false)
      page.counter.store(view.window)
      try view.awaitEmbedding()
      let context = view.x.createContext(for: view.window)
      let pixels = [UInt8](repeating: 0x5A, count: 4 * EmbeddedView.width)
      pixels.withUnsafeBytes {
        view.x.paint(view.window, context, width: EmbeddedView.width, height: 1, $0)
      }
      view.x.synchronise()
      while true { pause() }
    }
    try waitFor("the view") { page.counter.load() != 0 }
    try container.embed(page.counter.load())
    try require(container.views == [page.counter.load()], "views \(container.views)")
    try waitFor("the pixels") {
      container.x.withPixels(of: container.window, width: 1, height: 1) { $0[0] == 0x5A && $0[2] == 0x5A }
        ?? false
    }
    server.kill()
    _ = stage.end(server)
    try waitFor("the view's end") { container.views.isEmpty }
  },
]
