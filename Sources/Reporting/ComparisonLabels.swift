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

  private let parts: [Part]

  /// - Parameters:
  ///   - cases: those of the table.
  ///   - all: those of the whole comparison, so that a case has the same name in all tables as far as possible.
  ///   - said: what stands above the table.
  init(_ cases: [CaseIdentity], among all: [CaseIdentity], without said: Set<Part> = []) {
    let needed = Self.needed(Set(all))
    let own = Set(cases)
    parts = Part.allCases.filter { part in
      if said.contains(part) { return false }
      switch part {
      case .pattern, .size, .rate, .sides: return Set(own.map(part.text)).count > 1
      default: return needed.contains(part)
      }
    }
  }

  /// The parts without which two cases would have the same name. Where a case waits and how it is attached mostly
  /// follows from its mechanism.
  private static func needed(_ cases: Set<CaseIdentity>) -> Set<Part> {
    var shown: [Part] = [.pattern, .size, .rate, .sides, .touch]
    func names(_ parts: [Part]) -> Int {
      Set(cases.map { identity in [identity.id] + parts.map { $0.text(identity) } }).count
    }
    var count = names(shown)
    for part in Part.allCases where !shown.contains(part) && count < cases.count {
      let more = names(shown + [part])
      if more > count { (shown, count) = (shown + [part], more) }
    }
    return Set(shown)
  }

  func label(_ identity: CaseIdentity) -> String {
    ([identity.id] + parts.map { $0.text(identity) }).filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// What all cases have in common, `64 B, block, same-l3`; empty where that is nothing.
  static func common(_ cases: [CaseIdentity]) -> String {
    let distinct = Set(cases)
    let texts = Part.allCases.map { part in Set(distinct.map(part.text)) }
    return texts.filter { $0.count == 1 }.compactMap(\.first).filter { !$0.isEmpty }.joined(separator: ", ")
  }
}
