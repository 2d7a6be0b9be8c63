import Glibc

extension Files {
  static func describe(_ number: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
      strerror_r(number, buffer.baseAddress!, buffer.count) == 0
        ? String(cString: buffer.baseAddress!) : "error \(number)"
    }
  }

  /// - Parameter kind: of the file, as `stat(2)` has it.
  static func notAFile(_ path: String, _ kind: mode_t) -> ResultsError {
    let what =
      switch kind {
      case S_IFDIR: "a directory"
      case S_IFIFO: "a pipe"
      case S_IFCHR, S_IFBLK: "a device"
      default: "no file"
      }
    return ResultsError(
      .unreadable, path: path,
      "\(path) is \(what): give a file, and write what comes from elsewhere into one first.")
  }

  static func tooLarge(_ path: String, _ longest: Int) -> ResultsError {
    ResultsError(
      .malformed, path: path,
      "\(path) is larger than \(Units.describe(byteCount: longest)), as nothing of its kind is: "
        + "restore it from a copy.")
  }

  static func readError(_ path: String, _ number: Int32) -> ResultsError {
    switch number {
    case ENOENT, ENOTDIR:
      ResultsError(
        .missing, path: path, errno: number,
        "\(path) does not exist: check the path, or take a run directory that has the file.")
    case EACCES, EPERM:
      ResultsError(
        .unreadable, path: path, errno: number,
        "\(path) may not be read: change its permissions, or read it as its owner.")
    default:
      ResultsError(
        .unreadable, path: path, errno: number,
        "\(path) cannot be read (\(describe(number))): restore it from a copy.")
    }
  }

  /// - Parameter kept: what is true of the data written before, as the end of a sentence.
  static func writeError(_ path: String, _ number: Int32, kept: String = "") -> ResultsError {
    let (code, text): (ResultsError.Code, String) =
      switch number {
      case ENOSPC:
        (.noSpace, "no space is left on the device: free some, or write elsewhere with --out")
      case EDQUOT:
        (.noSpace, "the disk quota is used up: free some space, or write elsewhere with --out")
      case EFBIG:
        (.noSpace, "the file would exceed the size limit: raise it with 'ulimit -f'")
      case EIO:
        (.notWritable, "the device reports an error: write to another one with --out")
      case EACCES, EPERM:
        (.notWritable, "permission is denied: change the permissions, or choose another directory with --out")
      case EROFS:
        (.notWritable, "the file system is read-only: choose another directory with --out")
      case ENOENT, ENOTDIR:
        (.notWritable, "the directory it belongs in does not exist: choose another with --out")
      default:
        (.notWritable, "\(describe(number)): choose another directory with --out")
      }
    return ResultsError(code, path: path, errno: number, "Cannot write \(path): \(text)\(kept).")
  }
}
