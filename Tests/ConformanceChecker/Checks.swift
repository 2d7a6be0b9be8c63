import Glibc
import IPCTransport
import LinuxIPC
import Measurement

/// Runs every check of the contract against one transport, and exits.
struct Checks: FormVisitor {
  let variant: String
  let attach: Attach

  func visit<T: Transport & ~Copyable>(_ type: T.Type) {
    let bench = Bench<T>(variant: variant, attach: attach)
    do throws(TransportError) {
      try T.probe(bench.spec(messageByteCount: 64))
    } catch {
      print("skip \(error)")
      exit(77)
    }
    let checks: [(String, (Bench<T>) throws -> Void)] = [
      ("messages of every size arrive in order, once and unchanged", everySize),
      ("both directions carry messages", bothDirections),
      ("a message over the maximum is refused and the channel stays usable", tooLarge),
      ("a producer that outruns its consumer waits, and nothing is lost", backPressure),
      ("a producer that closes is seen after everything it sent", producerCloses),
      ("a producer that dies is seen after everything it sent", producerDies),
      ("a consumer that dies is seen by a sending producer", consumerDies),
      ("a consumer that dies is seen by a waiting producer", consumerDiesWhileAwaited),
      ("nothing is left behind after a trial", nothingLeft),
      ("what a killed run left behind is removed by the next", leftoversRemoved),
    ]
    var failures: Int32 = 0
    for (name, check) in checks {
      do {
        try check(bench)
        print("ok \(name)")
      } catch {
        failures += 1
        print("FAIL \(name): \(error)")
      }
    }
    exit(failures == 0 ? 0 : 1)
  }
}

/// What a failed check says.
struct Claim: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws {
  if !condition { throw Claim(otherwise()) }
}

// MARK: Contents

/// Message number `index` of a sequence whose sizes go from nothing to the maximum.
struct Script {
  var maximum: Int
  func size(_ index: Int) -> Int {
    let sizes = [0, 1, 2, 7, 8, 9, 31, 63, 64, 65, 1000, maximum - 1, maximum]
    return min(sizes[index % sizes.count], maximum)
  }

  static func byte(_ index: Int, _ offset: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: index &* 131 &+ offset &* 7 &+ 3)
  }

  func send<T: Transport & ~Copyable>(_ transport: inout T, _ index: Int) throws {
    try transport.send(size(index)) { span in
      span.withUnsafeMutableBytes { bytes in
        for offset in bytes.indices { bytes[offset] = Script.byte(index, offset) }
      }
    }
  }

  func expect<T: Transport & ~Copyable>(_ transport: inout T, _ index: Int) throws {
    var problem: String?
    let size = size(index)
    try transport.receive { span in
      guard span.byteCount == size else {
        problem = "message \(index) has \(span.byteCount) bytes instead of \(size)"
        return
      }
      span.withUnsafeBytes { bytes in
        for offset in bytes.indices where bytes[offset] != Script.byte(index, offset) {
          problem = "message \(index) differs at byte \(offset)"
        }
      }
    }
    if let problem { throw Claim(problem) }
  }
}

// MARK: Checks

extension Checks {
  func everySize<T: Transport & ~Copyable>(_ bench: Bench<T>) throws {
    let script = Script(maximum: 200_000)
    try bench.run(
      messageByteCount: 200_000,
      producer: { for index in 0..<400 { try script.send(&$0, index) } },
      consumer: { for index in 0..<400 { try script.expect(&$0, index) } })
  }

  func bothDirections<T: Transport & ~Copyable>(_ bench: Bench<T>) throws {
    let script = Script(maximum: 4096)
    try bench.run(
      messageByteCount: 4096,
      producer: {
        for index in 0..<500 {
          try script.send(&$0, index)
          try script.expect(&$0, index + 7)
        }
      },
      consumer: {
        for index in 0..<500 {
          try script.expect(&$0, index)
          try script.send(&$0, index + 7)
        }
      })
  }

  func tooLarge<T: Transport & ~Copyable>(_ bench: Bench<T>) throws {
    let script = Script(maximum: 1000)
    try bench.run(
      messageByteCount: 1000,
      producer: {
        try script.send(&$0, 1)
        do throws(ExchangeError) {
          try $0.send(1001) { _ in }
          throw ExchangeError.corrupted
        } catch {
          try require(error == .messageTooLarge, "1001 bytes into 1000 gave '\(error)'")
        }
        try script.send(&$0, 12)
      },
      consumer: {
        try script.expect(&$0, 1)
        try script.expect(&$0, 12)
      })
  }

  func backPressure<T: Transport & ~Copyable>(_ bench: Bench<T>) throws {
    // Larger than any buffer in between.
    let (count, size) = (4000, 8192)
    let script = Script(maximum: size)
    let progress = bench.counter
    progress.store(0)
    try bench.run(
      messageByteCount: size,
      producer: {
        for index in 0..<count {
          try script.send(&$0, 12 + 13 * index)
          progress.store(UInt32(index + 1))
        }
      },
      consumer: {
        usleep(300_000)
        let before = progress.load()
        try require(before < UInt32(count), "all \(count) messages were accepted though none was read")
        for index in 0..<count { try script.expect(&$0, 12 + 13 * index) }
      })
  }

  func producerCloses<T: Transport & ~Copyable>(_ bench: Bench<T>) throws {
    let script = Script(maximum: 1000)
    try bench.run(
      messageByteCount: 1000,
      producer: { for index in 0..<5 { try script.send(&$0, index) } },
      consumer: {
        for index in 0..<5 { try script.expect(&$0, index) }
        try expectPeerClosed(within: 2_000_000_000, &$0) { transport throws(ExchangeError) in
          try transport.receive { _ in }
        }
      })
  }

  func producerDies<T: Transport & ~Copyable>(_ bench: Bench<T>) throws {
    let script = Script(maximum: 1000)
    try bench.run(
      messageByteCount: 1000, victim: .producer,
      producer: {
        for index in 0..<5 { try script.send(&$0, index) }
        kill(getpid(), SIGKILL)
      },
      consumer: {
        for index in 0..<5 { try script.expect(&$0, index) }
        try expectPeerClosed(within: 2_000_000_000, &$0) { transport throws(ExchangeError) in
          try transport.receive { _ in }
        }
      })
  }

  func consumerDies<T: Transport & ~Copyable>(_ bench: Bench<T>) throws {
    let script = Script(maximum: 1000)
    try bench.run(
      messageByteCount: 1000, victim: .consumer,
      producer: {
        try expectPeerClosed(within: 2_000_000_000, &$0) { transport throws(ExchangeError) in
          while true { try transport.send(1000) { _ in } }
        }
      },
      consumer: {
        _ = try? script.expect(&$0, 0)
        kill(getpid(), SIGKILL)
      })
  }

  func consumerDiesWhileAwaited<T: Transport & ~Copyable>(_ bench: Bench<T>) throws {
    let script = Script(maximum: 1000)
    try bench.run(
      messageByteCount: 1000, victim: .consumer,
      producer: {
        try script.send(&$0, 3)
        try expectPeerClosed(within: 2_000_000_000, &$0) { transport throws(ExchangeError) in
          try transport.receive { _ in }
        }
      },
      consumer: {
        try script.expect(&$0, 3)
        usleep(50_000)
        kill(getpid(), SIGKILL)
      })
  }

  func nothingLeft<T: Transport & ~Copyable>(_ bench: Bench<T>) throws {
    bench.scope.removeAll()
    let before = Leftovers.ofThisProcess()
    for _ in 0..<3 {
      try bench.run(
        messageByteCount: 64, producer: { try $0.send(8) { _ in } }, consumer: { try $0.receive { _ in } })
    }
    bench.scope.removeAll()
    let after = Leftovers.ofThisProcess()
    try require(after == before, "before \(before), after \(after)")
  }

  func leftoversRemoved<T: Transport & ~Copyable>(_ bench: Bench<T>) throws {
    let before = Leftovers.everywhere()
    let victim = try Processes.fork {
      // A run of its own that dies with an open channel.
      let own = Bench<T>(variant: variant, attach: attach)
      _ = try? T.open(own.spec(messageByteCount: 64))
      kill(getpid(), SIGKILL)
      return 1
    }
    _ = try victim.reap()
    ResourceScope.removeLeftovers()
    T.removeLeftovers()
    let after = Leftovers.everywhere()
    try require(after == before, "before \(before), after \(after)")
  }
}

/// The exchange must end with `peerClosed` in time; a transport that reports it as any other error, or late,
/// fails.
func expectPeerClosed<T: Transport & ~Copyable>(
  within nanoseconds: UInt64, _ transport: inout T,
  _ exchange: (inout T) throws(ExchangeError) -> Void
) throws {
  let began = Clock.monotonicNanoseconds()
  do throws(ExchangeError) {
    try exchange(&transport)
    throw ExchangeError.timedOut
  } catch {
    try require(error == .peerClosed, "instead of 'peerClosed' came '\(error)'")
  }
  let took = Clock.monotonicNanoseconds() - began
  try require(took < nanoseconds, "it took \(took / 1_000_000) ms")
}
