/// Chooses cases by what they are: `mechanism:pipe size:64,4KiB pattern:!stream`.
public struct CaseFilter: Sendable {
  public init() {}

  /// - Parameter terms: `key:value[,value…]`; several terms must all hold, of a term's values one must. A value
  ///   with `!` before it must not hold. No terms choose everything.
  /// - Throws: a sentence that names the term and the keys there are.
  public init(_ terms: [String]) throws(CaseFilterError) {
    self.init()
  }

  public func includes(_ identity: CaseIdentity) -> Bool { true }
}

public struct CaseFilterError: Error, Sendable, CustomStringConvertible {
  /// One sentence.
  public var description: String
  public init(_ description: String) { self.description = description }
}
