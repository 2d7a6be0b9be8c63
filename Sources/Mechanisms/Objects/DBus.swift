import Glibc
import IPCTransport
import LinuxIPC
import Services

/// A method call over a message bus, bare: bytes there, bytes back.
public enum DBus: ChannelProvider {
  public static var mechanism: Mechanism {
    Mechanism(
      id: "dbus", summary: "a method call over a private message bus (dbus-daemon, sd-bus)",
      traits: Traits(
        framing: .call, direction: .twoWay, reach: .host, attach: [.name], payloadCopies: 6,
        maximumMessageByteCount: BusMeeting.largestMessage),
      explanation: explanation,
      manPages: ["dbus-daemon(1)", "sd-bus(3)", "sd_bus_send(3)", "sd_bus_process(3)"])
  }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) { try BusMeeting.probe() }
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String {
    try BusMeeting.address(spec)
  }
  public static func close(_ address: String) {}

  public static func attach(
    _ address: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> BusCallAttachment {
    let (name, bus) = try BusMeeting.find(address)
    return BusCallAttachment(bus: bus, meeting: name)
  }
}

/// Where the sides of a channel of calls meet.
public struct BusCallAttachment: Sendable {
  var bus: String
  /// Begins the names of both sides.
  var meeting: String
}

/// `Call`, an array of bytes in and one out, on an object of the peer's.
public struct BusCallPort<Wait: WaitStrategy>: CallPort, ~Copyable {
  private var exchange: BusCalls
  public var descriptor: Int32 { exchange.side.bus.descriptor }

  public init(
    _ attachment: BusCallAttachment, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    var side = try BusSide(attachment.bus)
    try side.meet(attachment.meeting, role)
    exchange = BusCalls(side, path: "/org/ipcbench/peer")
  }

  @inline(never)
  public mutating func begin(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    exchange.begin(message, byteCount)
  }

  @inline(never)
  public mutating func result(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    exchange.result(buffer, capacity)
  }

  @inline(never)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    exchange.take(buffer, capacity)
  }

  @inline(never)
  public mutating func answer(_ reply: UnsafeRawPointer, _ byteCount: Int) -> Int {
    exchange.answer(reply, byteCount)
  }

  public mutating func close() { exchange.side.close() }
}

/// Calls between two sides on the bus, one at a time in each direction.
struct BusCalls: ~Copyable {
  var side: BusSide
  private let path: UnsafePointer<CChar>
  private var cookie: UInt64 = 0
  private var current: OpaquePointer?

  /// - Parameter path: of the peer's object.
  init(_ side: consuming BusSide, path: String) {
    self.side = side
    self.path = UnsafePointer(strdup(path)!)
  }

  mutating func begin(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    guard let call = side.bus.newCall(side.peerName, path, ObjectTable.interface, "Call") else {
      return side.nothing()
    }
    call.append(message, byteCount)
    guard let cookie = side.bus.sendCall(call) else { return -1 }
    self.cookie = cookie
    return 0
  }

  mutating func result(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    let cookie = cookie
    guard let reply = side.next({ $0.answers(cookie) }) else { return side.nothing() }
    return reply.kind == .error ? side.failure(reply) : reply.copyBytes(to: buffer, capacity)
  }

  mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    guard let call = side.next({ $0.isCall("Call") || $0.isCall("Release") }) else { return side.nothing() }
    if call.isCall("Release") { return end(call) }
    guard call.isOn(path) else {
      side.bus.refuse(call, ObjectTable.noSuchObject, "There is no object \(call.path).")
      return RawDescriptor.fail(EAGAIN)
    }
    let count = call.copyBytes(to: buffer, capacity)
    current = call.intoRaw()
    return count
  }

  /// The peer lets the object go: nothing more will come.
  mutating func end(_ release: borrowing BusMessage) -> Int {
    if let reply = side.bus.newReply(to: release) {
      reply.append(number: 0)
      side.bus.send(reply)
    }
    side.peerHasLeft()
    return side.nothing()
  }

  mutating func answer(_ bytes: UnsafeRawPointer, _ byteCount: Int) -> Int {
    guard let raw = current else { return RawDescriptor.fail(EBADMSG) }
    current = nil
    let call = side.bus.adopt(raw)
    guard let reply = side.bus.newReply(to: call) else { return side.nothing() }
    reply.append(bytes, byteCount)
    return side.bus.send(reply)
  }
}
