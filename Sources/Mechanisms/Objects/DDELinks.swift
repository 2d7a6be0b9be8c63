import Glibc
import IPCTransport
import LinuxIPC
import Services

/// The protocol of a DDE conversation on the message bus: the service is a name on the bus, the topic an object's
/// path, the item a text.
enum DDEProtocol {
  static var interface: StaticString { "org.ipcbench.DDE1" }
  static var topic: String { "/org/ipcbench/topic" }
  static var item: StaticString { "item" }
  static var itemName: String { "item" }

  /// How a client wants to hear of changes, in `Advise`.
  enum Link: String {
    /// Told that the item has changed, without its value.
    case warm
    /// Given the value with the news.
    case hot
  }
}

/// What every link needs: calls to the peer's item and messages about the own one.
struct DDEConversation: ~Copyable {
  var side: BusSide
  private var isLinked = false
  private let path = UnsafePointer<CChar>(strdup(DDEProtocol.topic)!)

  init(_ attachment: BusCallAttachment, _ role: Role) throws(TransportError) {
    var side = try BusSide(attachment.bus)
    try side.meet(attachment.meeting, role)
    self.side = side
  }

  /// Asks to be told of changes (WM_DDE_ADVISE), and lets the peer ask; returns when both have been acknowledged.
  mutating func advise(_ link: DDEProtocol.Link) throws(TransportError) {
    guard let call = newCall("Advise") else { throw Self.failure }
    call.append(text: link.rawValue)
    guard let cookie = side.bus.sendCall(call) else { throw Self.failure }
    var (isAcknowledged, hasAcknowledged) = (false, false)
    while !isAcknowledged || !hasAcknowledged {
      guard let message = side.bus.awaitNext(milliseconds: 5000) else { throw Self.failure }
      if message.answers(cookie) {
        guard message.kind == .reply else { throw Self.failure }
        isAcknowledged = true
      } else if message.isCall("Advise"), message.sender == side.peer {
        acknowledge(message)
        hasAcknowledged = true
      } else {
        side.keep(message)
      }
    }
    isLinked = true
  }

  private static var failure: TransportError {
    TransportError(.system, "The other side of the conversation did not acknowledge the link within 5 s.")
  }

  /// A call about the peer's item.
  func newCall(_ member: StaticString) -> BusMessage? {
    guard let call = side.bus.newCall(side.peerName, path, DDEProtocol.interface, member) else { return nil }
    call.append(text: DDEProtocol.item)
    return call
  }

  /// A signal about the own item.
  func newSignal(_ member: StaticString) -> BusMessage? {
    guard let signal = side.bus.newSignal(path, DDEProtocol.interface, member) else { return nil }
    signal.append(text: DDEProtocol.item)
    return signal
  }

  @discardableResult
  func acknowledge(_ call: borrowing BusMessage) -> Int {
    guard let reply = side.bus.newReply(to: call) else { return side.nothing() }
    return side.bus.send(reply)
  }

  /// Answers a request with the item's value.
  func answer(_ request: borrowing BusMessage, _ value: UnsafeRawPointer, _ byteCount: Int) -> Int {
    guard let reply = side.bus.newReply(to: request) else { return side.nothing() }
    reply.append(value, byteCount)
    return side.bus.send(reply) < 0 ? -1 : byteCount
  }

  /// Stops the links (WM_DDE_UNADVISE) and ends the conversation (WM_DDE_TERMINATE, which is the connection's end).
  mutating func terminate() {
    if isLinked, !side.peerIsGone, let call = newCall("Unadvise") { side.bus.send(call) }
    side.close()
  }
}

/// Cold: the server says nothing. The producer, its client, pokes a value into it, and requests one.
public struct ColdLinkPort<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private var conversation: DDEConversation
  private let isClient: Bool
  private var pending: UInt64?
  public var input: Int32 { conversation.side.bus.descriptor }
  public var output: Int32 { conversation.side.bus.descriptor }
  public static var outputEvent: Int16 { Int16(POLLIN) }

  public init(_ attachment: BusCallAttachment, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    conversation = try DDEConversation(attachment, role)
    isClient = role == .producer
  }

  /// The client's poke has arrived when it is acknowledged; the server's value when somebody has requested it.
  @inline(never)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    if isClient {
      if pending == nil {
        guard let call = conversation.newCall("Poke") else { return conversation.side.nothing() }
        call.append(message, byteCount)
        pending = conversation.side.bus.sendCall(call)
      }
      return takeAnswer { _ in byteCount }
    }
    guard let request = conversation.side.next({ $0.isCall("Request") }) else {
      return conversation.side.nothing()
    }
    return conversation.answer(request, message, byteCount)
  }

  @inline(never)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    if isClient {
      if pending == nil {
        guard let call = conversation.newCall("Request") else { return conversation.side.nothing() }
        pending = conversation.side.bus.sendCall(call)
      }
      return takeAnswer { $0.copyBytes(to: buffer, capacity) }
    }
    guard let poke = conversation.side.next({ $0.isCall("Poke") }) else { return conversation.side.nothing() }
    poke.skipText()
    let count = poke.copyBytes(to: buffer, capacity)
    return conversation.acknowledge(poke) < 0 ? -1 : count
  }

  private mutating func takeAnswer(_ read: (borrowing BusMessage) -> Int) -> Int {
    guard let cookie = pending else { return -1 }
    guard let reply = conversation.side.next({ $0.answers(cookie) }) else {
      return conversation.side.nothing()
    }
    pending = nil
    return reply.kind == .error ? conversation.side.failure(reply) : read(reply)
  }

  public mutating func close() { conversation.terminate() }
}

/// Warm: the server says that the value has changed; the client fetches it. Each side is the server of an item of
/// its own, and has sent when the peer has fetched.
public struct WarmLinkPort<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private var conversation: DDEConversation
  private var isAnnounced = false
  private var pending: UInt64?
  public var input: Int32 { conversation.side.bus.descriptor }
  public var output: Int32 { conversation.side.bus.descriptor }
  public static var outputEvent: Int16 { Int16(POLLIN) }

  public init(_ attachment: BusCallAttachment, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    var conversation = try DDEConversation(attachment, role)
    try conversation.advise(.warm)
    self.conversation = conversation
  }

  @inline(never)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    if !isAnnounced {
      guard let signal = conversation.newSignal("Changed") else { return conversation.side.nothing() }
      if conversation.side.bus.send(signal) < 0 { return -1 }
      isAnnounced = true
    }
    guard let request = conversation.side.next({ $0.isCall("Request") }) else {
      return conversation.side.nothing()
    }
    isAnnounced = false
    return conversation.answer(request, message, byteCount)
  }

  @inline(never)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    if pending == nil {
      guard conversation.side.next({ $0.isSignal("Changed") }) != nil,
        let call = conversation.newCall("Request")
      else { return conversation.side.nothing() }
      pending = conversation.side.bus.sendCall(call)
    }
    guard let cookie = pending else { return -1 }
    guard let reply = conversation.side.next({ $0.answers(cookie) }) else {
      return conversation.side.nothing()
    }
    pending = nil
    return reply.kind == .error ? conversation.side.failure(reply) : reply.copyBytes(to: buffer, capacity)
  }

  public mutating func close() { conversation.terminate() }
}

/// Hot: the value comes with the news. The server goes on until a window of updates has not been acknowledged
/// (fAckReq of WM_DDE_ADVISE).
public struct HotLinkPort<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private var conversation: DDEConversation
  /// Updates that may be on their way.
  private let window: UInt32
  private var unacknowledged: UInt32 = 0
  private var received: UInt32 = 0
  public var input: Int32 { conversation.side.bus.descriptor }
  public var output: Int32 { conversation.side.bus.descriptor }
  public static var outputEvent: Int16 { Int16(POLLIN) }

  public init(_ attachment: BusCallAttachment, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    var conversation = try DDEConversation(attachment, role)
    try conversation.advise(.hot)
    self.conversation = conversation
    // 4 MiB on their way, within what sd-bus and the daemon queue without complaint.
    window = UInt32(max(2, min(64, (4 << 20) / max(spec.messageByteCount, 1))))
  }

  @inline(never)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    while unacknowledged >= window {
      guard let call = conversation.side.next({ $0.isCall("Acknowledge") }) else {
        return conversation.side.nothing()
      }
      call.skipText()
      unacknowledged -= min(call.readNumber() ?? 0, unacknowledged)
    }
    if conversation.side.peerIsGone { return conversation.side.nothing() }
    guard let signal = conversation.newSignal("Data") else { return conversation.side.nothing() }
    signal.append(message, byteCount)
    if conversation.side.bus.send(signal) < 0 { return -1 }
    unacknowledged += 1
    return byteCount
  }

  @inline(never)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    guard let signal = conversation.side.next({ $0.isSignal("Data") }) else {
      return conversation.side.nothing()
    }
    signal.skipText()
    let count = signal.copyBytes(to: buffer, capacity)
    received += 1
    if received >= window / 2 {
      guard let call = conversation.newCall("Acknowledge") else { return conversation.side.nothing() }
      call.append(number: received)
      if conversation.side.bus.send(call) < 0 { return -1 }
      received = 0
    }
    return count
  }

  public mutating func close() { conversation.terminate() }
}
