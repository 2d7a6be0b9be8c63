import LinuxIPC
import SystemPackage

/// Why a mechanism cannot be set up: one sentence for people, with what to do about it.
public struct TransportError: Error, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The mechanism cannot do what was asked for, on any machine.
    case unsupported
    /// A component or kernel feature is missing here.
    case unavailable
    /// The message is larger than the mechanism carries.
    case messageTooLarge
    case noPermission
    /// A limit of the system or of this user is too low.
    case resourceLimit
    /// Anything else that a system call reported.
    case system
  }

  public var code: Code
  public var description: String

  public init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  /// Words a failed system call; the code follows from its errno.
  public init(_ error: SystemError, doing action: String) {
    switch error.errno {
    case .permissionDenied, .notPermitted:
      self.init(.noPermission, "Cannot \(action): no permission (\(error)); run it as a user who has it.")
    case .fileExists, .addressInUse:
      self.init(
        .system,
        "Cannot \(action): the name is taken by somebody else's object, which is left alone (\(error)); remove it "
          + "if it is not needed.")
    case .fileNameTooLong:
      self.init(
        .system, "Cannot \(action): the name is too long (\(error)); use a shorter directory or name.")
    case .noSpace:
      self.init(.resourceLimit, "Cannot \(action): the file system is full (\(error)); free some space.")
    case .noMemory:
      self.init(.resourceLimit, "Cannot \(action): not enough memory (\(error)).")
    case .tooManyOpenFiles, .tooManyOpenFilesInSystem:
      self.init(
        .resourceLimit, "Cannot \(action): too many open files (\(error)); raise the limit with 'ulimit -n'.")
    default:
      self.init(.system, "Cannot \(action): \(error).")
    }
  }
}

/// Turns the system error of a set-up step into a sentence.
@inlinable public func explaining<Value: ~Copyable>(
  _ action: @autoclosure () -> String, _ body: () throws(SystemError) -> Value
) throws(TransportError) -> Value {
  do throws(SystemError) {
    return try body()
  } catch {
    throw TransportError(error, doing: action())
  }
}

/// Why a message could not be exchanged. Trivial, so that the possibility of throwing it costs the measured
/// loop neither a retain nor an allocation.
public enum ExchangeError: Error, Sendable, Equatable {
  /// The peer closed its end or died, and everything it had sent has been received.
  case peerClosed
  /// The peer made no progress within the stall limit.
  case timedOut
  case messageTooLarge
  /// The message is smaller than the mechanism carries: empty, where that would look like the end.
  case messageTooSmall
  /// What arrived cannot be what was sent.
  case corrupted
  /// Both peers called each other at once, and each waits for the other's handler.
  case mutualCall
  /// The daemon that carries the messages ended, or threw this side out.
  case serviceEnded
  /// Somebody else took the selection before the peer had read it.
  case ownershipLost
  /// The service could not start the server that was asked for, or it ended before it answered.
  case notStarted
  /// The owner of a selection, or a server, will not hand over what was asked for.
  case refused
  /// A system call failed with this errno.
  case system(errno: Int32)
}

extension ExchangeError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .peerClosed: "the peer closed its end or died"
    case .timedOut: "the peer made no progress within the stall limit"
    case .messageTooLarge: "the message is larger than the mechanism carries"
    case .messageTooSmall: "the message is smaller than the mechanism carries"
    case .mutualCall: "both peers called each other at once, so that neither can answer"
    case .corrupted: "data was corrupted"
    case .serviceEnded: "the service that carries the messages ended"
    case .ownershipLost: "somebody else took the selection before it was read"
    case .notStarted: "the server could not be started, or ended before it answered"
    case .refused: "the peer refused to hand over what was asked for"
    case .system(let errno): "a system call failed: \(Errno(rawValue: errno))"
    }
  }
}
