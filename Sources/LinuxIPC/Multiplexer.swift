import CLinuxShims
import Glibc
import SystemPackage

/// Sleeps until a descriptor is ready, in one of the kernel's calls that wait for several.
///
/// A side reads from one descriptor and writes to one; each is registered when it is first waited for, and stays so: with
/// epoll level-triggered in an instance of its own, so that room to write, which there nearly always is, wakes no reader.
/// A poll request of io_uring is for one time (io_uring_prep_poll_add(3)) and leaves with the call that waits for it.
public struct Multiplexer: ~Copyable {
  private var ring: URing?
  /// By event, like what follows.
  private var polls: (input: Int32, output: Int32) = (-1, -1)
  private var isAsked = (input: false, output: false)
  /// Requests in the ring that the kernel has not taken yet.
  private var prepared: UInt32 = 0

  /// - Parameter kind: `epoll` and `io-uring`; everything else is `poll`.
  public init(_ kind: WaitKind) throws(SystemError) {
    if kind == .ioURing { ring = try URing() }
    if kind == .epoll {
      polls.input = try check("epoll_create1", "", ipcb_epoll_create())
      polls.output = try check("epoll_create1", "", ipcb_epoll_create())
    }
  }

  deinit {
    if let ring { ring.close() }
    for poll in [polls.input, polls.output] where poll >= 0 { Glibc.close(poll) }
  }

  /// - Parameters:
  ///   - descriptor: the one that this side reads from, with POLLIN, or writes to, with POLLOUT.
  ///   - milliseconds: after which it gives up.
  /// - Returns: 1 where the descriptor is ready, or its other side gone; 0 where the time is up; −1 with errno.
  public mutating func wait(_ descriptor: Int32, _ event: Int16, milliseconds: Int32) -> Int {
    if polls.input >= 0 { return waitByEpoll(descriptor, event, milliseconds) }
    guard ring == nil else { return waitByRing(descriptor, event, milliseconds) }
    var request = pollfd(fd: descriptor, events: event, revents: 0)
    return Int(Glibc.poll(&request, 1, milliseconds))
  }

  private mutating func waitByEpoll(_ descriptor: Int32, _ event: Int16, _ milliseconds: Int32) -> Int {
    let isInput = event == Int16(POLLIN)
    let poll = isInput ? polls.input : polls.output
    if !(isInput ? isAsked.input : isAsked.output) {
      // The events of epoll are numbered as those of poll.
      if ipcb_epoll_add(poll, descriptor, UInt32(event), 0) < 0 { return -1 }
      note(isInput, true)
    }
    var token: UInt32 = 0
    return Int(ipcb_epoll_wait(poll, &token, 1, milliseconds))
  }

  private mutating func waitByRing(_ descriptor: Int32, _ event: Int16, _ milliseconds: Int32) -> Int {
    let isInput = event == Int16(POLLIN)
    if !(isInput ? isAsked.input : isAsked.output) {
      ring?.preparePoll(descriptor, UInt32(event), tag: isInput ? 0 : 1)
      note(isInput, true)
      prepared += 1
    }
    let entered = ring?.enter(submit: prepared, milliseconds: milliseconds) ?? -1
    // A completion that is there tells more than the call that it came in.
    let error = RawDescriptor.lastError
    if entered > 0 { prepared -= UInt32(entered) }
    var isReady = false
    while let done = ring?.take() {
      note(done.tag == 0, false)
      if (done.tag == 0) == isInput { isReady = true }
    }
    if isReady { return 1 }
    return entered >= 0 || error == ETIME ? 0 : RawDescriptor.fail(error)
  }

  private mutating func note(_ isInput: Bool, _ isAsked: Bool) {
    if isInput { self.isAsked.input = isAsked } else { self.isAsked.output = isAsked }
  }
}
