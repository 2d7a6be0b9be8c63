import Foundation
import Glibc
import LinuxIPC
import Measurement
import Results
import SystemPackage

/// An ipcbench program that is measured through its command line, as `check` measures two of them in turn.
///
/// Every trial is a program of its own: what a start decides by chance (where code and memory lie) is then chance
/// for every trial, and not one draw for a whole side. Only documented options of `run` are used, so that any
/// version can be the other side.
public struct TrialProgram: Sendable {
  /// Path of the executable.
  public let path: String
  /// In words, for the report.
  public let label: String
  /// Options beyond those that describe the case; for both sides alike but for what is to be shown.
  public var extraArguments: [String]

  public init(path: String, label: String, extraArguments: [String] = []) {
    self.path = path
    self.label = label
    self.extraArguments = extraArguments
  }

  /// Where it is set, 'run' counts no system calls: in a program for each trial it would do so in every one.
  public static let noCountsVariable = "IPCBENCH_NO_COUNTS"

  /// What came of it.
  public enum Outcome: Sendable {
    case measured([TrialRecord], Environment)
    /// One sentence; the program itself could not do its work.
    case failed(String)
    case interrupted
  }

  /// Measures one trial of a case.
  ///
  /// - Parameters:
  ///   - seed: of the loads with random arrivals; the same for both sides of a pair.
  ///   - scope: where the program's files go until they have been read.
  public func measure(_ planned: PlannedCase, _ plan: Plan, seed: UInt64, in scope: ResourceScope) -> Outcome
  {
    do {
      let folder = try scope.path("trial", in: .memory)
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let errors = try scope.path("trial-errors", in: .memory)
      let log = try FileDescriptor.open(
        errors, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
      let arguments = arguments(planned, plan, seed: seed) + ["--out", folder]
      // By a variable and not by its option, which older versions would refuse.
      setenv(Self.noCountsVariable, "1", 1)
      let child = try Processes.start(path, arguments, standardError: log)
      try log.close()
      guard let status = try Self.wait(for: child) else { return .interrupted }
      return Self.outcome(status, folder: folder, errors: errors)
    } catch {
      return .failed("\(label) could not be started: \(error).")
    }
  }

  private func arguments(_ planned: PlannedCase, _ plan: Plan, seed: UInt64) -> [String] {
    let identity = planned.identity
    var arguments = [
      "run", "-m", identity.id, "-p", planned.pattern.rawValue,
      "--wait", identity.wait, "--attach", identity.attach, "--trials", "1", "--seed", String(seed),
      "--touch", identity.touch, "--format", "csv", "--quiet",
    ]
    // A notification has its own size, and it is not asked for where it is nothing.
    if identity.messageBytes > 0 { arguments += ["-s", String(identity.messageBytes)] }
    if let messages = planned.messages {
      arguments += ["--messages", String(messages)]
    } else {
      arguments += ["--duration", "\(planned.durationNanoseconds)ns"]
    }
    if let producer = plan.producerCPU, let consumer = plan.consumerCPU {
      arguments += ["--pin", "\(producer),\(consumer)"]
    } else {
      arguments += ["--pin", "none"]
    }
    if let rate = identity.rateTargetPerSecond {
      arguments += ["--rate", shortestDecimal(rate), "--arrival", planned.arrival.rawValue]
    }
    return arguments + extraArguments
  }

  /// Nil when the user asked to stop; the program has then stopped too.
  private static func wait(for child: Child) throws(SystemError) -> ExitStatus? {
    while ProcessPoll.firstEnded([child], milliseconds: 200) == nil {
      if StopSignal.isRequested { child.kill(SIGTERM) }
    }
    let status = try child.reap()
    return StopSignal.isRequested ? nil : status
  }

  private static func outcome(_ status: ExitStatus, folder: String, errors: String) -> Outcome {
    // 3: the trial failed, which its record says better.
    guard status == .exited(0) || status == .exited(3) else {
      let words = TextFile.read(errors)?.split(separator: "\n").last.map(String.init) ?? ""
      let sentence = words.hasPrefix("ipcbench: ") ? String(words.dropFirst(10)) : words
      return .failed(sentence.isEmpty ? "The program \(status)." : sentence)
    }
    do {
      guard let run = Directory.names(of: folder).first(where: { $0 != "latest" }) else {
        return .failed("The program left no results.")
      }
      let loaded = try RunDirectory.open("\(folder)/\(run)").load()
      return loaded.trials.isEmpty
        ? .failed("The program recorded no trial.") : .measured(loaded.trials, loaded.environment)
    } catch {
      return .failed("\(error)")
    }
  }
}
