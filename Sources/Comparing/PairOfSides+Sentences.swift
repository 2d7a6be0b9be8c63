import Results

extension PairOfSides {
  /// What the reader should know beside the numbers.
  func remarks(_ kind: ComparisonKind, _ matches: [MatchedCase]) -> [String] {
    [
      unsteady(kind, matches), contradictions(matches), partnerless(kind, matches), identical(kind, matches),
      oneSession(kind, matches),
    ].compactMap { $0 }
  }

  private func unsteady(_ kind: ComparisonKind, _ matches: [MatchedCase]) -> String? {
    let sides = [("baseline", baseline), ("candidate", candidate)].compactMap { name, side -> String? in
      let cases = matches.compactMap { side.cases[$0.identity] }
      let count = cases.reduce(0) { $0 + $1.unsteady.count }
      let all = cases.reduce(0) { $0 + $1.measuredCount }
      return count > 0 ? "\(count) of \(counted(all, "trial")) of the \(name)" : nil
    }
    guard kind != .identical, !sides.isEmpty else { return nil }
    return "Left out, because the machine changed while they ran (their probes disagree): \(listed(sides))."
  }

  private func contradictions(_ matches: [MatchedCase]) -> String? {
    let count = matches.reduce(0) { $0 + $1.contradictions }
    guard count > 0 else { return nil }
    return
      "\(counted(count, "trial")) of both sides \(count == 1 ? "has" : "have") the same run and number and "
      + "different values: one of the files was changed."
  }

  private func partnerless(_ kind: ComparisonKind, _ matches: [MatchedCase]) -> String? {
    let count = matches.reduce(0) { $0 + $1.baselineWithoutPartner + $1.candidateWithoutPartner }
    guard count > 0 else { return nil }
    return kind == .paired
      ? "\(counted(count, "trial")) left out: the other side's trial of the pair is missing or unusable."
      : "\(counted(count, "trial")) left out, because both sides hold them."
  }

  private func identical(_ kind: ComparisonKind, _ matches: [MatchedCase]) -> String? {
    let count = matches.count { $0.design == .identical }
    guard count > 0, kind != .identical, kind != .crossMachine else { return nil }
    return "Of \(counted(count, "case")) both sides hold the very same trials: equivalent, and no news."
  }

  private func oneSession(_ kind: ComparisonKind, _ matches: [MatchedCase]) -> String? {
    guard kind == .unpaired && isOneSession(matches) else { return nil }
    return
      "Both sides are of one session: where one was measured before the other, drift looks like a difference."
  }

  func nothingInCommon() -> ComparisonError {
    let sides = [baseline, candidate].map { side -> String in
      let measured = side.cases.filter { $0.value.measuredCount > 0 }.keys.sorted()
      guard let first = measured.first else { return "\(side.label) has no measured case" }
      return "\(side.label) has \(counted(measured.count, "case")), such as “\(first.inWords)”"
    }
    return ComparisonError(
      .usage, "No case was measured on both sides: \(sides.joined(separator: "; ")).")
  }

  func noMetricInCommon(_ matches: [MatchedCase]) -> ComparisonError {
    ComparisonError(
      .usage,
      "None of the \(counted(matches.count, "common case")) has a value of "
        + "\(listed(metrics.map(\.name), atMost: 6)): choose other metrics with --metric.")
  }
}
