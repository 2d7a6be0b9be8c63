import Comparing
import Results
import Testing

@testable import Reporting

/// One line for standard error, which is all that many logs keep.
@Suite struct CheckReasonTests {
  @Test func aRegressionNamesTheWorstCaseItsChangeAndHowManyMore() {
    let slightly = MadeUpCheck.check(
      MadeUpCheck.identity("fifo"),
      [
        MadeUpCheck.metric(
          "latency_rtt_p50", .regression, MadeUpCheck.stage(1.07), MadeUpCheck.stage(1.07), isFlagged: true)
      ])
    #expect(
      checkReason(MadeUpCheck.outcome([slightly, MadeUpCheck.worse]))
        == "regression: pipe round-trip 64 B block: p50 +11.8 % (10.0 to 13.6 %), and 1 more case")
  }

  @Test func ofARegressedCaseTheWorstMetricIsNamed() {
    let both = MadeUpCheck.check(
      MadeUpCheck.identity("pipe"),
      ["latency_rtt_p50": 1.2, "cpu": 1.4].sorted { $0.key > $1.key }.map { name, ratio in
        MadeUpCheck.metric(name, .regression, MadeUpCheck.stage(ratio))
      })
    #expect(checkReason(MadeUpCheck.outcome([both])).contains(": CPU/msg +40.0 % (38.0 to 42.0 %)"))
  }

  @Test func aRateThatFallsIsTheWorseTheLowerItIs() {
    let rates = [0.8, 0.5].map { ratio in
      var check = MadeUpCheck.metric("message_rate", .regression, MadeUpCheck.stage(ratio))
      check.metric.isGate = true
      return MadeUpCheck.check(
        MadeUpCheck.identity("pipe", pattern: "stream", size: Int(ratio * 10)), [check])
    }
    #expect(checkReason(MadeUpCheck.outcome(rates)).contains("stream 5 B block: message rate −50.0 %"))
  }

  @Test func failuresBesideARegressionAreCounted() {
    #expect(checkReason(MadeUpCheck.all).hasSuffix("(10.0 to 13.6 %); 1 case failed"))
  }

  @Test func aFailedCaseSaysWhy() {
    #expect(
      checkReason(MadeUpCheck.outcome([MadeUpCheck.failed, MadeUpCheck.unchanged]))
        == "failed: udp round-trip 64 B block: The candidate failed: message 17 was corrupted")
  }

  @Test func aCheckThatFoundNothingSaysInHowManyCases() {
    let cases = [MadeUpCheck.unchanged, MadeUpCheck.better]
    #expect(checkReason(MadeUpCheck.outcome(cases + [MadeUpCheck.skipped])) == "no regression in 2 cases")
    #expect(checkReason(MadeUpCheck.outcome([MadeUpCheck.better])) == "no regression in 1 case")
  }

  @Test func noiseIsGivenAsTheSmallestChangeThatCouldBeSeen() {
    let quiet = MadeUpCheck.unchanged
    #expect(
      checkReason(MadeUpCheck.outcome([MadeUpCheck.noisy, MadeUpCheck.lessNoisy, quiet]))
        == "inconclusive: 2 of 3 cases cannot show a change of 5 %; the noisiest only one of 38 %")
    #expect(
      checkReason(MadeUpCheck.outcome([MadeUpCheck.lessNoisy, quiet]))
        == "inconclusive: 1 of 2 cases cannot show a change of 5 %, only one of 7.1 %")
    #expect(
      checkReason(MadeUpCheck.outcome([MadeUpCheck.tooFew]))
        == "inconclusive: 1 of 1 case cannot show a change of 5 %, nor any other")
    #expect(
      checkReason(MadeUpCheck.outcome([MadeUpCheck.tooFew, MadeUpCheck.noisy, MadeUpCheck.stolen]))
        == "inconclusive: 2 of 3 cases cannot show a change of 5 %; the noisiest none at all; "
        + "1 more cannot tell for other reasons")
  }

  @Test func whatDisturbedACaseIsSaid() {
    #expect(
      checkReason(MadeUpCheck.outcome([MadeUpCheck.stolen, MadeUpCheck.unchanged]))
        == "inconclusive: 1 of 2 cases cannot tell: sysv-mq round-trip 64 B block: the host gave 3.1 % of the CPU "
        + "time to others (steal) while this was measured")
  }

  @Test func whereNothingWasMeasuredTheReasonIsTheOneThereIs() {
    #expect(checkReason(MadeUpCheck.outcome([])) == "inconclusive: there was nothing to check")
    #expect(
      checkReason(MadeUpCheck.outcome([], notes: ["They come from another machine."]))
        == "inconclusive: there was nothing to check: They come from another machine")
    #expect(
      checkReason(MadeUpCheck.outcome([MadeUpCheck.skipped]))
        == "inconclusive: nothing could be measured: mptcp round-trip 64 B block: MPTCP is switched off here: "
        + "sysctl net.mptcp.enabled=1")
    let numberless = MadeUpCheck.check(MadeUpCheck.identity("pipe"), [])
    #expect(checkReason(MadeUpCheck.outcome([numberless])).hasSuffix("it has no figure to decide by"))
  }

  @Test func storedSessionsAreNotCalledAnInterval() {
    #expect(
      checkReason(MadeUpCheck.storedSessions)
        == "regression: pipe round-trip 64 B block: p50 +31.8 % (stored sessions lie between −9.0 % and +10.0 %)"
    )
  }

  @Test(arguments: MadeUpCheck.every.map(\.name))
  func itIsOneLineWithoutControlCharacters(_ name: String) throws {
    let outcome = try #require(MadeUpCheck.every.first { $0.name == name }).outcome
    let reason = checkReason(outcome)
    #expect(!reason.isEmpty && !reason.hasSuffix("."))
    #expect(!reason.unicodeScalars.contains { $0.properties.generalCategory == .control })
  }
}

/// The words and numbers that all reports of a check share.
@Suite struct CheckWordTests {
  @Test func aNameSaysWhereTheProcessesWereOnlyWhereNothingElseTellsTwoCasesApart() {
    let pipe = MadeUpCheck.identity("pipe")
    let apart = MadeUpCheck.identity("pipe", placement: "same-core")
    let paced = MadeUpCheck.identity(
      "shared-memory", variant: "posix", pattern: "paced", wait: "spin", attach: "name", size: 4096,
      rate: 10_000)
    let names = CheckNames([pipe, pipe, apart, paced])
    #expect(names.name(pipe) == "pipe round-trip 64 B block same-l3")
    #expect(names.name(apart) == "pipe round-trip 64 B block same-core")
    #expect(names.name(paced) == "shared-memory:posix paced 4 KiB 10 k/s spin")
    #expect(names.common.isEmpty)
    #expect(CheckNames([pipe, pipe]).name(pipe) == "pipe round-trip 64 B block")
  }

  @Test func whatAllCasesHaveInCommonIsSaidOnce() {
    let named = MadeUpCheck.identity("tcp", attach: "name")
    #expect(CheckNames([MadeUpCheck.identity("pipe"), named]).common == "same-l3")
    #expect(CheckNames([named]).common == "same-l3, name")
    #expect(CheckNames([]).common.isEmpty)
  }

  @Test func aWakeUpHasNoSize() {
    let futex = MadeUpCheck.identity("futex", pattern: "round-trip:notification", size: 0)
    #expect(CheckNames([futex]).name(futex) == "futex round-trip:notification block")
  }

  @Test func severalProducersAndNetworksAreNamed() {
    var many = MadeUpCheck.identity("tcp", pattern: "fan-in")
    (many.producers, many.scope) = (4, "network")
    #expect(CheckNames([many]).common == "same-l3, inherit, network, 4 to 1")
  }

  @Test(arguments: [
    ("latency_rtt_p50", "p50", "p50"), ("latency_service_p99_9", "service p99.9", "p99.9"),
    ("cpu", "CPU/msg", "CPU/msg"), ("message_rate", "message rate", "message rate"),
  ])
  func metricsAreInWords(_ name: String, _ words: String, _ column: String) {
    let metric = CheckedMetric(name: name, unit: "ns", better: .lower, isGate: true)
    #expect(metric.inWords == words)
    #expect(metric.column == column)
  }

  @Test(arguments: [
    (1.118, "+11.8 %"), (0.9684, "−3.2 %"), (1, "0.0 %"), (1.0001, "0.0 %"), (0.9999, "0.0 %"),
    (1.9994, "+99.9 %"), (2.5, "+150 %"), (20, "+1,900 %"), (.infinity, "–"), (.nan, "–"),
    (1e300, "+1e+302 %"),
  ])
  func changesHaveTheirSign(_ ratio: Double, _ text: String) { #expect(CheckNumbers.change(ratio) == text) }

  @Test func anIntervalNeedsBothBounds() {
    #expect(CheckNumbers.interval(MadeUpCheck.stage(1.118, margin: 0.018)) == "10.0 to 13.6 %")
    #expect(CheckNumbers.interval(MadeUpCheck.stage(1.001)) == "−1.9 to 2.1 %")
    #expect(CheckNumbers.interval(MadeUpCheck.stage(1.001, margin: .infinity)) == "–")
    #expect(CheckNumbers.bounds(MadeUpCheck.stage(1.001, margin: .infinity)) == nil)
  }

  @Test func mediansShareTheirUnitWhereTheyHaveTheSame() {
    #expect(CheckNumbers.medians(MadeUpCheck.stage(1.118), unit: "ns") == "9.20 → 10.3 µs")
    #expect(CheckNumbers.medians(MadeUpCheck.stage(1.2, baseline: 900), unit: "ns") == "900 ns → 1.08 µs")
    #expect(CheckNumbers.medians(MadeUpCheck.stage(2, baseline: 12), unit: "1") == "12 → 24")
  }

  @Test(arguments: [(0.05, "5 %"), (0.025, "2.5 %"), (0.07, "7 %"), (0.99, "99 %"), (9, "900 %")])
  func sharesThatSomebodyChoseHaveNoNeedlessDigits(_ share: Double, _ text: String) {
    #expect(CheckNumbers.share(share) == text)
  }
}
