import IPCTransport
import LinuxIPC
import SharedRing

// The sides of rings that several processes use. Each is one way.

extension RingHeader {
  static func find(
    in mapping: LinuxIPC.Mapping, _ kind: RingKind, _ spec: ChannelSpec
  ) throws(RingFormatError) -> RingHeader {
    try find(in: RingLayout(spec).region(0, of: mapping), kind)
  }
}

func explainingRing<Value: ~Copyable>(
  _ body: () throws(RingFormatError) -> Value
) throws(TransportError) -> Value {
  do throws(RingFormatError) {
    return try body()
  } catch {
    throw TransportError(.system, error.description)
  }
}

/// One of several producers.
public struct FanInSender<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }
  let mapping: LinuxIPC.Mapping
  @usableFromInline var ring: FanInProducer<Wait>

  public init(_ mapping: LinuxIPC.Mapping, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    ring = try explainingRing { () throws(RingFormatError) in
      // Two that come at once may ask for the same side; one of them gets it, the other asks again.
      for _ in 0..<1000 {
        do throws(RingFormatError) {
          return try FanInProducer(
            RingHeader.find(in: mapping, .fanIn, spec), stallLimitNanoseconds: spec.stallLimitNanoseconds)
        } catch {}
      }
      return try FanInProducer(
        RingHeader.find(in: mapping, .fanIn, spec), stallLimitNanoseconds: spec.stallLimitNanoseconds)
    }
    self.mapping = mapping
  }

  public var stalls: UInt64 { ring.stalls }
  public var sharedMapping: LinuxIPC.Mapping? { mapping }

  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    do throws(RingError) { try ring.send(byteCount, fill) } catch { throw ExchangeError(error) }
  }

  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    throw .peerClosed
  }

  public mutating func shutDown() { ring.close() }
}

/// The consumer that several producers share.
public struct FanInReceiver<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }
  @usableFromInline var ring: FanInConsumer<Wait>

  public init(_ mapping: LinuxIPC.Mapping, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    ring = try explainingRing { () throws(RingFormatError) in
      try FanInConsumer(
        RingHeader.find(in: mapping, .fanIn, spec), producerCount: spec.crew.producers,
        stallLimitNanoseconds: spec.stallLimitNanoseconds)
    }
  }

  public var stalls: UInt64 { ring.stalls }

  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) { throw .peerClosed }

  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    do throws(RingError) { try ring.receive(body) } catch { throw ExchangeError(error) }
  }

  public mutating func shutDown() { ring.close() }
}

/// The producer whose messages all consumers see, if they keep up.
public struct BroadcastSender<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }
  public static var mayDrop: Bool { true }
  let mapping: LinuxIPC.Mapping
  @usableFromInline var ring: BroadcastProducer<Wait>

  public init(_ mapping: LinuxIPC.Mapping, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    ring = try explainingRing { () throws(RingFormatError) in
      try BroadcastProducer(RingHeader.find(in: mapping, .broadcast, spec))
    }
    self.mapping = mapping
  }

  /// It never waits.
  public var stalls: UInt64 { 0 }
  public var sharedMapping: LinuxIPC.Mapping? { mapping }

  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    do throws(RingError) { try ring.send(byteCount, fill) } catch { throw ExchangeError(error) }
  }

  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    throw .peerClosed
  }

  public mutating func shutDown() { ring.close() }
}

/// One of the consumers.
public struct BroadcastReceiver<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }
  public static var mayDrop: Bool { true }
  @usableFromInline var ring: BroadcastConsumer<Wait>

  public init(_ mapping: LinuxIPC.Mapping, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    ring = try explainingRing { () throws(RingFormatError) in
      try BroadcastConsumer(
        RingHeader.find(in: mapping, .broadcast, spec), stallLimitNanoseconds: spec.stallLimitNanoseconds)
    }
  }

  public var stalls: UInt64 { ring.stalls }
  public var facts: TransportFacts {
    var facts = TransportFacts()
    facts.overruns = ring.overrunCount
    return facts
  }

  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) { throw .peerClosed }

  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    do throws(RingError) { try ring.receive(body) } catch { throw ExchangeError(error) }
  }

  /// The producer does not know who reads.
  public mutating func shutDown() {}
}
