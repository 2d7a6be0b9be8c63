import Glibc
import LinuxIPC

/// A message of the bus, sent or received; released when it goes out of scope.
public struct BusMessage: ~Copyable {
  let library: BusLibrary
  let raw: OpaquePointer

  deinit { _ = library.release(raw) }

  init(_ library: BusLibrary, _ raw: OpaquePointer) {
    self.library = library
    self.raw = raw
  }

  /// To be kept where a value that cannot be copied cannot; `BusConnection.adopt` takes it back.
  public consuming func intoRaw() -> OpaquePointer {
    let raw = raw
    discard self
    return raw
  }

  public enum Kind: UInt8 { case call = 1, reply, error, signal }

  public var kind: Kind? {
    var type: UInt8 = 0
    return library.type(raw, &type) < 0 ? nil : Kind(rawValue: type)
  }

  public func isCall(_ member: StaticString) -> Bool { kind == .call && has(member) }
  public func isSignal(_ member: StaticString) -> Bool { kind == .signal && has(member) }

  private func has(_ member: StaticString) -> Bool {
    guard let own = library.member(raw) else { return false }
    return strcmp(own, UnsafeRawPointer(member.utf8Start).assumingMemoryBound(to: CChar.self)) == 0
  }

  /// Whether it answers the call with this cookie: a reply or an error.
  public func answers(_ cookie: UInt64) -> Bool {
    var own: UInt64 = 0
    return library.replyCookie(raw, &own) >= 0 && own == cookie
  }

  /// Whether it is meant for the object with this path.
  public func isOn(_ path: UnsafePointer<CChar>) -> Bool {
    library.path(raw).map { strcmp($0, path) == 0 } ?? false
  }

  /// Whether the connection with this unique name sent it.
  public func isFrom(_ name: UnsafePointer<CChar>) -> Bool {
    library.sender(raw).map { strcmp($0, name) == 0 } ?? false
  }

  public var member: String { text(library.member(raw)) }
  public var path: String { text(library.path(raw)) }
  /// The connection's unique name: the bus itself vouches for it.
  public var sender: String { text(library.sender(raw)) }
  public var expectsReply: Bool { library.expectsReply(raw) > 0 }

  /// Of an error: its name and what was said, both empty otherwise.
  public var error: (name: String, text: String) {
    guard let error = library.error(raw) else { return ("", "") }
    return Self.parts(of: error)
  }

  /// sd_bus_error: two strings.
  static func parts(of error: UnsafeRawPointer) -> (name: String, text: String) {
    func part(_ offset: Int) -> String {
      error.load(fromByteOffset: offset, as: UnsafePointer<CChar>?.self).map { String(cString: $0) } ?? ""
    }
    return (part(0), part(8))
  }

  private func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }

  // MARK: Contents, in their order

  /// Nil where there is something else.
  public func readText() -> String? {
    var pointer: UnsafePointer<CChar>?
    guard library.readBasic(raw, CChar(UInt8(ascii: "s")), &pointer) > 0, let pointer else { return nil }
    return String(cString: pointer)
  }

  public func readPath() -> String? {
    var pointer: UnsafePointer<CChar>?
    guard library.readBasic(raw, CChar(UInt8(ascii: "o")), &pointer) > 0, let pointer else { return nil }
    return String(cString: pointer)
  }

  public func readNumber() -> UInt32? {
    var number: UInt32 = 0
    return library.readBasic(raw, CChar(UInt8(ascii: "u")), &number) > 0 ? number : nil
  }

  /// Bytes inside the message.
  public func readBytes() -> UnsafeRawBufferPointer? {
    var (start, count): (UnsafeRawPointer?, Int) = (nil, 0)
    guard library.readArray(raw, CChar(UInt8(ascii: "y")), &start, &count) >= 0 else { return nil }
    return UnsafeRawBufferPointer(start: start, count: count)
  }

  /// Copies the bytes that come next; returns their number, also when they did not all fit, or −1 with EBADMSG.
  public func copyBytes(to buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
    var (start, count): (UnsafeRawPointer?, Int) = (nil, 0)
    guard library.readArray(raw, CChar(UInt8(ascii: "y")), &start, &count) >= 0 else {
      return RawDescriptor.fail(EBADMSG)
    }
    if let start, count > 0 { memcpy(buffer, start, min(count, capacity)) }
    return count
  }

  /// Makes a signal go to one connection only.
  public func address(to name: String) { _ = library.setDestination(raw, name) }

  /// Back to the beginning of the contents.
  public func rewind() { _ = library.rewind(raw, 1) }

  /// Passes over a text, where it is known what it says.
  public func skipText() {
    var pointer: UnsafePointer<CChar>?
    _ = library.readBasic(raw, CChar(UInt8(ascii: "s")), &pointer)
  }

  @discardableResult
  public func append(text: String) -> Bool { appendBasic("s", text) }

  @discardableResult
  public func append(path: String) -> Bool { appendBasic("o", path) }

  private func appendBasic(_ type: Unicode.Scalar, _ text: String) -> Bool {
    text.withCString { library.appendBasic(raw, CChar(UInt8(ascii: type)), $0) >= 0 }
  }

  public func append(text: StaticString) {
    _ = library.appendBasic(raw, CChar(UInt8(ascii: "s")), text.utf8Start)
  }

  public func append(number: UInt32) {
    var number = number
    _ = library.appendBasic(raw, CChar(UInt8(ascii: "u")), &number)
  }

  public func append(bytes: [UInt8]) {
    bytes.withUnsafeBytes { _ = library.appendArray(raw, CChar(UInt8(ascii: "y")), $0.baseAddress, $0.count) }
  }

  public func append(_ bytes: UnsafeRawPointer, _ count: Int) {
    _ = library.appendArray(raw, CChar(UInt8(ascii: "y")), bytes, count)
  }
}
