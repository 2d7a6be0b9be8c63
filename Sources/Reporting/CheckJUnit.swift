import Comparing
import Results

/// A check as JUnit XML, one test case per case, for the test reports of GitLab, Jenkins and GitHub actions.
///
/// There is no standard; this keeps to what Jenkins' schema (junit-10.xsd) allows and its readers have in common:
/// - GitLab shows the text of a `failure`, others its `message`: both are there.
/// - An inconclusive case is `skipped`, because there is nothing between passed and failed, and its message says so.
/// - Names stay the same whatever else is checked, because readers follow a test over time by its names.
/// - No `time`: a case has no duration of its own, its trials are spread over the session.
public func checkJUnit(_ outcome: CheckOutcome) -> String {
  let view = CheckView(outcome)
  let cases = outcome.cases.sorted { $0.identity < $1.identity }
  let failures = "failures=\"\(view.regressions.count)\" errors=\"\(view.failed.count)\""
  let tests = "name=\"ipcbench check\" tests=\"\(cases.count)\" \(failures)"
  let skipped = view.skipped.count + view.inconclusive
  let lines =
    [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<testsuites \(tests)>",
      "  <testsuite \(tests) skipped=\"\(skipped)\">", "    <properties>",
    ] + properties(outcome).map { "      <property name=\"\($0.name)\" value=\"\(xml($0.value))\"/>" }
    + ["    </properties>"] + cases.flatMap(testCase) + ["  </testsuite>", "</testsuites>"]
  return lines.joined(separator: "\n") + "\n"
}

private func properties(_ outcome: CheckOutcome) -> [(name: String, value: String)] {
  let criteria = outcome.criteria
  return [
    ("answer", outcome.answer.rawValue), ("reason", checkReason(outcome)), ("baseline", outcome.baseline),
    ("candidate", outcome.candidate), ("threshold", shortestDecimal(criteria.threshold)),
    ("pairs", "\(criteria.pairs)"), ("alpha", shortestDecimal(criteria.alpha)),
    ("confirmation_pairs", "\(criteria.confirmationPairs)"),
    ("confirmation_alpha", shortestDecimal(criteria.confirmationAlpha)),
    ("confidence", shortestDecimal(criteria.confidence)), ("power", shortestDecimal(criteria.power)),
    ("minimum_pairs", "\(criteria.minimumPairs)"),
    ("largest_steal_share", shortestDecimal(criteria.largestStealShare)),
    ("probe_tolerance", shortestDecimal(criteria.probeTolerance)),
    ("minimum_sessions", "\(criteria.minimumSessions)"),
    ("false_alarms", shortestDecimal(criteria.falseAlarms)),
  ] + outcome.notes.enumerated().map { ("note_\($0.offset + 1)", $0.element) }
}

private func testCase(_ check: CaseCheck) -> [String] {
  let head =
    "    <testcase classname=\"\(xml(className(check.identity)))\" name=\"\(xml(name(check.identity)))\""
  let numbers = check.metrics.flatMap { $0.inFull }.joined(separator: "\n")
  guard let (element, type, message) = trouble(check) else {
    if numbers.isEmpty { return [head + "/>"] }
    return [
      head + ">", "      <system-out>\(xml(numbers, isAttribute: false))</system-out>", "    </testcase>",
    ]
  }
  let text = numbers.isEmpty ? message : "\(message)\n\(numbers)"
  return [
    head + ">",
    "      <\(element) type=\"\(type)\" message=\"\(xml(message))\">\(xml(text, isAttribute: false))</\(element)>",
    "    </testcase>",
  ]
}

/// Nil for a case that is as it should be.
private func trouble(_ check: CaseCheck) -> (element: String, type: String, message: String)? {
  switch check.status {
  case .failed: return ("error", "failed", check.why)
  case .skipped: return ("skipped", "skipped", check.why)
  case .ok: break
  }
  switch check.verdict {
  case .regression:
    let gates = check.gates.filter { $0.verdict == .regression }.map(\.inBrief)
    return ("failure", "regression", "worse: \(CheckNames.list(gates))")
  case .inconclusive:
    let reasons = check.gates.filter { $0.verdict == .inconclusive && !$0.reason.isEmpty }
      .map { "\($0.metric.inWords): \($0.reason.oneLine)" }
    let why = check.reason.isEmpty && !reasons.isEmpty ? reasons.joined(separator: " ") : check.why
    return ("skipped", "inconclusive", "inconclusive: \(why)")
  case .improvement, .unchanged, nil: return nil
  }
}

// MARK: Names

/// What was asked of the mechanism; Jenkins takes what is before the dot for a package.
private func className(_ identity: CaseIdentity) -> String {
  var parts = [identity.pattern, identity.wait, identity.placement, identity.attach]
  if identity.scope != "host" { parts.append(identity.scope) }
  if identity.producers != 1 || identity.consumers != 1 {
    parts.append("\(identity.producers)-to-\(identity.consumers)")
  }
  if identity.touch != "all" { parts.append("touch-\(identity.touch)") }
  return "ipcbench." + parts.filter { !$0.isEmpty }.joined(separator: "/").replacing(".", with: "_")
}

/// GitLab ignores a second test of the same name, so that sizes and loads are exact.
private func name(_ identity: CaseIdentity) -> String {
  let size = identity.messageBytes > 0 ? " \(identity.messageBytes) B" : ""
  let load = identity.rateTargetPerSecond.map { " \(shortestDecimal($0))/s" } ?? ""
  return identity.id + size + load
}

// MARK: Numbers

extension MetricCheck {
  /// A line for each stage, with everything that its decision rests on.
  fileprivate var inFull: [String] {
    let end = verdict.map { " \($0.rawValue)" } ?? " not judged"
    guard let second else { return ["\(metric.inWords):\(end); \(line(first))"] }
    return ["\(metric.inWords):\(end)", "  stage 1: \(line(first))", "  stage 2: \(line(second))"]
  }

  private func line(_ result: StageResult) -> String {
    let observations = counted(result.count, result.pValue == nil ? "stored session" : "pair")
    let bounds = CheckNumbers.bounds(result).map { " (\($0))" } ?? ""
    let visible = result.smallestDetectableChange
    let parts = [
      CheckNumbers.medians(result, unit: metric.unit), "\(CheckNumbers.change(result.ratio))\(bounds)",
      observations,
      result.pValue.map(CheckNumbers.pValue),
      visible.isFinite ? "changes seen from \(CheckNumbers.smallest(visible))" : "no change could be seen",
    ]
    return parts.compactMap { $0 }.joined(separator: ", ")
  }
}

// MARK: XML

/// Text without anything that XML would act on or must not contain (XML 1.0, section 2.2), nor control characters.
private func xml(_ text: String, isAttribute: Bool = true) -> String {
  text.unicodeScalars.reduce(into: "") { result, scalar in
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&apos;"
    case "\n" where !isAttribute: result += "\n"
    // A reader turns a line break in an attribute into a space.
    case "\n", "\t": result += " "
    case "\u{FFFE}", "\u{FFFF}": break
    default: if scalar.properties.generalCategory != .control { result.unicodeScalars.append(scalar) }
    }
  }
}
