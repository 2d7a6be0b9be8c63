import Foundation
import Glibc
import Testing

@testable import Results

/// A disk that takes a number of bytes and then fails, as `write(2)` does: first a short count, then the error.
private func disk(room: Int, error: Int32) -> Files.Write {
  let left = Room(room)
  return { descriptor, bytes in
    let count = left.take(bytes.count)
    guard count > 0 else {
      errno = error
      return -1
    }
    return Glibc.write(descriptor, bytes.baseAddress, count)
  }
}

private final class Room: @unchecked Sendable {
  private let lock = NSLock()
  private var bytes: Int

  init(_ bytes: Int) { self.bytes = bytes }

  func take(_ wanted: Int) -> Int {
    lock.withLock {
      let count = min(wanted, bytes)
      bytes -= count
      return count
    }
  }
}

@Suite struct FullDiskTests {
  let temporary: TemporaryDirectory
  let path: String
  /// Length of the log after its first record.
  let length: Int

  init() throws {
    temporary = try TemporaryDirectory()
    path = "\(temporary.path)/trials.jsonl"
    let log = TrialLog(path: path)
    try log.create()
    try log.append(Sample.record(trial: 0), synchronise: false)
    length = try contents(path).utf8.count
  }

  @Test(arguments: [
    (ENOSPC, ResultsError.Code.noSpace, "free some"), (EDQUOT, .noSpace, "quota"),
    (EFBIG, .noSpace, "ulimit -f"), (EIO, .notWritable, "--out"),
  ])
  func aFailedWriteLeavesOnlyWholeRecordsAndSaysWhatToDo(
    number: Int32, code: ResultsError.Code, remedy: String
  ) throws {
    for room in [0, 1, 100] {
      let full = TrialLog(path: path, write: disk(room: room, error: number))
      let error = #expect(throws: ResultsError.self) {
        try full.append(Sample.record(trial: 1), synchronise: false)
      }
      #expect(error?.code == code)
      #expect(error?.errno == number)
      #expect(error?.path == path)
      #expect(error?.message.contains(path) == true)
      #expect(error?.message.contains(remedy) == true)
      #expect(error?.message.contains("the trials before it are kept") == true)
      #expect(try contents(path).utf8.count == length)
    }
  }

  @Test func theRunGoesOnOnceThereIsRoomAgain() throws {
    let full = TrialLog(path: path, write: disk(room: 50, error: ENOSPC))
    #expect(throws: ResultsError.self) { try full.append(Sample.record(trial: 1), synchronise: false) }
    try TrialLog(path: path).append(Sample.record(trial: 1), synchronise: false)
    #expect(try TrialLog(path: path).load().trials.map(\.trial) == [0, 1])
  }

  @Test func aWriteThatIsTakenInPiecesIsCompleted() throws {
    let slow: Files.Write = { descriptor, bytes in
      Glibc.write(descriptor, bytes.baseAddress, min(bytes.count, 7))
    }
    try TrialLog(path: path, write: slow).append(Sample.record(trial: 1), synchronise: false)
    #expect(try TrialLog(path: path).load().trials.map(\.trial) == [0, 1])
  }

  @Test func aFileThatCannotBeReplacedStaysAsItWas() throws {
    let csv = "\(temporary.path)/results.csv"
    try Files.replace(csv, with: Data("old".utf8))
    let error = #expect(throws: ResultsError.self) {
      try Files.replace(csv, with: Data("newer".utf8), write: disk(room: 2, error: ENOSPC))
    }
    #expect(error?.code == .noSpace)
    #expect(try contents(csv) == "old")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: temporary.path).sorted() == [
        "results.csv", "trials.jsonl",
      ])
  }

  /// The kernel's own error, in a process of its own because the limit is the whole process's. Without care its
  /// signal would kill the process.
  @Test func theFileSizeLimitIsAnErrorAndNotASignal() async throws {
    await #expect(processExitsWith: .success) {
      let temporary = try TemporaryDirectory()
      let log = TrialLog(path: "\(temporary.path)/trials.jsonl")
      try log.create()
      try log.append(Sample.record(trial: 0), synchronise: false)
      let length = try contents(log.path).utf8.count
      var limit = rlimit(rlim_cur: rlim_t(length + 100), rlim_max: rlim_t.max)
      // A parent may have left the signal ignored or blocked; the tool must not depend on that.
      var signals = sigset_t()
      sigemptyset(&signals)
      sigaddset(&signals, SIGXFSZ)
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
      signal(SIGXFSZ, SIG_DFL)
      #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      for _ in 0..<2 {
        let error = #expect(throws: ResultsError.self) {
          try log.append(Sample.record(trial: 1), synchronise: false)
        }
        #expect(error?.errno == EFBIG)
      }
      #expect(try contents(log.path).utf8.count == length)
      #expect(try log.load().trials.map(\.trial) == [0])
    }
  }

  @Test func aDeviceThatIsFullIsReportedAsSuch() throws {
    #expect(symlink("/dev/full", "\(temporary.path)/full") == 0)
    let descriptor = open("\(temporary.path)/full", O_WRONLY)
    defer { close(descriptor) }
    #expect(Files.writeAll(descriptor, Data("text".utf8), Files.systemWrite) == ENOSPC)
  }
}
