import Results
import Testing

@testable import Comparing

@Suite("Which trials belong together")
struct MatchingTests {
  private static let one = [MadeUpSide.Case(identity: MadeUpSide.identity("pipe"), nanoseconds: 5000)]

  private func matches(_ first: [TrialRecord], _ second: [TrialRecord]) -> [MatchedCase] {
    let sides = [first, second].map {
      SideTrials(ResultsSet(label: "", table: TrialTable($0)), CaseFilter())
    }
    return Matcher(sides[0], sides[1]).matches(isPairing: true)
  }

  private func side(_ change: (inout MadeUpSide) -> Void = { _ in }) -> MadeUpSide {
    var side = MadeUpSide()
    side.cases = Self.one
    change(&side)
    return side
  }

  @Test func partnersAreFoundByTheirPairWhateverTheirOrder() throws {
    var pair = MadeUpPair { $0.cases = Self.one }
    pair.baseline.cases = Self.one
    let second = pair.candidate.records(seed: 2)
    let match = try #require(matches(pair.baseline.records(), second.reversed()).first)
    #expect(match.design == .paired && match.baseline.count == 12)
    #expect(zip(match.baseline, match.candidate).allSatisfy { $0.pairIndex == $1.pairIndex })
  }

  @Test func aTrialWhosePartnerIsUnusableIsLeftOutAndCounted() throws {
    var pair = MadeUpPair { side in
      side.cases = Self.one
      side.edit = { record in
        if record.trial == 3 { record.status = .failed }
        if record.trial == 5 { record.probesAgree = false }
      }
    }
    pair.baseline.cases = Self.one
    let match = try #require(matches(pair.baseline.records(), pair.candidate.records()).first)
    #expect(match.baseline.count == 10 && match.candidate.count == 10)
    #expect(match.baselineWithoutPartner == 2 && match.candidateWithoutPartner == 0)
    #expect(!match.baseline.contains { $0.pairIndex == 3 || $0.pairIndex == 5 })
  }

  @Test func trialsThatBothSidesHoldAreTakenOutOfTheSideThatHasOthers() throws {
    let (old, new) = (side().records(seed: 1), side().otherSide("b").records(seed: 2))
    let match = try #require(matches(old + new, new).first)
    #expect(match.design == .unpaired)
    #expect(match.baseline.count == 12 && match.baselineWithoutPartner == 12)
    #expect(match.candidate.count == 12 && match.candidateWithoutPartner == 0)
    let third = side().otherSide("c").records(seed: 3)
    let both = try #require(matches(old + new, new + third).first)
    #expect(both.baseline.count == 12 && both.candidate.count == 12)
    #expect(both.baselineWithoutPartner == 12 && both.candidateWithoutPartner == 12)
  }

  @Test func aFilteredCopyOfARunIsStillTheSameRun() throws {
    let whole = MadeUpSide().records()
    let part = whole.filter { $0.identity.mechanism == "pipe" }.map { record in
      var record = record
      record.measures.removeAll { $0.metric != "latency_rtt_p50" && $0.metric != "message_rate" }
      return record
    }
    let found = matches(whole, part)
    #expect(found.count == 4 && found.allSatisfy { $0.design == .identical })
  }

  @Test func anEditedCopyIsNotTheSameRunAndIsCounted() throws {
    let original = side().records()
    let edited = original.map { record in
      var record = record
      record.measures = record.measures.map { measure in
        var measure = measure
        if measure.metric == "latency_rtt_p50" { measure.value = measure.value.map { $0 * 2 } }
        return measure
      }
      return record
    }
    let match = try #require(matches(original, edited).first)
    #expect(match.design == .unpaired && match.contradictions == 12)
  }

  @Test func anUnsteadyRunIsStillEqualToItself() throws {
    let unsteady = side { $0.edit = { $0.probesAgree = false } }.records()
    let match = try #require(matches(unsteady, unsteady).first)
    #expect(match.design == .identical && match.baseline.count == 12)
    let other = side().otherSide("b") { $0.edit = { $0.probesAgree = false } }.records()
    #expect(matches(unsteady, other).first?.baseline.isEmpty == true)
  }
}
