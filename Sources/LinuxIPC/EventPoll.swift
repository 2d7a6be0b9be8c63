import CLinuxShims
import Glibc
import SystemPackage

/// Tells which of several descriptors have something to read; epoll(7), level-triggered.
public struct EventPoll: Sendable {
  private let descriptor: Int32

  /// The corresponding C function is `epoll_create1`.
  public init() throws(SystemError) { descriptor = try check("epoll_create1", "", ipcb_epoll_create()) }

  /// - Parameters:
  ///   - token: what `wait` returns for this descriptor.
  ///   - events: as poll(2) numbers them, which epoll does too.
  ///
  /// The corresponding C function is `epoll_ctl`.
  public func add(_ input: FileDescriptor, token: Int, events: Int32 = POLLIN) throws(SystemError) {
    try check("epoll_ctl", "", ipcb_epoll_add(descriptor, input.rawValue, UInt32(events), UInt32(token)))
  }

  public func remove(_ input: Int32) { _ = ipcb_epoll_remove(descriptor, input) }

  /// Those that have something, or whose other side is gone: a bit for each token, of 0 to 63. None after `milliseconds`, or
  /// a signal.
  ///
  /// The corresponding C function is `epoll_wait`.
  public func wait(milliseconds: Int32) -> UInt64 {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 16) { tokens in
      let count = ipcb_epoll_wait(descriptor, tokens.baseAddress, 16, milliseconds)
      var ready: UInt64 = 0
      for index in 0..<max(0, Int(count)) { ready |= 1 &<< UInt64(tokens[index]) }
      return ready
    }
  }

  public func close() { Glibc.close(descriptor) }
}
