extension CaseIdentity {
  /// The pattern, without the gap of a wake-up: cases that differ in the gap alone are points of one curve.
  public var family: String { gapNanoseconds == nil ? pattern : "wake-up" }

  /// How long the consumer of a wake-up is idle before a message; nil in every other pattern.
  public var gapNanoseconds: UInt64? {
    guard pattern.hasPrefix("wake-up:") else { return nil }
    return Units.nanoseconds(String(pattern.dropFirst("wake-up:".count)))
  }

  /// Whether the producer spins until a message is due, so that its CPU time says nothing about the mechanism.
  public static func producerAwaitsDueTimes(in pattern: String) -> Bool {
    pattern.hasPrefix("paced") || pattern.hasPrefix("wake-up")
  }
}
