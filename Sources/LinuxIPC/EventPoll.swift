import CLinuxShims
import Glibc
import SystemPackage

/// Tells which of several descriptors have something to read; epoll(7), level-triggered.
public struct EventPoll: Sendable {
  private let descriptor: Int32

  /// The corresponding C function is `epoll_create1`.
  public init() throws(SystemError) { descriptor = try check("epoll_create1", "", ipcb_epoll_create()) }

  /// - Parameter token: what `wait` returns for this descriptor.
  ///
  /// The corresponding C function is `epoll_ctl`.
  public func add(_ input: FileDescriptor, token: Int) throws(SystemError) {
    try check("epoll_ctl", "", ipcb_epoll_add(descriptor, input.rawValue, UInt32(token)))
  }

  public func remove(_ input: Int32) { _ = ipcb_epoll_remove(descriptor, input) }

  /// The tokens of those that have something, or whose other side is gone; none after `milliseconds`, or a signal.
  ///
  /// The corresponding C function is `epoll_wait`.
  public func wait(milliseconds: Int32) -> [Int] {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 16) { tokens in
      let count = ipcb_epoll_wait(descriptor, tokens.baseAddress, 16, milliseconds)
      return (0..<max(0, Int(count))).map { Int(tokens[$0]) }
    }
  }

  public func close() { Glibc.close(descriptor) }
}
