/// What went wrong with a results file, worded once, where the cause is known.
public struct ResultsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What a caller may want to tell apart.
  public enum Code: String, Sendable {
    /// A file or directory is not there.
    case missing
    /// It is there and cannot be read.
    case unreadable
    /// It was read and is not what it should be.
    case malformed
    /// It is something else altogether.
    case foreign
    /// It is what it should be, and holds no trials.
    case empty
    /// It was written by a newer version of the tool.
    case newerVersion
    /// A run must not overwrite another.
    case alreadyExists
    /// The disk, the quota or the file size limit is full; everything written before is intact.
    case noSpace
    /// It could not be written for another reason.
    case notWritable
  }

  public var code: Code
  /// The file or directory concerned.
  public var path: String
  /// The system's error number, where a system call failed.
  public var errno: Int32?
  /// One sentence that names the path and says what to do.
  public var message: String

  public init(_ code: Code, path: String, errno: Int32? = nil, _ message: String) {
    self.code = code
    self.path = path
    self.errno = errno
    self.message = message
  }

  public var description: String { message }
}
