import Glibc
import IPCTransport
import LinuxIPC

/// The side of a fan-in that has a byte stream from each producer, as a server has from its clients: it looks which of
/// them have something to read (epoll), reads what is there from one after the other, and cuts it up.
///
/// Where it spins it tries their descriptors in turn instead.
public struct StreamServer<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }

  /// What has been read from one producer and not yet handed out: `buffer[start ..< end]`.
  @usableFromInline struct Client {
    @usableFromInline let descriptor: Int32
    @usableFromInline let buffer: UnsafeMutableRawPointer
    @usableFromInline var start = 0
    @usableFromInline var end = 0
  }

  let ends: [Ends]
  let poll: EventPoll
  @usableFromInline let clients: UnsafeMutablePointer<Client>
  @usableFromInline var current = 0
  @usableFromInline let capacity: Int
  let bufferByteCount: Int
  /// A bit for each client: whose stream has not ended, and who is still to be read of those that the last look found.
  var open: UInt64
  var ready: UInt64 = 0
  var patience: Patience<Wait>
  public var stalls: UInt64 { patience.stalls }

  @inlinable static var prefixByteCount: Int { 4 }

  public init(_ ends: [Ends], as role: Role, _ spec: ChannelSpec) throws(TransportError) {
    let patience = try Patience<Wait>(nil, spec)
    let poll = try explaining("make an epoll instance") { () throws(SystemError) in
      let poll = try EventPoll()
      for (index, end) in ends.enumerated() { try poll.add(end.input, token: index) }
      return poll
    }
    for end in ends { try end.setNonBlocking(true) }
    bufferByteCount = max(64 << 10, 2 * (spec.messageByteCount + Self.prefixByteCount))
    clients = .allocate(capacity: ends.count)
    for (index, end) in ends.enumerated() {
      (clients + index).initialize(
        to: Client(descriptor: end.input.rawValue, buffer: Buffer.allocate(bufferByteCount)))
    }
    open = (1 << UInt64(ends.count)) - 1
    capacity = spec.messageByteCount
    self.ends = ends
    self.poll = poll
    self.patience = patience
  }

  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) { throw .messageTooLarge }

  @inlinable @inline(__always)
  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    while true {
      let client = clients + current
      let available = client.pointee.end &- client.pointee.start
      if available >= Self.prefixByteCount {
        let message = client.pointee.buffer + client.pointee.start
        let byteCount = LengthPrefix.byteCount(message)
        guard byteCount <= capacity else { throw .corrupted }
        if available >= byteCount &+ Self.prefixByteCount {
          body(RawSpan(_unsafeStart: message + Self.prefixByteCount, byteCount: byteCount))
          client.pointee.start &+= byteCount &+ Self.prefixByteCount
          return
        }
      }
      try readFromNext()
    }
  }

  /// Reads from the next client that has something, waiting until one has.
  @usableFromInline @inline(never)
  mutating func readFromNext() throws(ExchangeError) {
    var steps = 0
    while true {
      // Everybody whom a look has found is read once before the next look: nobody is preferred.
      if ready != 0 {
        let next = ready.trailingZeroBitCount
        ready &= ready &- 1
        guard try read(next) else { continue }
        current = next
        return
      }
      guard open != 0 else { throw .peerClosed }
      steps += 1
      if steps == 1 { patience.stalls &+= 1 }
      if Wait.sleeps && steps > Wait.spinBudget {
        ready = poll.wait(milliseconds: 50)
        if ready == 0 { try patience.check(steps) }
      } else {
        Wait.relax()
        if steps & 1023 == 0 { try patience.check(steps) }
        ready = open
      }
    }
  }

  /// - Returns: whether something came.
  private mutating func read(_ number: Int) throws(ExchangeError) -> Bool {
    let client = clients + number
    let (start, end) = (client.pointee.start, client.pointee.end)
    if start > 0 {
      memmove(client.pointee.buffer, client.pointee.buffer + start, end - start)
      (client.pointee.start, client.pointee.end) = (0, end - start)
    }
    let got = RawDescriptor.read(
      client.pointee.descriptor, client.pointee.buffer + client.pointee.end,
      bufferByteCount - client.pointee.end)
    if got > 0 {
      client.pointee.end += got
      return true
    }
    if got == 0 {
      open &= ~(1 &<< UInt64(number))
      poll.remove(client.pointee.descriptor)
    } else if RawDescriptor.lastError != EAGAIN && RawDescriptor.lastError != EINTR {
      try patience.judge(RawDescriptor.lastError, 1)
    }
    return false
  }

  public mutating func shutDown() {
    poll.close()
    ends.forEach { $0.close() }
  }
}
