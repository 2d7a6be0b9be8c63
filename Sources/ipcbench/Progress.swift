import Foundation
import Harness
import LinuxIPC
import Results

/// A line on standard error that says how far things are: written over on a terminal, plain and rare elsewhere.
struct ProgressLine {
  private let isLive: Bool
  private let isQuiet: Bool
  private var lastPlainLine: UInt64 = 0

  init(isQuiet: Bool) {
    isLive = Terminal.showsLiveProgress
    self.isQuiet = isQuiet
  }

  /// - Parameter always: also where the last plain line is but a moment old.
  mutating func show(_ text: String, always: Bool) {
    guard !isQuiet else { return }
    if isLive {
      Terminal.write("\r\u{1B}[K\(text.prefix(Terminal.width - 1))", to: 2)
      return
    }
    let now = Clock.monotonicNanoseconds()
    guard always || now - lastPlainLine > 10_000_000_000 else { return }
    lastPlainLine = now
    Terminal.note(text)
  }

  /// A line that stays.
  func note(_ text: String) {
    guard !isQuiet else { return }
    clear()
    Terminal.note(text)
  }

  func clear() {
    if isLive && !isQuiet { Terminal.write("\r\u{1B}[K", to: 2) }
  }
}

/// Progress of a run.
struct TerminalProgress: ProgressReporter {
  private var line: ProgressLine
  private let predictedNanoseconds: UInt64
  private let began = Clock.monotonicNanoseconds()

  init(isQuiet: Bool, predictedNanoseconds: UInt64) {
    line = ProgressLine(isQuiet: isQuiet)
    self.predictedNanoseconds = predictedNanoseconds
  }

  mutating func willRun(_ planned: PlannedCase, trial: Int, done: Int, of total: Int) {
    let identity = planned.identity
    line.show(
      "[\(done + 1)/\(total)] round \(trial + 1), \(timeLeft(done, total)) left: \(identity.id) "
        + "\(identity.pattern) \(Units.describe(byteCount: identity.messageBytes)) \(identity.wait)",
      always: done == 0)
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
    guard record.status == .failed else { return }
    line.note("\(record.identity.id) \(record.identity.pattern) failed: \(record.reason)")
  }

  mutating func finish() { line.clear() }
}

/// Progress of a check.
struct CheckTerminalProgress: CheckProgress {
  private var line: ProgressLine
  /// What the check is a part of, before everything else on the line.
  private let context: String
  private var began = Clock.monotonicNanoseconds()

  init(isQuiet: Bool, context: String = "") {
    line = ProgressLine(isQuiet: isQuiet)
    self.context = context
  }

  mutating func willMeasure(_ planned: PlannedCase, stage: Int, done: Int, of total: Int) {
    if done == 0 { began = Clock.monotonicNanoseconds() }
    let elapsed = Clock.monotonicNanoseconds() - began
    let left =
      done < 5
      ? "" : ", \(Units.describe(nanoseconds: elapsed / UInt64(done) * UInt64(total - done))) left"
    let identity = planned.identity
    line.show(
      "\(context)[\(done + 1)/\(total)] stage \(stage)\(left): \(identity.id) \(identity.pattern) "
        + "\(Units.describe(byteCount: identity.messageBytes)) \(identity.wait)",
      always: done == 0 && context.isEmpty)
  }

  mutating func finish() { line.clear() }
}
