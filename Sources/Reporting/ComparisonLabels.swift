import Results

/// What cases are called in the tables of one comparison: the mechanism, and as much of the rest as tells them apart.
struct CaseLabels {
  /// A part of a case other than the mechanism, as a table writes it; empty where it goes without saying.
  private typealias Part = @Sendable (CaseIdentity) -> String

  private let parts: [Part]
  /// What all cases have in common: `64 B, block, same-l3, inherit`.
  let common: String

  /// In the order in which a label has them.
  private static let all: [Part] = [
    { $0.pattern.split(separator: ":").last == "notification" ? "notification" : $0.pattern },
    // A notification carries nothing; that its size is 0 goes without saying.
    { $0.messageBytes == 0 ? "" : Quantity.size(bytes: Double($0.messageBytes)) },
    { $0.rateTargetPerSecond.map(Quantity.load) ?? "" },
    { $0.producers == 1 && $0.consumers == 1 ? "" : "\($0.producers):\($0.consumers)" },
    { $0.wait }, { $0.placement }, { $0.attach }, { $0.scope }, { $0.touch == "all" ? "" : $0.touch },
  ]

  /// Which of `all` a table always has where its cases differ in them; the others only where nothing else tells two
  /// cases apart, because most follow from the mechanism.
  private static let always = 0...3

  init(_ cases: [CaseIdentity]) {
    let distinct = Array(Set(cases))
    var shown = Self.always.filter { index in Set(distinct.map(Self.all[index])).count > 1 }
    func labels(_ indices: [Int]) -> Int {
      Set(distinct.map { identity in [identity.id] + indices.map { Self.all[$0](identity) } }).count
    }
    var count = labels(shown)
    for index in Self.all.indices where !shown.contains(index) && count < distinct.count {
      let more = labels(shown + [index])
      if more > count { (shown, count) = (shown + [index], more) }
    }
    parts = shown.sorted().map { Self.all[$0] }
    let same = Self.all.filter { part in Set(distinct.map(part)).count == 1 }
    common =
      distinct.first.map { first in same.map { $0(first) }.filter { !$0.isEmpty }.joined(separator: ", ") }
      ?? ""
  }

  func label(_ identity: CaseIdentity) -> String {
    ([identity.id] + parts.map { $0(identity) }.filter { !$0.isEmpty }).joined(separator: " ")
  }
}
