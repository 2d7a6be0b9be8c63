import Glibc
import IPCTransport
import LinuxIPC
import Services

/// WM_COPYDATA between windows: the data in a property of the receiver's window, a message that they are there,
/// and another one back with the handler's result.
public enum CopyDataByProperty: ChannelProvider {
  /// It is a variant of another mechanism's.
  public static var mechanism: Mechanism { CopyData.mechanism }

  public static func probe(_ spec: ChannelSpec) throws(TransportError) { try XMeeting.probe() }
  public static func open(_ spec: ChannelSpec) throws(TransportError) -> String { try XMeeting.address(spec) }
  public static func close(_ address: String) {}

  public static func attach(
    _ address: String, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) -> String { address }
}

/// The names under which the two processes of a channel are found, of at most 15 bytes (proc_pid_comm(5)).
struct ProcessNames {
  var own: String
  var peer: String

  init(_ spec: ChannelSpec, _ role: Role) {
    func name(_ role: Role) -> String {
      "ipcb\(spec.scope.pid)\(role == .producer ? "p" : "c")\(spec.serial % 1000)"
    }
    (own, peer) = (name(role), name(role.peer))
  }
}

/// Calls as messages between two windows. While a side waits for an answer it serves nothing, so that two calls at
/// once can never be answered: that is reported.
public struct CopyDataPort<Wait: WaitStrategy>: CallPort, ~Copyable {
  @inlinable public static var replyByteCount: Int? { 8 }

  private var side: XSide
  private let data: UInt32
  private let result: UInt32
  private var calls: UInt32 = 0
  private var served: UInt32 = 0
  public var descriptor: Int32 { side.x.descriptor }

  public var facts: TransportFacts {
    var facts = TransportFacts()
    facts.peerLookUpNanoseconds = side.lookUpNanoseconds
    return facts
  }

  public init(_ address: String, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    var side = try XSide(try XMeeting.find(address).server)
    let hello = side.x.atom("_IPCBENCH_HELLO")
    let (names, window) = (ProcessNames(spec, role), side.window)
    try side.meet(ownName: names.own, peerName: names.peer) {
      XMessage(window: $0, type: hello, words: (window, 0, 0, 0, 0))
    }
    data = side.x.atom("_IPCBENCH_COPY_DATA")
    result = side.x.atom("_IPCBENCH_COPY_DATA_RESULT")
    self.side = side
  }

  @inline(never)
  public mutating func begin(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    calls &+= 1
    var start = 0
    repeat {
      let end = min(start + side.x.largestChange, byteCount)
      side.x.change(
        start == 0 ? .replace : .append, data, of: side.peer, type: data,
        UnsafeRawBufferPointer(start: message + start, count: end - start))
      start = end
    } while start < byteCount
    side.x.send(
      XMessage(window: side.peer, type: data, words: (side.window, calls, UInt32(byteCount), 0, 0)))
    side.x.flush()
    return 0
  }

  @inline(never)
  public mutating func result(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    while let event = side.next() {
      guard case .message(let message) = event, isFromPeer(message) else { continue }
      if message.type == data { return RawDescriptor.fail(EDEADLK) }
      guard message.type == result, message.words.1 == calls else { continue }
      buffer.storeBytes(of: message.words.2, as: UInt32.self)
      buffer.storeBytes(of: message.words.3, toByteOffset: 4, as: UInt32.self)
      return 8
    }
    return side.nothing()
  }

  /// A window's messages may come from anybody; a stranger's are passed over.
  private func isFromPeer(_ message: XMessage) -> Bool {
    message.format == 32 && message.window == side.window && message.words.0 == side.peer
  }

  @inline(never)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    while let event = side.next() {
      guard case .message(let message) = event, isFromPeer(message), message.type == data else { continue }
      served = message.words.1
      let taken = side.x.withProperty(data, of: side.window, delete: true) { type, bytes in
        guard type == data, bytes.count == Int(message.words.2) else { return RawDescriptor.fail(EBADMSG) }
        if let start = bytes.baseAddress { memcpy(buffer, start, min(bytes.count, capacity)) }
        return bytes.count
      }
      return taken ?? side.nothing()
    }
    return side.nothing()
  }

  @inline(never)
  public mutating func answer(_ reply: UnsafeRawPointer, _ byteCount: Int) -> Int {
    var words: (UInt32, UInt32) = (0, 0)
    _ = withUnsafeMutableBytes(of: &words) { memcpy($0.baseAddress!, reply, min(byteCount, 8)) }
    side.x.send(
      XMessage(window: side.peer, type: result, words: (side.window, served, words.0, words.1, 0)))
    side.x.flush()
    return 0
  }

  public mutating func close() { side.close() }
}
