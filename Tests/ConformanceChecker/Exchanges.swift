import Glibc
import IPCTransport
import LinuxIPC
import Measurement

/// What a failed check says.
struct Claim: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ otherwise: @autoclosure () -> String) throws {
  if !condition { throw Claim(otherwise()) }
}

/// Message number `index` of a sequence whose sizes go from the smallest to the largest.
struct Script {
  var minimum: Int
  var maximum: Int

  func size(_ index: Int) -> Int {
    let sizes = [0, 1, 2, 7, 8, 9, 31, 63, 64, 65, 1000, maximum - 1, maximum]
    return max(minimum, min(sizes[index % sizes.count], maximum))
  }

  /// The bytes of message `index`: they step by 7, and start elsewhere in each message. From one table, as the checks are
  /// compiled without optimisation.
  private func bytes(_ index: Int) -> UnsafeRawPointer {
    // 183 steps of 7 make 1.
    UnsafeRawPointer(Self.table) + (index &* 131 &+ 3) &* 183 & 255
  }

  private static let longest = 200_000
  nonisolated(unsafe) private static let table: UnsafeMutableRawPointer = {
    let table = UnsafeMutableRawPointer.allocate(byteCount: longest + 512, alignment: 64)
    for offset in 0..<256 {
      table.storeBytes(of: UInt8(truncatingIfNeeded: offset * 7), toByteOffset: offset, as: UInt8.self)
    }
    for block in 1..<(longest + 512) / 256 { memcpy(table + 256 * block, table, 256) }
    return table
  }()

  func send<T: Transport & ~Copyable>(_ transport: inout T, _ index: Int) throws {
    precondition(size(index) <= Self.longest)
    try transport.send(size(index)) { span in
      span.withUnsafeMutableBytes { if let start = $0.baseAddress { memcpy(start, bytes(index), $0.count) } }
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
      span.withUnsafeBytes {
        if let start = $0.baseAddress, memcmp(start, bytes(index), size) != 0 {
          problem = "the bytes of message \(index) were changed"
        }
      }
    }
    if let problem { throw Claim(problem) }
  }
}

/// Both sides of a check; each is run in a process of its own. `counter` is a number that both see.
struct Exchange<T: Transport & ~Copyable> {
  typealias Body = (inout T, _ counter: Futex) throws -> Void
  var name: String
  var messageByteCount: Int
  /// The side that is expected to die of SIGKILL.
  var victim: Role?
  var producer: Body
  var consumer: Body
}

/// The contract of `Transport`, as far as two sides can show it.
struct Exchanges<T: Transport & ~Copyable> {
  let traits: Traits

  private var isNotification: Bool { traits.framing == .notification }

  private func script(_ maximum: Int) -> Script {
    let largest = min(maximum, traits.maximumMessageByteCount ?? .max)
    return Script(minimum: traits.minimumMessageByteCount, maximum: largest)
  }

  var all: [Exchange<T>] {
    let common = [
      everySize, bothDirections, tooLarge, producerCloses, producerDies, consumerDiesWhileAwaited,
    ]
    if isNotification { return common }
    let empty = traits.minimumMessageByteCount > 0 ? [tooSmall] : []
    return common + empty + [traits.delivery == .mayDrop ? loss : backPressure, consumerDies]
  }

  func named(_ name: String) -> Exchange<T>? { all.first { $0.name == name } }

  private var everySize: Exchange<T> {
    let script = script(200_000)
    let isLossy = traits.delivery == .mayDrop
    return Exchange(
      name: isNotification
        ? "each notification is received once" : "messages of every size arrive in order, once and unchanged",
      messageByteCount: script.maximum, victim: nil,
      producer: { transport, counter in
        for index in 0..<200 {
          // What may be lost is sent only when there is room for it.
          while isLossy && index > Int(counter.load()) + 2 { usleep(100) }
          try script.send(&transport, index)
        }
      },
      consumer: { transport, counter in
        for index in 0..<200 {
          try script.expect(&transport, index)
          counter.store(UInt32(index))
        }
      })
  }

  private var bothDirections: Exchange<T> {
    let script = script(4096)
    return Exchange(
      name: "both directions carry messages", messageByteCount: script.maximum, victim: nil,
      producer: { transport, _ in
        for index in 0..<500 {
          try script.send(&transport, index)
          try script.expect(&transport, index + 7)
        }
      },
      consumer: { transport, _ in
        for index in 0..<500 {
          try script.expect(&transport, index)
          try script.send(&transport, index + 7)
        }
      })
  }

  private var tooLarge: Exchange<T> {
    let script = script(1000)
    return Exchange(
      name: "a message over the maximum is refused and the channel stays usable",
      messageByteCount: script.maximum, victim: nil,
      producer: { transport, _ in
        try script.send(&transport, 1)
        try expect(.messageTooLarge, of: &transport, sending: script.maximum + 1)
        try script.send(&transport, 12)
      },
      consumer: { transport, _ in
        try script.expect(&transport, 1)
        try script.expect(&transport, 12)
      })
  }

  private var tooSmall: Exchange<T> {
    let script = script(1000)
    let size = traits.minimumMessageByteCount - 1
    return Exchange(
      name: "an empty message is refused and the channel stays usable", messageByteCount: script.maximum,
      victim: nil,
      producer: { transport, _ in
        try expect(.messageTooSmall, of: &transport, sending: size)
        try script.send(&transport, 12)
      },
      consumer: { transport, _ in try script.expect(&transport, 12) })
  }

  private var backPressure: Exchange<T> {
    // Larger than any buffer in between.
    let count = 4000
    let script = script(8192)
    return Exchange(
      name: "a producer that outruns its consumer waits, and nothing is lost",
      messageByteCount: script.maximum,
      victim: nil,
      producer: { transport, counter in
        for index in 0..<count {
          try script.send(&transport, 12 + 13 * index)
          counter.store(UInt32(index + 1))
        }
      },
      consumer: { transport, counter in
        usleep(300_000)
        let before = counter.load()
        try require(before < UInt32(count), "all \(count) messages were accepted though none was read")
        for index in 0..<count { try script.expect(&transport, 12 + 13 * index) }
      })
  }

  /// Numbers in the first bytes, because some will be missing.
  private var loss: Exchange<T> {
    // More than the receiver's buffer holds.
    let size = min(8192, traits.maximumMessageByteCount ?? 8192)
    let count = size < 8192 ? 40_000 : 4000
    return Exchange(
      name: "a producer that outruns its consumer loses messages, and those that come are in order",
      messageByteCount: size, victim: nil,
      producer: { transport, counter in
        for index in 0..<count {
          try transport.send(size) { $0.storeBytes(of: UInt64(index), as: UInt64.self) }
        }
        counter.store(UInt32(count))
      },
      consumer: { transport, counter in
        while counter.load() == 0 { usleep(1000) }
        var (last, received) = (-1, 0)
        do throws(ExchangeError) {
          while true {
            var number = 0
            try transport.receive { number = Int($0.unsafeLoad(as: UInt64.self)) }
            if number <= last { throw ExchangeError.corrupted }
            (last, received) = (number, received + 1)
          }
        } catch {
          try require(error == .peerClosed, "instead of 'peerClosed' came '\(error)'")
        }
        try require(received > 0, "nothing came")
        try require(received < count, "nothing was lost though nothing was read")
      })
  }

  private var producerCloses: Exchange<T> {
    let script = script(1000)
    return Exchange(
      name: "a producer that closes is seen after everything it sent", messageByteCount: script.maximum,
      victim: nil,
      producer: { transport, _ in for index in 0..<5 { try script.send(&transport, index) } },
      consumer: { transport, _ in
        for index in 0..<5 { try script.expect(&transport, index) }
        try expectPeerClosed(&transport) { transport throws(ExchangeError) in
          try transport.receive { _ in }
        }
      })
  }

  private var producerDies: Exchange<T> {
    let script = script(1000)
    let survives = traits.survivesProducer
    return Exchange(
      name: survives
        ? "a producer that dies is seen after everything it sent"
        : "a producer that dies is seen, and what it sent before may be lost",
      messageByteCount: script.maximum, victim: .producer,
      producer: { transport, _ in
        for index in 0..<5 { try script.send(&transport, index) }
        kill(getpid(), SIGKILL)
      },
      consumer: { transport, _ in
        if survives { for index in 0..<5 { try script.expect(&transport, index) } }
        try expectPeerClosed(&transport) { transport throws(ExchangeError) in
          while !survives { try transport.receive { _ in } }
          try transport.receive { _ in }
        }
      })
  }

  private var consumerDies: Exchange<T> {
    let script = script(1000)
    return Exchange(
      name: "a consumer that dies is seen by a sending producer", messageByteCount: script.maximum,
      victim: .consumer,
      producer: { transport, _ in
        try expectPeerClosed(&transport) { transport throws(ExchangeError) in
          while true { try transport.send(script.maximum) { _ in } }
        }
      },
      consumer: { transport, _ in
        try transport.receive { _ in }
        kill(getpid(), SIGKILL)
      })
  }

  private var consumerDiesWhileAwaited: Exchange<T> {
    let script = script(1000)
    return Exchange(
      name: "a consumer that dies is seen by a waiting producer", messageByteCount: script.maximum,
      victim: .consumer,
      producer: { transport, _ in
        try script.send(&transport, 3)
        try expectPeerClosed(&transport) { transport throws(ExchangeError) in
          try transport.receive { _ in }
        }
      },
      consumer: { transport, _ in
        try script.expect(&transport, 3)
        usleep(50_000)
        kill(getpid(), SIGKILL)
      })
  }
}

private func expect<T: Transport & ~Copyable>(
  _ expected: ExchangeError, of transport: inout T, sending byteCount: Int
) throws {
  do throws(ExchangeError) {
    try transport.send(byteCount) { _ in }
  } catch {
    return try require(error == expected, "\(byteCount) bytes gave '\(error)'")
  }
  throw Claim("\(byteCount) bytes were accepted")
}

/// How soon a peer's end must be seen.
private var deathDeadlineNanoseconds: UInt64 { 2_000_000_000 }

/// The exchange must end with `peerClosed` in time; a transport that reports it as any other error, or late,
/// fails.
private func expectPeerClosed<T: Transport & ~Copyable>(
  _ transport: inout T, _ exchange: (inout T) throws(ExchangeError) -> Void
) throws {
  let began = Clock.monotonicNanoseconds()
  do throws(ExchangeError) {
    try exchange(&transport)
    throw ExchangeError.timedOut
  } catch {
    try require(error == .peerClosed, "instead of 'peerClosed' came '\(error)'")
  }
  let took = Clock.monotonicNanoseconds() - began
  try require(took < deathDeadlineNanoseconds, "it took \(took / 1_000_000) ms")
}
