extension CaseIdentity: Comparable {
  /// The order in which people compare: what was asked (pattern, size, load, shape, waiting, placement)
  /// first and the mechanism last, so that the mechanisms that did the same work stand together.
  public static func < (left: CaseIdentity, right: CaseIdentity) -> Bool {
    if left.workload != right.workload { return left.workload.precedes(right.workload) }
    return (left.mechanism, left.variant) < (right.mechanism, right.variant)
  }

  /// Everything but the mechanism: two cases with the same workload are two answers to one question.
  public var workload: Workload {
    Workload(
      pattern: pattern, messageBytes: messageBytes, rateTargetPerSecond: rateTargetPerSecond,
      producers: producers, consumers: consumers, wait: wait, placement: placement, attach: attach,
      scope: scope, touch: touch)
  }

  /// What a case asks of a mechanism; see `CaseIdentity` for the fields.
  public struct Workload: Hashable, Sendable {
    public var pattern: String
    public var messageBytes: Int
    public var rateTargetPerSecond: Double?
    public var producers: Int
    public var consumers: Int
    public var wait: String
    public var placement: String
    public var attach: String
    public var scope: String
    public var touch: String

    fileprivate func precedes(_ other: Workload) -> Bool {
      if pattern != other.pattern { return pattern < other.pattern }
      let load = (messageBytes, rateTargetPerSecond ?? -1, producers, consumers)
      let otherLoad = (other.messageBytes, other.rateTargetPerSecond ?? -1, other.producers, other.consumers)
      if load != otherLoad { return load < otherLoad }
      return (wait, placement, attach, scope, touch)
        < (other.wait, other.placement, other.attach, other.scope, other.touch)
    }
  }
}
