import Results
import Testing

@testable import Comparing

@Suite("Kinds of comparison")
struct ComparisonKindTests {
  /// A second side that differs from the first in what is named.
  private func kind(
    hash: String = "hash", host: String = "host", session: String? = nil, pairs: Bool = false,
    baselinePairs: Bool? = nil
  ) throws -> ComparisonKind {
    var baseline = MadeUpSide()
    baseline.isPaired = baselinePairs ?? pairs
    var candidate = baseline.otherSide("b")
    candidate.sessionID = session ?? baseline.sessionID
    candidate.hostID = host
    candidate.environmentHash = hash
    candidate.isPaired = pairs
    candidate.firstOrder = 100_000
    return try compare([baseline.set(seed: 1), candidate.set(seed: 2)]).kind
  }

  @Test func pairsOfOneSessionArePaired() throws {
    #expect(try kind(pairs: true) == .paired)
    #expect(try kind(hash: "other", pairs: true) == .paired)
    #expect(try kind(host: "other", pairs: true) == .paired)
  }

  @Test func withoutPairsOrWithAnotherSessionItIsUnpaired() throws {
    #expect(try kind() == .unpaired)
    #expect(try kind(session: "another") == .unpaired)
    #expect(try kind(session: "another", pairs: true) == .unpaired)
    #expect(try kind(pairs: true, baselinePairs: false) == .unpaired)
    #expect(try kind(hash: "other", session: "another") == .unpaired)
    #expect(try kind(host: "other", session: "another") == .unpaired)
  }

  @Test func anotherHashAndAnotherHostIsAnotherMachineWhateverElseIsEqual() throws {
    #expect(try kind(hash: "other", host: "other") == .crossMachine)
    #expect(try kind(hash: "other", host: "other", pairs: true) == .crossMachine)
    #expect(try kind(hash: "other", host: "other", session: "another") == .crossMachine)
    // What is not known is equal to nothing.
    #expect(try kind(hash: "other", host: "") == .crossMachine)
  }

  @Test func theVeryTrialsOnBothSidesAreComparedWithThemselves() throws {
    let side = MadeUpSide().set()
    #expect(try compare([side, side]).kind == .identical)
  }

  @Test func aKernelUpdateLeavesTheMachineTheSameAndACopiedImageDoesNot() throws {
    var (before, after) = (Environment(), Environment())
    (before.kernel.release, after.kernel.release) = ("6.12", "6.18")
    (before.cpu.model, after.cpu.model) = ("EPYC", "EPYC")
    var baseline = MadeUpSide()
    baseline.environmentHash = "before"
    baseline.environments = ["before": before]
    var candidate = baseline.otherSide("b")
    candidate.environmentHash = "after"
    candidate.environments = ["after": after]
    let updated = try compare([baseline.set(seed: 1), candidate.set(seed: 2)])
    #expect(updated.kind == .unpaired)
    #expect(
      updated.environmentDifferences.contains(
        EnvironmentDifference(fact: "kernel", baseline: "6.12", candidate: "6.18")))
    // The same machine id on another processor is an image that was copied.
    candidate.environments["after"]?.cpu.model = "Xeon"
    #expect(try compare([baseline.set(seed: 1), candidate.set(seed: 2)]).kind == .crossMachine)
  }

  @Test func aSideOfSeveralMachinesIsRefusedByName() throws {
    let baseline = MadeUpSide()
    let other = baseline.otherSide("b") { ($0.hostID, $0.environmentHash) = ("elsewhere", "other") }
    let mixed = ResultsSet(label: "mixed", table: TrialTable(baseline.records() + other.records()))
    let error = try #require(refusal([baseline.another("c", seed: 3), mixed]))
    #expect(error.code == .usage)
    #expect(error.message.hasPrefix("mixed holds results of 2 machines (host host and host elsewhere)"))
  }

  @Test func hostsThatShareAnEnvironmentLinkASideToOneMachine() throws {
    let first = MadeUpSide()
    let second = first.otherSide("b") { $0.hostID = "clone" }
    let third = first.otherSide("c") { ($0.hostID, $0.environmentHash) = ("clone", "updated") }
    let side = ResultsSet(label: "all", table: TrialTable(second.records(seed: 4) + third.records(seed: 5)))
    #expect(try compare([first.set(), side]).kind == .unpaired)
  }

  @Test func everySideIsComparedWithTheFirstInItsOwnWay() throws {
    let pair = MadeUpPair()
    var request = ComparisonRequest()
    request.usualReference = "pipe"
    let elsewhere = pair.baseline.another("e", seed: 9) { ($0.hostID, $0.environmentHash) = ("e", "e") }
    let later = pair.baseline.another("l", seed: 8)
    let comparison = try Comparison(pair.sets(seed: 1) + [elsewhere, later], request)
    #expect(comparison.comparisons.map(\.kind) == [.paired, .crossMachine, .unpaired])
    #expect(comparison.comparisons.map(\.candidateIndex) == [1, 2, 3])
  }
}
