import Analysis
import Results
import Testing

@testable import Comparing

@Suite("Verdicts")
struct VerdictTests {
  private func paired(
    seed: UInt64 = 1, _ change: (inout MadeUpSide) -> Void
  ) throws -> SideComparison {
    try compare(MadeUpPair(change).sets(seed: seed)) { $0.filter = try! CaseFilter(["pattern:round-trip"]) }
  }

  @Test func aSideScaledByAHalfIsSlowerInEveryTimeAndRate() throws {
    // 12 pairs could not show anything among 24 results.
    func scaled(_ factor: Double) -> [ResultsSet] {
      var pair = MadeUpPair {
        $0.factor = factor
        $0.trials = 14
      }
      pair.baseline.trials = 14
      return pair.sets(seed: 1)
    }
    let slow = try compare(scaled(1.5))
    #expect(!slow.cases.isEmpty && slow.cases.allSatisfy { $0.verdict == .slower })
    #expect(Set(slow.cases.map(\.metric.name)) == ["latency_rtt_p50", "cpu", "message_rate"])
    let fast = try compare(scaled(1 / 1.5))
    #expect(fast.cases.allSatisfy { $0.verdict == .faster })
    let rate = try #require(fast.result("pipe", "message_rate", pattern: "stream"))
    #expect((rate.contrast.ratio?.estimate ?? 0) > 1.4)
  }

  @Test func withinTheThresholdItIsEquivalentAndTheIntervalSaysSo() throws {
    let same = try paired { $0.factor = 1.02 }
    for result in same.cases {
      #expect(result.verdict == .equivalent && result.cause == nil)
      let ratio = try #require(result.contrast.ratio)
      #expect(ratio.lower >= 1 / 1.05 && ratio.upper <= 1.05)
    }
    let strict = try compare(MadeUpPair { $0.factor = 1.02 }.sets(seed: 1)) { $0.criteria.threshold = 0.001 }
    #expect(!strict.cases.contains { $0.verdict == .equivalent })
  }

  @Test("fewer than six trials say nothing, and how many there are", arguments: 1...5)
  func fewTrialsAreInconclusive(count: Int) throws {
    let pair = MadeUpPair { $0.factor = 2 }
    var (first, second) = (pair.baseline, pair.candidate)
    (first.trials, second.trials) = (count, count)
    for result in try compare([first.set(seed: 1), second.set(seed: 2)]).cases {
      #expect(result.verdict == .inconclusive && result.cause == .tooFewTrials)
      #expect(result.reason == "\(count) pair\(count == 1 ? "" : "s") can be used, and 6 are needed")
    }
  }

  @Test func whatIsNotDetectedSaysFromWhereOnItWouldHaveBeen() throws {
    let result = try #require(
      try paired {
        $0.factor = 1.04
        $0.noise = 0.1
      }.cases.first)
    #expect(result.verdict == .inconclusive && result.cause == .notDetected)
    let effect = try #require(result.minimumDetectableEffect)
    #expect(effect > 0.05 && effect < 0.5)
    #expect(result.reason == "12 pairs as noisy as these show a difference from \(percent(effect)) on")
  }

  @Test func amongTooManyComparisonsNothingCouldBeShown() throws {
    let many = (0..<60).map {
      MadeUpSide.Case(identity: MadeUpSide.identity("m\($0)"), nanoseconds: 1000)
    }
    var pair = MadeUpPair {
      $0.cases = many
      $0.factor = 2
      $0.trials = 8
    }
    pair.baseline.cases = many
    pair.baseline.trials = 8
    let comparison = try compare(pair.sets(seed: 1))
    #expect(comparison.cases.count == 120)
    #expect(
      comparison.cases.allSatisfy { $0.cause == .notDetected && $0.minimumDetectableEffect == .infinity })
    #expect(comparison.cases[0].reason.contains("cannot show any difference among 120 comparisons"))
    // A smaller family can.
    let few = try compare(pair.sets(seed: 1)) { $0.filter = try! CaseFilter(["mechanism:m1"]) }
    #expect(few.cases.count == 2 && few.count(.slower) == 0)
    let one = try compare(pair.sets(seed: 1)) {
      $0.filter = try! CaseFilter(["mechanism:m1"])
      $0.metrics = MetricSelection(["cpu"])
    }
    #expect(one.cases.map(\.verdict) == [.slower])
  }

  @Test func holmIsOverEverythingThatIsShown() throws {
    let comparison = try compare(MadeUpPair { $0.noise = 0.2 }.sets(seed: 3))
    let results = comparison.cases.sorted { ($0.contrast.pValue ?? 1) < ($1.contrast.pValue ?? 1) }
    #expect(results.count == 24)
    let adjusted = Statistics.holm(results.compactMap(\.contrast.pValue))
    #expect(results.compactMap(\.adjustedPValue) == adjusted)
    #expect(results[0].adjustedPValue == min(1, (results[0].contrast.pValue ?? 1) * 24))
  }

  @Test func anotherMachineUnderACaseIsNamedWithBothFigures() throws {
    let changed = try paired {
      $0.factor = 2
      $0.cacheLineNanoseconds = 38
    }
    for result in changed.cases {
      #expect(result.verdict == .inconclusive && result.cause == .machineChanged)
      #expect(
        result.reason
          == "the machine changed: the cache-line round trip took 100 ns on the baseline's side and 38 ns on the "
          + "candidate's")
    }
    #expect(try paired { $0.cacheLineNanoseconds = 81 }.count(.equivalent) > 0)
  }

  @Test func zerosAreSaidAndNeverDividedBy() throws {
    func cpu(_ zeroes: @escaping (Int) -> Bool) throws -> CaseComparison? {
      let edit = { (record: inout TrialRecord) in
        guard zeroes(record.trial) else { return }
        for index in record.measures.indices where record.measures[index].metric.hasPrefix("cpu_") {
          record.measures[index].value = 0
        }
      }
      var pair = MadeUpPair { $0.edit = edit }
      pair.baseline.edit = edit
      return try compare(pair.sets(seed: 1)).result("pipe", "cpu")
    }
    let all = try #require(try cpu { _ in true })
    #expect(all.verdict == .equivalent && all.reason == "every value is 0 on both sides")
    let some = try #require(try cpu { $0 < 2 })
    #expect(some.verdict == .inconclusive && some.cause == .notPositive)
    #expect(
      some.reason
        == "a ratio needs values above 0, and 2 of 12 trials of the baseline and 2 of 12 trials of the candidate "
        + "have none")
  }

  @Test func aMetricThatOneSideLacksIsInconclusiveAndNamesTheSide() throws {
    let result = try paired { $0.edit = { $0.measures.removeAll { $0.metric == "latency_rtt_p50" } } }
      .result("pipe", "latency_rtt_p50")
    #expect(result?.verdict == .inconclusive && result?.cause == .noValues)
    #expect(result?.reason == "no pair has a value that can be used on both sides")
    let unpaired = try compare([
      MadeUpSide().set(),
      MadeUpSide().another("b", seed: 2) {
        $0.edit = { $0.measures.removeAll { $0.metric == "message_rate" } }
      },
    ]).result("pipe", "message_rate", pattern: "stream")
    #expect(unpaired?.reason == "no trial of the candidate has a value")
  }

  @Test func aCaseWithoutAnyPairIsShownAllTheSame() throws {
    var pair = MadeUpPair { $0.edit = { if $0.identity.mechanism == "tcp" { $0.pairIndex = nil } } }
    pair.baseline.label = "baseline"
    let comparison = try compare(pair.sets(seed: 1))
    #expect(comparison.kind == .paired)
    let result = comparison.result("tcp", "latency_rtt_p50")
    #expect(result?.cause == .noValues && result?.baseline.trialsWithoutPartner == 12)
  }

  @Test func whatOneSideDidNotMeasureIsListedWithItsReason() throws {
    var pair = MadeUpPair { side in
      side.cases.removeAll { $0.identity.mechanism == "tcp" && $0.identity.messageBytes == 4096 }
      side.edit = { record in
        guard record.identity.mechanism == "tcp" else { return }
        record.status = .failed
        record.reason = "The consumer died."
      }
    }
    pair.baseline.edit = { record in
      guard record.identity.id == "shared-memory:posix" else { return }
      record.status = .skipped
      record.reason = "No memory."
    }
    let comparison = try compare(pair.sets(seed: 1))
    #expect(Set(comparison.cases.map(\.identity.id)) == ["pipe"])
    let reasons = Set(comparison.uncompared.map(\.reason))
    #expect(
      reasons == [
        "failed on the candidate's side: The consumer died.", "not measured on the candidate's side",
        "skipped on the baseline's side: No memory.",
      ])
    #expect(comparison.uncompared.count == 8)
  }

  @Test func disturbedTrialsAreLeftOutAndCounted() throws {
    let comparison = try paired { side in
      side.edit = { record in
        // What was disturbed would be seen at once.
        if record.trial < 3 {
          record.probesAgree = false
          for index in record.measures.indices { record.measures[index].value = 1e9 }
        }
      }
    }
    let result = try #require(comparison.result("pipe", "latency_rtt_p50"))
    #expect(result.verdict == .equivalent && result.candidate.unsteadyTrials == 3)
    #expect(result.candidate.trials == 9 && result.baseline.trialsWithoutPartner == 3)
    #expect(comparison.remarks.contains { $0.contains("18 of 72 trials of the candidate") })
  }

  @Test func theGravestComesFirst() throws {
    var pair = MadeUpPair { side in
      for index in side.cases.indices { side.cases[index].nanoseconds *= [1, 1.3, 0.7, 1.6][index % 4] }
    }
    (pair.baseline.trials, pair.candidate.trials) = (16, 16)
    let results = try compare(pair.sets(seed: 1)).cases
    let verdicts = results.compactMap(\.verdict)
    let order: [Verdict] = [.slower, .faster, .inconclusive, .equivalent]
    let ranks = verdicts.compactMap { order.firstIndex(of: $0) }
    #expect(ranks == ranks.sorted() && Set(verdicts) == [.slower, .faster, .equivalent])
    let slower = results.filter { $0.verdict == .slower }.compactMap {
      $0.contrast.logRatio.map { abs($0.estimate) }
    }
    #expect(slower == slower.sorted(by: >))
  }
}
