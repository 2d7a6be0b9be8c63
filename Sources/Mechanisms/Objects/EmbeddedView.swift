import Glibc
import IPCTransport
import LinuxIPC
import Services

/// A window of the server's inside one of the container's (XEMBED), and what is painted in it: three bytes of contents
/// in each pixel.
public enum EmbeddedView {
  public static var width: Int { 256 }
  public static var height: Int { 86 }
  public static var largestMessage: Int { 64 << 10 }

  /// Whole lines that hold so many bytes.
  public static func lineCount(for byteCount: Int) -> Int {
    min(max((byteCount + 3 * width - 1) / (3 * width), 1), height)
  }

  /// Pixels of four bytes, of which the last is not shown; those after the contents are black.
  public static func encode(_ bytes: UnsafeRawBufferPointer, in pixels: UnsafeMutableRawBufferPointer) {
    var offset = 0
    for start in stride(from: 0, to: pixels.count, by: 4) {
      for color in 0..<3 {
        pixels[start + color] = offset < bytes.count ? bytes[offset] : 0
        offset += 1
      }
      pixels[start + 3] = 0
    }
  }

  public static func decode(
    _ pixels: UnsafeRawBufferPointer, _ byteCount: Int, in buffer: UnsafeMutableRawPointer
  ) {
    for offset in 0..<byteCount {
      buffer.storeBytes(of: pixels[offset / 3 * 4 + offset % 3], toByteOffset: offset, as: UInt8.self)
    }
  }

  /// The interface of an object that can be shown.
  static var interface: StaticString { "org.ipcbench.View1" }
  /// XEMBED's first message to the embedded window (freedesktop.org, XEmbed Protocol Specification).
  static var embeddedNotify: UInt32 { 0 }
}

/// The container's window and the server's in it.
public struct EmbeddedWindow {
  public let x: XConnection
  public let window: UInt32
  private let protocolAtom: UInt32
  private let infoAtom: UInt32

  /// - Parameter isContainer: whether it is the outer window, which is shown at once.
  public init(_ address: XAddress, isContainer: Bool) throws(TransportError) {
    x = try XConnection(address)
    protocolAtom = x.atom("_XEMBED")
    infoAtom = x.atom("_XEMBED_INFO")
    window = x.createWindow(
      width: UInt16(EmbeddedView.width), height: UInt16(EmbeddedView.height),
      interest: XConnection.Interest.structure | XConnection.Interest.exposure
        | (isContainer ? XConnection.Interest.substructure : 0))
    if isContainer {
      x.show(window)
    } else {
      // Version 0, and: show me when I am embedded.
      x.change(infoAtom, of: window, type: infoAtom, words: [0, 1])
    }
    x.synchronise()
  }

  /// The container: takes the window in, as long as it says what XEMBED wants it to.
  public func embed(_ view: UInt32) throws(TransportError) {
    guard x.words(of: infoAtom, of: view).count == 2 else {
      throw TransportError(.system, "The server's window does not know XEMBED.")
    }
    x.move(view, into: window)
    x.show(view)
    x.send(
      XMessage(
        window: view, type: protocolAtom, words: (0, EmbeddedView.embeddedNotify, 0, window, 0)))
    x.synchronise()
  }

  /// The server: waits until it is told that it is embedded.
  public func awaitEmbedding() throws(TransportError) {
    while let event = x.awaitEvent(milliseconds: 5000) {
      if case .message(let message) = event, message.type == protocolAtom,
        message.words.1 == EmbeddedView.embeddedNotify
      {
        return
      }
    }
    throw TransportError(.system, "The container did not embed the view within 5 s.")
  }

  /// Windows in the container's: none when the server has ended.
  public var views: [UInt32] { x.children(of: window) }

  public func close() {
    x.destroyWindow(window)
    x.synchronise()
    x.disconnect()
  }
}

/// Contents go to the object over the bus; what the object paints comes back as the pixels that the container sees.
public struct EmbedPort<Wait: WaitStrategy>: MessagePort, ~Copyable {
  private var object: HeldObject
  private let view: EmbeddedWindow
  private let context: UInt32
  private let isContainer: Bool
  private let pixels: UnsafeMutableRawBufferPointer
  private let path: UnsafePointer<CChar>
  private var pending: UInt64?
  private var firstPaintNanoseconds: UInt64?
  public var input: Int32 { object.calls.side.bus.descriptor }
  public var output: Int32 { object.calls.side.bus.descriptor }
  public static var outputEvent: Int16 { Int16(POLLIN) }

  public var facts: TransportFacts {
    var facts = TransportFacts()
    facts.activationNanoseconds = object.activationNanoseconds
    facts.firstPaintNanoseconds = firstPaintNanoseconds
    return facts
  }

  public init(_ address: OLE.Address, as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    guard let display = address.display else {
      throw TransportError(.unsupported, "The channel's address names no X server.")
    }
    let (isContainer, began) = (role == .producer, Clock.monotonicNanoseconds())
    var object = try HeldObject(address, role)
    let view = try EmbeddedWindow(display, isContainer: isContainer)
    let context = view.x.createContext(for: view.window)
    let pixels = UnsafeMutableRawBufferPointer.allocate(
      byteCount: EmbeddedView.width * EmbeddedView.height * 4, alignment: 64)
    if isContainer {
      try Self.contain(&object, view)
      try Self.awaitFirstPixel(view)
      firstPaintNanoseconds = Clock.monotonicNanoseconds() - began
    } else {
      try Self.appear(&object, view)
      let white = [UInt8](repeating: 0xFF, count: 3 * EmbeddedView.width)
      white.withUnsafeBytes { Self.paint($0, view, context, pixels) }
    }
    (self.isContainer, self.view, self.context, self.pixels) = (isContainer, view, context, pixels)
    path = UnsafePointer(strdup(ObjectTable.serverPath)!)
    self.object = object
  }

  // MARK: Embedding

  /// The container: asks the server for its window, and takes it in.
  private static func contain(
    _ object: inout HeldObject, _ view: EmbeddedWindow
  ) throws(TransportError) {
    let side = object.calls.side.bus
    let reply = try side.call(
      object.calls.side.peer, ObjectTable.serverPath, EmbeddedView.interface, "Show")
    guard let window = reply.readNumber() else {
      throw TransportError(.system, "The object server's answer names no window.")
    }
    try view.embed(window)
  }

  /// The server: gives its window away, and waits until it is in its place.
  private static func appear(_ object: inout HeldObject, _ view: EmbeddedWindow) throws(TransportError) {
    while let call = object.calls.side.bus.awaitNext(milliseconds: 5000) {
      guard call.isCall("Show") else {
        object.calls.side.keep(call)
        continue
      }
      if let reply = object.calls.side.bus.newReply(to: call) {
        reply.append(number: view.window)
        object.calls.side.bus.send(reply)
      }
      return try view.awaitEmbedding()
    }
    throw TransportError(.system, "The container did not ask for the view within 5 s.")
  }

  /// The container sees black until the server has painted.
  private static func awaitFirstPixel(_ view: EmbeddedWindow) throws(TransportError) {
    let deadline = Clock.monotonicNanoseconds() + 5_000_000_000
    while Clock.monotonicNanoseconds() < deadline {
      let isPainted =
        view.x.withPixels(of: view.window, width: 1, height: 1) { $0.prefix(3).contains { $0 != 0 } } ?? false
      if isPainted { return }
    }
    throw TransportError(.system, "The embedded view was not painted within 5 s.")
  }

  private static func paint(
    _ contents: UnsafeRawBufferPointer, _ view: EmbeddedWindow, _ context: UInt32,
    _ pixels: UnsafeMutableRawBufferPointer
  ) {
    let lines = EmbeddedView.lineCount(for: contents.count)
    let area = UnsafeMutableRawBufferPointer(rebasing: pixels[..<(lines * EmbeddedView.width * 4)])
    EmbeddedView.encode(contents, in: area)
    view.x.paint(
      view.window, context, width: EmbeddedView.width, height: lines, UnsafeRawBufferPointer(area))
    // What is painted can be seen when the server has come so far.
    view.x.synchronise()
  }

  // MARK: Exchanging

  /// The container's contents have arrived when they are acknowledged; the server's when they are painted.
  @inline(never)
  public mutating func put(_ message: UnsafeRawPointer, _ byteCount: Int) -> Int {
    if !isContainer {
      Self.paint(UnsafeRawBufferPointer(start: message, count: byteCount), view, context, pixels)
      guard let signal = object.calls.side.bus.newSignal(path, EmbeddedView.interface, "Painted") else {
        return nothing()
      }
      signal.append(number: UInt32(byteCount))
      return object.calls.side.bus.send(signal) < 0 ? -1 : byteCount
    }
    if pending == nil {
      guard let call = newCall("Edit") else { return nothing() }
      call.append(message, byteCount)
      pending = object.calls.side.bus.sendCall(call)
    }
    guard let cookie = pending else { return -1 }
    guard let reply = object.calls.side.next({ $0.answers(cookie) }) else { return nothing() }
    pending = nil
    return reply.kind == .error ? object.calls.side.failure(reply) : byteCount
  }

  private func newCall(_ member: StaticString) -> BusMessage? {
    object.calls.side.bus.newCall(object.calls.side.peerName, path, EmbeddedView.interface, member)
  }

  @inline(never)
  public mutating func take(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    if !isContainer {
      guard let call = object.calls.side.next({ $0.isCall("Edit") || $0.isCall("Release") }) else {
        return nothing()
      }
      if call.isCall("Release") { return object.calls.end(call) }
      let count = call.copyBytes(to: buffer, capacity)
      guard let reply = object.calls.side.bus.newReply(to: call) else { return nothing() }
      return object.calls.side.bus.send(reply) < 0 ? -1 : count
    }
    guard let signal = object.calls.side.next({ $0.isSignal("Painted") }) else { return nothing() }
    let count = Int(signal.readNumber() ?? 0)
    guard count <= min(capacity, EmbeddedView.largestMessage) else { return count }
    let isSeen: Void? = view.x.withPixels(
      of: view.window, width: EmbeddedView.width, height: EmbeddedView.lineCount(for: count)
    ) { EmbeddedView.decode($0, count, in: buffer) }
    return isSeen == nil ? nothing() : count
  }

  /// As `BusSide.nothing`; events of the view say nothing that the bus does not say, but the X server may have ended.
  private func nothing() -> Int {
    while view.x.nextEvent() != nil {}
    return view.x.isLost ? RawDescriptor.fail(ESHUTDOWN) : object.calls.side.nothing()
  }

  public mutating func close() {
    object.close()
    view.close()
  }
}
