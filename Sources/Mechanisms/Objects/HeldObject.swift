import Glibc
import IPCTransport
import LinuxIPC
import Services

/// An object, seen by the client that holds it or by the server that the bus started for it.
struct HeldObject: ~Copyable {
  var calls: BusCalls
  private let isClient: Bool
  private let handle: String
  /// From asking for it to having it; nil on the server's side.
  let activationNanoseconds: UInt64?

  init(_ address: OLE.Address, _ role: Role) throws(TransportError) {
    var side = try BusSide(address.bus)
    let (isClient, began) = (role == .producer, Clock.monotonicNanoseconds())
    let handle = try isClient ? Self.ask(&side, address) : Self.give(&side, address)
    activationNanoseconds = isClient ? Clock.monotonicNanoseconds() - began : nil
    (self.isClient, self.handle) = (isClient, handle)
    calls = BusCalls(side, path: handle)
  }

  /// The client: asks for an object of a server that does not run yet.
  private static func ask(
    _ side: inout BusSide, _ address: OLE.Address
  ) throws(TransportError) -> String {
    let reply = try side.bus.call(
      address.server, ObjectTable.serverPath, ObjectTable.interface, "Create")
    guard let handle = reply.readPath() else {
      throw TransportError(.system, "The object server's answer names no object.")
    }
    try side.know(reply.sender)
    return handle
  }

  /// The server: waits for the client that it was started for, and makes an object for it.
  private static func give(
    _ side: inout BusSide, _ address: OLE.Address
  ) throws(TransportError) -> String {
    var table = ObjectTable()
    try side.bus.own(address.server)
    while let call = side.bus.awaitNext(milliseconds: 5000) {
      guard call.isCall("Create") else { continue }
      let handle = table.create(for: call.sender)
      try side.know(call.sender)
      if let reply = side.bus.newReply(to: call) {
        reply.append(path: handle)
        side.bus.send(reply)
      }
      return handle
    }
    throw TransportError(.system, "Nobody asked the object server for an object within 5 s.")
  }

  /// The client lets the object go, which ends the server.
  mutating func close() {
    if isClient, !calls.side.peerIsGone {
      _ = try? calls.side.bus.call(calls.side.peer, handle, ObjectTable.interface, "Release", seconds: 2)
    }
    if !isClient { calls.awaitRelease(milliseconds: 2000) }
    calls.side.close()
  }
}

/// `Call` on an object, bytes in and bytes out. The server can call its client too, on the object's path there.
public struct ObjectCallPort<Wait: WaitStrategy>: CallPort, ~Copyable {
  private var object: HeldObject
  public var descriptor: Int32 { object.calls.side.bus.descriptor }

  public var facts: TransportFacts {
    var facts = TransportFacts()
    facts.activationNanoseconds = object.activationNanoseconds
    return facts
  }

  public init(_ address: OLE.Address, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    object = try HeldObject(address, role)
  }

  @inline(never)
  public mutating func begin(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    object.calls.begin(message, byteCount)
  }

  @inline(never)
  public mutating func result(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    object.calls.result(buffer, capacity)
  }

  @inline(never)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    object.calls.take(buffer, capacity)
  }

  @inline(never)
  public mutating func answer(_ reply: UnsafeRawPointer, _ byteCount: Int) -> Int {
    object.calls.answer(reply, byteCount)
  }

  public mutating func close() { object.close() }
}
