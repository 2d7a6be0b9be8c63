import DCERPC
import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// Calls of the interface of messages. A call or a reply that fits into a fragment is one `write` and one `read`; its
/// header is written in place before the message.
public struct DCECalls<Wait: WaitStrategy>: CallTransport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }

  @usableFromInline var client: CallStream
  @usableFromInline var server: CallStream
  private var association: ServerAssociation
  @usableFromInline var patience: Patience<Wait>
  @usableFromInline let capacity: Int
  /// Up to 64 bytes before it are those of headers.
  @usableFromInline let payload: UnsafeMutableRawPointer
  @usableFromInline var lastCallID: UInt32 = 1
  @usableFromInline let clientLimit: Int
  @usableFromInline let serverLimit: Int
  public var stalls: UInt64 { patience.stalls }
  private let noDelay: Bool

  public init(_ side: DCESide, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let patience = try Patience<Wait>(nil, spec)
    try explaining("set the descriptors' blocking mode") { () throws(SystemError) in
      try side.calls.socket.descriptor.setNonBlocking(!Wait.blocksInCalls)
      try side.served.socket.descriptor.setNonBlocking(!Wait.blocksInCalls)
    }
    client = CallStream(side.calls.socket, capacity: spec.messageByteCount)
    server = CallStream(side.served.socket, capacity: spec.messageByteCount)
    association = side.served.association
    clientLimit = side.calls.association.fragmentLimit
    serverLimit = side.served.association.fragmentLimit
    noDelay = spec.variant == "dce-tcp" && side.calls.socket.hasNoDelay
    capacity = spec.messageByteCount
    payload = Buffer.allocate(capacity + 64) + 64
    self.patience = patience
  }

  public var facts: TransportFacts {
    var facts = TransportFacts()
    if noDelay { facts.tcpNoDelay = true }
    return facts
  }

  @inlinable @inline(__always)
  public mutating func call(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void, _ reply: (borrowing RawSpan) -> Void
  ) throws(ExchangeError) {
    guard byteCount <= capacity else { throw .messageTooLarge }
    var span = MutableRawSpan(_unsafeStart: payload, byteCount: byteCount)
    fill(&span)
    lastCallID &+= 1
    let call = OutgoingCall(.request, lastCallID, MessagesInterface.requestPrefix, byteCount, clientLimit)
    MessagesInterface.storeRequestPrefix(to: payload - MessagesInterface.requestPrefix, count: byteCount)
    try write(call, client.descriptor)
    while true {
      switch client.takeFragment() {
      case .message:
        guard client.header.type == .response, client.header.callID == lastCallID,
          let count = MessagesInterface.replyByteCount(client.stub, client.stubByteCount), count <= capacity
        else { throw .corrupted }
        reply(RawSpan(_unsafeStart: client.stub + MessagesInterface.responsePrefix, byteCount: count))
        return client.finish()
      case .more: continue
      case .other: throw fault()
      case .waits: try wait(client.descriptor, client.failures)
      case .closed: throw .peerClosed
      case .corrupted: throw .corrupted
      }
    }
  }

  @inlinable @inline(__always)
  public mutating func serve(
    _ body: (borrowing RawSpan) -> Void, replyByteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    loop: while true {
      switch server.takeFragment() {
      case .message:
        guard server.header.type == .request, server.header.contextID == ClientAssociation.contextID,
          server.header.operation == MessagesInterface.call,
          let count = MessagesInterface.messageByteCount(server.stub, server.stubByteCount), count <= capacity
        else {
          try answerUnusual()
          continue loop
        }
        body(RawSpan(_unsafeStart: server.stub + MessagesInterface.requestPrefix, byteCount: count))
        break loop
      case .more: continue
      case .other: try answerUnusual()
      case .waits: try wait(server.descriptor, server.failures)
      case .closed: throw .peerClosed
      case .corrupted: throw .corrupted
      }
    }
    let callID = server.header.callID
    server.finish()
    let count = min(replyByteCount, capacity)
    var span = MutableRawSpan(_unsafeStart: payload, byteCount: count)
    fill(&span)
    let reply = OutgoingCall(.response, callID, MessagesInterface.responsePrefix, count, serverLimit)
    MessagesInterface.storeResponsePrefix(to: payload - MessagesInterface.responsePrefix, count: count)
    try write(reply, server.descriptor)
  }

  // MARK: Writing

  /// Writes a call or a reply, fragment by fragment: the header of a later one is put where the end of the one before has
  /// been, which is sent by then.
  @inlinable @inline(__always)
  mutating func write(_ call: OutgoingCall, _ descriptor: Int32) throws(ExchangeError) {
    var done = 0
    while true {
      let fragment = call.fragment(at: done)
      let start = payload - call.prefixByteCount + done - CallHeader.byteCount
      fragment.store(to: start, dataByteCount: call.byteCount - done)
      let count = fragment.fragmentByteCount
      let written = RawDescriptor.write(descriptor, start, count)
      if written != count { try writeRest(start, count, written, descriptor) }
      if fragment.isLast { return }
      done &+= count - CallHeader.byteCount
    }
  }

  @usableFromInline @inline(never)
  mutating func writeRest(
    _ bytes: UnsafeRawPointer, _ total: Int, _ first: Int, _ descriptor: Int32
  ) throws(ExchangeError) {
    var (done, written, steps) = (0, first, 0)
    while true {
      if written >= 0 {
        (done, steps) = (done + written, 0)
        if done == total { return }
      } else {
        steps += 1
        try patience.wait(steps, descriptor, Int16(POLLOUT))
      }
      written = RawDescriptor.write(descriptor, bytes + done, total - done)
    }
  }

  @inlinable @inline(__always)
  mutating func wait(_ descriptor: Int32, _ failures: Int) throws(ExchangeError) {
    try patience.wait(failures, descriptor, Int16(POLLIN))
  }

  // MARK: Whatever is not a call of the interface

  @usableFromInline @inline(never)
  mutating func fault() -> ExchangeError {
    guard let pdu = try? PDU(client.takeWhole()), case .fault(_, let status) = pdu.body else {
      return .corrupted
    }
    return status == .badStubData || status == .invalidBound || status == .protocolError
      ? .corrupted : .refused
  }

  /// A PDU that is to be answered as the protocol has it: another context, a call of an operation that is not there.
  @usableFromInline @inline(never)
  mutating func answerUnusual() throws(ExchangeError) {
    let reaction = association.receive(server.takeWhole())
    let descriptor = server.descriptor
    try reaction.bytes.withUnsafeBufferPointer { bytes throws(ExchangeError) in
      guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
      try writeRest(base, bytes.count, 0, descriptor)
    }
    if reaction.closes { throw .corrupted }
  }

  public mutating func shutDown() {
    client.close()
    server.close()
  }
}

/// A call or a reply of which the fragments follow from its size.
@usableFromInline struct OutgoingCall {
  private let type: PDUType
  private let callID: UInt32
  @usableFromInline let prefixByteCount: Int
  /// The prefix and the message.
  @usableFromInline let byteCount: Int
  /// Data of a fragment, a multiple of 8.
  private let room: Int

  @usableFromInline init(_ type: PDUType, _ callID: UInt32, _ prefix: Int, _ byteCount: Int, _ limit: Int) {
    self.type = type
    self.callID = callID
    prefixByteCount = prefix
    self.byteCount = prefix + byteCount
    room = (limit - CallHeader.byteCount) & ~7
  }

  /// - Parameter done: data that earlier fragments have.
  @usableFromInline func fragment(at done: Int) -> CallHeader {
    let count = min(room, byteCount - done)
    return CallHeader(
      type, isFirst: done == 0, isLast: done + count == byteCount,
      fragmentByteCount: CallHeader.byteCount + count, callID: callID,
      operation: type == .request ? MessagesInterface.call : 0)
  }
}
