import Comparing

/// A check as Markdown (GitHub's dialect), for the summary of a CI step: the answer, what led to it, and folded
/// away what did not.
public func checkMarkdown(_ outcome: CheckOutcome) -> String {
  let view = CheckView(outcome)
  var parts = ["## \(markdown(view.headline))"]
  parts += tables(view).filter { !$0.rows.isEmpty }.map(\.markdown)
  if !outcome.notes.isEmpty { parts.append(bullets(outcome.notes.map(\.oneLine), "> - ")) }
  parts.append(bullets(view.circumstances))
  return parts.joined(separator: "\n\n") + "\n"
}

private func bullets(_ sentences: [String], _ bullet: String = "- ") -> String {
  sentences.map { bullet + markdown($0) }.joined(separator: "\n")
}

/// Every gate of every case is in one of them.
private func tables(_ view: CheckView) -> [Table] {
  let seen = view.noisy.isEmpty ? "Inconclusive" : "Inconclusive for other reasons"
  let open = [
    view.changes("Worse", view.regressions), view.reasons("Failed", view.failed),
    view.tooNoisy("Inconclusive: a change of \(view.threshold) would not have been seen"),
    view.reasons(seen, view.disturbed), view.changes("Better", view.improvements),
  ]
  let folded = [
    view.changes("\(counted(view.unchanged.count, "case")) unchanged", view.unchanged),
    view.changes(CheckView.undecided, view.noisy + view.disturbed),
    view.changes("Metrics that are not judged", view.measured) { $0.shown },
    view.reasons("\(counted(view.skipped.count, "case")) skipped", view.skipped),
  ]
  return open
    + folded.map { table in
      var table = table
      table.isFolded = true
      return table
    }
}
