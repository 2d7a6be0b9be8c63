import Analysis
import IPCTransport
import LinuxIPC
import Measurement
import Results

/// Which CPUs the workers of a run are pinned to.
public enum PinRequest: Sendable, Equatable, CustomStringConvertible {
  /// Different cores that share a cache and a node, or the nearest to it that the machine has.
  case auto
  case none
  case cpus(Int, Int)
  /// The first pair of CPUs that are so near to each other.
  case relation(Placement)

  /// As it is typed: `auto`, `none`, `2,3` or `same-l3`.
  public init?(_ word: String) {
    switch word {
    case "auto": self = .auto
    case "none": self = .none
    default:
      let cpus = word.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
      if cpus.count == 2, let producer = cpus[0], let consumer = cpus[1] {
        self = .cpus(producer, consumer)
      } else if let placement = Placement(rawValue: word), Self.relations.contains(placement) {
        self = .relation(placement)
      } else {
        return nil
      }
    }
  }

  public var description: String {
    switch self {
    case .auto: "auto"
    case .none: "none"
    case .cpus(let producer, let consumer): "\(producer),\(consumer)"
    case .relation(let placement): placement.rawValue
    }
  }

  /// Between CPUs of one machine.
  public static let relations = Placement.allCases.filter { $0 != .crossHost && $0 != .unpinned }
}

/// A case that can be run.
public struct PlannedCase: Sendable {
  public var identity: CaseIdentity
  public var form: Form
  public var pattern: PatternKind
  public var crew = Crew.pair
  public var arrival: Arrival
  /// Of a wake-up; 0 in every other pattern.
  public var gapNanoseconds: UInt64 = 0
  /// Messages that leave together.
  public var batch = 1
  public var touch: Touch
  public var attach: Attach
  public var scope: ChannelScope
  public var trials: Int
  public var durationNanoseconds: UInt64
  public var messages: UInt64?

  /// What a trial takes: measurement, warm-up, starting two workers, and two probes.
  var predictedNanoseconds: UInt64 {
    let pair: UInt64 = attach == .name ? 50_000_000 : 25_000_000
    let start = pair * UInt64(crew.many + 1) / 2
    if pattern == .connect {
      let connections = max(messages ?? ConnectionTimes.least, 1) * start / 2
      return messages == nil ? max(connections, durationNanoseconds) : connections
    }
    let measured =
      messages.map { $0 * (2000 + gapNanoseconds) } ?? max(durationNanoseconds, 20 * gapNanoseconds)
    return measured + measured / 3 + start
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
  /// Whether the first trial of a case has a phase in which system calls and the processor's events are counted.
  public var countsEvents = true

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

  /// Where the further workers of the side that has several run, by rank: on CPUs that nobody has yet, as long as there
  /// are any, the nearest first; then on the other side's, and on all in turn. Nil where they may run anywhere.
  public func furtherCPUs(_ crew: Crew) -> [Int?] {
    guard let producerCPU, let consumerCPU, crew.many > 1 else {
      return Array(repeating: nil, count: crew.many - 1)
    }
    let (own, other) =
      crew.manyRole == .producer ? (producerCPU, consumerCPU) : (consumerCPU, producerCPU)
    let free = topology.cpusByDistance(from: other).filter { $0 != own && $0 != other }
    let turn = free + (own == other ? [own] : [other, own])
    return (0..<crew.many - 1).map { turn[$0 % turn.count] }
  }

  /// The producer's NUMA node; nil where it may run anywhere, and where there is only one.
  var producerNode: Int? {
    topology.nodeCount > 1 ? producerCPU.flatMap { topology.cpu($0)?.node } : nil
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
