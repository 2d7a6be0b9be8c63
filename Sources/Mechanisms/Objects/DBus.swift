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
    guard let reply = side.next({ $0.answers(cookie) }) else {
      // A peer answers before it calls: one that calls now waits for this side, as this side waits for it.
      return side.hasKept { $0.isCall("Call") } ? RawDescriptor.fail(EDEADLK) : side.nothing()
    }
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

  /// The server, when it has done its work: waits until the peer lets the object go, or is gone itself.
  mutating func awaitRelease(milliseconds: UInt64) {
    let deadline = Clock.monotonicNanoseconds() + milliseconds * 1_000_000
    while !side.peerIsGone, !side.bus.isLost, Clock.monotonicNanoseconds() < deadline {
      if let release = side.next({ $0.isCall("Release") }) {
        _ = end(release)
      } else {
        var request = pollfd(fd: side.bus.descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&request, 1, 20)
      }
    }
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

extension DBus {
  static var explanation: Explanation {
    Explanation(
      "A method call on a private message bus, bare: Call on an object of the peer's, an array of bytes "
        + "there and one back. Each side has a connection to dbus-daemon, kept with sd-bus, and a name on "
        + "the bus; either may call. A call is two messages, the call and its reply, and each is written by "
        + "its sender, read and written by the daemon, and read by its receiver. That is what dde and ole "
        + "are made of, without what they add. Only blocking: a side that spins would take the CPU from the "
        + "daemon that brings it the message.",
      producer: [
        .startBus,
        .connectToBus(),
        .takeBusName("producer"),
        .awaitBusName(of: "consumer"),
        .watchBusName(),
        .init(
          "sd_bus_message_new_method_call(bus, &m, peer, \"/org/ipcbench/peer\", interface, \"Call\")",
          "The interface is org.ipcbench.Object1, the peer its unique name."),
        .init("sd_bus_message_append_array(m, 'y', message, length)", "The first of six copies."),
        .init(
          "sd_bus_send(bus, m, &cookie); sd_bus_flush(bus)",
          "Sends; the cookie will tell the reply from others."),
        .init(
          "poll(fd, POLLIN, 20 ms); sd_bus_process(bus, &reply)",
          "Sleeps until the reply with this cookie has come; calls that come meanwhile wait for their turn."),
        .init(
          "sd_bus_message_read_array(reply, 'y', &bytes, &length); memcpy",
          "Takes the answer out of it; an error reply is an error."),
        .closeBus(),
        .stopBus,
      ],
      consumer: [
        .connectToBus(),
        .takeBusName("consumer"),
        .awaitBusName(of: "producer"),
        .watchBusName(),
        .init(
          "poll(fd, POLLIN, 20 ms); sd_bus_process(bus, &call)",
          "Receives: sleeps until there is a Call on its object; one on another object is refused, "
            + "NoSuchObject."),
        .init(
          "sd_bus_message_read_array(call, 'y', &bytes, &length); memcpy",
          "Takes the message out of it: the last copy."),
        .init(
          "sd_bus_message_new_method_return(call, &reply); append_array",
          "The answer: in a round trip the echo, else an empty array."),
        .init("sd_bus_send(bus, reply, NULL); sd_bus_flush(bus)", "Answers; the bus knows the caller."),
        .closeBus(),
      ],
      limits: [
        "A message has at most 16 MiB here; the D-Bus specification allows arrays of 64 MiB and messages of "
          + "128 MiB. A bus of the system's own may set lower limits (dbus-daemon(1)).",
        "Each payload byte is copied six times, two of them by the daemon, whose CPU time is in no figure "
          + "here.",
        "The daemon has one thread: all conversations of a bus take turns in it.",
        "A side that waits for an answer serves nothing: two calls at once wait for each other until the "
          + "stall limit.",
        "The bus is private and admits its own user only; who is in may call any object.",
      ],
      useWhen:
        "Services of a desktop or a system call each other now and then: names, activation, access rules and "
        + "types come with the bus.",
      avoidWhen:
        "Calls are many or large: unix-seqpacket between the same two processes needs half the wake-ups and "
        + "a third of the copies, and a memfd that goes over the bus as a descriptor none for its contents.")
  }
}
