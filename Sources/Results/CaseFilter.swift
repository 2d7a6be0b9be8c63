/// Chooses cases by what they are: `mechanism:pipe size:64,4KiB pattern:!stream`.
public struct CaseFilter: Sendable {
  private var terms: [Term] = []

  /// Chooses everything.
  public init() {}

  /// - Parameter terms: `key:value[,value…]`; several terms must all hold, of a term's values one must. A value
  ///   with `!` before it must not hold. No terms choose everything.
  /// - Throws: a sentence that names the term and the keys there are.
  public init(_ terms: [String]) throws(CaseFilterError) {
    for term in terms { self.terms.append(try Term(term)) }
  }

  /// Whether it chooses everything.
  public var isEmpty: Bool { terms.isEmpty }

  public func includes(_ identity: CaseIdentity) -> Bool { terms.allSatisfy { $0.includes(identity) } }

  /// Why none of the cases is chosen, for a user who asked for one: the first term that none of them meets, and
  /// what there is instead.
  ///
  /// - Returns: nil when one of them is chosen.
  public func whyNone(of cases: [CaseIdentity]) -> CaseFilterError? {
    guard !cases.contains(where: includes) else { return nil }
    guard let term = terms.first(where: { term in !cases.contains(where: term.includes) }) else {
      let all = terms.map { "'\($0.text)'" }.joined(separator: " and ")
      return CaseFilterError(
        cases.isEmpty
          ? "There are no cases to choose from: measure some first, with 'ipcbench run'."
          : "No case meets \(all) at once: leave one of them out.")
    }
    let values = Set(cases.map { term.key.value(of: $0) }).sorted(by: Self.inNumericOrder)
    return CaseFilterError(
      "No case meets '\(term.text)'; of '\(term.key.rawValue)' there is \(Self.list(values)).")
  }

  private static func inNumericOrder(_ first: String, _ second: String) -> Bool {
    switch (Double(first), Double(second)) {
    case (let a?, let b?): a < b
    case (_?, nil): true
    case (nil, _?): false
    case (nil, nil): first < second
    }
  }

  private static func list(_ values: [String]) -> String {
    let shown = values.prefix(12).map { $0.isEmpty ? "none" : $0 }.joined(separator: ", ")
    return values.count > 12 ? "\(shown) and \(values.count - 12) more" : shown
  }
}

public struct CaseFilterError: Error, Sendable, CustomStringConvertible {
  /// One sentence.
  public var description: String
  public init(_ description: String) { self.description = description }
}

extension CaseFilter {
  /// What a case can be chosen by, as it is typed.
  enum Key: String, CaseIterable {
    case mechanism, variant, pattern, wait, placement, attach, scope, size, rate, producers, consumers, touch

    /// What a case has under the key; empty where it has none, as every case but a paced one has no rate.
    func value(of identity: CaseIdentity) -> String {
      switch self {
      case .mechanism: identity.id
      case .variant: identity.variant
      case .pattern: identity.pattern
      case .wait: identity.wait
      case .placement: identity.placement
      case .attach: identity.attach
      case .scope: identity.scope
      case .size: "\(identity.messageBytes)"
      case .rate: identity.rateTargetPerSecond.map(shortestDecimal) ?? ""
      case .producers: "\(identity.producers)"
      case .consumers: "\(identity.consumers)"
      case .touch: identity.touch
      }
    }

    /// The value as `value(of:)` writes it, from what was typed; nil when it cannot be one.
    func canonical(_ typed: String) -> String? {
      switch self {
      case .size: Units.byteCount(typed).map(String.init)
      case .rate: Units.rate(typed).map(shortestDecimal)
      case .producers, .consumers: Int(typed).flatMap { $0 > 0 ? "\($0)" : nil }
      // The plain form of a mechanism with several is the one whose variant is empty.
      case .variant: typed
      default: typed.isEmpty ? nil : typed
      }
    }

    /// How a value is typed, for the sentence about one that was not.
    var example: String {
      switch self {
      case .size: "64 or 4KiB"
      case .rate: "500 or 10k"
      case .producers, .consumers: "1 or 4"
      case .mechanism: "pipe or shared-memory:posix"
      case .variant: "posix"
      case .pattern: "round-trip"
      case .wait: "spin"
      case .placement: "same-l3"
      case .attach: "inherit"
      case .scope: "host"
      case .touch: "all"
      }
    }
  }

  /// One `key:value[,value…]`.
  struct Term {
    var text: String
    var key: Key
    /// Of which one must hold; with none, any does.
    var wanted: [String] = []
    /// Of which none must hold.
    var unwanted: [String] = []

    init(_ text: String) throws(CaseFilterError) {
      self.text = text
      // A mechanism's id has a colon of its own.
      guard let colon = text.firstIndex(of: ":") else {
        throw CaseFilterError(
          "'\(text)' does not say what of a case it means: write it as key:value, such as mechanism:pipe, "
            + "with one of the keys \(Self.keys).")
      }
      let name = String(text[..<colon])
      guard let key = Key(rawValue: name) else {
        throw CaseFilterError(
          "Unknown key '\(name)' in '\(text)'; did you mean '\(nearest(to: name, in: Self.names))'? "
            + "The keys are \(Self.keys).")
      }
      self.key = key
      for value in text[text.index(after: colon)...].split(separator: ",", omittingEmptySubsequences: false) {
        try add(String(value))
      }
    }

    private mutating func add(_ typed: String) throws(CaseFilterError) {
      let isUnwanted = typed.hasPrefix("!")
      let value = isUnwanted ? String(typed.dropFirst()) : typed
      guard let canonical = key.canonical(value) else {
        throw CaseFilterError(
          "'\(value)' in '\(text)' is not a value of '\(key.rawValue)': write it like \(key.example).")
      }
      if isUnwanted { unwanted.append(canonical) } else { wanted.append(canonical) }
    }

    func includes(_ identity: CaseIdentity) -> Bool {
      (wanted.isEmpty || wanted.contains { holds($0, identity) })
        && !unwanted.contains { holds($0, identity) }
    }

    /// A mechanism alone means it in all its variants.
    private func holds(_ value: String, _ identity: CaseIdentity) -> Bool {
      if key == .mechanism && (value == identity.mechanism || value == "\(identity.mechanism):*") {
        return true
      }
      return key.value(of: identity) == value
    }

    private static let names = Key.allCases.map(\.rawValue)
    private static let keys = names.joined(separator: ", ")
  }
}
