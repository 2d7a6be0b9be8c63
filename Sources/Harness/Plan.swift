import Analysis
import IPCTransport
import LinuxIPC
import Measurement
import Results

/// Which CPUs the workers of a run are pinned to.
public enum PinRequest: Sendable, Equatable {
  /// Different cores that share a cache and a node, or the nearest to it that the machine has.
  case auto
  case none
  case cpus(Int, Int)
}

/// A case that can be run.
public struct PlannedCase: Sendable {
  public var identity: CaseIdentity
  public var form: Form
  public var pattern: PatternKind
  public var arrival: Arrival
  public var touch: Touch
  public var attach: Attach
  public var scope: ChannelScope
  public var trials: Int
  public var durationNanoseconds: UInt64
  public var messages: UInt64?

  /// What a trial takes: measurement, warm-up, starting two workers, and two probes.
  var predictedNanoseconds: UInt64 {
    let measured = messages.map { $0 * 2000 } ?? durationNanoseconds
    return measured + measured / 3 + (attach == .name ? 50_000_000 : 25_000_000)
  }

  /// Upper bound for a trial. Generous: it is there for hangs, not for slow machines.
  ///
  /// - Parameter asked: the user's own; nil derives it from what the trial takes.
  func deadlineNanoseconds(asked: UInt64?) -> UInt64 {
    asked ?? 10_000_000_000 + 10 * predictedNanoseconds
  }
}

/// What a run will do, decided before anything is measured.
public struct Plan: Sendable {
  public var suite: String
  public var cases: [PlannedCase]
  /// Cases that were asked for and cannot run here, each with its reason.
  public var skips: [PlannedSkip]
  public var seed: UInt64
  public var producerCPU: Int?
  public var consumerCPU: Int?
  public var placement: Placement
  public var memory: MemoryPolicy
  public var topology: Topology
  /// As in `TrialSettings`.
  public var echoSpinSteps: UInt64 = 0

  /// Keeps the cases that match every term of a filter; see `CaseFilter`.
  ///
  /// - Throws: where a term cannot be read, or nothing is left.
  public mutating func keep(_ terms: [String]) throws(UsageError) {
    let filter: CaseFilter
    do {
      filter = try CaseFilter(terms)
    } catch {
      throw UsageError(error.description)
    }
    cases.removeAll { !filter.includes($0.identity) }
    skips.removeAll { !filter.includes($0.identity) }
    guard cases.isEmpty && skips.isEmpty else { return }
    throw UsageError("No case of the suite '\(suite)' matches '\(terms.joined(separator: " "))'.")
  }

  public var rounds: Int { cases.map(\.trials).max() ?? 0 }

  public var predictedNanoseconds: UInt64 {
    cases.reduce(0) { $0 + $1.predictedNanoseconds * UInt64($1.trials) }
  }

  /// Every trial in the order in which it will run: each round has each case once, in a seeded random order, so
  /// that slow drift of the machine hits every case alike.
  public var order: [(planned: PlannedCase, trial: Int)] {
    (0..<rounds).flatMap { round in
      var generator = SplitMix64(seed: seed &+ UInt64(round))
      return cases.filter { $0.trials > round }.shuffled(using: &generator).map { ($0, round) }
    }
  }
}
