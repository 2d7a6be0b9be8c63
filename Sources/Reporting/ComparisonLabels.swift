import Results

/// What cases are called in a table: the mechanism, and as much of the rest as tells them apart.
struct CaseLabels {
  /// A part of a case other than the mechanism.
  enum Part: CaseIterable {
    case pattern, size, rate, sides, wait, placement, attach, scope, touch

    /// As a table writes it; empty where it goes without saying.
    func text(_ identity: CaseIdentity) -> String {
      switch self {
      case .pattern: identity.pattern.hasSuffix(":notification") ? "notification" : identity.pattern
      // A notification carries nothing; that its size is 0 goes without saying.
      case .size: identity.messageBytes == 0 ? "" : Quantity.size(bytes: Double(identity.messageBytes))
      case .rate: identity.rateTargetPerSecond.map(Quantity.load) ?? ""
      case .sides:
        identity.producers == 1 && identity.consumers == 1
          ? "" : "\(identity.producers):\(identity.consumers)"
      case .wait: identity.wait
      case .placement: identity.placement
      case .attach: identity.attach
      case .scope: identity.scope
      // Such numbers cannot be compared with others, so they are marked wherever they stand.
      case .touch: identity.touch == "all" ? "" : "\(identity.touch) only"
      }
    }
  }

  /// What a table's cases differ in.
  private let parts: [Part]
  /// What most often follows from the mechanism, and is written only where a mechanism does the same in several ways.
  private let ownParts: [CaseIdentity: [Part]]

  private static let usual: [Part] = [.pattern, .size, .rate, .sides, .wait]
  private static let rare: [Part] = [.placement, .attach, .scope]

  /// - Parameters:
  ///   - cases: those of the table.
  ///   - all: those of the whole comparison, so that a case has the same name in all tables as far as possible.
  ///   - said: what stands above the table.
  init(_ cases: [CaseIdentity], among all: [CaseIdentity], without said: Set<Part> = []) {
    let own = Set(cases)
    parts = Self.usual.filter { part in
      // Waiting is part of a name in all tables or in none.
      !said.contains(part) && Set((part == .wait ? all : Array(own)).map(part.text)).count > 1
    }
    let kin = Dictionary(grouping: Set(all)) { identity in
      [identity.id, identity.touch] + Self.usual.map { $0.text(identity) }
    }
    var ownParts: [CaseIdentity: [Part]] = [:]
    for group in kin.values where group.count > 1 {
      for identity in group {
        ownParts[identity] = Self.rare.filter { part in Set(group.map(part.text)).count > 1 }
      }
    }
    self.ownParts = ownParts
  }

  func label(_ identity: CaseIdentity) -> String {
    let shown = parts + ownParts[identity, default: []] + [.touch]
    return ([identity.id] + shown.map { $0.text(identity) }).filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// What all cases have in common, `64 B, block, same-l3`; empty where that is nothing.
  static func common(_ cases: [CaseIdentity]) -> String {
    let distinct = Set(cases)
    let texts = Part.allCases.map { part in Set(distinct.map(part.text)) }
    return texts.filter { $0.count == 1 }.compactMap(\.first).filter { !$0.isEmpty }.joined(separator: ", ")
  }
}
