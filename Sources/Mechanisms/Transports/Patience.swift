import Glibc
import IPCTransport
import LinuxIPC

/// What a transport does after a call that could not proceed: waits by its strategy, and gives up when waiting
/// has become pointless.
public struct Patience<Wait: WaitStrategy>: ~Copyable {
  /// Times an exchange could not proceed at once.
  public var stalls: UInt64 = 0
  var watch: PeerWatch
  private var waits: UInt64 = 0
  private var peerIsGone = false
  private var wasReset = false
  private var multiplexer: Multiplexer

  /// - Parameter meeting: nil where the kernel reports the peer's end.
  init(_ meeting: Meeting?, _ spec: ChannelSpec) throws(TransportError) {
    let limit = spec.stallLimitNanoseconds
    let watch = try explaining("take this side of the channel") { () throws(SystemError) in
      try meeting?.watch(stallLimitNanoseconds: limit) ?? PeerWatch(stallLimitNanoseconds: limit)
    }
    let multiplexer = try explaining("wait for descriptors") { () throws(SystemError) in
      try Multiplexer(Wait.asksFirst ? spec.wait : .poll)
    }
    self.watch = watch
    self.multiplexer = multiplexer
  }

  /// After a call that failed: throws unless it is worth trying again, else does one waiting step.
  ///
  /// - Parameters:
  ///   - steps: how often this exchange has failed so far, 1 for the first time.
  ///   - descriptor: what to sleep on, −1 where the call itself sleeps.
  @inlinable @inline(__always)
  mutating func wait(_ steps: Int, _ descriptor: Int32 = -1, _ event: Int16 = 0) throws(ExchangeError) {
    let error = RawDescriptor.lastError
    if error != EAGAIN { return try judge(error, steps, descriptor, event) }
    if steps == 1 { stalls &+= 1 }
    if Wait.sleeps && steps > Wait.spinBudget {
      try sleep(steps, descriptor, event)
    } else {
      Wait.relax()
      if steps & (Wait.stepsPerCheck - 1) == 0 { try check(steps, descriptor, event) }
    }
  }

  @usableFromInline @inline(never)
  mutating func judge(
    _ error: Int32, _ steps: Int, _ descriptor: Int32 = -1, _ event: Int16 = 0
  ) throws(ExchangeError) {
    switch error {
    case EINTR: try check(steps, descriptor, event)
    // A peer that has left something unread resets the connection; that is said once, and before what it had sent.
    case ECONNRESET:
      if wasReset { throw .peerClosed }
      wasReset = true
    case EPIPE, ECONNREFUSED, ENOTCONN, ESRCH, EIDRM, ENOENT: throw .peerClosed
    case ESHUTDOWN: throw .serviceEnded
    case ECANCELED: throw .ownershipLost
    case ENODATA: throw .refused
    case ENOEXEC: throw .notStarted
    case EBADMSG: throw .corrupted
    case EDEADLK: throw .mutualCall
    default: throw .system(errno: error)
    }
  }

  @usableFromInline @inline(never)
  mutating func sleep(_ steps: Int, _ descriptor: Int32, _ event: Int16) throws(ExchangeError) {
    if descriptor >= 0 { _ = multiplexer.wait(descriptor, event, milliseconds: Self.sleepMilliseconds) }
    try check(steps, descriptor, event)
  }

  /// Before a side that asks first reads: sleeps until there is something to read, or the peer gone.
  @usableFromInline @inline(never)
  mutating func awaitInput(_ descriptor: Int32) throws(ExchangeError) {
    var steps = 0
    while true {
      let ready = multiplexer.wait(descriptor, Int16(POLLIN), milliseconds: Self.sleepMilliseconds)
      if ready > 0 { return }
      steps &+= 1
      if ready < 0 {
        try judge(RawDescriptor.lastError, steps, descriptor)
      } else {
        try check(steps, descriptor)
      }
    }
  }

  /// How long the kernel is left alone before the side looks after its peer.
  private static var sleepMilliseconds: Int32 { 20 }

  /// Looks at the clock and after the peer. When the peer is gone, what it left is there: one more attempt is
  /// made before that is an error.
  @usableFromInline @inline(never)
  mutating func check(_ steps: Int, _ descriptor: Int32 = -1, _ event: Int16 = 0) throws(ExchangeError) {
    if event == Int16(POLLOUT) && readerHasClosed(descriptor) { throw .peerClosed }
    // The stall limit counts from the first check of a wait.
    if steps <= max(Wait.stepsPerCheck, Wait.sleeps ? Wait.spinBudget + 1 : 0) { waits &+= 1 }
    switch watch.look(at: waits) {
    case .present: return
    case .gone:
      if peerIsGone { throw .peerClosed }
      peerIsGone = true
    case .stalled: throw .timedOut
    }
  }

  /// Whether there is no room and never will be. A TCP connection is reset when something comes after its reader has
  /// closed, and the next write fails; one of MPTCP goes on taking what fits, into a socket that nobody has any more
  /// (Linux 6.18, for net.mptcp.close_timeout seconds).
  private func readerHasClosed(_ descriptor: Int32) -> Bool {
    guard descriptor >= 0 else { return false }
    let (room, end) = (Int16(POLLOUT), Socket.peerHasClosed)
    var request = pollfd(fd: descriptor, events: room | end, revents: 0)
    return poll(&request, 1, 0) > 0 && request.revents & room == 0 && request.revents & end != 0
  }

  func leave() { watch.leave() }
}
