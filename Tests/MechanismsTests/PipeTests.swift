import Foundation
import IPCTransport
import LinuxIPC
import Testing

@testable import Mechanisms

/// What an anonymous pipe promises (CreatePipe).
struct PipeTests {
  @Test(arguments: [false, true]) func allEndsAreCloseOnExec(packets: Bool) throws {
    let pair = try PipePair.create(packets: packets)
    defer { pair.close() }
    for end in [pair.forth.read, pair.forth.write, pair.back.read, pair.back.write] {
      #expect(fcntl(end.rawValue, F_GETFD) & FD_CLOEXEC != 0)
    }
  }

  @Test func theEndComesOnlyWhenTheLastWriterIsClosed() throws {
    let pipe = try PipeEnds.create()
    defer { pipe.read.closeQuietly() }
    let second = fcntl(pipe.write.rawValue, F_DUPFD_CLOEXEC, 3)
    try #require(second >= 0)
    #expect(write(pipe.write.rawValue, "rest", 4) == 4)
    pipe.write.closeQuietly()

    var buffer = [UInt8](repeating: 0, count: 16)
    #expect(read(pipe.read.rawValue, &buffer, 16) == 4)
    #expect(!Readiness.canRead(pipe.read.rawValue, milliseconds: 50), "an end while somebody can still write")
    #expect(write(second, "more", 4) == 4)
    #expect(read(pipe.read.rawValue, &buffer, 16) == 4)
    close(second)
    #expect(Readiness.canRead(pipe.read.rawValue, milliseconds: 10_000))
    #expect(read(pipe.read.rawValue, &buffer, 16) == 0)
  }

  @Test func bytesAreJoinedWherePacketsAreNot() throws {
    var buffer = [UInt8](repeating: 0, count: 8192)
    let sizes = [1, 4096, 3, 100]
    let packets = try PipeEnds.create(packets: true)
    let bytes = try PipeEnds.create()
    defer { [packets, bytes].forEach { $0.close() } }
    for pipe in [packets, bytes] {
      for size in sizes {
        let message = [UInt8](repeating: UInt8(size & 0xff), count: size)
        #expect(write(pipe.write.rawValue, message, size) == size)
      }
    }
    for size in sizes {
      #expect(read(packets.read.rawValue, &buffer, buffer.count) == size)
      #expect(buffer[0] == UInt8(size & 0xff))
    }
    #expect(read(bytes.read.rawValue, &buffer, buffer.count) == sizes.reduce(0, +))
  }

  @Test func whatASmallReadLeavesOfAPacketIsGone() throws {
    let pipe = try PipeEnds.create(packets: true)
    defer { pipe.close() }
    #expect(write(pipe.write.rawValue, "first", 5) == 5)
    #expect(write(pipe.write.rawValue, "second", 6) == 6)
    var buffer = [UInt8](repeating: 0, count: 16)
    #expect(read(pipe.read.rawValue, &buffer, 2) == 2)
    #expect(read(pipe.read.rawValue, &buffer, 16) == 6)
  }

  @Test func aSpawnedProgramKnowsOnlyItsStandardDescriptors() throws {
    let input = try PipeEnds.create()
    let output = try PipeEnds.create()
    // Things that a child must not inherit.
    let (file, object) = (
      try Socket.pair(.stream), try SharedObject.createMemfd(name: "test", byteCount: 4096)
    )
    defer {
      [file.0, file.1].forEach { $0.close() }
      object.closeQuietly()
    }
    // What the test runner itself hands down is none of ours.
    let handedDown = Directory.names(of: "/proc/self/fd").compactMap { Int32($0) }
      .filter { $0 > 2 && fcntl($0, F_GETFD) & FD_CLOEXEC == 0 }
    let child = try Processes.spawn(
      "/bin/ls", ["-l", "/proc/self/fd"], standardInput: input.read, standardOutput: output.write)
    input.close()
    output.write.closeQuietly()
    let listing = readToEnd(output.read.rawValue)
    output.read.closeQuietly()
    #expect(try child.reap() == .exited(0))

    let links = listing.split(separator: "\n").compactMap { $0.firstMatch(of: /(\d+) -> (.*)$/) }
      .reduce(into: [Int32: String]()) { $0[Int32($1.1) ?? -1] = String($1.2) }
    #expect(links[0]?.hasPrefix("pipe:") == true && links[1]?.hasPrefix("pipe:") == true, "\(listing)")
    #expect(links[0] != links[1])
    // One more is the directory that ls itself is reading.
    let others = links.filter { $0.key > 2 && !$0.value.hasPrefix("/proc/") && !handedDown.contains($0.key) }
    #expect(others.isEmpty, "\(others)")
  }

  @Test func aProgramWithoutRedirectionReadsAndWritesNothing() throws {
    let child = try Processes.spawn("/bin/cat", [])
    #expect(try child.reap() == .exited(0))
  }

  @Test func twoSiblingsAreJoinedWithoutTheParentInThePath() throws {
    let between = try PipeEnds.create()
    let output = try PipeEnds.create()
    let first = try Processes.spawn("/bin/echo", ["through the pipe"], standardOutput: between.write)
    let second = try Processes.spawn(
      "/bin/cat", [], standardInput: between.read, standardOutput: output.write)
    // The parent has no end of it any more, or the second would never see the end.
    between.close()
    output.write.closeQuietly()
    #expect(readToEnd(output.read.rawValue) == "through the pipe\n")
    output.read.closeQuietly()
    #expect(try first.reap() == .exited(0))
    #expect(try second.reap() == .exited(0))
  }

  @Test func itReachesOnlyWhoInheritsIt() {
    let mechanism = Pipe.mechanism
    for variant in mechanism.variantNames {
      let traits = mechanism.traits(of: variant)
      #expect(traits.reach == .processTree && traits.attach == [.inherit] && traits.direction == .oneWay)
    }
    #expect(mechanism.traits(of: "").framing == .byteStream)
    #expect(mechanism.traits(of: "packet").framing == .message)
  }

  private typealias Pipe = Mechanisms.Pipe
}

/// Messages whose pages lie in the pipe until they are read must not be overwritten by later ones.
struct GiftTests {
  private static let capacity = 40_000

  /// From one byte to more than half of the pipe, and every case of crossing a page.
  private static let sizes: [Int] = {
    var random = SplitMix(state: 7)
    let edges = [0, 1, 60, 64, 4031, 4032, 4033, 4092, 4093, 8192, 12_345, 32_768, 40_000]
    return (0..<2000).map { index in
      switch index % 4 {
      case 0: Int(random.next() % 64)
      case 1: edges[Int(random.next() % UInt64(edges.count))]
      case 2: Int(random.next() % 5000)
      default: Int(random.next() % UInt64(capacity + 1))
      }
    }
  }()

  private struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
      return value ^ (value >> 31)
    }
  }

  /// Byte `offset` of message `index`: another one in every message that could be mistaken for it.
  private static func byte(_ index: Int, _ offset: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: index &* 37 &+ offset &* 11 &+ offset >> 8 &+ index >> 3)
  }

  @Test func vmspliceNeverOverwritesWhatIsNotReadYet() throws {
    try check(ByteStream<VmspliceSender, Block>.self)
  }

  @Test func vmspliceThatSpinsNeverOverwritesWhatIsNotReadYet() throws {
    try check(ByteStream<VmspliceSender, Spin>.self)
  }

  @Test func spliceNeverOverwritesWhatIsNotReadYet() throws {
    try check(ByteStream<SpliceSender, Block>.self)
  }

  @Test func spliceThatSpinsNeverOverwritesWhatIsNotReadYet() throws {
    try check(ByteStream<SpliceSender, Spin>.self)
  }

  @Test func aSenderThatUsesItsMemoryAgainAtOnceIsCaught() throws {
    #expect(try messagesUnchanged(ByteStream<HastySender, Block>.self) < Self.sizes.count)
  }

  /// What the others must not be: one buffer for all messages, although the pipe still refers to it.
  private struct HastySender: StreamSender, ~Copyable {
    private let buffer = UnsafeMutableRawPointer.allocate(byteCount: 64 << 10, alignment: 4096)
    private let descriptor: Int32

    init(_ ends: Ends, capacity: Int, nonBlocking: Bool) throws(TransportError) {
      descriptor = ends.output.rawValue
    }

    deinit { buffer.deallocate() }

    mutating func stage(_ byteCount: Int) -> UnsafeMutableRawPointer { buffer + 64 }

    mutating func write(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
      PageGift.vmsplice(bytes, to: descriptor, count, nonBlocking: false)
    }
  }

  private func check<Sender: StreamSender & ~Copyable, Wait: WaitStrategy>(
    _ stream: ByteStream<Sender, Wait>.Type
  ) throws {
    #expect(try messagesUnchanged(stream) == Self.sizes.count)
  }

  /// How many messages came before the first one that is not what was sent.
  private func messagesUnchanged<Sender: StreamSender & ~Copyable, Wait: WaitStrategy>(
    _ stream: ByteStream<Sender, Wait>.Type
  ) throws -> Int {
    let pair = try PipePair.create()
    let spec = ChannelSpec(
      wait: Wait.kind, messageByteCount: Self.capacity, topology: .detect(), scope: ResourceScope(),
      serial: 900_003)
    let producer = OtherSide { () -> Int in
      var stream = try ByteStream<Sender, Wait>(pair.ends(of: .producer), as: .producer, spec)
      defer { stream.shutDown() }
      for (index, size) in Self.sizes.enumerated() {
        try stream.send(size) { message in
          message.withUnsafeMutableBytes { bytes in
            for offset in 0..<size { bytes[offset] = Self.byte(index, offset) }
          }
        }
      }
      return Self.sizes.count
    }
    // Read as the pipe gives it, late and in pieces: a transport would empty the pipe at once.
    let consumer = OtherSide { () -> Int in
      let input = pair.ends(of: .consumer).input.rawValue
      let count = Self.readSlowly(input)
      // A writer must never find the pipe broken: that is a SIGPIPE to the test runner.
      var rest = [UInt8](repeating: 0, count: Self.capacity)
      while Self.fill(&rest, Self.capacity, input) {}
      return count
    }
    defer { pair.ends(of: .consumer).close() }
    #expect(try producer.value(within: 60) == Self.sizes.count)
    return try consumer.value()
  }

  private static func readSlowly(_ descriptor: Int32) -> Int {
    var buffer = [UInt8](repeating: 0, count: capacity + 4)
    for (index, size) in sizes.enumerated() {
      // Long enough for the producer to fill the pipe and wait.
      if index % 20 == 0 { usleep(2000) }
      guard fill(&buffer, 4 + size, descriptor) else { return index }
      let isUnchanged = buffer.withUnsafeBytes { bytes in
        Int(bytes.loadUnaligned(as: UInt32.self)) == size
          && (0..<size).allSatisfy { bytes[4 + $0] == byte(index, $0) }
      }
      if !isUnchanged { return index }
    }
    return sizes.count
  }

  private static func fill(_ buffer: inout [UInt8], _ count: Int, _ descriptor: Int32) -> Bool {
    var done = 0
    while done < count {
      let got = buffer.withUnsafeMutableBytes {
        read(descriptor, $0.baseAddress! + done, min(count - done, 3000))
      }
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else { return false }
      done += got
    }
    return true
  }
}
