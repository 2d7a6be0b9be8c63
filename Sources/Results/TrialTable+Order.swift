extension TrialTable {
  /// Puts everything into the order that the documentation of `trials` states, whatever the order it came in.
  mutating func putInOrder() {
    let metricPlaces = Self.sort(&metrics) { $0.name < $1.name }
    let originPlaces = Self.sort(&origins) { $0.precedes($1) }
    let casePlaces = Self.sort(&cases) { $0 < $1 }
    for index in trials.indices {
      trials[index].origin = originPlaces[trials[index].origin]
      trials[index].caseIndex = casePlaces[trials[index].caseIndex]
      for value in trials[index].values.indices {
        trials[index].values[value].metric = metricPlaces[trials[index].values[value].metric]
      }
      trials[index].values.sort { $0.metric < $1.metric }
    }
    trials.sort { $0.place < $1.place }
  }

  /// Sorts, and tells of each element by its old place where it is now.
  private static func sort<Element>(
    _ elements: inout [Element], by precedes: (Element, Element) -> Bool
  ) -> [Int] {
    let order = elements.indices.sorted { precedes(elements[$0], elements[$1]) }
    var places = [Int](repeating: 0, count: elements.count)
    for (new, old) in order.enumerated() { places[old] = new }
    elements = order.map { elements[$0] }
    return places
  }
}

extension TrialTable.Trial {
  fileprivate var place: (Int, Int, Int, Int, Int) { (origin, caseIndex, trial, orderInSession, attempt) }
}

extension TrialTable.Origin {
  /// Ids of runs and sessions begin with their time.
  fileprivate func precedes(_ other: TrialTable.Origin) -> Bool {
    (runID, sessionID, hostID, environmentHash, gitCommit, schemaVersion)
      < (
        other.runID, other.sessionID, other.hostID, other.environmentHash, other.gitCommit,
        other.schemaVersion
      )
  }
}
