import Foundation
import Glibc

/// A worker process, as its parent sees it.
private final class Worker {
  let process: pid_t
  let progress: Progress
  /// When it was last seen to have begun another case.
  var movedAt = ContinuousClock.now
  var number: UInt64 = 0
  var status: Int32?

  init(_ arguments: [String], _ progress: Progress) {
    self.progress = progress
    var pointers = ([CommandLine.arguments[0]] + arguments).map { strdup($0) } + [nil]
    defer { pointers.forEach { free($0) } }
    var id: pid_t = 0
    let failure = posix_spawn(&id, "/proc/self/exe", nil, nil, &pointers, environ)
    precondition(failure == 0, "cannot start a worker: \(String(cString: strerror(failure)))")
    process = id
  }

  /// - Returns: whether it still runs; one that has stayed with a case for too long is ended.
  func isRunning() -> Bool {
    if status != nil { return false }
    var status: Int32 = 0
    if waitpid(process, &status, WNOHANG) == process {
      self.status = status
      return false
    }
    if progress.number != number { (number, movedAt) = (progress.number, .now) }
    if movedAt.duration(to: .now) > Self.longest { kill(process, SIGKILL) }
    return true
  }

  /// A case takes a fraction of a millisecond; a machine may be busy.
  private static let longest = Duration.seconds(10)
}

/// - Returns: whether every case gave a table or a sentence.
func supervise(cases: UInt64, seed: UInt64) -> Bool {
  let began = ContinuousClock.now
  let directory = NSTemporaryDirectory() + "ipcbench-results-fuzzer-\(getpid())"
  try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: directory) }
  let count = max(1, min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 16))
  let workers = (0..<count).map { index in
    let path = "\(directory)/\(index)"
    guard let progress = Progress(path) else { fatalError("\(path) cannot be mapped") }
    return Worker(["worker", "\(seed)", "\(index)", "\(count)", "\(cases)", path], progress)
  }
  while workers.filter({ $0.isRunning() }).count > 0 { usleep(50_000) }

  let failed = workers.filter { $0.status != 0 }
  for worker in failed { report(worker, seed, "\(directory)/again-\(worker.process)") }
  let accepted = workers.reduce(0) { $0 + $1.progress.accepted }
  let refused = workers.reduce(0) { $0 + $1.progress.refused }
  let seconds = began.duration(to: .now).components.seconds
  print(
    "fuzz: \(accepted + refused) of \(cases) cases in \(seconds) s, seed \(seed): "
      + "\(accepted) accepted, \(refused) refused, \(failed.count) failed")
  return failed.isEmpty && accepted + refused == cases
}

/// Writes the case at which a worker ended to a file, and says how to repeat it.
///
/// - Parameter directory: is made.
private func report(_ worker: Worker, _ seed: UInt64, _ directory: String) {
  let (number, status) = (worker.progress.number, worker.status ?? 0)
  let signal = status & 0x7F
  let end =
    signal == 0
    ? "ended with \(status >> 8 & 0xFF)"
    : signal == SIGKILL ? "hung, and was ended" : "was ended by signal \(signal)"
  let path = "results-fuzzer-\(seed)-\(number).csv"
  do {
    let bytes = try Fuzzer(seed: seed, directory: directory).file(number).bytes
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  } catch {
    print("fuzz: the case could not be written: \(error)")
  }
  print(
    "fuzz: a worker \(end) at case \(number) of seed \(seed), now in \(path); "
      + "'ResultsFuzzer \(number + 1) \(seed)' comes to it again.")
}
