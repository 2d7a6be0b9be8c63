/// How many producers and consumers share one channel.
public struct Crew: Sendable, Hashable, Codable {
  /// Who meets whom.
  public enum Gathering: String, CaseIterable, Codable, Sendable {
    case pair
    /// Several producers, one consumer.
    case fanIn = "fan-in"
    /// One producer, several consumers, each of which gets every message.
    case fanOut = "fan-out"
  }

  public var gathering: Gathering
  /// Workers on the side that has several; 1 in a pair.
  public var many: Int

  public init(_ gathering: Gathering, many: Int) {
    self.gathering = gathering
    self.many = gathering == .pair ? 1 : many
  }

  public static var pair: Crew { Crew(.pair, many: 1) }
  /// Most workers of one role.
  public static var most: Int { 16 }

  public var producers: Int { gathering == .fanIn ? many : 1 }
  public var consumers: Int { gathering == .fanOut ? many : 1 }

  /// The role of which there may be several; the producer's in a pair.
  public var manyRole: Role { gathering == .fanOut ? .consumer : .producer }

  public func count(_ role: Role) -> Int { role == .producer ? producers : consumers }

  /// Producers first.
  public var seats: [Seat] {
    (0..<producers).map { Seat(.producer, $0) } + (0..<consumers).map { Seat(.consumer, $0) }
  }
}

/// One worker of a trial.
public struct Seat: Sendable, Hashable, Codable, CustomStringConvertible {
  public var role: Role
  /// From 0, among the workers of its role.
  public var rank: Int

  public init(_ role: Role, _ rank: Int = 0) {
    self.role = role
    self.rank = rank
  }

  /// `producer`, or `producer 2` where there are several: the first one goes without a number.
  public var description: String { rank == 0 ? role.rawValue : "\(role.rawValue) \(rank + 1)" }
}
