import Comparing
import Results

/// A check as reports look at it: its cases sorted by what matters, and what is said of them as a whole.
struct CheckView {
  let outcome: CheckOutcome
  let names: CheckNames
  /// Whether the baseline are stored sessions: what a stage then calls its interval is where a further session of
  /// the baseline would lie, and what it counts are sessions.
  let isStored: Bool
  /// The worst first.
  let regressions: [CaseCheck]
  /// The best first.
  let improvements: [CaseCheck]
  /// Inconclusive because their pairs scatter too much, those that show the smallest changes first.
  let noisy: [CaseCheck]
  /// Inconclusive because of what happened to the machine, or for want of numbers; each has its reason.
  let disturbed: [CaseCheck]
  let unchanged: [CaseCheck]
  let failed: [CaseCheck]
  let skipped: [CaseCheck]

  init(_ outcome: CheckOutcome) {
    self.outcome = outcome
    names = CheckNames(outcome.cases.map(\.identity))
    isStored = outcome.cases.contains { $0.metrics.contains { $0.first.pValue == nil } }
    let cases = outcome.cases.sorted { $0.identity < $1.identity }
    let having = { (verdict: GateVerdict) in cases.filter { $0.verdict == verdict } }
    regressions = having(.regression).sorted { $0.effect(.regression) > $1.effect(.regression) }
    improvements = having(.improvement).sorted { $0.effect(.improvement) > $1.effect(.improvement) }
    noisy = having(.inconclusive).filter(\.isNoisy)
      .sorted { $0.smallestVisibleChange < $1.smallestVisibleChange }
    disturbed = having(.inconclusive).filter { !$0.isNoisy }
    unchanged = having(.unchanged)
    failed = cases.filter { $0.status == .failed }
    skipped = cases.filter { $0.status == .skipped }
  }

  var inconclusive: Int { noisy.count + disturbed.count }
  var measured: [CaseCheck] { regressions + improvements + noisy + disturbed + unchanged }
  /// Cases that were tried.
  var attempted: Int { outcome.cases.count - skipped.count }
  var threshold: String { CheckNumbers.share(outcome.criteria.threshold) }

  // MARK: The answer

  /// The answer in words, and whatever else there is in a word each:
  /// `Regression: 1 of 22 cases is worse; 14 inconclusive, 2 better.`
  var headline: String {
    let rest = asides.isEmpty ? "" : "; \(asides.joined(separator: ", "))"
    return answer + rest + "."
  }

  private var answer: String {
    let all = counted(attempted, "case")
    switch outcome.answer {
    case .regression:
      return "Regression: \(regressions.count) of \(all) \(regressions.count == 1 ? "is" : "are") worse"
    case .failed: return "Failed: \(failed.count) of \(all) could not be measured"
    case .ok:
      return "No regression: \(all), \(attempted == 1 ? "not" : "none") worse by \(threshold) or more"
    case .inconclusive:
      if outcome.cases.isEmpty { return "Inconclusive: there was nothing to check" }
      if attempted == 0 { return "Inconclusive: nothing could be measured" }
      let cannot = disturbed.isEmpty ? "cannot show a change of \(threshold)" : "cannot tell"
      return "Inconclusive: \(inconclusive) of \(all) \(cannot)"
    }
  }

  /// What else there is beside the cases that the answer counts.
  private var asides: [String] {
    let answer = outcome.answer
    let counts: [(Int, String)] = [
      (answer == .failed ? 0 : failed.count, "failed"),
      (answer == .inconclusive ? 0 : inconclusive, "inconclusive"), (improvements.count, "better"),
      (skipped.count, "skipped"),
    ]
    return counts.filter { $0.0 > 0 }.map { "\(Quantity.grouped($0.0)) \($0.1)" }
  }

  // MARK: How it came about

  /// What was compared with what, by which rule, and how much could be seen; whole sentences.
  var circumstances: [String] {
    let common = names.common.isEmpty ? "" : " Cases: \(names.common)."
    let compared =
      "Compared: \(outcome.candidate.oneLine) with the baseline \(outcome.baseline.oneLine).\(common)"
    return [compared, rule, measuredAgain, visible, unjudged].filter { !$0.isEmpty }
  }

  private var rule: String {
    let criteria = outcome.criteria
    let gates = CheckNames.list(gateNames, "or")
    guard !isStored else {
      return
        "A case is worse when its \(gates) is worse by more than \(threshold) and beyond where a further "
        + "session of the baseline would lie: at most \(CheckNumbers.share(criteria.falseAlarms)) of whole checks "
        + "raise a false alarm."
    }
    return
      "A case is worse when its \(gates) is worse by more than \(threshold) in \(criteria.pairs) pairs of "
      + "trials (signed-rank test, p < \(shortestDecimal(criteria.alpha))) and again in "
      + "\(criteria.confirmationPairs) fresh pairs (p < \(shortestDecimal(criteria.confirmationAlpha)))."
  }

  private var measuredAgain: String {
    let isAny = measured.contains { $0.gates.contains { $0.isFlagged && $0.second != nil } }
    guard isAny else { return "" }
    return
      "Where pairs are a sum, stage 1 saw something worse, and the other numbers are from the fresh pairs."
  }

  /// `Smallest change that could be seen: 1.8 % to 14 %, depending on the case.`
  private var visible: String {
    let told = measured.filter { $0.verdict != .inconclusive || $0.isNoisy }
    let changes = told.flatMap(\.gates).map(\.decisive.smallestDetectableChange)
    let finite = changes.filter(\.isFinite).sorted()
    guard let least = finite.first, let most = finite.last else {
      return changes.isEmpty ? "" : "No change could have been seen: there are too few \(observations)."
    }
    let (low, high) = (CheckNumbers.smallest(least), CheckNumbers.smallest(most))
    var text = "Smallest change that could be seen: \(low)"
    if low != high { text += " to \(high), depending on the case" }
    if finite.count < changes.count { text += "; none at all where there are too few \(observations)" }
    return text + "."
  }

  private var unjudged: String {
    let shown = Self.inOrder(measured.flatMap(\.shown)).map(\.inWords)
    return shown.isEmpty ? "" : "Measured and never judged, because too noisy: \(CheckNames.list(shown))."
  }

  var observations: String { isStored ? "sessions" : "pairs" }

  /// The metrics that decide, in words: those of the cases, or all there are where no case was measured.
  var gateNames: [String] {
    let own = Self.inOrder(measured.flatMap(\.gates)).map(\.inWords)
    return own.isEmpty ? CheckedMetric.all.filter(\.isGate).map(\.inWords) : own
  }

  /// The metrics, each once, in the order of the method: latencies first.
  static func inOrder(_ checks: [MetricCheck]) -> [CheckedMetric] {
    let all = CheckedMetric.all
    let place = { (metric: CheckedMetric) in all.firstIndex { $0.name == metric.name } ?? all.count }
    return Set(checks.map(\.metric)).sorted { (place($0), $0.name) < (place($1), $1.name) }
  }

  static func unique(_ words: [String]) -> [String] {
    words.reduce(into: []) { unique, word in if !unique.contains(word) { unique.append(word) } }
  }
}

extension CaseCheck {
  /// The metrics that are shown and do not decide.
  var shown: [MetricCheck] { metrics.filter { $0.verdict == nil } }

  /// Whether an inconclusive case is so for the scatter of its pairs alone.
  var isNoisy: Bool { reason.isEmpty && gates.contains { $0.verdict == .inconclusive } }

  /// Why a case has no verdict of its own, as a sentence.
  var why: String {
    let text = reason.oneLine
    return text.isEmpty ? "it has no figure to decide by." : text
  }

  /// How large the largest change with a verdict is, as a factor above 1 whichever way the metric goes.
  func effect(_ verdict: GateVerdict) -> Double {
    gates.filter { $0.verdict == verdict }.map { $0.effect(verdict) }.max() ?? 0
  }

  /// Of the gates that could not tell, the one that sees least: what keeps the case from a verdict.
  var smallestVisibleChange: Double {
    gates.filter { $0.verdict == .inconclusive }.map(\.decisive.smallestDetectableChange).max() ?? .infinity
  }
}

extension MetricCheck {
  func effect(_ verdict: GateVerdict) -> Double {
    let isRising = (metric.better == .higher) == (verdict == .improvement)
    return isRising ? decisive.ratio : 1 / decisive.ratio
  }
}
