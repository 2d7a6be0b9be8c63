import IPCTransport
import LinuxIPC
import SharedRing

/// Two message rings in one mapping, one for each direction: what every mechanism that shares memory puts on
/// top of it. The mechanisms differ in where the memory comes from and how the other side finds it.
struct RingLayout {
  let geometry: RingGeometry

  /// Where one message is in flight, eight slots: a ring that goes round through many lines was measured to
  /// cost 10–40 % of a round trip, because each line has left the first-level cache when its turn comes.
  /// Elsewhere 256 KiB, which a second-level cache holds with ease; large messages get the few slots that let
  /// both sides work at once.
  init(_ spec: ChannelSpec) {
    let byteCount = max(spec.messageByteCount, 1)
    let deep = min(1024, max((256 << 10) / byteCount, byteCount <= 128 << 10 ? 8 : 2))
    geometry = RingGeometry(
      kind: .messages, slotCount: spec.messagesInFlight == 1 ? min(8, deep) : deep, capacity: byteCount)
  }

  /// Bytes of one direction, in whole pages so that the directions share none.
  var ringByteCount: Int { (geometry.byteCount + 4095) / 4096 * 4096 }
  var byteCount: Int { 2 * ringByteCount }

  func region(_ index: Int, of mapping: LinuxIPC.Mapping) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: mapping.base + index * ringByteCount, count: ringByteCount)
  }

  /// Parent, once: both rings, empty, their pages on the nodes asked for and already present.
  func create(in mapping: LinuxIPC.Mapping, _ spec: ChannelSpec) throws(TransportError) {
    try explaining("place the memory of the channel") { () throws(SystemError) in
      try spec.memory.apply(to: mapping, topology: spec.topology)
    }
    mapping.populate()
    for index in 0..<2 {
      do throws(RingFormatError) {
        _ = try RingHeader.create(in: region(index, of: mapping), geometry)
      } catch {
        throw TransportError(.system, error.description)
      }
    }
  }
}

/// One worker's ends of the two rings.
public struct RingEndpoint<Wait: WaitStrategy>: ~Copyable {
  @usableFromInline var producer: MessageProducer<Wait>
  @usableFromInline var consumer: MessageConsumer<Wait>

  init(_ mapping: LinuxIPC.Mapping, _ role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let layout = RingLayout(spec)
    let (out, back) = role == .producer ? (0, 1) : (1, 0)
    let sending = try Self.producer(layout.region(out, of: mapping), spec)
    let receiving = try Self.consumer(layout.region(back, of: mapping), spec)
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

  @inlinable var stalls: UInt64 { producer.stalls &+ consumer.stalls }

  @inlinable @inline(__always)
  mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    do throws(RingError) {
      try producer.send(byteCount, fill)
    } catch {
      throw ExchangeError(error)
    }
  }

  @inlinable @inline(__always)
  mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    do throws(RingError) {
      try consumer.receive(body)
    } catch {
      throw ExchangeError(error)
    }
  }

  mutating func shutDown() {
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
