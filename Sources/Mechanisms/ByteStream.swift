import Glibc
import IPCTransport
import LinuxIPC
import SystemPackage

/// Messages over a pair of descriptors that carry bytes without boundaries: pipes, FIFOs, stream sockets.
///
/// Each message is preceded by its length in four bytes, and leaves in one `write` where the kernel takes it
/// whole; the reader takes what is there in one `read` and cuts it up. Blocking strategies use blocking
/// descriptors; the others non-blocking ones, tried again by the strategy; `spin-then-block` sleeps in `poll`.
public struct ByteStream<Wait: WaitStrategy>: ~Copyable {
  @usableFromInline let input: Int32
  @usableFromInline let output: Int32
  @usableFromInline let capacity: Int
  /// The prefix lies right before an aligned payload.
  @usableFromInline let sendBuffer: UnsafeMutableRawPointer
  @usableFromInline let receiveBuffer: UnsafeMutableRawPointer
  @usableFromInline let receiveByteCount: Int
  /// What has been read and not yet handed out: `receiveBuffer[start ..< end]`.
  @usableFromInline var start = 0
  @usableFromInline var end = 0
  @usableFromInline let stallLimit: UInt64
  @usableFromInline var waitingSince: UInt64 = 0
  public var stalls: UInt64 = 0

  @inlinable static var prefixByteCount: Int { 4 }
  @inlinable static var payloadOffset: Int { 64 }

  /// - Parameters:
  ///   - input, output: may be the same descriptor; this endpoint owns them until `shutDown`.
  public init(input: FileDescriptor, output: FileDescriptor, _ spec: ChannelSpec) throws(TransportError) {
    self.input = input.rawValue
    self.output = output.rawValue
    capacity = spec.messageByteCount
    stallLimit = spec.stallLimitNanoseconds
    sendBuffer = .allocate(byteCount: Self.payloadOffset + capacity, alignment: 64)
    // Two messages and a pipe's worth: one read takes all that can be waiting.
    receiveByteCount = max(64 << 10, 2 * (capacity + Self.prefixByteCount))
    receiveBuffer = .allocate(byteCount: receiveByteCount, alignment: 64)
    // Page faults belong to the set-up, not to the first messages.
    memset(sendBuffer, 0, Self.payloadOffset + capacity)
    memset(receiveBuffer, 0, receiveByteCount)
    let blocks = Wait.sleeps && Wait.spinBudget == 0
    try explaining("set the descriptors' blocking mode") { () throws(SystemError) in
      try input.setNonBlocking(!blocks)
      try output.setNonBlocking(!blocks)
    }
  }

  @inlinable @inline(__always)
  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    guard byteCount >= 0 && byteCount <= capacity else { throw .messageTooLarge }
    let payload = sendBuffer + ByteStream.payloadOffset
    var span = MutableRawSpan(_unsafeStart: payload, byteCount: byteCount)
    fill(&span)
    let message = payload - ByteStream.prefixByteCount
    message.storeBytes(of: UInt32(truncatingIfNeeded: byteCount), as: UInt32.self)
    let total = byteCount &+ ByteStream.prefixByteCount
    let written = RawDescriptor.write(output, message, total)
    if written != total { try writeRest(message, total, written) }
  }

  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    if end &- start < ByteStream.prefixByteCount { try readAtLeast(ByteStream.prefixByteCount) }
    let byteCount = Int((receiveBuffer + start).loadUnaligned(as: UInt32.self))
    guard byteCount <= capacity else { throw .corrupted }
    let total = byteCount &+ ByteStream.prefixByteCount
    if end &- start < total { try readAtLeast(total) }
    body(
      RawSpan(
        _unsafeStart: receiveBuffer + start + ByteStream.prefixByteCount, byteCount: byteCount))
    start &+= total
    if start == end { (start, end) = (0, 0) }
  }

  /// Reads until `count` bytes are waiting, moving what is there to the front where room is short.
  @inlinable mutating func readAtLeast(_ count: Int) throws(ExchangeError) {
    if receiveByteCount &- start < count {
      memmove(receiveBuffer, receiveBuffer + start, end &- start)
      end &-= start
      start = 0
    }
    var steps = 0
    while end &- start < count {
      let got = RawDescriptor.read(input, receiveBuffer + end, receiveByteCount &- end)
      if got > 0 {
        end &+= got
        steps = 0
      } else if got == 0 {
        throw .peerClosed
      } else {
        steps &+= 1
        try wait(steps, input, Int16(POLLIN))
      }
    }
  }

  @inlinable mutating func writeRest(
    _ message: UnsafeMutableRawPointer, _ total: Int, _ first: Int
  ) throws(ExchangeError) {
    var done = max(0, first)
    var steps = first < 0 ? 1 : 0
    // The errno of the first attempt is still standing.
    if first < 0 { try wait(steps, output, Int16(POLLOUT)) }
    while done < total {
      let written = RawDescriptor.write(output, message + done, total &- done)
      if written >= 0 {
        done &+= written
        steps = 0
      } else {
        steps &+= 1
        try wait(steps, output, Int16(POLLOUT))
      }
    }
  }

  /// After a call that returned −1: throws unless it is worth trying again, else does one waiting step.
  @inlinable @inline(__always)
  mutating func wait(_ steps: Int, _ descriptor: Int32, _ event: Int16) throws(ExchangeError) {
    let error = RawDescriptor.lastError
    if error != EAGAIN { return try rethrow(error) }
    if steps == 1 { stalls &+= 1 }
    if Wait.sleeps && steps > Wait.spinBudget {
      try sleep(steps, descriptor, event)
    } else {
      Wait.relax()
      if steps & (Wait.stepsPerCheck - 1) == 0 { try checkPatience(steps) }
    }
  }

  @usableFromInline func rethrow(_ error: Int32) throws(ExchangeError) {
    switch error {
    case EINTR: return
    case EPIPE, ECONNRESET: throw .peerClosed
    default: throw .system(errno: error)
    }
  }

  @usableFromInline mutating func sleep(
    _ steps: Int, _ descriptor: Int32, _ event: Int16
  ) throws(ExchangeError) {
    var request = pollfd(fd: descriptor, events: event, revents: 0)
    _ = poll(&request, 1, 20)
    try checkPatience(steps)
  }

  /// The stall limit counts from the first check of a wait.
  @usableFromInline @inline(never)
  mutating func checkPatience(_ steps: Int) throws(ExchangeError) {
    let now = Clock.monotonicNanoseconds()
    if steps <= max(Wait.stepsPerCheck, Wait.sleeps ? Wait.spinBudget + 1 : 0) { waitingSince = now }
    if now &- waitingSince > stallLimit { throw .timedOut }
  }

  public mutating func shutDown() {
    close(output)
    if input != output { close(input) }
  }
}
