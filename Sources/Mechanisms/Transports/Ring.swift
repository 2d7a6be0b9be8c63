import IPCTransport
import LinuxIPC
import SharedRing

/// Two message rings in one mapping, one for each direction: what every mechanism that shares memory puts on
/// top of it. The mechanisms differ in where the memory comes from and how the other side finds it.
struct RingLayout {
  let geometry: RingGeometry
  private let ringCount: Int

  /// How many slots. Measured between two cores, and not what one would guess: a ring in which everything
  /// stays in the first-level caches (16 KiB) moves small messages 1.8 times as fast as one of 64 KiB to 1 MiB;
  /// large messages do best in a ring that has outgrown the second level (4 MiB), where lines come from the
  /// shared cache instead of out of the other core's. Where one message is in flight, four slots: going round
  /// through eight costs 15 % of a round trip, through 64 or more up to 40 %. A side that sleeps needs more to
  /// do when it wakes than fits into 16 KiB.
  init(_ spec: ChannelSpec) {
    let byteCount = max(spec.messageByteCount, 1)
    let one = RingGeometry(kind: .messages, slotCount: 2, capacity: byteCount).stride
    let usual =
      if spec.messagesInFlight == 1 { 4 } else if byteCount > 8 << 10 {
        max(byteCount <= 4 << 20 ? 4 : 2, (4 << 20) / byteCount)
      } else if spec.wait == .block || spec.wait == .spinThenBlock {
        (1 << 20) / one
      } else { max(4, (16 << 10) / one) }
    // A batch is filled while the one before it is read, unless both are too much for the smallest memory there is.
    let batches = spec.batch * byteCount <= 2 << 20 ? 2 : 1
    let slotCount = max(usual, spec.batch > 1 ? batches * spec.batch : 0)
    ringCount = spec.crew.gathering == .pair ? 2 : 1
    switch spec.crew.gathering {
    case .pair: geometry = RingGeometry(kind: .messages, slotCount: slotCount, capacity: byteCount)
    // Several that find it full take the CPU from each other: with 128 KiB two producers move 1.5 times as many small
    // messages as with 16.
    case .fanIn:
      let deep = max(slotCount, (128 << 10) / one)
      geometry = RingGeometry(kind: .fanIn, slotCount: deep, capacity: byteCount)
    // Nobody waits for a consumer: what it may be behind is what the ring holds.
    case .fanOut:
      let deep = max(slotCount, (1 << 20) / one)
      geometry = RingGeometry(kind: .broadcast, slotCount: deep, capacity: byteCount)
    }
  }

  /// Bytes of one direction, in whole pages so that the directions share none.
  private var ringByteCount: Int { (geometry.byteCount + 4095) / 4096 * 4096 }
  /// The second ring's slots lie at other offsets within their pages than the first one's: a processor that
  /// compares the low twelve bits of addresses would otherwise hold back the look at the answer's slot until
  /// the store to the question has left the store buffer (4 KiB aliasing; measured: 10–25 % of a round trip).
  private var stagger: Int { 1152 }
  var byteCount: Int { ringCount * ringByteCount + 4096 }

  func region(_ index: Int, of mapping: LinuxIPC.Mapping) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: mapping.base + index * (ringByteCount + stagger), count: ringByteCount)
  }

  /// Parent, once: both rings, empty, their pages on the nodes asked for and already present.
  func create(in mapping: LinuxIPC.Mapping, _ spec: ChannelSpec) throws(TransportError) {
    try explaining("place the memory of the channel") { () throws(SystemError) in
      try spec.memory.apply(to: mapping, topology: spec.topology)
    }
    mapping.populate()
    for index in 0..<ringCount {
      do throws(RingFormatError) {
        _ = try RingHeader.create(in: region(index, of: mapping), geometry)
      } catch {
        throw TransportError(.system, error.description)
      }
    }
  }
}

/// One worker's ends of the two rings.
public struct Ring<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }

  let mapping: LinuxIPC.Mapping
  @usableFromInline var producer: MessageProducer<Wait>
  @usableFromInline var consumer: MessageConsumer<Wait>

  public init(
    _ mapping: LinuxIPC.Mapping, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    let layout = RingLayout(spec)
    let (out, back) = role == .producer ? (0, 1) : (1, 0)
    let sending = try Self.producer(layout.region(out, of: mapping), spec)
    let receiving = try Self.consumer(layout.region(back, of: mapping), spec)
    self.mapping = mapping
    producer = sending
    consumer = receiving
  }

  private static func producer(
    _ region: UnsafeMutableRawBufferPointer, _ spec: ChannelSpec
  ) throws(TransportError) -> MessageProducer<Wait> {
    do throws(RingFormatError) {
      let header = try RingHeader.find(in: region, .messages)
      return try MessageProducer(header, stallLimitNanoseconds: spec.stallLimitNanoseconds)
    } catch {
      throw TransportError(.system, error.description)
    }
  }

  private static func consumer(
    _ region: UnsafeMutableRawBufferPointer, _ spec: ChannelSpec
  ) throws(TransportError) -> MessageConsumer<Wait> {
    do throws(RingFormatError) {
      let header = try RingHeader.find(in: region, .messages)
      return try MessageConsumer(header, stallLimitNanoseconds: spec.stallLimitNanoseconds)
    } catch {
      throw TransportError(.system, error.description)
    }
  }

  public var stalls: UInt64 { producer.stalls &+ consumer.stalls }
  public var sharedMapping: LinuxIPC.Mapping? { mapping }

  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    do throws(RingError) {
      try producer.send(byteCount, fill)
    } catch {
      throw ExchangeError(error)
    }
  }

  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    do throws(RingError) {
      try consumer.receive(body)
    } catch {
      throw ExchangeError(error)
    }
  }

  public mutating func shutDown() {
    producer.close()
    consumer.close()
  }
}

extension ExchangeError {
  @inlinable init(_ error: RingError) {
    switch error {
    case .peerClosed: self = .peerClosed
    case .timedOut: self = .timedOut
    case .messageTooLarge: self = .messageTooLarge
    case .corrupted: self = .corrupted
    }
  }
}
