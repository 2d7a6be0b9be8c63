/// SplitMix64 (Steele, Lea and Flood, 2014): the same case from the same numbers on every machine.
public struct Generator: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64, number: UInt64) {
    state = seed
    state = next() ^ (number &* 0x9e37_79b9_7f4a_7c15)
  }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// From 0 to below the limit; 0 where that is 0.
  public mutating func below(_ limit: Int) -> Int { limit > 0 ? Int(next() % UInt64(limit)) : 0 }

  public mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

  public mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
