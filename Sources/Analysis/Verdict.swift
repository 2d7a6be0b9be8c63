/// What a comparison says of a case. Which way is better comes from the metric, never from the sign.
public enum Verdict: String, Sendable, Codable, CaseIterable {
  case slower, faster, equivalent, inconclusive

  /// The verdict with the two sides exchanged.
  public var mirrored: Verdict {
    switch self {
    case .slower: .faster
    case .faster: .slower
    case .equivalent, .inconclusive: self
    }
  }
}
