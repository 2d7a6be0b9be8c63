import Foundation
import Harness
import LinuxIPC
import Results

/// Progress on standard error: one line that is written over on a terminal, plain lines elsewhere.
struct TerminalProgress: ProgressReporter {
  private let isLive: Bool
  private let isQuiet: Bool
  private let predictedNanoseconds: UInt64
  private let began = Clock.monotonicNanoseconds()
  private var lastPlainLine: UInt64 = 0

  init(isQuiet: Bool, predictedNanoseconds: UInt64) {
    isLive = Terminal.showsLiveProgress
    self.isQuiet = isQuiet
    self.predictedNanoseconds = predictedNanoseconds
  }

  mutating func willRun(_ planned: PlannedCase, trial: Int, done: Int, of total: Int) {
    guard !isQuiet else { return }
    let identity = planned.identity
    let line =
      "[\(done + 1)/\(total)] round \(trial + 1), \(timeLeft(done, total)) left: \(identity.id) "
      + "\(identity.pattern) \(Units.describe(byteCount: identity.messageBytes)) \(identity.wait)"
    if isLive {
      Terminal.write("\r\u{1B}[K\(line.prefix(Terminal.width - 1))", to: 2)
      return
    }
    let now = Clock.monotonicNanoseconds()
    guard done == 0 || now - lastPlainLine > 10_000_000_000 else { return }
    lastPlainLine = now
    Terminal.note(line)
  }

  /// From the pace so far; from the plan's prediction while that says little.
  private func timeLeft(_ done: Int, _ total: Int) -> String {
    let elapsed = Clock.monotonicNanoseconds() - began
    let share = Double(total - done) / Double(total)
    let left =
      done < 10
      ? Double(predictedNanoseconds) * share : Double(elapsed) / Double(done) * Double(total - done)
    return Units.describe(nanoseconds: UInt64(left))
  }

  mutating func didRun(_ record: TrialRecord) {
    guard record.status == .failed, !isQuiet else { return }
    clearLine()
    Terminal.note("\(record.identity.id) \(record.identity.pattern) failed: \(record.reason)")
  }

  mutating func finish() { clearLine() }

  private func clearLine() {
    if isLive && !isQuiet { Terminal.write("\r\u{1B}[K", to: 2) }
  }
}
