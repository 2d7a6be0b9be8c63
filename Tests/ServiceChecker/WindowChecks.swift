import Glibc
import IPCTransport
import LinuxIPC
import Mechanisms
import Services

typealias CopyDataSide = Calls<CopyDataPort<Block>>
typealias ViewSide = NotifiedView<WindowNotifier<Block>>

/// A window that its peer finds by its process's name, and a client that can do with it what it likes.
struct NamedWindow {
  let x: XConnection
  let window: UInt32

  /// - Parameter name: nil for a window of some other process, `pid`.
  init(_ address: XAddress, name: String?, pid: Int32 = getpid()) throws {
    x = try XConnection(address)
    window = x.createWindow(interest: XConnection.Interest.property)
    x.change(x.atom("_NET_WM_PID"), of: window, type: XAtom.cardinal, words: [UInt32(pid)])
    x.synchronise()
    if let name { ProcessName.set(name) }
  }

  /// Waits for a message of a type, and returns it.
  func message(_ type: UInt32) throws -> XMessage {
    while let event = x.awaitEvent(milliseconds: 5000) {
      if case .message(let message) = event, message.type == type { return message }
    }
    throw Claim("no such message came")
  }

  func send(
    _ window: UInt32, _ type: UInt32, format: UInt8 = 32, _ words: (UInt32, UInt32, UInt32, UInt32, UInt32)
  ) {
    x.send(XMessage(window: window, type: type, format: format, words: words))
    x.flush()
  }
}

/// As the mechanism names its processes.
private func processName(_ stage: Stage, _ spec: ChannelSpec, _ role: Role) -> String {
  "ipcb\(stage.scope.pid)\(role == .producer ? "p" : "c")\(spec.serial % 1000)"
}

/// A child that plays one side of copy-data: it has met the peer, whose window it is given.
private func roguePeer(
  _ stage: Stage, _ spec: ChannelSpec, _ role: Role, hello: String = "_IPCBENCH_HELLO",
  helloNumber: UInt32 = 0, _ body: @escaping (NamedWindow, _ peer: UInt32) throws -> Void
) throws -> Child {
  let address = try stage.server().address
  return try stage.background {
    let own = try NamedWindow(address, name: processName(stage, spec, role))
    let type = own.x.atom(hello)
    let peer = try own.message(type).words.0
    own.send(peer, type, (own.window, helloNumber, 0, 0, 0))
    try body(own, peer)
  }
}

/// A child that is told of two windows and sends what it likes to one of them.
private func windows(_ x: XConnection) -> [UInt32] {
  let property = x.atom("_NET_WM_PID")
  return x.children(of: x.root).filter { !x.words(of: property, of: $0).isEmpty }
}

let copyDataChecks =
  [
    Check("a call returns when the handler has, with its result of eight bytes") { stage in
      let result: [UInt8] = [8, 7, 6, 5, 4, 3, 2, 1]
      try exchange(
        stage, CopyDataByProperty.self, CopyDataSide.self, stage.spec("x11"),
        producer: { side, counter in
          var answer: [UInt8] = []
          try side.call(3, fill([1, 2, 3])) { answer = bytes(of: $0) }
          try require(counter.load() == 1, "it returned before the handler had")
          try require(answer == result, "result \(answer)")
          try require(side.facts.peerLookUpNanoseconds ?? 0 > 0, "the look-up was not timed")
        },
        consumer: { side, counter in
          try side.serve(
            { message in
              // The handler takes its time.
              usleep(50_000)
              counter.store(bytes(of: message) == [1, 2, 3] ? 1 : 2)
            }, replyByteCount: 8, fill(result))
        })
    },
    Check("what was sent is gone from the window after the handler") { stage in
      let spec = stage.spec("x11")
      try exchange(stage, CopyDataByProperty.self, CopyDataSide.self, spec) { side, counter in
        try side.send(3, fill([1, 2, 3]))
        counter.store(1)
        usleep(300_000)
      } consumer: { side, counter in
        try side.receive { _ in }
        while counter.load() == 0 { usleep(1000) }
        usleep(300_000)
      } meanwhile: { _, page in
        try waitFor("the call") { page.counter.load() == 1 }
        let x = try stage.x()
        let data = x.atom("_IPCBENCH_COPY_DATA")
        for window in windows(x) {
          let count = x.withProperty(data, of: window) { $1.count } ?? 0
          try require(count == 0, "\(count) bytes are left")
        }
      }
    },
    Check("a receiver that never answers is given up after the stall limit") { stage in
      let spec = stage.spec("x11", patience: 300)
      try exchange(stage, CopyDataByProperty.self, CopyDataSide.self, spec) { side, _ in
        try expect(.timedOut, &side) { side throws(ExchangeError) in try side.send(8) { _ in } }
      } meanwhile: { _, _ in
        _ = try roguePeer(stage, spec, .consumer) { _, _ in while true { pause() } }
      }
    },
    Check("two sides that call each other at once are told") { stage in
      let both: (inout CopyDataSide, Futex) throws -> Void = { side, counter in
        do throws(ExchangeError) {
          try side.send(8) { _ in }
        } catch {
          try require([.mutualCall, .peerClosed].contains(error), "\(error)")
          counter.store(1)
          return
        }
      }
      var told = false
      try exchange(
        stage, CopyDataByProperty.self, CopyDataSide.self, stage.spec("x11", patience: 2000), producer: both,
        consumer: both
      ) { _, page in
        try waitFor("a side that is told") { page.counter.load() == 1 }
        told = true
      }
      try require(told, "nobody was told")
    },
    Check("messages of a stranger are passed over") { stage in
      try exchange(
        stage, CopyDataByProperty.self, CopyDataSide.self, stage.spec("x11"),
        producer: { side, counter in
          while counter.load() == 0 { usleep(1000) }
          for round in 0..<50 { try side.send(2, fill([UInt8(round), 1])) }
        },
        consumer: { side, _ in
          for round in 0..<50 {
            var came: [UInt8] = []
            try side.receive { came = bytes(of: $0) }
            try require(came == [UInt8(round), 1], "\(came) came in round \(round)")
          }
        }
      ) { _, page in
        let address = try stage.server().address
        let stranger = try NamedWindow(address, name: nil, pid: 1)
        let (data, result) = (
          stranger.x.atom("_IPCBENCH_COPY_DATA"), stranger.x.atom("_IPCBENCH_COPY_DATA_RESULT")
        )
        try waitFor("both windows") { windows(stranger.x).count == 3 }
        usleep(200_000)
        for window in windows(stranger.x) where window != stranger.window {
          // Another sender, another format, another type, an answer to a call that was not made.
          stranger.send(window, data, (stranger.window, 1, 2, 0, 0))
          stranger.send(window, data, format: 8, (stranger.window, 1, 2, 0, 0))
          stranger.send(window, stranger.x.atom("_OTHER"), (stranger.window, 1, 2, 0, 0))
          stranger.send(window, result, (stranger.window, 1, 0, 0, 0))
        }
        stranger.x.synchronise()
        page.counter.store(1)
      }
    },
    Check("a message that announces more than there is is corrupted data") { stage in
      let spec = stage.spec("x11")
      try exchange(
        stage, CopyDataByProperty.self, CopyDataSide.self, spec,
        consumer: { side, _ in
          try expect(.corrupted, &side) { side throws(ExchangeError) in try side.receive { _ in } }
        }
      ) { _, _ in
        _ = try roguePeer(stage, spec, .producer) { own, peer in
          let data = own.x.atom("_IPCBENCH_COPY_DATA")
          [1, 2, 3].withUnsafeBytes { own.x.change(.replace, data, of: peer, type: data, $0) }
          own.send(peer, data, (own.window, 1, 1000, 0, 0))
          while true { pause() }
        }
      }
    },
    Check("a process of the same name that runs another program is not taken for the peer") { stage in
      let spec = stage.spec("x11")
      let name = try stage.scope.path(processName(stage, spec, .consumer))
      symlink(try unwrap(Program.find("sleep"), "no sleep"), name)
      let impostor = try stage.start(name, ["30"])
      try waitFor("the impostor's name") {
        TextFile.read("/proc/\(impostor.pid)/comm") == processName(stage, spec, .consumer)
      }
      let decoy = try NamedWindow(try stage.server().address, name: nil, pid: impostor.pid)
      try exchange(stage, CopyDataByProperty.self, CopyDataSide.self, spec) { side, _ in
        try side.send(2, fill([1, 2]))
      } consumer: { side, _ in
        var came: [UInt8] = []
        try side.receive { came = bytes(of: $0) }
        try require(came == [1, 2], "\(came) came")
      }
      while let event = decoy.x.nextEvent() {
        if case .message = event { throw Claim("the decoy was sent something") }
      }
    },
  ]
  + [1, 4096, (16 << 20) + 1].map { count in
    Check("\(count) bytes are carried as they are") { stage in
      let contents = pattern(count)
      try exchange(
        stage, CopyDataByProperty.self, CopyDataSide.self, stage.spec("x11", byteCount: count),
        producer: { side, _ in try side.send(count, fill(contents)) },
        consumer: { side, _ in
          var came: [UInt8] = []
          try side.receive { came = bytes(of: $0) }
          try require(came == contents, "\(came.count) bytes came, or others")
        })
    }
  }

/// WM_USER and the numbers of the messages.
private let (user, dataReady, acknowledged): (UInt32, UInt32, UInt32) = (0x400, 0x400 + 101, 0x400 + 102)

let viewChecks: [Check] = [
  Check("the window gets WM_USER+101 when the text is in the view, and the sender waits for its answer") {
    stage in
    let spec = stage.spec("window")
    try exchange(stage, MappedFileNotify.self, ViewSide.self, spec) { side, counter in
      try side.send(5, fill(Array("hello".utf8)))
      counter.store(2)
    } meanwhile: { address, page in
      let name = try unwrap(address.split(separator: " ").first.map(String.init), "no name")
      let rogue = try roguePeer(
        stage, spec, .consumer, hello: "_IPCBENCH_WINDOW_MESSAGE", helloNumber: user + 100
      ) { own, peer in
        let type = own.x.atom("_IPCBENCH_WINDOW_MESSAGE")
        let message = try own.message(type)
        guard message.words.1 == dataReady, message.words.0 == peer, message.words.3 == 5 else { _exit(3) }
        let object = try SharedObject.openPosix(name: name)
        let view = try LinuxIPC.Mapping.view(of: object, offset: 0, byteCount: 1024)
        let bytes = UnsafeRawBufferPointer(start: view.base, count: 1024)
        guard NotifiedText.read(bytes) == "hello", bytes.dropFirst(5).allSatisfy({ $0 == 0 }) else {
          _exit(4)
        }
        usleep(100_000)
        guard page.counter.load() == 0 else { _exit(5) }
        own.send(peer, type, (own.window, acknowledged, 0, 0, 0))
        // What a client has just sent when it ends, the server may drop.
        own.x.synchronise()
        _exit(0)
      }
      let status = stage.end(rogue)
      try require(status == .exited(0), "the window \(status!)")
      try waitFor("the sender's return") { page.counter.load() == 2 }
    }
  },
  Check("a view's window passes messages of a stranger over") { stage in
    try exchange(
      stage, MappedFileNotify.self, ViewSide.self, stage.spec("window"),
      producer: { side, counter in
        while counter.load() == 0 { usleep(1000) }
        for round in 0..<50 { try side.send(2, fill([UInt8(round) + 1, 1])) }
      },
      consumer: { side, _ in
        for round in 0..<50 {
          var came: [UInt8] = []
          try side.receive { came = bytes(of: $0) }
          try require(came == [UInt8(round) + 1, 1], "\(came) came in round \(round)")
        }
      }
    ) { _, page in
      let stranger = try NamedWindow(try stage.server().address, name: nil, pid: 1)
      let type = stranger.x.atom("_IPCBENCH_WINDOW_MESSAGE")
      try waitFor("both windows") { windows(stranger.x).count == 3 }
      usleep(200_000)
      for window in windows(stranger.x) where window != stranger.window {
        stranger.send(window, type, (stranger.window, dataReady, 0, 5, 0))
        stranger.send(window, type, (stranger.window, acknowledged, 0, 0, 0))
      }
      stranger.x.synchronise()
      page.counter.store(1)
    }
  },
  Check("both sides say how long they looked for the other's window") { stage in
    let side: (inout ViewSide, Futex) throws -> Void = { side, _ in
      let time = side.facts.peerLookUpNanoseconds ?? 0
      try require(time > 0 && time < 5_000_000_000, "\(time) ns")
    }
    try exchange(
      stage, MappedFileNotify.self, ViewSide.self, stage.spec("window"), producer: side, consumer: side)
  },
]
