import Glibc
import SystemPackage

/// A system call that failed: which one, on what, and the errno it left.
///
/// This is the only error type below the transports; it is worded once, where the cause is known.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The call as the man page names it: `shm_open`.
  public var operation: String
  /// What it was applied to, empty where that says nothing.
  public var object: String
  public var errno: Errno

  public init(_ operation: String, _ object: String = "", errno: Errno) {
    self.operation = operation
    self.object = object
    self.errno = errno
  }

  /// The error of the call that has just returned −1.
  public static func last(_ operation: String, _ object: String = "") -> SystemError {
    SystemError(operation, object, errno: Errno(rawValue: Glibc.errno))
  }

  public var description: String {
    object.isEmpty ? "\(operation): \(errno)" : "\(operation) \(object): \(errno)"
  }
}

/// Calls `body` until it does not fail with EINTR, and throws what else it fails with.
///
/// The one place where EINTR is handled off the measured path.
@discardableResult
public func retrying<Value: FixedWidthInteger>(
  _ operation: String, _ object: @autoclosure () -> String = "", _ body: () -> Value
) throws(SystemError) -> Value {
  while true {
    let value = body()
    if value >= 0 { return value }
    if Glibc.errno != EINTR { throw SystemError.last(operation, object()) }
  }
}

/// Throws when a call that is never interrupted returned −1.
@discardableResult
public func check<Value: FixedWidthInteger>(
  _ operation: String, _ object: @autoclosure () -> String = "", _ value: Value
) throws(SystemError) -> Value {
  if value < 0 { throw SystemError.last(operation, object()) }
  return value
}
