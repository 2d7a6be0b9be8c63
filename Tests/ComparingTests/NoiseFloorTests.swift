import Foundation
import Results
import Testing

@testable import Comparing

@Suite("Noise floors")
struct NoiseFloorTests {
  /// Cases enough for a quantile.
  private static let many = (0..<24).map {
    MadeUpSide.Case(identity: MadeUpSide.identity("m\($0)"), nanoseconds: 1000)
  }

  /// A side of several sessions, of which each has its own figures.
  private func side(
    _ letters: String, label: String = "side", noise: Double, factor: Double = 1, commits: [String] = [],
    cases: Int = 24
  ) -> ResultsSet {
    var side = MadeUpSide()
    side.cases = Array(Self.many.prefix(cases))
    side.sessionNoise = noise
    side.factor = factor
    side.noise = 0.001
    let records = letters.enumerated().flatMap { index, letter in
      side.otherSide(letter) { if !commits.isEmpty { $0.gitCommit = commits[index] } }
        .records(seed: UInt64(letter.asciiValue ?? 0))
    }
    return ResultsSet(label: label, table: TrialTable(records))
  }

  private let rtt: (inout ComparisonRequest) -> Void = { $0.metrics = MetricSelection(["latency_rtt_p50"]) }

  @Test func sessionsThatDifferGiveTheFloor() throws {
    let comparison = try compare([side("ab", noise: 0.1), side("cd", noise: 0.1)], rtt)
    let floor = try #require(comparison.noiseFloors.first)
    #expect(floor.source == .measured && floor.sessions == 4 && floor.ratios == 48)
    // The ratio of two values within ±10 % is below 1.1/0.9, and near it in the worst of 48.
    let typical = try #require(floor.typicalShare)
    #expect((0.1...0.23).contains(typical))
    // Among 24 results a chance of 1 % is 3.5 standard deviations instead of 1.96.
    #expect(abs(log1p(floor.share) / log1p(typical) - 3.53 / 1.96) < 0.01)
  }

  @Test func aDifferenceWithinTheFloorIsNeverSlower() throws {
    let sides = [side("abc", noise: 0.1), side("def", noise: 0.1, factor: 1.08)]
    let comparison = try compare(sides, rtt)
    #expect(comparison.count(.slower) == 0 && comparison.count(.faster) == 0)
    let within = comparison.cases.filter { $0.cause == .withinNoiseFloor }
    #expect(!within.isEmpty)
    for result in within {
      let floor = try #require(result.noiseFloor)
      let ratio = try #require(result.contrast.ratio)
      #expect(ratio.lower <= 1 + floor && ratio.upper >= 1 / (1 + floor))
      #expect(result.reason.hasPrefix("sessions of this machine differ by up to \(percent(floor))"))
    }
  }

  @Test("sessions in which nothing has changed are rarely called different", arguments: 0..<30)
  func sessionsAloneAreNoDifference(turn: Int) throws {
    let letters = Array("abcdefghijklmnopqrstuvwxyz")
    let own = (0..<4).map { String(letters[(turn * 4 + $0) % 26]) }
    let sides = [side(own[0] + own[1], noise: 0.1), side(own[2] + own[3], noise: 0.1)]
    let comparison = try compare(sides, rtt)
    #expect(comparison.count(.slower) + comparison.count(.faster) == 0)
  }

  @Test func aDifferenceBeyondTheFloorIs() throws {
    let comparison = try compare([side("abc", noise: 0.05), side("def", noise: 0.05, factor: 1.6)], rtt)
    #expect(comparison.count(.slower) == 24)
    // What could have been shown is never less than the floor.
    #expect(comparison.cases.allSatisfy { ($0.minimumDetectableEffect ?? 0) >= ($0.noiseFloor ?? 1) })
  }

  @Test func withoutSeveralSessionsTwentyPerCentAreAssumed() throws {
    let comparison = try compare([side("a", noise: 0), side("b", noise: 0, factor: 1.19)], rtt)
    #expect(comparison.noiseFloors.map(\.source) == [.assumed])
    #expect(comparison.noiseFloors.map(\.share) == [0.2])
    #expect(comparison.cases.allSatisfy { $0.cause == .withinNoiseFloor })
    let more = try compare([side("a", noise: 0), side("b", noise: 0, factor: 1.25)], rtt)
    #expect(more.count(.slower) == 24)
  }

  @Test func aGivenFloorReplacesEveryOther() throws {
    let sides = [side("ab", noise: 0.1), side("cd", noise: 0.1, factor: 1.5)]
    let comparison = try compare(sides) {
      rtt(&$0)
      $0.noiseFloor = 0.8
    }
    #expect(comparison.noiseFloors.map(\.source) == [.given])
    #expect(comparison.cases.allSatisfy { $0.noiseFloor == 0.8 && $0.verdict == .inconclusive })
  }

  @Test func sessionsOfDifferentCommitsSayNothingAboutNoise() throws {
    let sides = [side("ab", noise: 0.1, commits: ["1", "2"]), side("cd", noise: 0.1, commits: ["3", "4"])]
    let floor = try #require(try compare(sides, rtt).noiseFloors.first)
    #expect(floor.source == .assumed && floor.ratios == 0)
  }

  @Test func tooFewRatiosNeverLowerTheAssumption() throws {
    let quiet = try compare([side("ab", noise: 0.01, cases: 1), side("cd", noise: 0.01, cases: 1)], rtt)
    #expect(quiet.noiseFloors.map(\.share) == [0.2] && quiet.noiseFloors.map(\.ratios) == [2])
    let records = "ab".flatMap { letter in
      MadeUpSide().otherSide(letter) {
        $0.cases = Array(Self.many.prefix(1))
        $0.factor = letter == "a" ? 1 : 2
      }.records()
    }
    let loud = try compare(
      [ResultsSet(label: "", table: TrialTable(records)), side("cd", noise: 0.01, cases: 1)], rtt)
    #expect(loud.noiseFloors[0].share > 0.9 && loud.noiseFloors[0].source == .assumed)
  }

  @Test func aDifferenceMustLieBeyondTheFloorWithItsWholeInterval() throws {
    var noisy = MadeUpSide()
    noisy.noise = 0.2
    noisy.trials = 24
    let sides = [noisy.set(seed: 1), noisy.another("b", seed: 2) { $0.factor = 1.28 }]
    let comparison = try compare(sides)
    for result in comparison.cases {
      let ratio = try #require(result.contrast.ratio)
      let isBeyond = ratio.lower > 1.2 || ratio.upper < 1 / 1.2
      #expect((result.verdict == .slower) == isBeyond, "\(ratio)")
    }
    #expect(
      comparison.cases.contains { $0.cause == .withinNoiseFloor && ($0.contrast.ratio?.estimate ?? 0) > 1.2 })
  }

  @Test func sessionsOfOneMinuteSayLittleAboutThoseOfAnotherDay() throws {
    func sessions(_ ids: [String]) -> ResultsSet {
      let records = ids.flatMap { id in
        MadeUpSide().otherSide(id.last ?? "x") { side in
          side.cases = Self.many
          side.noise = 0.001
          side.sessionNoise = 0.01
          (side.runID, side.sessionID) = (id, id)
        }.records(seed: UInt64(id.utf8.last ?? 0))
      }
      return ResultsSet(label: "", table: TrialTable(records))
    }
    let near = sessions(["20260101T000000Z-a", "20260101T000130Z-b"])
    let soon = try compare([near, sessions(["20260101T000200Z-c"])], rtt)
    #expect(
      soon.noiseFloors[0].gap == nil && soon.noiseFloors[0].share < 0.06 && soon.noiseFloors[0].span == 90)
    let later = try compare([near, sessions(["20260102T000130Z-c"])], rtt)
    #expect(later.noiseFloors[0].gap == 86_400 && later.noiseFloors[0].share == 0.2)
    #expect(later.noiseFloors[0].source == .measured && (later.noiseFloors[0].typicalShare ?? 1) < 0.06)
  }

  @Test func timesAreReadFromIds() {
    #expect(SessionTime.seconds("19700102T000001Z-abc") == 86_401)
    #expect(SessionTime.seconds("20260131T090500Z-3f9a1c") == 1_769_850_300)
    for id in ["", "one", "20260131T0905", "20260131X090500Z", "2026o131T090500Z-1"] {
      #expect(SessionTime.seconds(id) == nil, "\(id)")
    }
  }

  @Test func aFilterLeavesTheFloorAsItIs() throws {
    let sides = [side("ab", noise: 0.1), side("cd", noise: 0.1)]
    let one = try compare(sides) {
      rtt(&$0)
      $0.filter = try! CaseFilter(["mechanism:m1"])
    }
    #expect(one.cases.count == 1 && one.noiseFloors[0].ratios == 48)
    // Of one result chance exceeds less than of 24.
    #expect(one.noiseFloors[0].share < (try compare(sides, rtt)).noiseFloors[0].share)
  }

  @Test func aCaseThatIsWorseThanTheOthersHasItsOwnFloor() throws {
    var records: [TrialRecord] = []
    for letter in "abc" {
      var side = MadeUpSide().otherSide(letter)
      side.cases = Self.many
      side.noise = 0.001
      side.sessionNoise = 0.02
      if letter == "b" { side.cases[7].nanoseconds *= 3 }
      records += side.records(seed: UInt64(letter.asciiValue ?? 0))
    }
    let comparison = try compare(
      [ResultsSet(label: "", table: TrialTable(records)), side("d", noise: 0.02)], rtt)
    let own = try #require(comparison.result("m7", "latency_rtt_p50")?.noiseFloor)
    #expect(own > 1.8 && own < 2.3)
    #expect((comparison.result("m1", "latency_rtt_p50")?.noiseFloor ?? 1) < 0.15)
  }

  @Test func pairsAndHalvesOfOneSessionHaveNone() throws {
    #expect(try compare(MadeUpPair().sets(seed: 1)).noiseFloors.isEmpty)
    let half = MadeUpSide()
    var other = half
    other.firstOrder = 1000
    other.firstTrial = 100
    other.factor = 1.15
    let halves = try compare([half.set(seed: 1), other.set(seed: 2)])
    #expect(halves.kind == .unpaired && halves.noiseFloors.isEmpty)
    #expect(halves.count(.slower) == halves.cases.count)
    #expect(halves.remarks.contains { $0.contains("drift") })
  }

  @Test func theToolsOwnCostIsNoMeasureOfNoise() throws {
    var records: [TrialRecord] = []
    for letter in "ab" {
      var side = MadeUpSide().otherSide(letter)
      side.cases = Self.many
      side.noise = 0.001
      // A clock of 10 ns makes 20 ns and 30 ns of the same nothing.
      side.cases[0].nanoseconds *= letter == "b" ? 5 : 1
      side.cases[1].nanoseconds *= letter == "b" ? 5 : 1
      records += side.records(seed: UInt64(letter.asciiValue ?? 0))
    }
    let sides = [ResultsSet(label: "", table: TrialTable(records)), side("c", noise: 0)]
    let with = try compare(sides, rtt)
    let without = try compare(sides) {
      rtt(&$0)
      $0.filter = try! CaseFilter(["mechanism:!m1"])
      $0.ownCost = "m0"
    }
    #expect(with.noiseFloors[0].share > 3)
    #expect(without.noiseFloors[0].share < 0.05)
    #expect(without.result("m0", "latency_rtt_p50") != nil)
  }
}
