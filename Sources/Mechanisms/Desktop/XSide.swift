import Glibc
import IPCTransport
import LinuxIPC
import Services

/// One worker's window on the run's X server, and the peer's. The server tells each of the other's end, after
/// everything that the other had sent.
struct XSide {
  let x: XConnection
  let window: UInt32
  private(set) var peer: UInt32 = 0
  private(set) var peerIsGone = false
  /// The server's latest time that was seen in an event: what requests have to carry (ICCCM 2.1).
  private(set) var time: UInt32 = 0
  /// How long the look took that found the peer's window by its process name.
  private(set) var lookUpNanoseconds: UInt64?

  /// A window that nobody knows yet.
  init(_ address: XAddress) throws(TransportError) {
    x = try XConnection(address)
    window = x.createWindow(interest: XConnection.Interest.property)
    time = try awaitTime()
  }

  /// The server's time, from the event of an empty addition to a property.
  private func awaitTime() throws(TransportError) -> UInt32 {
    let property = x.atom("_IPCBENCH_TIME")
    x.change(.append, property, of: window, type: XAtom.integer, UnsafeRawBufferPointer(start: nil, count: 0))
    x.flush()
    while let event = x.awaitEvent(milliseconds: 5000) {
      if case .propertyChanged(window, property, let time, _) = event { return time }
    }
    throw Self.silence
  }

  private static var silence: TransportError {
    TransportError(.unavailable, "The X server does not answer; it may have ended.")
  }

  /// The next event, with what it says about time and the peer noted; nil when there is none.
  mutating func next() -> XEvent? {
    guard let event = x.nextEvent() else { return nil }
    note(event)
    return event
  }

  mutating func note(_ event: XEvent) {
    switch event {
    case .propertyChanged(_, _, let time, _), .selectionOwned(_, _, let time): advance(to: time)
    case .windowDestroyed(peer): peerIsGone = true
    default: break
    }
  }

  /// Time is in milliseconds and wraps round after 49 days.
  private mutating func advance(to time: UInt32) {
    if Int32(bitPattern: time &- self.time) > 0 { self.time = time }
  }

  /// What a port returns when there is nothing: −1, with the reason as errno.
  func nothing() -> Int { RawDescriptor.fail(x.isLost ? ESHUTDOWN : peerIsGone ? EPIPE : EAGAIN) }

  func close() {
    x.destroyWindow(window)
    x.synchronise()
    x.disconnect()
  }

  // MARK: Finding the peer

  /// Both sides own a selection by which the other one finds its window, as window managers do (ICCCM 4.3).
  /// To be called when this side is ready for messages.
  ///
  /// - Parameter interest: what else than its end is to be told of the peer's window.
  mutating func meet(_ name: String, _ role: Role, interest: UInt32) throws(TransportError) {
    func selection(_ role: Role) -> UInt32 { x.atom("_IPCBENCH_\(name)_\(role.rawValue)") }
    let theirs = selection(role.peer)
    x.setOwner(window, of: selection(role), time: time)
    try awaitWindow("the \(role.peer.rawValue)'s window") { [x] in x.owner(of: theirs) }
    watchPeer(interest)
    if x.owner(of: theirs) != peer { peerIsGone = true }
  }

  /// The peer's window is found by its process's name, as the source's example does. To be called when this side
  /// is ready for messages.
  ///
  /// - Parameter hello: what each side tells the other when it has found it.
  mutating func meet(
    ownName: String, peerName: String, hello: (_ to: UInt32) -> XMessage
  ) throws(TransportError) {
    let pidProperty = x.atom("_NET_WM_PID")
    x.change(pidProperty, of: window, type: XAtom.cardinal, words: [UInt32(getpid())])
    x.synchronise()
    // Only now may anybody find this process.
    ProcessName.set(ownName)
    let executable = Program.ownPath
    var took: UInt64 = 0
    try awaitWindow("a window of the process '\(peerName)'") { [x] in
      let began = Clock.monotonicNanoseconds()
      defer { took = Clock.monotonicNanoseconds() - began }
      return Self.window(ofProcess: peerName, executable, x, pidProperty) ?? 0
    }
    lookUpNanoseconds = took
    watchPeer(0)
    x.send(hello(peer))
    x.flush()
    let expected = hello(window)
    while let event = x.awaitEvent(milliseconds: 5000) {
      note(event)
      if case .message(let message) = event, message.type == expected.type, message.words.0 == peer { return }
      if peerIsGone { break }
    }
    throw TransportError(.system, "The process '\(peerName)' did not answer within 5 s.")
  }

  private static func window(
    ofProcess name: String, _ executable: String, _ x: XConnection, _ pidProperty: UInt32
  ) -> UInt32? {
    x.children(of: x.root).first { window in
      guard let pid = x.words(of: pidProperty, of: window).first.flatMap({ Int32(exactly: $0) }) else {
        return false
      }
      return ProcessName.isRunning(name, executable: executable, as: pid)
    }
  }

  private mutating func awaitWindow(
    _ what: String, _ look: () -> UInt32
  ) throws(TransportError) {
    let deadline = Clock.monotonicNanoseconds() + 5_000_000_000
    while true {
      peer = look()
      if peer != 0 { return }
      if x.isLost { throw Self.silence }
      guard Clock.monotonicNanoseconds() < deadline else {
        throw TransportError(.unavailable, "There is no \(what); start the other side.")
      }
      usleep(500)
    }
  }

  private func watchPeer(_ interest: UInt32) {
    x.watch(peer, interest: XConnection.Interest.structure | interest)
    x.synchronise()
  }
}

/// Mechanisms whose sides meet on the run's X server: the address of a channel is the server's, and a name.
enum XMeeting {
  /// What both sides are told: `:3 cookie file`, after a name of the channel's own.
  static func address(_ spec: ChannelSpec) throws(TransportError) -> String {
    let server = try spec.service(XServer.self)
    return "\(spec.scope.pid)_\(spec.scope.startTime)_\(spec.serial) \(server.address.text)"
  }

  static func find(_ address: String) throws(TransportError) -> (name: String, server: XAddress) {
    let parts = address.split(separator: " ", maxSplits: 1).map(String.init)
    guard parts.count == 2, let server = XAddress(parts[1]) else {
      throw TransportError(.unsupported, "'\(address)' is not a name and an X server.")
    }
    return (parts[0], server)
  }

  /// What has to be installed.
  static func probe() throws(TransportError) {
    try XConnection.probe()
    try XServer.probe()
  }
}
