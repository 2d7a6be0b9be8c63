import Glibc
import IPCTransport
import LinuxIPC
import Services
import SystemPackage

/// What one side of a mapped view tells the other.
public enum ViewNotice: Sendable {
  /// With the length of what is in the view.
  case dataReady
  case acknowledged
}

/// How a side of a mapped view notifies the other, which it has found by its process's name.
public protocol ViewNotifier: ~Copyable, SendableMetatype {
  associatedtype Wait: WaitStrategy

  /// Finds the peer, and returns when both have found each other.
  init(_ attachment: MappedFileNotify.Attachment) throws(TransportError)

  /// The time of the look that found the peer.
  var lookUpNanoseconds: UInt64? { get }
  /// To poll before the next attempt; −1 where `take` itself sleeps.
  var descriptor: Int32 { get }

  /// 0, or −1 when the peer is gone.
  mutating func post(_ notice: ViewNotice, _ value: UInt32) -> Int
  /// The value of a notice that has come, or −1 with errno.
  mutating func take(_ notice: ViewNotice) -> Int
  /// Tells the peer that no more will come.
  mutating func close()
}

/// Queued real-time signals (sigqueue(3)), which need nothing but the peer's pid.
public struct SignalNotifier<Wait: WaitStrategy>: ViewNotifier, ~Copyable {
  private let peer: Int32
  private let dataReady: RealTimeSignal
  private let acknowledged: RealTimeSignal
  private let peerWatch: FileDescriptor
  private var looks = 0
  public let lookUpNanoseconds: UInt64?
  public var descriptor: Int32 { -1 }

  /// "I am ready" and "I will send nothing more", as lengths that no message has.
  private static var hello: UInt64 { 1 << 32 }
  private static var goodbye: UInt64 { 1 << 33 }

  public init(_ attachment: MappedFileNotify.Attachment) throws(TransportError) {
    let (dataReady, acknowledged) = (RealTimeSignal(5), RealTimeSignal(6))
    try explaining("block the notification's signals") { () throws(SystemError) in
      for signal in [dataReady, acknowledged] { try signal.block() }
    }
    // Only now may anybody find this process.
    ProcessName.set(attachment.names.own)
    let (pid, took) = try Self.find(attachment.names.peer)
    let peerWatch = try explaining("watch the peer") { () throws(SystemError) in try Child.descriptor(of: pid)
    }
    _ = dataReady.queue(Self.hello, to: pid)
    var value: UInt64 = 0
    guard dataReady.take(&value, nanoseconds: 5_000_000_000) == 0, value == Self.hello else {
      throw TransportError(.system, "The process '\(attachment.names.peer)' did not answer within 5 s.")
    }
    (peer, lookUpNanoseconds, self.peerWatch) = (pid, took, peerWatch)
    (self.dataReady, self.acknowledged) = (dataReady, acknowledged)
    if Wait.sleeps { Heartbeat.start() }
  }

  /// Looks for the peer until it is there.
  private static func find(_ name: String) throws(TransportError) -> (Int32, UInt64) {
    let executable = Program.ownPath
    let deadline = Clock.monotonicNanoseconds() + 5_000_000_000
    while true {
      let began = Clock.monotonicNanoseconds()
      if let pid = ProcessName.find(name, executable: executable).first {
        return (pid, Clock.monotonicNanoseconds() - began)
      }
      guard Clock.monotonicNanoseconds() < deadline else {
        throw TransportError(
          .unavailable, "No process named '\(name)' runs \(executable); start the other side.")
      }
      usleep(1000)
    }
  }

  public mutating func post(_ notice: ViewNotice, _ value: UInt32) -> Int {
    Int((notice == .dataReady ? dataReady : acknowledged).queue(UInt64(value), to: peer))
  }

  public mutating func take(_ notice: ViewNotice) -> Int {
    let signal = notice == .dataReady ? dataReady : acknowledged
    var value: UInt64 = 0
    looks &+= 1
    if signal.take(&value, nanoseconds: Wait.sleeps ? .max : 0) != 0 {
      guard Wait.sleeps || looks & 1023 == 0 else { return -1 }
      var request = pollfd(fd: peerWatch.rawValue, events: Int16(POLLIN), revents: 0)
      if poll(&request, 1, 0) <= 0 { return RawDescriptor.fail(Wait.sleeps ? EINTR : EAGAIN) }
      // What a dead peer had sent is in the queue; one more look finds it.
      if signal.take(&value, nanoseconds: 0) != 0 { return RawDescriptor.fail(EPIPE) }
    }
    // What no peer sends may come from anybody who may send this process a signal.
    return value >= Self.goodbye ? RawDescriptor.fail(value == Self.goodbye ? EPIPE : EBADMSG) : Int(value)
  }

  public mutating func close() {
    Heartbeat.stop()
    _ = dataReady.queue(Self.goodbye, to: peer)
    peerWatch.closeQuietly()
  }
}

/// Messages to the peer's window, as the example's SendMessage: found through the property in which each window
/// names its process.
public struct WindowNotifier<Wait: WaitStrategy>: ViewNotifier, ~Copyable {
  private var side: XSide
  private let type: UInt32
  public var lookUpNanoseconds: UInt64? { side.lookUpNanoseconds }
  public var descriptor: Int32 { side.x.descriptor }

  /// The numbers of the messages: WM_USER and those above it are a program's own.
  private enum Number {
    static var user: UInt32 { 0x0400 }
    static var hello: UInt32 { user + 100 }
    static var dataReady: UInt32 { user + 101 }
    static var acknowledged: UInt32 { user + 102 }

    static func of(_ notice: ViewNotice) -> UInt32 {
      switch notice {
      case .dataReady: dataReady
      case .acknowledged: acknowledged
      }
    }
  }

  public init(_ attachment: MappedFileNotify.Attachment) throws(TransportError) {
    guard let server = attachment.server else {
      throw TransportError(.unsupported, "The channel's address names no X server.")
    }
    var side = try XSide(server)
    let (type, window) = (side.x.atom("_IPCBENCH_WINDOW_MESSAGE"), side.window)
    try side.meet(ownName: attachment.names.own, peerName: attachment.names.peer) {
      XMessage(window: $0, type: type, words: (window, Number.hello, 0, 0, 0))
    }
    (self.side, self.type) = (side, type)
  }

  public mutating func post(_ notice: ViewNotice, _ value: UInt32) -> Int {
    side.x.send(
      XMessage(window: side.peer, type: type, words: (side.window, Number.of(notice), 0, value, 0)))
    side.x.flush()
    return 0
  }

  public mutating func take(_ notice: ViewNotice) -> Int {
    while let event = side.next() {
      // A window's messages may come from anybody; a stranger's are passed over.
      guard case .message(let message) = event, message.type == type, message.format == 32,
        message.words.0 == side.peer, message.words.1 == Number.of(notice)
      else { continue }
      return Int(message.words.3)
    }
    return side.nothing()
  }

  public mutating func close() { side.close() }
}
