import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// A connection to a message bus, without callbacks: messages that come are asked for one by one.
public struct BusConnection: @unchecked Sendable {
  let library: BusLibrary
  private let bus: OpaquePointer
  /// What the bus calls this connection: `:1.7`.
  public let uniqueName: String

  /// Whether a client can run here.
  public static func probe() throws(TransportError) {
    if BusLibrary.shared == nil { throw .missing(BusLibrary.file, package: BusLibrary.package) }
  }

  /// - Throws: when the library is missing, or nobody answers at the address.
  public init(_ address: String) throws(TransportError) {
    try Self.probe()
    guard let library = BusLibrary.shared else {
      throw .missing(BusLibrary.file, package: BusLibrary.package)
    }
    var bus: OpaquePointer?
    var name: UnsafePointer<CChar>?
    guard library.new(&bus) >= 0, let bus else {
      throw TransportError(.resourceLimit, "Not enough memory for a connection to the message bus.")
    }
    guard library.setAddress(bus, address) >= 0, library.setBusClient(bus, 1) >= 0, library.start(bus) >= 0,
      library.uniqueName(bus, &name) >= 0, let name
    else {
      _ = library.closeAndForget(bus)
      throw TransportError(.unavailable, "No message bus answers at '\(address)'.")
    }
    self.library = library
    self.bus = bus
    uniqueName = String(cString: name)
  }

  /// Sends what is queued, and ends the connection.
  public func close() { _ = library.closeAndForget(bus) }

  /// Whether the bus has gone, or has thrown this client out.
  public var isLost: Bool { library.isOpen(bus) <= 0 }
  /// To poll for input.
  public var descriptor: Int32 { library.descriptor(bus) }

  /// Takes a name that nobody else has.
  public func own(_ name: String) throws(TransportError) {
    let result = library.requestName(bus, name, 0)
    guard result >= 0 else {
      throw TransportError(
        SystemError("sd_bus_request_name", name, errno: Errno(rawValue: -result)),
        doing: "take the name \(name) on the message bus")
    }
  }

  // MARK: Sending

  /// A call that is to be filled and sent; nil where a name is malformed, or the bus is gone.
  ///
  /// - Parameters:
  ///   - destination: a name on the bus, as a C string.
  ///   - path: an object's.
  public func newCall(
    _ destination: UnsafePointer<CChar>, _ path: UnsafePointer<CChar>, _ interface: StaticString,
    _ member: StaticString
  ) -> BusMessage? {
    var message: OpaquePointer?
    guard library.newCall(bus, &message, destination, path, text(interface), text(member)) >= 0, let message
    else { return nil }
    return BusMessage(library, message)
  }

  public func newSignal(
    _ path: UnsafePointer<CChar>, _ interface: StaticString, _ member: StaticString
  ) -> BusMessage? {
    var message: OpaquePointer?
    guard library.newSignal(bus, &message, path, text(interface), text(member)) >= 0, let message else {
      return nil
    }
    return BusMessage(library, message)
  }

  public func newReply(to call: borrowing BusMessage) -> BusMessage? {
    var message: OpaquePointer?
    guard library.newReturn(call.raw, &message) >= 0, let message else { return nil }
    return BusMessage(library, message)
  }

  /// Answers a call, if its sender wants an answer.
  public func reply(to call: borrowing BusMessage, _ fill: (borrowing BusMessage) -> Void = { _ in }) {
    guard call.expectsReply, let reply = newReply(to: call) else { return }
    fill(reply)
    send(reply)
  }

  /// Answers a call with an error.
  public func refuse(_ call: borrowing BusMessage, _ name: String, _ sentence: String) {
    guard call.expectsReply else { return }
    name.withCString { name in
      sentence.withCString { sentence in
        let error: [UnsafePointer<CChar>?] = [name, sentence, nil]
        var message: OpaquePointer?
        guard error.withUnsafeBytes({ library.newError(call.raw, &message, $0.baseAddress!) }) >= 0,
          let message
        else { return }
        send(BusMessage(library, message))
      }
    }
  }

  private func text(_ text: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
  }

  /// Sends a message to which no answer is wanted; 0, or −1 with errno.
  @discardableResult
  public func send(_ message: consuming BusMessage) -> Int {
    _ = library.setExpectReply(message.raw, 0)
    return finish(library.send(bus, message.raw, nil))
  }

  /// Sends a call; returns the cookie by which its answer is known, nil with errno when it cannot be sent.
  public func sendCall(_ message: consuming BusMessage) -> UInt64? {
    var cookie: UInt64 = 0
    return finish(library.send(bus, message.raw, &cookie)) == 0 ? cookie : nil
  }

  /// A large message may not have gone out as a whole.
  private func finish(_ result: Int32) -> Int {
    let flushed = result < 0 ? result : library.flush(bus)
    if flushed >= 0 { return 0 }
    // Without a connection there is no bus: that is no matter of the peer's.
    return RawDescriptor.fail(
      isLost || [ENOTCONN, ECONNRESET, EPIPE].contains(-flushed) ? ESHUTDOWN : -flushed)
  }

  // MARK: Receiving

  /// Takes back what `BusMessage.intoRaw` gave.
  public func adopt(_ raw: OpaquePointer) -> BusMessage { BusMessage(library, raw) }

  /// The next message that has come; nil when there is none.
  public func next() -> BusMessage? {
    var message: OpaquePointer?
    while library.process(bus, &message) > 0 {
      if let message { return BusMessage(library, message) }
    }
    return nil
  }

  /// Waits for a message, off the measured path; nil after the time or when the bus is gone.
  public func awaitNext(milliseconds: Int32) -> BusMessage? {
    let deadline = Clock.monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
    while true {
      if let message = next() { return message }
      let now = Clock.monotonicNanoseconds()
      guard !isLost, now < deadline else { return nil }
      var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&request, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1))
    }
  }

  // MARK: Calls off the measured path

  /// Calls and waits for the answer.
  ///
  /// - Parameter fill: appends the arguments.
  /// - Throws: the other side's error, or that nobody answered, in one sentence.
  public func call(
    _ destination: String, _ path: String, _ interface: StaticString, _ member: StaticString,
    seconds: UInt64 = 15, fill: (borrowing BusMessage) -> Void = { _ in }
  ) throws(TransportError) -> BusMessage {
    guard let message = newCall(destination, path, interface, member) else {
      throw TransportError(.system, "'\(destination)' or '\(path)' is no name that the message bus takes.")
    }
    fill(message)
    let error = UnsafeMutableRawPointer.allocate(byteCount: 24, alignment: 8)
    error.initializeMemory(as: UInt8.self, repeating: 0, count: 24)
    defer { error.deallocate() }
    var reply: OpaquePointer?
    let result = library.call(bus, message.raw, seconds * 1_000_000, error, &reply)
    guard result >= 0, let reply else {
      defer { library.freeError(error) }
      throw BusFailure(BusMessage.parts(of: error), errno: -result).error(destination)
    }
    return BusMessage(library, reply)
  }

  private static var busName: String { "org.freedesktop.DBus" }
  private static var busPath: String { "/org/freedesktop/DBus" }
  private static var busInterface: StaticString { "org.freedesktop.DBus" }

  /// Has signals that fit a rule delivered to this connection.
  public func match(_ rule: String) throws(TransportError) {
    _ = try call(Self.busName, Self.busPath, Self.busInterface, "AddMatch") { $0.append(text: rule) }
  }

  /// The connection that owns a name, nil when there is none.
  public func owner(of name: String) -> String? {
    (try? call(Self.busName, Self.busPath, Self.busInterface, "GetNameOwner") { $0.append(text: name) })?
      .readText()
  }

  /// Has the bus read again which services it can start.
  public func reload() throws(TransportError) {
    _ = try call(Self.busName, Self.busPath, Self.busInterface, "ReloadConfig")
  }

  /// Waits until a name has an owner, and returns it.
  public func awaitOwner(of name: String, milliseconds: UInt64 = 5000) throws(TransportError) -> String {
    let deadline = Clock.monotonicNanoseconds() + milliseconds * 1_000_000
    while true {
      if let owner = owner(of: name) { return owner }
      guard Clock.monotonicNanoseconds() < deadline, !isLost else {
        throw TransportError(.unavailable, "Nobody took the name \(name) on the message bus in time.")
      }
      usleep(500)
    }
  }
}

/// An error that came over the bus, as it is told to people.
struct BusFailure {
  var name: String
  var text: String
  var errno: Int32

  init(_ error: (name: String, text: String), errno: Int32) {
    (name, text) = error
    self.errno = errno
  }

  func error(_ destination: String) -> TransportError {
    let said = text.isEmpty ? "\(Errno(rawValue: errno))" : text
    // Of one line, without an end of its own.
    let line = said.split(whereSeparator: \.isNewline).joined(separator: " ")
    let reason = line.hasSuffix(".") ? String(line.dropLast()) : line
    switch name.split(separator: ".").last.map(String.init) ?? "" {
    case "ServiceUnknown", "NameHasNoOwner":
      return TransportError(.unavailable, "Nobody on the message bus is called \(destination): \(reason).")
    case let spawn where name.contains(".Spawn.") || spawn == "TimedOut":
      return TransportError(
        .unavailable, "The server of \(destination) could not be started by the message bus: \(reason).")
    case "NoReply", "Timeout", "Disconnected":
      return TransportError(.system, "\(destination) did not answer: \(reason).")
    default: return TransportError(.system, "\(destination) refused the call: \(reason).")
    }
  }
}
