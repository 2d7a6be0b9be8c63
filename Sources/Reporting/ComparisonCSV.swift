import Analysis
import Comparing
import Results

/// Every result as tidy CSV: one row per case, metric and side. What belongs to a comparison as a whole (noise floor,
/// rankings, crossovers) is in the JSON.
public func csvText(_ comparison: Comparison) -> String {
  let rows = comparison.comparisons.flatMap { pair in
    pair.cases.sorted(by: inCaseOrder).flatMap { result in
      [
        row(result, pair, comparison.sides[0].label, isBaseline: true),
        row(result, pair, comparison.sides[pair.candidateIndex].label, isBaseline: false),
      ]
    }
  }
  return ([comparisonColumns] + rows).map(CSV.line).joined()
}

/// In the order of the fields; `results/schema/README.md` says what each holds.
let comparisonColumns = [
  "schema_version", "kind", "comparison", "side", "role", "mechanism", "variant", "pattern", "wait",
  "placement",
  "attach", "scope", "producers", "consumers", "message_bytes", "rate_target_per_s", "touch", "metric",
  "unit",
  "better", "trials", "median", "ratio", "ratio_lower", "ratio_upper", "confidence", "p_value", "p_adjusted",
  "cliffs_delta", "minimum_detectable_effect", "noise_floor", "verdict", "cause", "reason",
]

/// A file is read by programs: cases in their own order, not by gravity.
private func inCaseOrder(_ first: CaseComparison, _ second: CaseComparison) -> Bool {
  first.identity == second.identity
    ? first.metric.name < second.metric.name : first.identity < second.identity
}

/// What both sides have together stands in the candidate's row.
private func row(
  _ result: CaseComparison, _ pair: SideComparison, _ label: String, isBaseline: Bool
) -> [String] {
  let identity = result.identity
  let side = isBaseline ? result.baseline : result.candidate
  let own = [
    "\(Comparison.schemaVersion)", pair.kind.rawValue, "\(pair.candidateIndex)", label,
    isBaseline ? "baseline" : "candidate", identity.mechanism, identity.variant, identity.pattern,
    identity.wait,
    identity.placement, identity.attach, identity.scope, "\(identity.producers)", "\(identity.consumers)",
    "\(identity.messageBytes)", number(identity.rateTargetPerSecond), identity.touch, result.metric.name,
    result.metric.unit, result.metric.better.rawValue, "\(side.trials)", number(side.median),
  ]
  guard !isBaseline else { return own + Array(repeating: "", count: comparisonColumns.count - own.count) }
  let ratio = result.contrast.ratio
  return own + [
    number(ratio?.estimate), number(ratio?.ratioBounds?.lowerBound),
    number(ratio?.ratioBounds?.upperBound), number(ratio?.confidence),
    number(result.contrast.pValue), number(result.adjustedPValue), number(result.contrast.cliffsDelta),
    number(result.minimumDetectableEffect), number(result.noiseFloor), result.verdict?.rawValue ?? "",
    result.cause?.rawValue ?? "", result.reason,
  ]
}

/// Empty for what is not known or not finite.
private func number(_ value: Double?) -> String {
  value.flatMap { $0.isFinite ? shortestDecimal($0) : nil } ?? ""
}
