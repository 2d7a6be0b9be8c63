import Glibc
import IPCTransport
import LinuxIPC
import Services

/// Cold starts. The producer asks for an object of a server that does not run: the bus starts the program, which
/// makes the object, and ends when it is let go. The consumer hears from the bus that the server is there, and says
/// so; a round trip is one start.
public struct ActivationPort<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private var side: BusSide
  private let isProducer: Bool
  private let startingNames: String
  private let names: [UnsafePointer<CChar>]
  private let path = UnsafePointer<CChar>(strdup(ObjectTable.serverPath)!)
  private var next = 0
  private var pending: UInt64?
  public var input: Int32 { side.bus.descriptor }
  public var output: Int32 { side.bus.descriptor }
  public static var outputEvent: Int16 { Int16(POLLIN) }

  public init(_ address: OLE.Address, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    var side = try BusSide(address.bus)
    if role == .consumer {
      try side.bus.match(
        "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
          + "arg0namespace='\(address.startingNames)'")
    }
    try side.meet(address.name, role)
    isProducer = role == .producer
    startingNames = address.startingNames
    names = (0..<OLE.startingNameCount).map { UnsafePointer(strdup(address.starting($0))!) }
    self.side = side
  }

  /// The producer starts a server and lets its object go; the consumer says that it has seen one.
  @inline(never)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    guard isProducer else {
      guard let signal = side.bus.newSignal(path, ObjectTable.interface, "Seen") else {
        return side.nothing()
      }
      return side.bus.send(signal)
    }
    if pending == nil {
      if side.peerIsGone { return side.nothing() }
      guard let call = side.bus.newCall(names[next], path, ObjectTable.interface, "Create") else {
        return side.nothing()
      }
      pending = side.bus.sendCall(call)
    }
    guard let cookie = pending else { return -1 }
    guard let reply = side.next({ $0.answers(cookie) }) else {
      // The server answers, or the bus says why not, also when the consumer has seen enough and gone.
      return RawDescriptor.fail(side.bus.isLost ? ESHUTDOWN : EAGAIN)
    }
    pending = nil
    guard reply.kind == .reply, let handle = reply.readPath() else {
      return RawDescriptor.fail(side.bus.isLost ? ESHUTDOWN : ENOEXEC)
    }
    if let call = side.bus.newCall(names[next], handle, ObjectTable.interface, "Release") {
      side.bus.send(call)
    }
    next = (next + 1) % names.count
    return 0
  }

  @inline(never)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    if isProducer { return side.next({ $0.isSignal("Seen") }) == nil ? side.nothing() : 0 }
    while let signal = side.next({ $0.isSignal("NameOwnerChanged") }) {
      guard let name = signal.readText(), name.hasPrefix(startingNames) else { continue }
      signal.skipText()
      // The end of a server is no news.
      if signal.readText() != "" { return 0 }
    }
    return side.nothing()
  }

  public mutating func close() { side.close() }
}
