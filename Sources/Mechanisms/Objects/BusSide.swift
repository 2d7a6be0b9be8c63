import Glibc
import IPCTransport
import LinuxIPC
import Services

/// One worker's connection to the run's message bus, and the peer's name on it. The bus tells each of the other's
/// end, after everything that the other had sent.
struct BusSide: ~Copyable {
  let bus: BusConnection
  /// The peer's unique name; the bus vouches for it in every message.
  private(set) var peer = ""
  private(set) var peerName = UnsafePointer<CChar>(strdup("")!)
  private(set) var peerIsGone = false
  /// What came while something else was waited for, in its order.
  private var backlog: [OpaquePointer] = []

  init(_ address: String) throws(TransportError) {
    bus = try BusConnection(address)
    // The pointers are the worker's for its whole life.
  }

  /// Each side takes a name of the channel's, and waits until the peer has the other one. To be called when this side
  /// is ready for messages.
  mutating func meet(_ name: String, _ role: Role) throws(TransportError) {
    try bus.own("\(name).\(role.rawValue)")
    try know(try bus.awaitOwner(of: "\(name).\(role.peer.rawValue)"))
  }

  /// Who the peer is; signals of the bus's about its end, and the peer's own, are delivered from now on.
  mutating func know(_ uniqueName: String) throws(TransportError) {
    peer = uniqueName
    peerName = UnsafePointer(strdup(uniqueName)!)
    try bus.match(
      "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
        + "member='NameOwnerChanged',arg0='\(uniqueName)'")
    try bus.match("type='signal',sender='\(uniqueName)'")
    if bus.owner(of: uniqueName) == nil { peerIsGone = true }
  }

  /// The next message that is wanted; others wait for their turn. Nil when there is none.
  mutating func next(_ isWanted: (borrowing BusMessage) -> Bool) -> BusMessage? {
    if !backlog.isEmpty, let kept = takeKept(isWanted) { return kept }
    while let message = bus.next() {
      if noteEnd(message) || refuseStranger(message) { continue }
      if isWanted(message) { return message }
      keep(message)
    }
    return nil
  }

  /// For later: it is not what is waited for.
  mutating func keep(_ message: consuming BusMessage) { backlog.append(message.intoRaw()) }

  private mutating func takeKept(_ isWanted: (borrowing BusMessage) -> Bool) -> BusMessage? {
    for index in backlog.indices {
      let message = bus.adopt(backlog[index])
      if isWanted(message) {
        backlog.remove(at: index)
        return message
      }
      backlog[index] = message.intoRaw()
    }
    return nil
  }

  /// Whether it is the bus's word that the peer's connection has ended, or the peer's own that it will.
  private mutating func noteEnd(_ message: borrowing BusMessage) -> Bool {
    guard message.isSignal("NameOwnerChanged") else { return false }
    guard message.readText() == peer else {
      message.rewind()
      return false
    }
    message.skipText()
    if message.readText() == "" { peerIsGone = true }
    return true
  }

  /// The peer has said itself that nothing more will come.
  mutating func peerHasLeft() { peerIsGone = true }

  /// Whether it is a call of somebody else's than the peer's, who was told.
  private func refuseStranger(_ message: borrowing BusMessage) -> Bool {
    guard message.kind == .call, !message.isFrom(peerName) else { return false }
    bus.refuse(message, "org.freedesktop.DBus.Error.AccessDenied", "This object is another connection's.")
    return true
  }

  /// Whether a message that is not waited for has come.
  func hasKept(_ isWanted: (borrowing BusMessage) -> Bool) -> Bool {
    backlog.contains { raw in
      let message = bus.adopt(raw)
      let isFound = isWanted(message)
      _ = message.intoRaw()
      return isFound
    }
  }

  /// What a port returns when there is nothing: −1, with the reason as errno.
  func nothing() -> Int { RawDescriptor.fail(bus.isLost ? ESHUTDOWN : peerIsGone ? EPIPE : EAGAIN) }

  /// What an error reply means: −1, with the reason as errno.
  func failure(_ error: borrowing BusMessage) -> Int {
    if bus.isLost { return RawDescriptor.fail(ESHUTDOWN) }
    let name = error.error.name
    let isGone = ["NoReply", "NameHasNoOwner", "ServiceUnknown", "Disconnected"].contains {
      name.hasSuffix($0)
    }
    return RawDescriptor.fail(isGone ? EPIPE : ENODATA)
  }

  mutating func close() {
    for message in backlog { _ = bus.adopt(message) }
    backlog = []
    bus.close()
  }
}

/// Mechanisms whose sides meet on the run's message bus: the address of a channel is the bus's, after a name.
enum BusMeeting {
  static func address(_ spec: ChannelSpec) throws(TransportError) -> String {
    "\(name(spec)) \(try spec.service(MessageBus.self).address)"
  }

  /// Unique to the channel. Elements of a bus name do not begin with a digit.
  static func name(_ spec: ChannelSpec) -> String {
    "org.ipcbench.r\(spec.scope.pid)_\(spec.scope.startTime).c\(spec.serial)"
  }

  static func find(_ address: String) throws(TransportError) -> (name: String, bus: String) {
    let parts = address.split(separator: " ", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw TransportError(.unsupported, "'\(address)' is not a name and a message bus.")
    }
    return (parts[0], parts[1])
  }

  /// What has to be installed.
  static func probe() throws(TransportError) {
    try BusConnection.probe()
    try MessageBus.probe()
  }

  /// The largest array of the D-Bus specification is 64 MiB; a quarter of it leaves room in every queue.
  static var largestMessage: Int { 16 << 20 }
}
