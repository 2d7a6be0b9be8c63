import Analysis
import Foundation
import Results
import Testing

@testable import Comparing

@Suite("What holds of every comparison")
struct ComparisonPropertyTests {
  /// Sides of random shape: few or many trials, quiet or loud, with failures and disturbances.
  private func side(_ numbers: inout SeededNumbers, _ letter: Character) -> MadeUpSide {
    var side = MadeUpSide().otherSide(letter)
    side.trials = 1 + Int(numbers.next() % 16)
    side.noise = [0.002, 0.02, 0.2][Int(numbers.next() % 3)]
    side.factor = [1, 1, 1.03, 1.3, 0.6][Int(numbers.next() % 5)]
    side.isPaired = numbers.next() % 2 == 0
    side.sessionNoise = [0, 0.1][Int(numbers.next() % 2)]
    side.cases = side.cases.filter { _ in numbers.next() % 8 > 0 }
    if side.cases.isEmpty { side.cases = MadeUpSide.usual }
    let salt = numbers.next()
    side.edit = { record in
      var draw = SeededNumbers(state: salt &+ UInt64(record.orderInSession))
      switch draw.next() % 40 {
      case 0: record.status = .failed
      case 1: record.probesAgree = false
      case 2: for index in record.measures.indices { record.measures[index].value = 0 }
      default: break
      }
    }
    return side
  }

  private func sides(_ seed: UInt64) -> [ResultsSet] {
    var numbers = SeededNumbers(state: seed)
    let first = side(&numbers, "a")
    var second = side(&numbers, "b")
    if numbers.next() % 2 == 0 {
      second.sessionID = first.sessionID
      second.firstOrder = 100_000
    }
    if numbers.next() % 4 == 0 { (second.hostID, second.environmentHash) = ("elsewhere", "other") }
    if numbers.next() % 3 == 0 {
      let more = first.otherSide("c")
      let records = first.records(seed: seed) + more.records(seed: seed + 1)
      return [ResultsSet(label: "a", table: TrialTable(records)), second.set(seed: seed + 2)]
    }
    return [first.set(seed: seed), second.set(seed: seed + 2)]
  }

  @Test(
    "a run compared with itself is equivalent in everything it measured",
    arguments: 1...30 as ClosedRange<UInt64>)
  func everythingIsEqualToItself(seed: UInt64) throws {
    for set in sides(seed) {
      let comparison = try compare([set, set])
      #expect(comparison.kind == .identical)
      #expect(!comparison.cases.isEmpty && comparison.cases.allSatisfy { $0.verdict == .equivalent })
      for result in comparison.cases {
        let ratio = try #require(result.contrast.ratio)
        #expect([ratio.estimate, ratio.lower, ratio.upper] == [1, 1, 1])
      }
      for overall in comparison.overall {
        #expect([overall.ratio.estimate, overall.ratio.lower, overall.ratio.upper] == [1, 1, 1])
      }
      let measured = Set(SideTrials(set, CaseFilter()).cases.filter { $0.value.measuredCount > 0 }.keys)
      #expect(Set(comparison.cases.map(\.identity)) == measured)
    }
  }

  @Test(
    "exchanging the sides mirrors every verdict and every ratio", arguments: 1...40 as ClosedRange<UInt64>)
  func exchangedSidesAreMirrored(seed: UInt64) throws {
    let sides = sides(seed)
    guard refusal(sides) == nil else {
      #expect(refusal(sides.reversed()) != nil)
      return
    }
    let (one, other) = (try compare(sides), try compare(sides.reversed()))
    #expect(one.kind == other.kind && one.cases.count == other.cases.count)
    let mirrored = Dictionary(
      uniqueKeysWithValues: other.cases.map { ([$0.identity.inWords, $0.metric.name], $0) })
    for result in one.cases {
      let mirror = try #require(mirrored[[result.identity.inWords, result.metric.name]])
      #expect(mirror.verdict == result.verdict?.mirrored && mirror.cause == result.cause)
      #expect(mirror.adjustedPValue == result.adjustedPValue)
      #expect(mirror.minimumDetectableEffect == result.minimumDetectableEffect)
      #expect(mirror.contrast.logRatio?.estimate == result.contrast.logRatio.map { -$0.estimate })
      #expect(mirror.contrast.logRatio?.lower == result.contrast.logRatio.map { -$0.upper })
      #expect(mirror.contrast.logRatio?.upper == result.contrast.logRatio.map { -$0.lower })
      #expect(mirror.baseline == result.candidate && mirror.candidate == result.baseline)
    }
    for overall in one.overall {
      let mirror = try #require(other.overall.first { $0.metric == overall.metric })
      #expect(abs(mirror.ratio.estimate * overall.ratio.estimate - 1) < 1e-9)
    }
    #expect(one.noiseFloors == other.noiseFloors)
    #expect(one.rankings.map(\.tau) == other.rankings.map(\.tau))
    #expect(one.uncompared.count == other.uncompared.count)
    for (a, b) in zip(one.crossovers, other.crossovers) {
      #expect(a.baseline == b.candidate && a.candidate == b.baseline)
    }
  }

  @Test(
    "the overall ratio is mirrored with its bounds where values are not in pairs",
    arguments: 1...10 as ClosedRange<UInt64>)
  func overallBoundsAreMirrored(seed: UInt64) throws {
    let sides = [
      MadeUpSide().set(seed: seed), MadeUpSide().another("b", seed: seed + 50) { $0.factor = 1.2 },
    ]
    let (one, other) = (try compare(sides), try compare(sides.reversed()))
    for (a, b) in zip(one.overall, other.overall) {
      #expect(
        abs(a.ratio.lower * b.ratio.upper - 1) < 1e-12 && abs(a.ratio.upper * b.ratio.lower - 1) < 1e-12)
      #expect(a.ratio.lower < a.ratio.estimate && a.ratio.estimate < a.ratio.upper)
    }
  }

  @Test("the order of the records changes nothing", arguments: 1...20 as ClosedRange<UInt64>)
  func shuffledRecordsSayTheSame(seed: UInt64) throws {
    var numbers = SeededNumbers(state: seed)
    let (first, second) = (side(&numbers, "a"), side(&numbers, "b"))
    let records = [first.records(seed: seed), second.records(seed: seed + 1)]
    let straight = records.map { ResultsSet(label: "x", table: TrialTable($0)) }
    let shuffled = records.map { ResultsSet(label: "x", table: TrialTable($0.shuffled(using: &numbers))) }
    guard refusal(straight) == nil else { return }
    let (one, other) = (try compare(straight), try compare(shuffled))
    #expect(String(describing: one.cases) == String(describing: other.cases))
    #expect(String(describing: one.overall) == String(describing: other.overall))
    #expect(String(describing: one.crossovers) == String(describing: other.crossovers))
    #expect(one.noiseFloors == other.noiseFloors)
  }

  @Test(
    "code that is the same on both sides of a paired session is rarely called different",
    arguments: [1 as UInt64])
  func falseAlarmsAreRare(seed: UInt64) throws {
    // 60 comparisons of 24 results each: with Holm at 1 % about one of 100 comparisons may cry wolf.
    let alarmed = try (0..<60).count { index in
      let comparison = try compare(MadeUpPair { $0.noise = 0.15 }.sets(seed: seed &+ UInt64(index) &* 7919))
      return comparison.count(.slower) + comparison.count(.faster) > 0
    }
    #expect(alarmed <= 3)
  }
}
