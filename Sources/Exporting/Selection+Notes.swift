import Results

extension Selection {
  /// The cases that lack trials, with the reason: for formats that have no place for them.
  var lossNotes: [String] {
    var notes: [String] = []
    for case let (identity, loss?) in runs.flatMap(\.cases).map({ ($0.identity, $0.loss) }) {
      let note = LossNote.text(identity, loss)
      if !notes.contains(note) { notes.append(note) }
    }
    return notes
  }

  /// Why a format has nothing to write; says so of the first case that was not measured.
  var nothingMeasured: ExportError {
    let reason = lossNotes.first.map { " (\($0.withoutPeriod))" } ?? ""
    return ExportError("Nothing to export: no chosen case was measured with a chosen metric\(reason).")
  }

  /// What the rule about probes did, a sentence each.
  var disturbedNotes: [String] {
    let cases = runs.flatMap(\.cases)
    let leftOut = cases.reduce(0) { $0 + $1.disturbedTrials }
    let kept = cases.count { !$0.trials.isEmpty && $0.trials.allSatisfy { !$0.probesAgree } }
    var notes: [String] = []
    if leftOut > 0 {
      notes.append(
        "\(leftOut) trial\(leftOut == 1 ? " is" : "s are") left out: the machine changed under "
          + "\(leftOut == 1 ? "it" : "them") (the probes before and after disagree).")
    }
    if kept > 0 {
      notes.append(
        "\(kept) case\(kept == 1 ? " has" : "s have") values although the machine changed under every trial.")
    }
    return notes
  }

  /// All notes of a format that can only hold measured trials.
  var notes: [String] { LossNote.list(lossNotes) + disturbedNotes }

  /// Formats in which a name is all that tells a case can hold only one machine.
  ///
  /// - Throws: when the runs come from several, or from one that has changed.
  func requireOneMachine(_ format: String) throws(ExportError) {
    let machines = Set(runs.map { [$0.origin.hostID, $0.origin.environmentHash] })
    guard machines.count > 1 else { return }
    throw ExportError(
      "The runs are of \(machines.count) machines or states of one (host or environment hash differ), which "
        + "'\(format)' cannot tell apart: export each by itself.")
  }
}

enum LossNote {
  static func text(_ identity: CaseIdentity, _ loss: Selection.Loss) -> String {
    "\(identity.benchmarkName): \(loss.reason)."
  }

  /// With a first line that counts them; nothing where there are none.
  static func list(_ notes: [String]) -> [String] {
    guard !notes.isEmpty else { return [] }
    let count = notes.count == 1 ? "1 case was" : "\(notes.count) cases were"
    return ["\(count) not measured, or not in every trial, and this format has no place for that:"]
      + notes.map { "  \($0)" }
  }
}
