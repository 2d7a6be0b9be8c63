import Glibc
import IPCTransport
import LinuxIPC
import Mechanisms
import Services

typealias ClipboardSide = Messages<ClipboardPort<Block>>

/// A client with a window and a selection, as an application has it.
struct Client {
  let x: XConnection
  let window: UInt32
  let selection: UInt32
  let formats: SelectionFormats
  var owner: SelectionOwner
  var reader: SelectionReader

  init(_ address: XAddress) throws {
    x = try XConnection(address)
    window = x.createWindow(interest: XConnection.Interest.property)
    selection = x.atom("CLIPBOARD")
    formats = SelectionFormats(x)
    owner = SelectionOwner(x, window, selection, formats)
    reader = SelectionReader(x, window, selection, property: x.atom("_CHECK"), formats)
    x.watchOwners(of: selection)
    x.synchronise()
  }

  /// The server's time.
  func time() throws -> UInt32 {
    let property = x.atom("_TIME")
    x.change(property, of: window, type: XAtom.integer, words: [0])
    x.flush()
    while let event = x.awaitEvent(milliseconds: 2000) {
      if case .propertyChanged(window, property, let time, _) = event { return time }
    }
    throw Claim("the server does not answer")
  }

  /// Serves requests until somebody has the contents in a format.
  mutating func serve(_ contents: [UInt32: [UInt8]], until format: UInt32) throws -> [UInt32] {
    var asked: [UInt32] = []
    // Contents in pieces have to stay where they are.
    let buffers = contents.mapValues { bytes in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
      copy.copyBytes(from: bytes)
      return UnsafeRawBufferPointer(start: copy.baseAddress, count: bytes.count)
    }
    defer { buffers.values.forEach { UnsafeMutableRawBufferPointer(mutating: $0).deallocate() } }
    while let event = x.awaitEvent(milliseconds: 5000) {
      let outcome = owner.handle(event) {
        contents.keys.sorted()
      } render: { wanted in
        asked.append(wanted)
        return buffers[wanted]
      }
      if case .served(format, _) = outcome { return asked }
    }
    throw Claim("nobody took the contents")
  }

  /// Asks for a format; nil when it is refused.
  mutating func paste(_ format: UInt32) throws -> [UInt8]? {
    var contents: [UInt8] = []
    reader.ask(for: format, time: 0)
    while let event = x.awaitEvent(milliseconds: 5000) {
      switch reader.handle(event, { contents += Array($1) }) {
      case .complete: return contents
      case .refused: return nil
      case .nothing: continue
      }
    }
    throw Claim("the owner did not answer")
  }
}

/// An application in a child that owns the clipboard and serves it for ever.
private func background(
  _ stage: Stage, _ contents: @escaping (SelectionFormats, XConnection) -> [UInt32: [UInt8]]
)
  throws
{
  let address = try stage.server().address
  let page = try ResultPage()
  _ = try stage.fork(page, .producer) {
    var client = try Client(address)
    client.owner.own(time: try client.time())
    client.x.synchronise()
    page.counter.store(1)
    while true { _ = try client.serve(contents(client.formats, client.x), until: 0) }
  }
  try waitFor("the owner") { page.counter.load() == 1 }
}

let clipboardChecks: [Check] = [
  Check("targets lists every format that is offered, standard and registered") { stage in
    try background(stage) { formats, x in
      [formats.bytes: [1], formats.text[0]: [65], x.atom("image/x-check"): [2]]
    }
    var client = try Client(try stage.server().address)
    let words = try unwrap(try client.paste(client.formats.targets), "TARGETS was refused")
    let targets = words.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }
    for format in ["TARGETS", "TIMESTAMP", "UTF8_STRING", "application/x-ipcbench", "image/x-check"] {
      try require(targets.contains(client.x.atom(format)), "\(format) is not listed")
    }
    // IsClipboardFormatAvailable: what is not in the list is not available.
    try require(!targets.contains(client.x.atom("image/png")), "image/png is listed")
  },
  Check("a format that is not offered is refused, and the owner goes on") { stage in
    try background(stage) { formats, _ in [formats.bytes: [9, 8]] }
    var client = try Client(try stage.server().address)
    try require(try client.paste(client.x.atom("image/png")) == nil, "it was not refused")
    try require(try client.paste(client.formats.bytes) == [9, 8], "other contents came")
  },
  Check("contents are rendered when they are asked for, and only in that format") { stage in
    let address = try stage.server().address
    var owner = try Client(address)
    owner.owner.own(time: try owner.time())
    owner.x.synchronise()
    let page = try ResultPage()
    let child = try stage.fork(page, .consumer) {
      var client = try Client(address)
      try require(try client.paste(client.formats.bytes) == [7], "other contents came")
    }
    let asked = try owner.serve(
      [owner.formats.bytes: [7], owner.formats.text[0]: [65]], until: owner.formats.bytes)
    try require(asked == [owner.formats.bytes], "rendered \(asked.count) times")
    try require(stage.end(child) == .exited(0), page.text(.consumer))
  },
  Check("an empty clipboard has no owner, and a paste is refused") { stage in
    var client = try Client(try stage.server().address)
    client.owner.own(time: try client.time())
    try require(client.x.owner(of: client.selection) == client.window, "it was not owned")
    client.owner.empty(time: try client.time())
    try require(client.x.owner(of: client.selection) == 0, "it has an owner")
    try require(try client.paste(client.formats.bytes) == nil, "something came")
  },
  Check("the owner is told that it lost the selection, and all are told who owns it") { stage in
    let address = try stage.server().address
    var (first, second) = (try Client(address), try Client(address))
    first.owner.own(time: try first.time())
    second.owner.own(time: try second.time())
    second.x.synchronise()
    var (hasLost, owners) = (false, [UInt32]())
    while let event = first.x.awaitEvent(milliseconds: 300) {
      if case .selectionOwned(let owner, first.selection, _) = event { owners.append(owner) }
      if first.owner.handle(event, offers: { [] }, render: { _ in nil }) == .lost { hasLost = true }
    }
    try require(hasLost, "it was not told")
    try require(owners == [first.window, second.window], "owners \(owners)")
  },
  Check("timestamp says since when the contents are there") { stage in
    try background(stage) { formats, _ in [formats.bytes: [1]] }
    var client = try Client(try stage.server().address)
    let bytes = try unwrap(try client.paste(client.formats.timestamp), "TIMESTAMP was refused")
    let time = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
    let now = try client.time()
    try require(now &- time < 60_000, "\(time) at \(now)")
  },
  Check("an owner that never answers is given up after the stall limit") { stage in
    let spec = stage.spec(patience: 300)
    try exchange(
      stage, Clipboard.self, ClipboardSide.self, spec,
      consumer: { side, _ in
        try expect(.timedOut, &side) { side throws(ExchangeError) in try side.receive { _ in } }
      }
    ) { address, _ in
      _ = try rogueOwner(stage, address) { _ in while true { pause() } }
    }
  },
  Check("an incremental transfer that stops half-way is given up after the stall limit") { stage in
    let spec = stage.spec(byteCount: 1 << 20, patience: 300)
    try exchange(
      stage, Clipboard.self, ClipboardSide.self, spec,
      consumer: { side, _ in
        try expect(.timedOut, &side) { side throws(ExchangeError) in try side.receive { _ in } }
      }
    ) { address, _ in
      _ = try rogueOwner(stage, address) { client in
        try announcePieces(client)
        while true { pause() }
      }
    }
  },
  Check("an owner that dies in an incremental transfer is seen") { stage in
    let spec = stage.spec(byteCount: 1 << 20)
    try exchange(
      stage, Clipboard.self, ClipboardSide.self, spec,
      consumer: { side, _ in
        try expect(.peerClosed, &side) { side throws(ExchangeError) in try side.receive { _ in } }
      }
    ) { address, _ in
      let rogue = try rogueOwner(stage, address) { client in
        try announcePieces(client)
        client.x.synchronise()
        kill(getpid(), SIGKILL)
      }
      _ = stage.end(rogue)
    }
  },
  Check("a copy that somebody else replaces before it is pasted is reported") { stage in
    let spec = stage.spec()
    try exchange(stage, Clipboard.self, ClipboardSide.self, spec) { side, counter in
      counter.store(1)
      try expect(.ownershipLost, &side) { side throws(ExchangeError) in try side.send(8) { _ in } }
    } meanwhile: { address, page in
      // A peer that never pastes.
      let rogue = try roguePeer(stage, address, .consumer) { _ in while true { pause() } }
      try waitFor("the producer") { page.counter.load() == 1 }
      var thief = try Client(try stage.server().address)
      try waitFor("the copy") { thief.x.owner(of: thief.selection) != 0 }
      thief.owner.own(time: try thief.time())
      thief.x.synchronise()
      _ = rogue
    }
  },
  Check("an X server that ends is reported by both sides") { stage in
    let server = try stage.server()
    try exchange(
      stage, Clipboard.self, ClipboardSide.self, stage.spec(),
      producer: { side, counter in
        try side.send(8) { _ in }
        counter.store(1)
        try expect(.serviceEnded, &side) { side throws(ExchangeError) in
          while true { try side.send(8) { _ in } }
        }
      },
      consumer: { side, _ in
        try expect(.serviceEnded, &side) { side throws(ExchangeError) in
          while true { try side.receive { _ in } }
        }
      }
    ) { _, page in
      try waitFor("the first message") { page.counter.load() == 1 }
      server.process?.kill()
    }
  },
]

/// A child that has met the other side, as the producer, and owns the clipboard.
private func rogueOwner(
  _ stage: Stage, _ address: String, _ body: @escaping (Client) throws -> Void
) throws -> Child {
  try roguePeer(stage, address, .producer) { client in
    var client = client
    client.owner.own(time: try client.time())
    client.x.synchronise()
    try body(client)
  }
}

/// A child that has met the other side of a clipboard channel, and does as it likes.
private func roguePeer(
  _ stage: Stage, _ address: String, _ role: Role, _ body: @escaping (Client) throws -> Void
) throws -> Child {
  let parts = address.split(separator: " ", maxSplits: 1).map(String.init)
  let server = try unwrap(XAddress(parts[1]), "no address")
  return try stage.background {
    let client = try Client(server)
    client.x.setOwner(
      client.window, of: client.x.atom("_IPCBENCH_\(parts[0])_\(role.rawValue)"), time: try client.time())
    let theirs = client.x.atom("_IPCBENCH_\(parts[0])_\(role.peer.rawValue)")
    try waitFor("the peer") { client.x.owner(of: theirs) != 0 }
    // Until the peer listens for owners.
    usleep(50_000)
    try body(client)
  }
}

/// Answers one request with the announcement of pieces, and the first of them.
private func announcePieces(_ client: Client) throws {
  while let event = client.x.awaitEvent(milliseconds: 5000) {
    guard case .selectionRequested(let request) = event else { continue }
    client.x.watch(request.requestor, interest: XConnection.Interest.property)
    client.x.change(
      request.property, of: request.requestor, type: client.x.atom("INCR"), words: [1 << 20])
    client.x.answer(request, property: request.property)
    client.x.flush()
    while let next = client.x.awaitEvent(milliseconds: 5000) {
      guard case .propertyChanged(request.requestor, request.property, _, isDeleted: true) = next else {
        continue
      }
      pattern(1000).withUnsafeBytes {
        client.x.change(.replace, request.property, of: request.requestor, type: request.target, $0)
      }
      return client.x.flush()
    }
  }
  throw Claim("nobody asked")
}

/// Everything with a client of another make: xclip(1).
let foreignChecks: [Check] = foreignByteCounts.flatMap(foreignChecks(of:))

private let foreignByteCounts = [1, 64, 4096, 256 << 10, (256 << 10) + 1, 1 << 20, 16 << 20]

private func foreignChecks(of count: Int) -> [Check] {
  [
    Check("xclip pastes \(count) bytes that we copied") { stage in
      guard Program.find("xclip") != nil else { throw TransportError.missing("xclip", package: "xclip") }
      let output = try stage.scope.path("pasted")
      var client = try Client(try stage.server().address)
      client.owner.own(time: try client.time())
      client.x.synchronise()
      let contents = pattern(count)
      let xclip = try stage.start(
        "xclip", ["-o", "-selection", "clipboard", "-t", "application/x-ipcbench"], output: output)
      _ = try client.serve(
        [client.formats.bytes: contents, client.formats.text[0]: [65]], until: client.formats.bytes)
      // Pieces may still be on their way to it.
      let status = stage.end(xclip)
      try require(status == .exited(0), "xclip \(status!)")
      try require(read(output) == contents, "\(read(output).count) bytes came, or others")
    },
    Check("we paste \(count) bytes that xclip copied") { stage in
      guard Program.find("xclip") != nil else { throw TransportError.missing("xclip", package: "xclip") }
      let input = try stage.scope.path("copied")
      let contents = pattern(count)
      try write(contents, to: input)
      _ = try stage.start(
        "xclip", ["-quiet", "-i", "-selection", "clipboard", "-t", "application/x-ipcbench", input])
      var client = try Client(try stage.server().address)
      try waitFor("xclip's copy") { client.x.owner(of: client.selection) != 0 }
      let pasted = try unwrap(try client.paste(client.formats.bytes), "it was refused")
      try require(pasted == contents, "\(pasted.count) bytes came, or others")
    },
  ]
}
