import Foundation
import Glibc

/// The few file operations that results need, each with its error worded as one sentence.
enum Files {
  /// Opens a regular file for reading. A pipe, which might never give anything, is refused rather than waited for.
  ///
  /// - Returns: a descriptor that the caller closes.
  /// - Throws: `missing` or `unreadable`.
  static func open(_ path: String) throws(ResultsError) -> Int32 {
    // Not to wait for somebody to open the other end of a pipe; it means nothing for a regular file.
    let descriptor = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { throw readError(path, errno) }
    var status = stat()
    let failure = fstat(descriptor, &status) == 0 ? 0 : errno
    let kind = status.st_mode & S_IFMT
    if failure == 0 && kind == S_IFREG { return descriptor }
    close(descriptor)
    throw failure == 0 ? notAFile(path, kind) : readError(path, failure)
  }

  /// - Parameter longest: a file of which more than that can be read is not one of ours.
  /// - Throws: `missing`, `unreadable` or `malformed`.
  static func read(_ path: String, longest: Int = 64 << 20) throws(ResultsError) -> Data {
    let descriptor = try open(path)
    defer { close(descriptor) }
    var data = Data()
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw readError(path, errno) }
      if count == 0 { return data }
      data.append(contentsOf: buffer[..<count])
      if data.count > longest { throw tooLarge(path, longest) }
    }
  }

  /// Replaces a file as a whole: a reader sees the old one or the new one, never a part.
  ///
  /// - Throws: `noSpace` or `notWritable`; the old file, if any, is then still there.
  static func replace(_ path: String, with data: Data, write: Write = systemWrite) throws(ResultsError) {
    let temporary = "\(path).\(getpid()).tmp"
    let descriptor = Glibc.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw writeError(path, errno) }
    var failure = writeAll(descriptor, data, write)
    if close(descriptor) != 0 && failure == 0 { failure = errno }
    if failure == 0 && rename(temporary, path) != 0 { failure = errno }
    guard failure != 0 else { return }
    unlink(temporary)
    throw writeError(path, failure)
  }

  /// Creates a directory and those above it.
  static func createDirectory(_ path: String) throws(ResultsError) {
    if mkdir(path, 0o755) == 0 { return }
    var failure = errno
    if failure == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
      try createDirectory(String(path[..<slash]))
      failure = mkdir(path, 0o755) == 0 ? 0 : errno
    }
    if failure == EEXIST && isDirectory(path) { failure = 0 }
    guard failure != 0 else { return }
    throw writeError(path, failure)
  }

  /// The names in a directory, sorted.
  ///
  /// - Throws: `missing` or `unreadable`.
  static func names(in path: String) throws(ResultsError) -> [String] {
    guard let directory = opendir(path) else { throw readError(path, errno) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether a file was written before another one; false where there is no other.
  static func isOlder(_ path: String, than other: String) -> Bool {
    var (own, others) = (stat(), stat())
    guard stat(path, &own) == 0, stat(other, &others) == 0 else { return false }
    return (own.st_mtim.tv_sec, own.st_mtim.tv_nsec) < (
      others.st_mtim.tv_sec, others.st_mtim.tv_nsec
    )
  }

  /// Where a symbolic link points, as it is written; nil when the path is not one.
  static func destination(ofLink path: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &buffer, buffer.count)
    guard count > 0 else { return nil }
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  // MARK: Writing

  /// `write(2)`; tests put a full disk in its place.
  typealias Write = @Sendable (Int32, UnsafeRawBufferPointer) -> Int

  /// `write(2)` without the signal that the kernel sends at the file size limit: its default action would end
  /// the process, and the error number says the same.
  static let systemWrite: Write = { descriptor, bytes in
    var signals = sigset_t()
    var before = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGXFSZ)
    pthread_sigmask(SIG_BLOCK, &signals, &before)
    let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    let failure = errno
    if count < 0 && failure == EFBIG {
      var now = timespec()
      sigtimedwait(&signals, nil, &now)
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
    errno = failure
    return count
  }

  /// Writes everything, in one call unless the system takes less.
  ///
  /// - Returns: 0, or the error number.
  static func writeAll(_ descriptor: Int32, _ data: Data, _ write: Write) -> Int32 {
    data.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest))
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { return errno }
        // No progress and no error: a full device, on some file systems.
        guard count > 0 else { return ENOSPC }
        rest = rest.dropFirst(count)
      }
      return 0
    }
  }
}
