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
  private var polls: (input: EventPoll, output: EventPoll)?
  private var isAsked = (input: false, output: false)
  /// Requests in the ring that the kernel has not taken yet.
  private var prepared: UInt32 = 0

  /// - Parameter kind: `epoll` and `io-uring`; everything else is `poll`.
  public init(_ kind: WaitKind) throws(SystemError) {
    if kind == .ioURing { ring = try URing() }
    if kind == .epoll { polls = (try EventPoll(), try EventPoll()) }
  }

  deinit {
    if let ring { ring.close() }
    polls?.input.close()
    polls?.output.close()
  }

  /// - Parameters:
  ///   - descriptor: the one that this side reads from, with POLLIN, or writes to, with POLLOUT.
  ///   - milliseconds: after which it gives up.
  /// - Returns: 1 where the descriptor is ready, or its other side gone; 0 where the time is up; −1 with errno.
  public mutating func wait(_ descriptor: Int32, _ event: Int16, milliseconds: Int32) -> Int {
    if let polls {
      let isInput = event == Int16(POLLIN)
      return wait(isInput ? polls.input : polls.output, descriptor, isInput, milliseconds)
    }
    guard ring == nil else { return waitByRing(descriptor, event, milliseconds) }
    var request = pollfd(fd: descriptor, events: event, revents: 0)
    return Int(Glibc.poll(&request, 1, milliseconds))
  }

  private mutating func wait(
    _ poll: EventPoll, _ descriptor: Int32, _ isInput: Bool, _ milliseconds: Int32
  ) -> Int {
    if !(isInput ? isAsked.input : isAsked.output) {
      do throws(SystemError) {
        try poll.add(FileDescriptor(rawValue: descriptor), token: 0, events: isInput ? POLLIN : POLLOUT)
      } catch {
        return RawDescriptor.fail(error.errno.rawValue)
      }
      note(isInput, true)
    }
    return poll.wait(milliseconds: milliseconds) == 0 ? 0 : 1
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
