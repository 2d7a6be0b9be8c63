import Results

/// A run of which several reports are made: what they have in common is worked out once.
public struct RunReports {
  let view: RunView
  let sections: [Section]

  /// - Parameter ownCost: id of the mechanism that measures the tool itself; its lines are marked and come last.
  public init(_ run: Run, ownCost: String = "") {
    view = RunView(run, ownCost: ownCost)
    sections = view.sections
  }
}
