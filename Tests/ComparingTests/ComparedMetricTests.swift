import Results
import Testing

@testable import Comparing

@Suite("What is compared")
struct ComparedMetricTests {
  private let sides = [MadeUpSide().set(), MadeUpSide().another("b", seed: 2)]

  private func names(_ comparison: SideComparison, _ pattern: String) -> Set<String> {
    Set(comparison.cases.filter { $0.identity.pattern == pattern }.map(\.metric.name))
  }

  @Test func eachPatternShowsWhatItIsAbout() throws {
    var side = MadeUpSide()
    side.cases = [
      .init(identity: MadeUpSide.identity("pipe", pattern: "paced", rate: 1000), nanoseconds: 1000),
      .init(identity: MadeUpSide.identity("pipe"), nanoseconds: 1000),
      .init(identity: MadeUpSide.identity("pipe", pattern: "stream"), nanoseconds: 1000),
    ]
    side.edit = { record in
      guard record.identity.pattern == "paced" else { return }
      record.measures.append(Measure("latency_response_p50", 1, unit: "ns", better: .lower))
      record.measures.append(Measure("latency_response_p99", 1, unit: "ns", better: .lower))
      record.measures.append(Measure("achieved_rate", 1, unit: "1/s", better: .higher))
      record.measures.removeAll { $0.metric == "message_rate" }
    }
    let comparison = try compare([side.set(), side.another("b", seed: 2)])
    #expect(names(comparison, "round-trip") == ["latency_rtt_p50", "cpu"])
    #expect(names(comparison, "stream") == ["message_rate", "cpu"])
    // A paced producer spins until a message is due.
    #expect(names(comparison, "paced") == ["latency_response_p50", "achieved_rate", "cpu_consumer"])
  }

  @Test func cpuTimeIsTheSumOfBothSidesAndNeverOfAPart() throws {
    var side = MadeUpSide()
    side.noise = 0
    let whole = try compare([side.set(), side.another("b", seed: 2)])
    let round = try #require(whole.result("pipe", "cpu"))
    #expect(abs((round.baseline.median ?? 0) - 4 * 0.3 * (5000 + 64 * 0.3)) < 1e-6)
    side.edit = { $0.measures.removeAll { $0.metric == "cpu_system_consumer" } }
    let part = try compare([side.set(), side.another("b", seed: 2)])
    #expect(part.result("pipe", "cpu") == nil)
  }

  @Test func askedForMetricsReplaceTheDefaultsInEveryCase() throws {
    let comparison = try compare(sides) { $0.metrics = MetricSelection(["p99", "cpu_producer"]) }
    #expect(names(comparison, "round-trip") == ["latency_rtt_p99", "cpu_producer"])
    #expect(names(comparison, "stream") == ["cpu_producer"])
  }

  @Test func anUnknownMetricIsAUsageErrorThatNamesTheNearest() {
    let error = refusal(sides) { $0.metrics = MetricSelection(["latency_rtt_p5"]) }
    #expect(error?.code == .usage)
    #expect(error?.message.contains("did you mean 'latency_rtt_p50'?") == true)
  }

  @Test func aMetricWithoutABetterDirectionIsAUsageError() {
    let error = refusal(sides) { $0.metrics = MetricSelection(["steal"]) }
    #expect(error?.code == .usage && error?.message.contains("'steal'") == true)
  }

  @Test func filesThatDisagreeAboutAMetricAreRefused() {
    let other = MadeUpSide().another("b", seed: 2) { side in
      side.edit = { record in
        for index in record.measures.indices where record.measures[index].metric == "latency_rtt_p50" {
          record.measures[index].unit = "us"
        }
      }
    }
    let error = refusal([sides[0], other])
    #expect(error?.code == .contradictory)
    #expect(error?.message.contains("'ns' (better: lower)") == true)
  }

  @Test func anEmptySelectionIsAUsageErrorThatNamesTheSide() {
    let error = refusal(sides) { $0.filter = try! CaseFilter(["mechanism:fifo"]) }
    #expect(error?.code == .usage && error?.message.hasPrefix("side: No case meets 'mechanism:fifo'") == true)
  }

  @Test func sidesWithoutACommonCaseSayWhatEachHas() {
    var other = MadeUpSide().otherSide("b")
    other.cases = [.init(identity: MadeUpSide.identity("fifo", bytes: 8), nanoseconds: 1)]
    let error = refusal([sides[0], other.set()])
    #expect(
      error?.message
        == "No case was measured on both sides: side has 12 cases, such as “pipe, round-trip, 64 B, block, same-l3, "
        + "inherit”; side b has 1 case, such as “fifo, round-trip, 8 B, block, same-l3, inherit”.")
  }

  @Test func oneSideIsNoComparison() {
    #expect(refusal([sides[0]])?.code == .usage)
  }
}
