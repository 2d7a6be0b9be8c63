import Foundation
import Results
import Testing

@testable import Comparing

@Suite("Two machines")
struct CrossMachineTests {
  private static func family(_ times: [(String, (Double) -> Double)], pattern: String = "round-trip")
    -> [MadeUpSide.Case]
  {
    [64, 1024, 16384].flatMap { bytes in
      times.map {
        MadeUpSide.Case(
          identity: MadeUpSide.identity($0.0, pattern: pattern, bytes: bytes),
          nanoseconds: $0.1(Double(bytes)))
      }
    }
  }

  /// A ring that is fast to wake and slow to copy, a pipe, and something slower than both.
  private static let cases = family([
    ("ring", { 500 + $0 * 2 }), ("pipe", { 5000 + $0 }), ("tcp", { 20_000 + $0 }),
  ])

  private func sides(
    _ change: (inout MadeUpSide) -> Void = { _ in }
  ) -> [ResultsSet] {
    var baseline = MadeUpSide()
    baseline.cases = Self.cases
    let candidate = baseline.another("b", seed: 5) {
      ($0.hostID, $0.environmentHash) = ("elsewhere", "other")
      change(&$0)
    }
    return [baseline.set(seed: 4), candidate]
  }

  @Test func nothingAbsoluteIsJudged() throws {
    let comparison = try compare(sides { $0.factor = 3 })
    #expect(comparison.kind == .crossMachine && !comparison.cases.isEmpty)
    for result in comparison.cases {
      #expect(result.verdict == nil && result.contrast.pValue == nil && result.adjustedPValue == nil)
      #expect(result.minimumDetectableEffect == nil && result.noiseFloor == nil)
    }
    #expect(comparison.noiseFloors.isEmpty)
  }

  @Test func aMachineThatIsSlowerInEverythingKeepsItsRatiosToTheReference() throws {
    let comparison = try compare(sides { $0.factor = 3 })
    #expect(comparison.reference == "pipe")
    let ring = try #require(
      comparison.relatives.first {
        $0.identity.id == "ring" && $0.identity.messageBytes == 64 && $0.metric.name == "latency_rtt_p50"
      })
    #expect(abs(ring.baseline - 628.0 / 5064) < 0.005 && abs(ring.candidate - 628.0 / 5064) < 0.005)
    #expect(ring.change.lower < 1 && ring.change.upper > 1 && abs(ring.change.estimate - 1) < 0.02)
    #expect(ring.baselineRounds == 12 && ring.candidateRounds == 12)
    #expect(!comparison.relatives.contains { $0.identity.id == "pipe" })
  }

  @Test func whatOneMechanismLosesAgainstTheReferenceIsFound() throws {
    let comparison = try compare(
      sides { side in
        for index in side.cases.indices where side.cases[index].identity.id == "tcp" {
          side.cases[index].nanoseconds *= 1.5
        }
      })
    let latencies = comparison.relatives.filter { $0.metric.name == "latency_rtt_p50" }
    let tcp = latencies.filter { $0.identity.id == "tcp" }
    #expect(tcp.count == 3)
    for relative in tcp { #expect(relative.change.lower > 1.45 && relative.change.upper < 1.55) }
    // The largest changes come first.
    #expect(latencies.prefix(3).allSatisfy { $0.identity.id == "tcp" })
  }

  @Test("the drift of a round is common to a case and its reference, and cancels")
  func driftCancels() throws {
    let drift = { (record: inout TrialRecord) in
      for index in record.measures.indices where record.measures[index].better != .none {
        record.measures[index].value = record.measures[index].value.map {
          $0 * pow(1.2, Double(record.trial))
        }
      }
    }
    let comparison = try compare(sides { $0.edit = drift })
    for relative in comparison.relatives { #expect(abs(relative.change.estimate - 1) < 0.02) }
  }

  @Test func anotherReferenceCanBeAskedForAndMustBeThere() throws {
    #expect(try compare(sides()) { $0.reference = "tcp" }.reference == "tcp")
    let error = refusal(sides()) { $0.reference = "tpc" }
    #expect(error?.code == .usage && error?.message.contains("did you mean 'tcp'") == true)
    // Without the usual one it is the mechanism that was measured in most contests, by name where several were.
    #expect(try compare(sides()) { $0.usualReference = "fifo" }.reference == "pipe")
  }

  @Test func rankingsAgreeWhereTheOrderIsTheSameAndSayWhoIsBest() throws {
    let same = try compare(sides { $0.factor = 2 }).rankings
    #expect(same.count == 3 && same.allSatisfy { $0.tau == 1 && $0.metric.name == "latency_rtt_p50" })
    #expect(same.map(\.baseline.first) == ["ring", "ring", "pipe"])
    let reversed = try compare(
      sides { side in
        for index in side.cases.indices {
          side.cases[index].nanoseconds = 1e9 / side.cases[index].nanoseconds
        }
      })
    #expect(reversed.rankings.allSatisfy { $0.tau == -1 && $0.baseline == $0.candidate.reversed() })
  }

  @Test func crossoversLieBetweenTheSizesWhereTheOrderChanges() throws {
    // 500 + 2 b = 5000 + b at 4,500 bytes; on the other machine the ring copies as fast as the pipe.
    let comparison = try compare(
      sides {
        $0.cases = Self.family([("ring", { 500 + $0 }), ("pipe", { 5000 + $0 }), ("tcp", { 20_000 + $0 })])
      })
    let crossover = try #require(comparison.crossovers.first { $0.first == "pipe" && $0.second == "ring" })
    #expect(crossover.candidate.isEmpty && crossover.candidateBetterBelow == "ring")
    #expect(crossover.baselineBetterBelow == "ring" && !crossover.isAgreed)
    let crossing = try #require(crossover.baseline.first)
    #expect(crossing.lastBytes == 1024 && crossing.firstBytes == 16384 && crossing.betterAbove == "pipe")
    #expect(crossing.bytes > 3000 && crossing.bytes < 9000)
    #expect(crossover.baseline.count == 1)
  }

  @Test func mechanismsThatAreEqualNeverCross() throws {
    let equal = Self.family([("one", { 1000 + $0 }), ("two", { 1000 + $0 }), ("three", { 1000 + $0 })])
    let comparison = try compare(
      sides { $0.cases = equal }.map { set in
        var side = MadeUpSide()
        side.cases = equal
        side.hostID = set.table.origins[0].hostID
        side.environmentHash = set.table.origins[0].environmentHash
        return side.set(seed: UInt64(set.table.origins[0].hostID.count))
      })
    #expect(comparison.crossovers.isEmpty)
  }

  @Test func streamsAreRankedByTheirRate() throws {
    var baseline = MadeUpSide()
    baseline.cases = Self.family(
      [("ring", { 100 + $0 }), ("pipe", { 500 + $0 }), ("tcp", { 900 + $0 })], pattern: "stream")
    let candidate = baseline.another("b", seed: 5) { ($0.hostID, $0.environmentHash) = ("e", "o") }
    let rankings = try compare([baseline.set(seed: 4), candidate]).rankings
    #expect(rankings.map(\.metric.name) == Array(repeating: "message_rate", count: 3))
    #expect(rankings[0].baseline == ["ring", "pipe", "tcp"])
  }

  @Test func contextIsShownWhateverTheFilterAndTheToolIsNoMechanism() throws {
    var baseline = MadeUpSide()
    baseline.cases = Self.cases + [.init(identity: MadeUpSide.identity("null"), nanoseconds: 20)]
    let candidate = baseline.another("b", seed: 5) {
      ($0.hostID, $0.environmentHash) = ("e", "o")
      $0.cacheLineNanoseconds = 250
    }
    let comparison = try compare([baseline.set(seed: 4), candidate]) {
      $0.filter = try! CaseFilter(["mechanism:ring,pipe,tcp"])
      $0.ownCost = "null"
      $0.context = [.init(name: "nothing", id: "null"), .init(name: "absent", id: "futex")]
    }
    #expect(comparison.context.map(\.name) == ["nothing", "cache-line round trip"])
    #expect(comparison.context[1].baseline == 100 && comparison.context[1].candidate == 250)
    let all = try compare([baseline.set(seed: 4), candidate]) { $0.ownCost = "null" }
    #expect(all.cases.contains { $0.identity.id == "null" })
    #expect(!all.relatives.contains { $0.identity.id == "null" || $0.reference.id == "null" })
    #expect(all.rankings.allSatisfy { !$0.baseline.contains("null") })
  }

  @Test func howAChannelIsAttachedDoesNotSeparateContestants() throws {
    var baseline = MadeUpSide()
    baseline.cases = [("ring", "inherit"), ("pipe", "inherit"), ("fifo", "name"), ("tcp", "name")]
      .enumerated().map {
        MadeUpSide.Case(
          identity: MadeUpSide.identity($1.0, attach: $1.1), nanoseconds: 1000 * Double($0 + 1))
      }
    let candidate = baseline.another("b", seed: 5) { ($0.hostID, $0.environmentHash) = ("e", "o") }
    let comparison = try compare([baseline.set(seed: 4), candidate])
    #expect(comparison.rankings.map(\.baseline) == [["ring", "pipe", "fifo", "tcp"]])
    #expect(Set(comparison.relatives.map(\.identity.id)) == ["ring", "fifo", "tcp"])
  }
}
