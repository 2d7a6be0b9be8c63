import Results

/// What two sides allow to be said of them; chosen from the files, never by the user.
public enum ComparisonKind: String, Sendable, Codable {
  /// The same trials on both sides.
  case identical
  /// One machine, one session, the sides' trials measured in pairs: the only comparison in which drift, placement
  /// and the mood of the host are the same for both.
  case paired
  /// One machine, trials that do not belong together.
  case unpaired
  /// Two machines: nothing absolute is judged.
  case crossMachine = "cross-machine"

  /// The kind in words: the first line of every output.
  public var sentence: String {
    switch self {
    case .identical:
      "Compared with itself: both sides are the very same trials."
    case .paired: "Paired comparison: the same machine and session, trials measured in pairs."
    case .unpaired: "Unpaired comparison: the same machine, trials not measured together."
    case .crossMachine:
      "Cross-machine comparison: no absolute number is judged, only what carries over."
    }
  }

  /// In a list: `Y paired, Z cross-machine`.
  public var word: String { self == .identical ? "the same trials" : rawValue }

  init(_ relation: Machines.Relation, _ matches: [MatchedCase]) {
    let designs = Set(matches.lazy.filter { !$0.baseline.isEmpty }.map(\.design))
    self =
      relation == .different
      ? .crossMachine
      : designs.contains(.paired) ? .paired : designs == [.identical] ? .identical : .unpaired
  }
}
