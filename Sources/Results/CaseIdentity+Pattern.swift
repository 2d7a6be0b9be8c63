extension CaseIdentity {
  /// The pattern, without the gap of a wake-up and the size of a batch: cases that differ in that alone are points of
  /// one curve.
  public var family: String {
    if gapNanoseconds != nil { return "wake-up" }
    return batch.map { pattern.replacing("\(Self.batched)-\($0)", with: Self.batched) } ?? pattern
  }

  private static let batched = "stream:batch"

  /// How many messages of a `stream:batch-16` leave together; nil in every other pattern.
  public var batch: Int? {
    guard pattern.hasPrefix("\(Self.batched)-") else { return nil }
    return Int(pattern.dropFirst(Self.batched.count + 1).prefix { $0.isNumber })
  }

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
