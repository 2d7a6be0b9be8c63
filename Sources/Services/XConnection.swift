import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// A client's connection to an X server. Requests are queued until `flush`, or until a reply is waited for.
///
/// Nothing here throws once it is connected: a lost connection shows in `isLost`, replies are then nil, and
/// there are no more events.
public struct XConnection: @unchecked Sendable {
  private let library: XLibrary
  private let connection: OpaquePointer
  public let root: UInt32
  private let rootVisual: UInt32
  private let rootDepth: UInt8
  private let firstFixesEvent: UInt8
  /// Bytes of the largest property that one request sets.
  public let largestChange: Int

  /// Whether a client can run here.
  public static func probe() throws(TransportError) {
    guard XLibrary.shared == nil else { return }
    let missing = XLibrary.names.first { DynamicLibrary($0.file) == nil } ?? XLibrary.names[0]
    throw .missing(missing.file, package: missing.package)
  }

  /// - Throws: when the libraries are missing, or nobody answers at the address.
  public init(_ address: XAddress) throws(TransportError) {
    try Self.probe()
    guard let library = XLibrary.shared, let connection = Self.connect(library, address),
      library.hasError(connection) == 0, let screen = Self.screen(library.setup(connection))
    else {
      throw TransportError(
        .unavailable, "No X server answers at '\(address.display)', or it does not let this user in.")
    }
    guard let fixes = Self.firstFixesEvent(library, connection) else {
      library.disconnect(connection)
      throw TransportError(.unavailable, "The X server at '\(address.display)' has no XFixes extension.")
    }
    self.library = library
    self.connection = connection
    (root, rootVisual, rootDepth) = screen
    firstFixesEvent = fixes
    // In units of four bytes, the request's own fields included; above 16 MiB nothing is gained.
    largestChange = min(Int(library.maximumRequestLength(connection)) * 4 - 64, 16 << 20)
  }

  private static func connect(_ library: XLibrary, _ address: XAddress) -> OpaquePointer? {
    if address.cookie.isEmpty { return library.connect(address.display, nil) }
    // xcb_auth_info_t: two lengths, each with a pointer.
    return Array(XAuthority.protocolName.utf8).withUnsafeBytes { name in
      address.cookie.withUnsafeBytes { cookie in
        let info = UnsafeMutableRawPointer.allocate(byteCount: 32, alignment: 8)
        defer { info.deallocate() }
        info.storeBytes(of: Int32(name.count), as: Int32.self)
        info.storeBytes(of: name.baseAddress!, toByteOffset: 8, as: UnsafeRawPointer.self)
        info.storeBytes(of: Int32(cookie.count), toByteOffset: 16, as: Int32.self)
        info.storeBytes(of: cookie.baseAddress!, toByteOffset: 24, as: UnsafeRawPointer.self)
        return library.connectWithCookie(address.display, info, nil)
      }
    }
  }

  /// Root, visual and depth of the first screen, behind the vendor's name and the pixmap formats.
  private static func screen(_ setup: UnsafeRawPointer?) -> (UInt32, UInt32, UInt8)? {
    guard let setup else { return nil }
    let vendor = Int(setup.load(fromByteOffset: 24, as: UInt16.self) + 3) / 4 * 4
    let formats = Int(setup.load(fromByteOffset: 29, as: UInt8.self)) * 8
    let screen = setup + 40 + vendor + formats
    return (
      screen.loadUnaligned(as: UInt32.self), screen.loadUnaligned(fromByteOffset: 32, as: UInt32.self),
      screen.load(fromByteOffset: 38, as: UInt8.self)
    )
  }

  private static func firstFixesEvent(_ library: XLibrary, _ connection: OpaquePointer) -> UInt8? {
    guard let data = library.extensionData(connection, library.fixesID.address),
      data.load(fromByteOffset: 8, as: UInt8.self) != 0,
      let version = library.fixesVersionReply(connection, library.fixesVersion(connection, 5, 0), nil)
    else { return nil }
    free(version)
    return data.load(fromByteOffset: 10, as: UInt8.self)
  }

  public func disconnect() { library.disconnect(connection) }

  /// Whether the server has gone, or has thrown this client out.
  public var isLost: Bool { library.hasError(connection) != 0 }
  /// To poll for input.
  public var descriptor: Int32 { library.descriptor(connection) }

  public func flush() { _ = library.flush(connection) }

  /// The next event that has come; nil when there is none.
  public func nextEvent() -> XEvent? {
    guard let bytes = library.pollForEvent(connection) else { return nil }
    defer { free(bytes) }
    return XEvent(bytes, firstFixesEvent: firstFixesEvent)
  }

  /// Waits for an event, off the measured path; nil after the time or when the server is gone.
  public func awaitEvent(milliseconds: Int32) -> XEvent? {
    let deadline = Clock.monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
    while true {
      if let event = nextEvent() { return event }
      let now = Clock.monotonicNanoseconds()
      guard !isLost, now < deadline else { return nil }
      var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&request, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1))
    }
  }

  /// Waits until the server has done everything that was asked for; false when it is gone.
  @discardableResult
  public func synchronise() -> Bool {
    guard let reply = library.inputFocusReply(connection, library.inputFocus(connection), nil) else {
      return false
    }
    free(reply)
    return true
  }

  // MARK: Atoms

  /// 0 when the server is gone.
  public func atom(_ name: String) -> UInt32 {
    let cookie = library.internAtom(connection, 0, UInt16(name.utf8.count), name)
    return word(library.internAtomReply(connection, cookie, nil), at: 8)
  }

  private func word(_ reply: UnsafeMutableRawPointer?, at offset: Int) -> UInt32 {
    guard let reply else { return 0 }
    defer { free(reply) }
    return reply.load(fromByteOffset: offset, as: UInt32.self)
  }

  // MARK: Windows

  /// What a window's owner, or anybody else, is told of it.
  public enum Interest {
    public static var exposure: UInt32 { 1 << 15 }
    public static var structure: UInt32 { 1 << 17 }
    public static var substructure: UInt32 { 1 << 19 }
    public static var property: UInt32 { 1 << 22 }
  }

  /// A window that is not shown yet.
  public func createWindow(
    in parent: UInt32? = nil, width: UInt16 = 1, height: UInt16 = 1, interest: UInt32
  ) -> UInt32 {
    let window = library.generateID(connection)
    // CWEventMask; the depth and visual are the parent's.
    withUnsafeBytes(of: interest) { values in
      _ = library.createWindow(
        connection, 0, window, parent ?? root, 0, 0, width, height, 0, 1, 0, 1 << 11, values.baseAddress)
    }
    return window
  }

  public func destroyWindow(_ window: UInt32) { _ = library.destroyWindow(connection, window) }
  public func show(_ window: UInt32) { _ = library.mapWindow(connection, window) }
  public func move(_ window: UInt32, into parent: UInt32) {
    _ = library.reparentWindow(connection, window, parent, 0, 0)
  }

  /// Asks to be told of what happens to a window, also to somebody else's; replaces what was asked before.
  public func watch(_ window: UInt32, interest: UInt32) {
    withUnsafeBytes(of: interest) {
      _ = library.changeAttributes(connection, window, 1 << 11, $0.baseAddress)
    }
  }

  /// The windows in a window, in no useful order.
  public func children(of window: UInt32) -> [UInt32] {
    guard let reply = library.queryTreeReply(connection, library.queryTree(connection, window), nil) else {
      return []
    }
    defer { free(reply) }
    let count = Int(reply.load(fromByteOffset: 16, as: UInt16.self))
    return (0..<count).map { reply.load(fromByteOffset: 32 + 4 * $0, as: UInt32.self) }
  }

  /// Sends an event that only the client which made the window gets.
  public func send(_ message: XMessage) {
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 4) { event in
      event.storeBytes(of: 33, as: UInt8.self)
      event.storeBytes(of: message.format, toByteOffset: 1, as: UInt8.self)
      event.storeBytes(of: 0, toByteOffset: 2, as: UInt16.self)
      event.storeBytes(of: message.window, toByteOffset: 4, as: UInt32.self)
      event.storeBytes(of: message.type, toByteOffset: 8, as: UInt32.self)
      event.storeBytes(of: message.words.0, toByteOffset: 12, as: UInt32.self)
      event.storeBytes(of: message.words.1, toByteOffset: 16, as: UInt32.self)
      event.storeBytes(of: message.words.2, toByteOffset: 20, as: UInt32.self)
      event.storeBytes(of: message.words.3, toByteOffset: 24, as: UInt32.self)
      event.storeBytes(of: message.words.4, toByteOffset: 28, as: UInt32.self)
      _ = library.sendEvent(connection, 0, message.window, 0, event.baseAddress!)
    }
  }

  // MARK: Properties

  public enum ChangeMode: UInt8 { case replace = 0, prepend = 1, append = 2 }

  /// Sets a property of bytes; at most `largestChange` of them.
  public func change(
    _ mode: ChangeMode, _ property: UInt32, of window: UInt32, type: UInt32,
    _ bytes: UnsafeRawBufferPointer
  ) {
    _ = library.changeProperty(
      connection, mode.rawValue, window, property, type, 8, UInt32(bytes.count), bytes.baseAddress)
  }

  /// Sets a property of words.
  public func change(_ property: UInt32, of window: UInt32, type: UInt32, words: [UInt32]) {
    words.withUnsafeBytes {
      _ = library.changeProperty(
        connection, 0, window, property, type, 32, UInt32(words.count), $0.baseAddress)
    }
  }

  public func delete(_ property: UInt32, of window: UInt32) {
    _ = library.deleteProperty(connection, window, property)
  }

  /// Reads a property as a whole, and deletes it if asked to.
  ///
  /// - Returns: what `body` makes of its type (0 where there is none) and bytes, which are valid only inside it; nil
  ///   when the window or the server is gone.
  public func withProperty<Value>(
    _ property: UInt32, of window: UInt32, delete: Bool = false,
    _ body: (_ type: UInt32, UnsafeRawBufferPointer) -> Value
  ) -> Value? {
    let cookie = library.property(connection, delete ? 1 : 0, window, property, 0, 0, .max >> 2)
    guard let reply = library.propertyReply(connection, cookie, nil) else { return nil }
    defer { free(reply) }
    let format = Int(reply.load(fromByteOffset: 1, as: UInt8.self))
    let count = Int(reply.load(fromByteOffset: 16, as: UInt32.self)) * format / 8
    return body(
      reply.load(fromByteOffset: 8, as: UInt32.self), UnsafeRawBufferPointer(start: reply + 32, count: count))
  }

  /// The words of a property; empty where there are none.
  public func words(of property: UInt32, of window: UInt32) -> [UInt32] {
    withProperty(property, of: window) { _, bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) }
    } ?? []
  }

  // MARK: Selections

  public func setOwner(_ window: UInt32, of selection: UInt32, time: UInt32) {
    _ = library.setSelectionOwner(connection, window, selection, time)
  }

  /// The window that owns a selection, 0 for none.
  public func owner(of selection: UInt32) -> UInt32 {
    word(
      library.selectionOwnerReply(connection, library.selectionOwner(connection, selection), nil), at: 8)
  }

  public func convert(
    _ selection: UInt32, to target: UInt32, property: UInt32, of requestor: UInt32, time: UInt32
  ) { _ = library.convertSelection(connection, requestor, selection, target, property, time) }

  /// Tells a requestor that its property is there, or with a property of 0 that it is refused.
  public func answer(_ request: XSelectionRequest, property: UInt32) {
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 4) { event in
      event.initializeMemory(as: UInt8.self, repeating: 0)
      event.storeBytes(of: 31, as: UInt8.self)
      event.storeBytes(of: request.time, toByteOffset: 4, as: UInt32.self)
      event.storeBytes(of: request.requestor, toByteOffset: 8, as: UInt32.self)
      event.storeBytes(of: request.selection, toByteOffset: 12, as: UInt32.self)
      event.storeBytes(of: request.target, toByteOffset: 16, as: UInt32.self)
      event.storeBytes(of: property, toByteOffset: 20, as: UInt32.self)
      _ = library.sendEvent(connection, 0, request.requestor, 0, event.baseAddress!)
    }
  }

  /// Asks to be told whenever a selection gets an owner (1), loses its owner's window (2), or its owner ends (4).
  public func watchOwners(of selection: UInt32) {
    _ = library.fixesSelectInput(connection, root, selection, 7)
  }

  // MARK: Pictures

  /// A context to draw with, as the defaults are.
  public func createContext(for window: UInt32) -> UInt32 {
    let context = library.generateID(connection)
    _ = library.createContext(connection, context, window, 0, nil)
    return context
  }

  /// Paints pixels of four bytes, blue first, of which a screen of depth 24 shows three.
  public func paint(
    _ window: UInt32, _ context: UInt32, width: Int, height: Int, _ pixels: UnsafeRawBufferPointer
  ) {
    _ = library.putImage(
      connection, 2, window, context, UInt16(width), UInt16(height), 0, 0, 0, rootDepth,
      UInt32(pixels.count), pixels.baseAddress!)
  }

  /// The pixels of a window with everything in it, as they are on the screen. Nil where it is not shown.
  public func withPixels<Value>(
    of window: UInt32, width: Int, height: Int, _ body: (UnsafeRawBufferPointer) -> Value
  ) -> Value? {
    let cookie = library.image(connection, 2, window, 0, 0, UInt16(width), UInt16(height), .max)
    guard let reply = library.imageReply(connection, cookie, nil) else { return nil }
    defer { free(reply) }
    let count = Int(reply.load(fromByteOffset: 4, as: UInt32.self)) * 4
    return body(UnsafeRawBufferPointer(start: reply + 32, count: count))
  }
}
