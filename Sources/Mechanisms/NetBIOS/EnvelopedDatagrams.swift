import Glibc
import IPCTransport
import LinuxIPC
import NetBIOS

/// What is around a message in a datagram.
public protocol DatagramEnvelope: SendableMetatype {
  /// Completes a header in place, of which everything else is known beforehand.
  static func complete(_ header: UnsafeMutableRawPointer, _ byteCount: Int, id: UInt16, dataByteCount: Int)
  /// Whether a datagram begins as the peer's do.
  static func isUsual(
    _ packet: UnsafeRawPointer, _ expected: UnsafeRawPointer, _ byteCount: Int, dataByteCount: Int
  ) -> Bool
  /// Where the message is in a datagram that begins otherwise; nil where it is not for us.
  static func data(of packet: UnsafeRawBufferPointer, for address: String) -> Range<Int>?
}

/// The descriptors of one side, the headers of both sides' datagrams, and what the side is called.
public struct EnvelopedEnds: Sendable {
  var ends: Ends
  var outgoing: [UInt8]
  var incoming: [UInt8]
  var address: String
}

/// Datagrams with headers: a message is preceded by one in its buffer, so that each is one `write` and one `read`.
/// Others' datagrams are passed over.
public struct EnvelopedDatagrams<Envelope: DatagramEnvelope, Wait: WaitStrategy>: MessagePort, ~Copyable {
  @inlinable public static var mayDrop: Bool { true }
  public static func meeting(_ attachment: EnvelopedEnds) -> Meeting? { attachment.ends.meeting }

  private let ends: Ends
  public let input: Int32
  public let output: Int32
  @usableFromInline let outgoing: UnsafeMutableRawPointer
  @usableFromInline let outgoingByteCount: Int
  @usableFromInline let incoming: UnsafeMutableRawPointer
  @usableFromInline let incomingByteCount: Int
  private let address: String
  @usableFromInline var id: UInt16 = 0

  public init(_ attachment: EnvelopedEnds, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    ends = attachment.ends
    try ends.setNonBlocking(!Wait.blocksInCalls)
    (input, output) = (ends.input.rawValue, ends.output.rawValue)
    (outgoing, outgoingByteCount) = (Self.copy(attachment.outgoing), attachment.outgoing.count)
    (incoming, incomingByteCount) = (Self.copy(attachment.incoming), attachment.incoming.count)
    address = attachment.address
  }

  private static func copy(_ bytes: [UInt8]) -> UnsafeMutableRawPointer {
    let copy = Buffer.allocate(bytes.count)
    copy.copyMemory(from: bytes, byteCount: bytes.count)
    return copy
  }

  @inlinable @inline(__always)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    let packet = UnsafeMutableRawPointer(mutating: message) - outgoingByteCount
    packet.copyMemory(from: outgoing, byteCount: outgoingByteCount)
    id &+= 1
    Envelope.complete(packet, outgoingByteCount, id: id, dataByteCount: byteCount)
    return RawDescriptor.write(output, packet, outgoingByteCount &+ byteCount)
  }

  @inlinable @inline(__always)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    let packet = buffer - incomingByteCount
    let got = RawDescriptor.read(input, packet, incomingByteCount &+ capacity)
    if got < 0 { return got }
    let count = got &- incomingByteCount
    if count >= 0, Envelope.isUsual(packet, incoming, incomingByteCount, dataByteCount: count) {
      return count
    }
    return unpack(packet, got, buffer)
  }

  /// Somebody else's datagram, or one that is built otherwise.
  @usableFromInline @inline(never)
  mutating func unpack(_ packet: UnsafeMutableRawPointer, _ byteCount: Int, _ buffer: UnsafeMutableRawPointer)
    -> Int
  {
    let bytes = UnsafeRawBufferPointer(start: packet, count: byteCount)
    guard let range = Envelope.data(of: bytes, for: address) else { return RawDescriptor.fail(EAGAIN) }
    memmove(buffer, packet + range.lowerBound, range.count)
    return range.count
  }

  public var facts: TransportFacts {
    var facts = ends.facts
    facts.messagesLost = Socket(descriptor: ends.input).drops
    return facts
  }

  public mutating func close() {
    ends.close()
    outgoing.deallocate()
    incoming.deallocate()
  }
}
