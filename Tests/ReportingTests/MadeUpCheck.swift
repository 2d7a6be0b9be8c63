import Comparing
import Results

/// Checks that nobody made: what the pairs came to is written down, not computed.
enum MadeUpCheck {
  static func identity(
    _ mechanism: String, variant: String = "", pattern: String = "round-trip", wait: String = "block",
    placement: String = "same-l3", attach: String = "inherit", size: Int = 64, rate: Double? = nil
  ) -> CaseIdentity {
    CaseIdentity(
      mechanism: mechanism, variant: variant, pattern: pattern, wait: wait, placement: placement,
      attach: attach, messageBytes: size, rateTargetPerSecond: rate)
  }

  /// - Parameter margin: how far the bounds are from the ratio; infinite for none at all.
  static func stage(
    _ ratio: Double, margin: Double = 0.02, count: Int = 12, baseline: Double = 9200, p: Double? = 0.0005,
    visible: Double = 0.03
  ) -> StageResult {
    var stage = StageResult([(baseline, baseline * ratio)], alpha: 0.01, confidence: 0.99, power: 0.8)!
    (stage.count, stage.ratio, stage.pValue) = (count, ratio, p)
    (stage.lower, stage.upper) = margin.isFinite ? (ratio - margin, ratio + margin) : (0, .infinity)
    stage.smallestDetectableChange = visible
    return stage
  }

  /// A candidate beside stored sessions, which scatter between 9 % below and 10 % above.
  static func stored(_ ratio: Double, visible: Double = 0.1) -> StageResult {
    var stage = stage(ratio, count: 8, p: nil, visible: visible)
    (stage.lower, stage.upper) = (0.91, 1.1)
    return stage
  }

  static func metric(
    _ name: String, _ verdict: GateVerdict?, _ first: StageResult, _ second: StageResult? = nil,
    isFlagged: Bool = false, reason: String = ""
  ) -> MetricCheck {
    MetricCheck(
      metric: CheckedMetric.all.first { $0.name == name }!, first: first, second: second,
      isFlagged: isFlagged,
      verdict: verdict, reason: reason)
  }

  static func check(
    _ identity: CaseIdentity, _ metrics: [MetricCheck], status: Status = .ok, reason: String = ""
  ) -> CaseCheck {
    let pairs = metrics.map { $0.first.count + ($0.second?.count ?? 0) }.max() ?? 0
    return CaseCheck(
      identity: identity, status: status, reason: reason, metrics: metrics, pairs: pairs, usablePairs: pairs)
  }

  static func outcome(_ cases: [CaseCheck], notes: [String] = []) -> CheckOutcome {
    CheckOutcome(
      baseline: "main (1a2b3c4d)", candidate: "this program (5e6f7a8b)", criteria: CheckCriteria(),
      cases: cases,
      notes: notes)
  }

  // MARK: Cases

  /// p50 worse twice, CPU time unchanged although it was measured again.
  static let worse = check(
    identity("pipe"),
    [
      metric(
        "latency_rtt_p50", .regression, stage(1.112),
        stage(1.118, margin: 0.018, count: 24, p: 0.00001, visible: 0.018),
        isFlagged: true),
      metric("cpu", .unchanged, stage(1.004, baseline: 5200), stage(1.006, count: 24, baseline: 5200)),
      metric("latency_rtt_p99", nil, stage(1.31, margin: 0.4, baseline: 15_000, visible: 0.52)),
      metric("message_rate", nil, stage(0.9, baseline: 108_000)),
    ])

  static let better = check(
    identity("unix-stream"),
    [
      metric("latency_rtt_p50", .improvement, stage(0.82, baseline: 10_900)),
      metric("cpu", .unchanged, stage(0.99, baseline: 7000)),
    ])

  static let unchanged = check(
    identity("shared-memory", variant: "posix", wait: "spin"),
    [
      metric("latency_rtt_p50", .unchanged, stage(1.003, margin: 0.004, baseline: 237, visible: 0.012)),
      metric("cpu", .unchanged, stage(1, margin: 0.004, baseline: 474, visible: 0.014)),
      metric("latency_rtt_p99", nil, stage(1.02, baseline: 260)),
    ])

  static let noisy = check(
    identity("tcp", size: 65_536),
    [
      metric(
        "latency_rtt_p50", .inconclusive, stage(1.09), stage(1.04, margin: 0.2, count: 24, visible: 0.38),
        isFlagged: true,
        reason:
          "flagged in stage 1, not confirmed in stage 2, and 24 pairs as noisy as these show changes from "
          + "38 % on only."),
      metric("cpu", .unchanged, stage(1.01), stage(1.01, count: 24, visible: 0.031)),
    ])

  static let lessNoisy = check(
    identity("posix-mq"),
    [
      metric("latency_rtt_p50", .unchanged, stage(0.99, visible: 0.04)),
      metric(
        "cpu", .inconclusive, stage(1.02, margin: 0.06, visible: 0.071),
        reason: "12 pairs as noisy as these show changes from 7.1 % on only."),
    ])

  static let tooFew = check(
    identity("named-pipe", variant: "byte", wait: "spin-then-block"),
    [
      metric(
        "latency_rtt_p50", .inconclusive,
        stage(1.02, margin: .infinity, count: 6, p: 0.6, visible: .infinity),
        reason: "6 pairs are too few to show any change.")
    ])

  static let stolen = check(
    identity("sysv-mq"),
    [
      metric(
        "latency_rtt_p50", .inconclusive, stage(1.4),
        reason: "the host gave 3.1 % of the CPU time to others (steal) while this was measured.")
    ], reason: "the host gave 3.1 % of the CPU time to others (steal) while this was measured.")

  static let failed = check(
    identity("udp"), [], status: .failed, reason: "The candidate failed: message 17 was corrupted.")

  static let skipped = check(
    identity("mptcp"), [], status: .skipped, reason: "MPTCP is switched off here: sysctl net.mptcp.enabled=1."
  )

  static let all = outcome(
    [unchanged, noisy, worse, skipped, better, failed, stolen, lessNoisy, tooFew],
    notes: ["The two programs differ in their compiler: 6.3.0 and 6.3.1."])

  /// Against stored sessions: one case worse, one hidden by their scatter.
  static let storedSessions = outcome([
    check(identity("pipe"), [metric("latency_rtt_p50", .regression, stored(1.318))]),
    check(
      identity("tcp"),
      [
        metric(
          "latency_rtt_p50", .inconclusive, stored(1.06),
          reason: "stored sessions as far apart as these show changes from 10 % on only.")
      ]),
  ])

  /// Every word that comes from elsewhere, with what XML, Markdown or a terminal would act on.
  static let evil: CheckOutcome = {
    let word = "<b a='1'>&|`*_]]>\u{1B}[31m\u{0}\n\"é\u{FFFF}"
    var evil = outcome(
      [
        check(
          identity(word, variant: word, pattern: word, wait: word, placement: word, attach: word),
          [metric("latency_rtt_p50", .regression, stage(1.2), stage(1.2, count: 24), isFlagged: true)]),
        check(identity(word, size: 1), [], status: .failed, reason: word),
        check(identity(word, size: 2), [], status: .skipped, reason: word),
        check(identity(word, size: 3), [], reason: word),
        check(
          identity(word, size: 4), [metric("cpu", .inconclusive, stage(1, visible: 0.2), reason: word)]),
      ], notes: [word])
    (evil.baseline, evil.candidate) = (word, word)
    return evil
  }()

  /// One of every shape, for what must hold for each of them.
  static let every: [(name: String, outcome: CheckOutcome)] = [
    ("all", all), ("stored", storedSessions), ("evil", evil), ("empty", outcome([])),
    ("noted", outcome([], notes: ["The 8 sessions of the baseline come from another machine."])),
    ("skipped", outcome([skipped])), ("failed", outcome([failed, unchanged])),
    ("unchanged", outcome([unchanged])), ("better", outcome([better, unchanged])),
    ("noisy", outcome([noisy, lessNoisy, unchanged])), ("infinite", outcome([tooFew])),
    ("disturbed", outcome([stolen, unchanged])), ("numberless", outcome([check(identity("pipe"), [])])),
  ]
}
