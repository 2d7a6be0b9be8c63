import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// A private X server without a screen that anybody sees: Xvfb(1). Who has not its cookie cannot connect.
public struct XServer: Service {
  public static var name: String { "x-server" }
  public static var title: String { "the X server" }

  public let address: XAddress
  public let process: Child?
  private let scope: ResourceScope
  private let number: Int32?

  /// Whether it could be started here.
  public static func probe() throws(TransportError) {
    if Program.find(program) == nil { throw .missing(program, package: "xvfb") }
  }

  private static var program: String { "Xvfb" }

  public static func start(_ place: ServicePlace) throws(TransportError) -> XServer {
    if place.display == .host { return try host(place.scope) }
    let cookie = (0..<16).map { _ in UInt8.random(in: 0...255) }
    let authority = try explaining("write the X server's authority file") { () throws(SystemError) in
      let path = try place.scope.path("x-authority")
      try XAuthority.write(cookie, to: path)
      return path
    }
    let (process, report) = try place.start(
      program,
      [
        "-displayfd", "3", "-screen", "0", "1024x768x24", "-nolisten", "tcp", "-noreset", "-auth",
        authority,
      ], package: "xvfb")
    let number = Int32(report)
    let server = XServer(
      address: XAddress(display: ":\(report)", cookie: cookie, authority: authority), process: process,
      scope: place.scope, number: number)
    do throws(SystemError) {
      if let number { try place.scope.note(.display(number)) }
    } catch {
      // Without the note nobody could clean up after a killed run.
      process.kill(SIGTERM)
      _ = try? process.reap()
      server.removeTraces()
      throw TransportError(error, doing: "note the X server's number")
    }
    return server
  }

  /// The user's own.
  private static func host(_ scope: ResourceScope) throws(TransportError) -> XServer {
    guard let display = getenv("DISPLAY").map({ String(cString: $0) }), !display.isEmpty else {
      throw TransportError(
        .unavailable, "$DISPLAY names no X server: leave '--display host' out to get a private one.")
    }
    return XServer(
      address: XAddress(display: display, cookie: [], authority: ""), process: nil, scope: scope, number: nil)
  }

  public func removeTraces() {
    if let number { scope.remove(.display(number)) }
    if !address.authority.isEmpty { SharedObject.removeFile(path: address.authority) }
  }
}

/// What a client has to know.
public struct XAddress: Sendable, Equatable {
  /// `:3`.
  public var display: String
  /// Of the protocol MIT-MAGIC-COOKIE-1; empty where the user's own authority file has it.
  public var cookie: [UInt8]
  /// The file in which other programs find the cookie: $XAUTHORITY.
  public var authority: String

  init(display: String, cookie: [UInt8], authority: String) {
    self.display = display
    self.cookie = cookie
    self.authority = authority
  }

  /// `:3 1b5f… /tmp/…/x-authority`.
  public var text: String {
    let digits = cookie.map { byte in
      let text = String(byte, radix: 16)
      return byte < 16 ? "0" + text : text
    }
    return "\(display) \(digits.joined()) \(authority)"
  }

  public init?(_ text: String) {
    let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    let digits = Array(parts[1])
    let bytes = stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
    guard !bytes.contains(nil), digits.count == bytes.count * 2 else { return nil }
    self.init(display: String(parts[0]), cookie: bytes.compactMap(\.self), authority: String(parts[2]))
  }
}

/// The file of Xau(3) in which cookies are kept.
enum XAuthority {
  static var protocolName: String { "MIT-MAGIC-COOKIE-1" }

  /// One entry that fits every address and display (FamilyWild).
  static func write(_ cookie: [UInt8], to path: String) throws(SystemError) {
    func counted(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes }
    let entry =
      [0xFF, 0xFF] + counted([]) + counted([]) + counted(Array(protocolName.utf8)) + counted(cookie)
    let file = try check("open", path, open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
    defer { close(file) }
    try check("write", path, Glibc.write(file, entry, entry.count))
  }
}
