import CLinuxShims
import Glibc
import SystemPackage

/// An IPv4 address and a port.
public struct InternetAddress: Sendable, Equatable, CustomStringConvertible {
  public var address: String
  public var port: UInt16

  public init(address: String, port: UInt16) {
    self.address = address
    self.port = port
  }

  public var description: String { "\(address):\(port)" }

  /// The IPv4 address of a host, by name or as it is; nil where there is none.
  ///
  /// The corresponding C function is `getaddrinfo`.
  public static func resolve(_ host: String) -> String? {
    var hints = addrinfo()
    hints.ai_family = AF_INET
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &list) == 0, let first = list else { return nil }
    defer { freeaddrinfo(list) }
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let status = getnameinfo(
      first.pointee.ai_addr, first.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
      Int32(NI_NUMERICHOST))
    return status == 0
      ? String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
  }
}

extension Socket {
  /// This side of a connection.
  public func localAddress() throws(SystemError) -> InternetAddress { try name(ofPeer: false) }
  /// The other side of it.
  public func peerAddress() throws(SystemError) -> InternetAddress { try name(ofPeer: true) }

  private func name(ofPeer: Bool) throws(SystemError) -> InternetAddress {
    var text = [CChar](repeating: 0, count: 16)
    let port = try check(
      ofPeer ? "getpeername" : "getsockname", "",
      ipcb_ipv4_name(descriptor.rawValue, ofPeer ? 1 : 0, &text))
    let address = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return InternetAddress(address: address, port: UInt16(truncatingIfNeeded: port))
  }

  /// Connects within a time, which may be shorter than the kernel's own: minutes, where a host does not answer.
  ///
  /// The corresponding C functions are `connect` on a non-blocking socket, and `poll`.
  public func connect(to there: InternetAddress, within milliseconds: Int32) throws(SystemError) {
    try descriptor.setNonBlocking(true)
    do throws(SystemError) {
      try connect(address: there.address, port: there.port)
    } catch {
      guard error.errno == .nowInProgress else { throw error }
      var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
      guard try retrying("poll", "", { poll(&request, 1, milliseconds) }) > 0 else {
        throw SystemError("connect", there.description, errno: .timedOut)
      }
      let failure = value(of: SO_ERROR)
      guard failure == 0 else {
        throw SystemError("connect", there.description, errno: Errno(rawValue: failure))
      }
    }
    try descriptor.setNonBlocking(false)
  }
}
