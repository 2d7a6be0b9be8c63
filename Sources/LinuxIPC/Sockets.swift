import CLinuxShims
import Glibc
import SystemPackage

/// The few socket calls the mechanisms need, with addresses as plain values.
public struct Socket: Sendable {
  public var descriptor: FileDescriptor

  public init(descriptor: FileDescriptor) { self.descriptor = descriptor }

  /// The corresponding C function is `socket`.
  public static func unix(_ type: Kind) throws(SystemError) -> Socket {
    try create(AF_UNIX, type, "AF_UNIX")
  }
  public static func tcp() throws(SystemError) -> Socket { try create(AF_INET, .stream, "AF_INET") }
  public static func udp() throws(SystemError) -> Socket { try create(AF_INET, .datagram, "AF_INET") }
  public static func vsock() throws(SystemError) -> Socket { try create(40, .stream, "AF_VSOCK") }
  public static func mptcp() throws(SystemError) -> Socket {
    Socket(descriptor: FileDescriptor(rawValue: try check("socket", "IPPROTO_MPTCP", ipcb_mptcp_socket())))
  }

  public enum Kind: Sendable {
    case stream
    case datagram
    case sequencedPackets

    var type: Int32 {
      switch self {
      case .stream: Int32(SOCK_STREAM.rawValue)
      case .datagram: Int32(SOCK_DGRAM.rawValue)
      case .sequencedPackets: Int32(SOCK_SEQPACKET.rawValue)
      }
    }
  }

  private static func create(_ family: Int32, _ kind: Kind, _ name: String) throws(SystemError) -> Socket {
    let type = kind.type | Int32(SOCK_CLOEXEC.rawValue)
    return Socket(
      descriptor: FileDescriptor(rawValue: try check("socket", name, Glibc.socket(family, type, 0))))
  }

  /// Two sockets that are connected to each other.
  ///
  /// The corresponding C function is `socketpair`.
  public static func pair(_ kind: Kind) throws(SystemError) -> (Socket, Socket) {
    var ends: [Int32] = [-1, -1]
    try check(
      "socketpair", "AF_UNIX", socketpair(AF_UNIX, kind.type | Int32(SOCK_CLOEXEC.rawValue), 0, &ends))
    return (
      Socket(descriptor: FileDescriptor(rawValue: ends[0])),
      Socket(descriptor: FileDescriptor(rawValue: ends[1]))
    )
  }

  /// The corresponding C function is `bind`.
  public func bind(path: String) throws(SystemError) {
    try check("bind", path, ipcb_bind_unix(descriptor.rawValue, path))
  }

  /// The corresponding C function is `listen`.
  public func listen(backlog: Int32 = 1) throws(SystemError) {
    try check("listen", "", Glibc.listen(descriptor.rawValue, backlog))
  }

  /// The corresponding C function is `connect`.
  public func connect(path: String) throws(SystemError) {
    try retrying("connect", path) { ipcb_connect_unix(descriptor.rawValue, path) }
  }

  /// Waits up to `milliseconds` for a connection.
  ///
  /// The corresponding C functions are `poll` and `accept4`.
  public func accept(milliseconds: Int32) throws(SystemError) -> Socket {
    var poll = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
    guard try retrying("poll", "", { Glibc.poll(&poll, 1, milliseconds) }) > 0 else {
      throw SystemError("accept", "no connection within \(milliseconds) ms", errno: .timedOut)
    }
    let accepted = try retrying("accept4") {
      ipcb_accept4(descriptor.rawValue, Int32(SOCK_CLOEXEC.rawValue))
    }
    return Socket(descriptor: FileDescriptor(rawValue: accepted))
  }

  /// As `connect(path:)`, but waits up to `milliseconds` for somebody to listen there.
  public func connect(path: String, milliseconds: UInt64) throws(SystemError) {
    try Self.retry(milliseconds) { () throws(SystemError) in try connect(path: path) }
  }

  public func connect(address: String, port: UInt16, milliseconds: UInt64) throws(SystemError) {
    try Self.retry(milliseconds) { () throws(SystemError) in try connect(address: address, port: port) }
  }

  /// Tries again while nobody is there yet: no such path, nobody listening, or a full queue of connections.
  static func retry(_ milliseconds: UInt64, _ attempt: () throws(SystemError) -> Void) throws(SystemError) {
    let began = Clock.monotonicNanoseconds()
    while true {
      do throws(SystemError) {
        return try attempt()
      } catch {
        let isEarly = [
          .connectionRefused, .connectionReset, .noSuchFileOrDirectory, .resourceTemporarilyUnavailable,
        ]
        .contains(error.errno)
        let waited = Clock.monotonicNanoseconds() - began
        if !isEarly || waited > milliseconds * 1_000_000 { throw error }
        // Who comes in the same moment does not sleep past it: that would be taken for the cost of connecting.
        if waited < 1_000_000 { sched_yield() } else { usleep(500) }
      }
    }
  }

  /// The corresponding C function is `setsockopt`.
  public func set(_ option: Int32, _ value: Int32, level: Int32 = SOL_SOCKET, _ name: String)
    throws(SystemError)
  {
    try check("setsockopt \(name)", "", ipcb_set_socket_option(descriptor.rawValue, level, option, value))
  }

  /// A call that blocks in sending comes back after that time with EAGAIN, or with what it has sent by then.
  ///
  /// The corresponding C function is `setsockopt` with SO_SNDTIMEO.
  public func setSendTimeout(milliseconds: Int) throws(SystemError) {
    var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
    let size = socklen_t(MemoryLayout<timeval>.size)
    try check(
      "setsockopt SO_SNDTIMEO", "", setsockopt(descriptor.rawValue, SOL_SOCKET, SO_SNDTIMEO, &time, size))
  }

  /// POLLRDHUP of poll(2), which needs _GNU_SOURCE.
  public static var peerHasClosed: Int16 { 0x2000 }

  public func value(of option: Int32, level: Int32 = SOL_SOCKET) -> Int32 {
    ipcb_get_socket_option(descriptor.rawValue, level, option)
  }

  /// Room for as much as an unprivileged process may have (net.core.wmem_max, net.core.rmem_max).
  public func growBuffers() throws(SystemError) {
    try set(SO_SNDBUF, Self.limit("wmem_max"), "SO_SNDBUF")
    try set(SO_RCVBUF, Self.limit("rmem_max"), "SO_RCVBUF")
  }

  private static func limit(_ name: String) -> Int32 {
    TextFile.read("/proc/sys/net/core/\(name)").flatMap { Int32($0) } ?? 212_992
  }

  /// Bytes of the largest message on an AF_UNIX socket with grown buffers: the kernel doubles what is asked for
  /// and keeps 32 bytes back (unix(7), socket(7)); and most of a message is one piece of memory, of which the
  /// kernel has none larger than 4 MiB.
  public static var largestUnixMessage: Int { min(2 * Int(limit("wmem_max")) - 32, 4 << 20) }

  /// Whether TCP_NODELAY is set.
  public var hasNoDelay: Bool { value(of: TCP_NODELAY, level: Int32(IPPROTO_TCP)) > 0 }

  /// Sends each message at once instead of waiting to fill a segment (tcp(7)).
  public func setNoDelay() throws(SystemError) {
    try check(
      "setsockopt TCP_NODELAY", "",
      ipcb_set_socket_option(descriptor.rawValue, Int32(IPPROTO_TCP), TCP_NODELAY, 1))
  }

  /// Binds to an IPv4 address and port, 0 for one that the kernel chooses.
  public func bind(address: String, port: UInt16) throws(SystemError) {
    try check("bind", "\(address):\(port)", ipcb_bind_ipv4(descriptor.rawValue, address, port))
  }

  public func connect(address: String, port: UInt16) throws(SystemError) {
    try retrying("connect", "\(address):\(port)") { ipcb_connect_ipv4(descriptor.rawValue, address, port) }
  }

  /// The next `count` bytes of a stream.
  ///
  /// The corresponding C functions are `poll` and `recv`.
  ///
  /// - Throws: `ECONNRESET` when the stream ends before, `ETIMEDOUT` when nothing comes for so long.
  public func receive(exactly count: Int, milliseconds: Int32) throws(SystemError) -> [UInt8] {
    var (bytes, filled) = ([UInt8](repeating: 0, count: count), 0)
    while filled < count {
      var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
      guard try retrying("poll", "", { poll(&request, 1, milliseconds) }) > 0 else {
        throw SystemError("recv", "nothing came within \(milliseconds) ms", errno: .timedOut)
      }
      let got = try retrying("recv") {
        bytes.withUnsafeMutableBytes {
          Int32(
            truncatingIfNeeded: recv(descriptor.rawValue, $0.baseAddress! + filled, count - filled, 0))
        }
      }
      guard got > 0 else { throw SystemError("recv", "the peer hung up", errno: .connectionReset) }
      filled += Int(got)
    }
    return bytes
  }

  /// Sends all of it over a stream.
  ///
  /// The corresponding C function is `send` with MSG_NOSIGNAL.
  public func send(_ bytes: [UInt8]) throws(SystemError) {
    var done = 0
    while done < bytes.count {
      done += Int(
        try retrying("send") {
          bytes.withUnsafeBytes {
            Int32(
              truncatingIfNeeded: Glibc.send(
                descriptor.rawValue, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL)))
          }
        })
    }
  }

  /// Sends a datagram.
  ///
  /// The corresponding C function is `sendto`.
  ///
  /// - Parameter address: an IPv4 address as a number.
  public func send(_ bytes: [UInt8], to address: UInt32, port: UInt16) throws(SystemError) {
    try retrying("sendto", "port \(port)") {
      Int32(truncatingIfNeeded: ipcb_send_to_ipv4(descriptor.rawValue, bytes, bytes.count, address, port))
    }
  }

  /// The next datagram, of at most 64 KiB, and who sent it; nil when there is none within this time.
  ///
  /// The corresponding C functions are `poll` and `recvfrom`.
  public func receiveDatagram(
    milliseconds: Int32
  ) throws(SystemError) -> (bytes: [UInt8], address: UInt32, port: UInt16)? {
    var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
    guard try retrying("poll", "", { poll(&request, 1, milliseconds) }) > 0 else { return nil }
    var (buffer, address, port) = ([UInt8](repeating: 0, count: 1 << 16), UInt32(0), UInt16(0))
    let count = try retrying("recvfrom") {
      Int32(
        truncatingIfNeeded: ipcb_receive_from_ipv4(
          descriptor.rawValue, &buffer, buffer.count, &address, &port))
    }
    return (Array(buffer[..<Int(count)]), address, port)
  }

  public func localPort() throws(SystemError) -> UInt16 {
    UInt16(truncatingIfNeeded: try check("getsockname", "", ipcb_local_port(descriptor.rawValue)))
  }

  /// Whether a connection that asked for MPTCP has it.
  public var isMultipath: Bool { ipcb_is_mptcp(descriptor.rawValue) != 0 }

  /// The corresponding C function is `bind` with a `sockaddr_vm`; port `.max` lets the kernel choose.
  public func bind(contextID: UInt32, port: UInt32) throws(SystemError) {
    try check("bind", "vsock \(contextID):\(port)", ipcb_vsock_bind(descriptor.rawValue, contextID, port))
  }

  public func connect(contextID: UInt32, port: UInt32, milliseconds: UInt64) throws(SystemError) {
    try Self.retry(milliseconds) { () throws(SystemError) in
      try check(
        "connect", "vsock \(contextID):\(port)", ipcb_vsock_connect(descriptor.rawValue, contextID, port))
    }
  }

  /// Receives what is sent to a multicast group on the interface that has this host's address.
  ///
  /// The corresponding C function is `setsockopt` with IP_ADD_MEMBERSHIP.
  public func join(group: String, at own: String) throws(SystemError) {
    try check("setsockopt IP_ADD_MEMBERSHIP", group, ipcb_join_multicast(descriptor.rawValue, group, own))
  }

  /// Sends to multicast groups through the interface that has this host's address, and to members on this host.
  public func sendMulticast(from own: String) throws(SystemError) {
    try check("setsockopt IP_MULTICAST_IF", own, ipcb_send_multicast_from(descriptor.rawValue, own))
  }

  /// Datagrams that the kernel dropped here because there was no room for them.
  ///
  /// The corresponding C function is `getsockopt` with SO_MEMINFO.
  public var drops: UInt64? {
    let count = ipcb_socket_drops(descriptor.rawValue)
    return count < 0 ? nil : UInt64(count)
  }

  public func close() { descriptor.closeQuietly() }
}
