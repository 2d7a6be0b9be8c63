import Glibc
import IPCTransport
import LinuxIPC

/// Several operations in the submission ring, entered with one system call; each is linked to the one before it, so that
/// they take effect in their order (io_uring_enter(2), IOSQE_IO_LINK).
public struct BatchedURing<Wait: WaitStrategy>: Transport, ~Copyable {
  public static var wait: WaitKind { Wait.kind }
  private let socket: Int32
  private let capacity: Int
  private let stride: Int
  private let most: Int
  private let buffers: UnsafeMutableRawPointer
  private var ring: URing
  /// Messages that wait to be sent; operations that were submitted and have not completed.
  private var waiting = 0
  private var inFlight = 0
  private var patience: Patience<Wait>
  public var stalls: UInt64 { patience.stalls }

  public init(
    _ attachment: IOURing.Attachment, as role: Role, _ spec: ChannelSpec
  ) throws(TransportError) {
    let patience = try Patience<Wait>(nil, spec)
    let entries = spec.batch
    let ring = try explaining("set up io_uring") { () throws(SystemError) in
      try URing(entries: UInt32(max(8, entries)))
    }
    self.patience = patience
    self.ring = ring
    socket = attachment.socket.descriptor.rawValue
    capacity = spec.messageByteCount
    most = entries
    // A message that is longer than it may be must show.
    stride = (capacity + 1 + 63) / 64 * 64
    buffers = Buffer.allocate(stride * entries)
    lengths = .allocate(capacity: entries)
  }

  private let lengths: UnsafeMutablePointer<Int>
  private func buffer(_ index: Int) -> UnsafeMutableRawPointer { buffers + index &* stride }

  public mutating func send(
    _ byteCount: Int, _ fill: (inout MutableRawSpan) -> Void
  ) throws(ExchangeError) {
    guard byteCount <= capacity else { throw .messageTooLarge }
    guard byteCount > 0 else { throw .messageTooSmall }
    if waiting == most { try flush() }
    var span = MutableRawSpan(_unsafeStart: buffer(waiting), byteCount: byteCount)
    fill(&span)
    lengths[waiting] = byteCount
    waiting &+= 1
  }

  public mutating func flush() throws(ExchangeError) {
    for index in 0..<waiting {
      ring.prepareSend(
        socket, buffer(index), lengths[index], flags: Int32(MSG_NOSIGNAL), tag: UInt64(index))
      if index &+ 1 < waiting { ring.link() }
    }
    try submit(waiting, awaiting: waiting)
    waiting = 0
    var steps = 0
    while inFlight > 0 {
      if let completion = ring.take() {
        inFlight &-= 1
        guard completion.result >= 0 else { throw failure(completion.result) }
        steps = 0
      } else {
        steps &+= 1
        try wait(steps, completions: inFlight)
      }
    }
  }

  public mutating func receive(_ body: (borrowing RawSpan) -> Void) throws(ExchangeError) {
    if inFlight == 0 {
      for index in 0..<most {
        ring.prepareReceive(socket, buffer(index), capacity &+ 1, flags: 0, tag: UInt64(index))
        if index &+ 1 < most { ring.link() }
      }
      try submit(most, awaiting: 1)
    }
    var steps = 0
    while true {
      if let completion = ring.take() {
        inFlight &-= 1
        guard completion.result > 0 else {
          throw completion.result == 0 ? .peerClosed : failure(completion.result)
        }
        let byteCount = Int(completion.result)
        guard byteCount <= capacity else { throw .corrupted }
        return body(
          RawSpan(
            _unsafeStart: buffer(Int(truncatingIfNeeded: completion.tag)), byteCount: byteCount))
      }
      steps &+= 1
      try wait(steps, completions: 1)
    }
  }

  /// Enters what was prepared, and sleeps for completions where this form sleeps.
  private mutating func submit(_ count: Int, awaiting completions: Int) throws(ExchangeError) {
    var entered = 0
    while entered < count {
      let result = ring.enter(
        submit: UInt32(count &- entered), wait: Wait.blocksInCalls ? UInt32(completions) : 0)
      // What was interrupted while it waited has been entered.
      if result < 0 {
        guard RawDescriptor.lastError == EINTR else { throw .system(errno: RawDescriptor.lastError) }
        entered = count
      } else {
        entered &+= result
      }
    }
    inFlight = count
  }

  private mutating func wait(_ steps: Int, completions: Int) throws(ExchangeError) {
    if Wait.blocksInCalls {
      if ring.enter(submit: 0, wait: UInt32(completions)) >= 0 { return }
    } else {
      _ = RawDescriptor.fail(EAGAIN)
    }
    try patience.wait(steps)
  }

  private func failure(_ result: Int32) -> ExchangeError {
    // What follows an operation that failed is not begun.
    [EPIPE, ECONNRESET, ECONNREFUSED, ENOTCONN, ECANCELED].contains(-result)
      ? .peerClosed : .system(errno: -result)
  }

  public mutating func shutDown() {
    ring.close()
    Glibc.close(socket)
  }
}
