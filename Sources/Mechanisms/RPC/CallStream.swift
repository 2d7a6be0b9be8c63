import DCERPC
import Glibc
import LinuxIPC

/// The incoming side of a connection: reads what is there, and puts the data of a call together in place. Everything that
/// the peer says of lengths is checked against what has been read, and the buffer never grows.
@usableFromInline struct CallStream: ~Copyable {
  @usableFromInline enum Taken {
    /// A call or a reply is whole: `header` and `stub`. Valid until `finish`.
    case message
    /// A fragment of one was taken, and others follow.
    case more
    /// A fragment of another kind is there; `takeWhole` takes it.
    case other
    /// Nothing to read; errno says why.
    case waits
    case closed
    case corrupted
  }

  @usableFromInline let descriptor: Int32
  private let socket: Socket
  private let buffer: UnsafeMutableRawPointer
  private let byteCount: Int
  /// Read and not yet used: `buffer[start ..< end]`.
  private var start = 0
  private var end = 0
  /// Data of the message: they begin after its first header and end here; 0 while there are none.
  private var dataEnd = 0
  private var isInside = false
  /// Of the first fragment.
  @usableFromInline private(set) var header: CallHeader
  @usableFromInline private(set) var failures = 0

  /// - Parameter capacity: bytes of the largest message.
  init(_ socket: Socket, capacity: Int) {
    self.socket = socket
    descriptor = socket.descriptor.rawValue
    // The largest message with its prefix and padding, and a fragment of whatever is not expected.
    byteCount = capacity + 2 * (64 << 10)
    buffer = Buffer.allocate(byteCount)
    header = CallHeader(.request, isFirst: true, isLast: true, fragmentByteCount: 24, callID: 0)
  }

  @usableFromInline var stub: UnsafeRawPointer { UnsafeRawPointer(buffer + CallHeader.byteCount) }
  @usableFromInline var stubByteCount: Int { dataEnd - CallHeader.byteCount }

  /// One step: at most one `read`.
  @usableFromInline mutating func takeFragment() -> Taken {
    guard let count = fragmentByteCount() else { return read() }
    guard count > 0 else { return .corrupted }
    guard end - start >= count else { return read() }
    guard count >= CallHeader.byteCount, let fragment = CallHeader(buffer + start) else { return .other }
    failures = 0
    return isInside ? append(fragment) : begin(fragment)
  }

  /// Nil while its length has not come, 0 where there cannot be one.
  private func fragmentByteCount() -> Int? {
    guard end - start >= PDUHeader.byteCount else { return nil }
    return CallHeader.fragmentByteCount(buffer + start) ?? 0
  }

  private mutating func read() -> Taken {
    if byteCount - end < 64 << 10 && start > dataEnd { moveRest() }
    guard byteCount > end else { return .corrupted }
    let got = RawDescriptor.read(descriptor, buffer + end, byteCount - end)
    if got > 0 {
      end += got
      return .more
    }
    if got == 0 { return .closed }
    failures += 1
    return .waits
  }

  /// Moves what is not used yet next to the data that there are.
  private mutating func moveRest() {
    memmove(buffer + dataEnd, buffer + start, end - start)
    (start, end) = (dataEnd, dataEnd + end - start)
  }

  private mutating func begin(_ fragment: CallHeader) -> Taken {
    guard fragment.isFirst else { return .corrupted }
    if start > 0 { moveRest() }
    header = fragment
    (start, dataEnd, isInside) = (fragment.fragmentByteCount, fragment.fragmentByteCount, true)
    return fragment.isLast ? .message : .more
  }

  private mutating func append(_ fragment: CallHeader) -> Taken {
    let count = fragment.fragmentByteCount - CallHeader.byteCount
    let belongs =
      !fragment.isFirst && fragment.callID == header.callID && fragment.type == header.type
      && fragment.contextID == header.contextID
    // A fragment without data could be followed by any number of others.
    guard belongs, count > 0 || fragment.isLast else { return .corrupted }
    memmove(buffer + dataEnd, buffer + start + CallHeader.byteCount, count)
    dataEnd += count
    start += fragment.fragmentByteCount
    return fragment.isLast ? .message : .more
  }

  /// The message has been used.
  @usableFromInline mutating func finish() {
    (dataEnd, isInside) = (0, false)
    if start == end { (start, end) = (0, 0) }
  }

  /// The fragment that is there, or all of a call that is not as it should be, with one header.
  @usableFromInline mutating func takeWhole() -> [UInt8] {
    if isInside {
      defer { finish() }
      var whole = header
      whole.isLast = true
      // What is too long for one fragment is refused for its length by whoever reads it.
      whole.fragmentByteCount = min(dataEnd, 0xffff)
      whole.store(to: buffer, dataByteCount: stubByteCount)
      return Array(UnsafeRawBufferPointer(start: buffer, count: whole.fragmentByteCount))
    }
    let count = fragmentByteCount() ?? 0
    defer {
      start += count
      finish()
    }
    return Array(UnsafeRawBufferPointer(start: buffer + start, count: count))
  }

  func close() { socket.close() }
}
