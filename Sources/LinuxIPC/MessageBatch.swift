import CLinuxShims
import Glibc

/// Buffers, each with room for one message, that move with one system call.
public struct MessageBatch: ~Copyable {
  private let batch: OpaquePointer
  private let buffers: UnsafeMutableRawPointer
  private let stride: Int
  public let count: Int

  /// - Parameters:
  ///   - buffers: `count` of them, `stride` bytes from one to the next.
  public init(_ buffers: UnsafeMutableRawPointer, stride: Int, count: Int) {
    guard let made = ipcb_batch_create(buffers, stride, UInt32(count)) else { fatalError("Out of memory.") }
    batch = made
    self.buffers = buffers
    self.stride = stride
    self.count = count
  }

  deinit { ipcb_batch_destroy(batch) }

  @inline(__always)
  public func buffer(_ index: Int) -> UnsafeMutableRawPointer { buffers + index &* stride }

  /// Bytes of a buffer: to be sent, or room for what comes.
  @inline(__always)
  public func set(_ index: Int, byteCount: Int) {
    ipcb_batch_set(batch, UInt32(truncatingIfNeeded: index), byteCount)
  }

  /// Bytes of the message that came.
  @inline(__always)
  public func received(_ index: Int) -> Int { ipcb_batch_received(batch, UInt32(truncatingIfNeeded: index)) }

  /// How many messages went, −1 with errno. The corresponding C function is `sendmmsg`.
  @inline(__always)
  public func send(_ descriptor: Int32, _ range: Range<Int>) -> Int {
    Int(ipcb_batch_send(batch, descriptor, UInt32(range.lowerBound), UInt32(range.count)))
  }

  /// Waits for a message and takes what is there: how many came, −1 with errno. The corresponding C function is
  /// `recvmmsg` with MSG_WAITFORONE.
  @inline(__always)
  public func receive(_ descriptor: Int32) -> Int {
    Int(ipcb_batch_receive(batch, descriptor, UInt32(count)))
  }

  /// Writes the buffers in one piece, without the first `skip` bytes: how many bytes were taken, −1 with errno. The
  /// corresponding C function is `writev`.
  @inline(__always)
  public func write(_ descriptor: Int32, _ range: Range<Int>, skip: Int) -> Int {
    ipcb_batch_write(batch, descriptor, UInt32(range.lowerBound), UInt32(range.count), skip)
  }
}
