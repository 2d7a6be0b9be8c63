import Comparing
import IPCTransport
import Measurement

extension Requirement {
  /// The pattern as a plan names it.
  public var patternKind: PatternKind { PatternKind(rawValue: pattern) ?? .roundTrip }

  /// Every mechanism in all its variants: fit for this, or why not.
  ///
  /// - Parameter ownCost: id of the mechanism that measures the tool itself, and is none.
  public func candidates(_ entries: [MechanismEntry], ownCost: String) -> [Candidate] {
    entries.filter { $0.mechanism.id != ownCost }.flatMap { entry in
      entry.mechanism.variantNames.map { candidate(entry, $0) }
    }
  }

  private func candidate(_ entry: MechanismEntry, _ variant: String) -> Candidate {
    let mechanism = entry.mechanism
    let traits = mechanism.traits(of: variant)
    let isNotification = traits.framing == .notification
    let bytes =
      isNotification ? traits.minimumMessageByteCount : messageBytes > 0 ? messageBytes : Self.usualByteCount
    let forms = entry.forms(of: variant, for: patternKind)
    let possible = forms.map(\.wait.rawValue).filter { waits.isEmpty || waits.contains($0) }
    let attach = traits.attach.filter { processes == .related || $0 == .name }
    return Candidate(
      mechanism: mechanism.id, variant: variant, waits: possible, attach: attach.map(\.rawValue),
      messageBytes: bytes,
      whyNot: whyNot(entry, variant, traits, bytes)
        ?? (attach.isEmpty ? notByName(traits) : nil)
        ?? (possible.isEmpty
          ? "It waits by \(forms.map(\.wait.rawValue).joined(separator: ", ")) only." : nil))
  }

  /// What carries messages wakes with one of the usual size, where nothing is to be carried.
  private static var usualByteCount: Int { 64 }

  private func notByName(_ traits: Traits) -> String {
    "Its sides must be related: it is attached by \(traits.attach.map(\.rawValue).joined(separator: ", ")) only."
  }

  private func whyNot(
    _ entry: MechanismEntry, _ variant: String, _ traits: Traits, _ bytes: Int
  ) -> String? {
    let forms = entry.forms(of: variant, for: patternKind)
    if reach == .network && traits.reach != .network { return "It does not leave the host." }
    if reach == .host && traits.bringsHosts { return "Its sides are always on two hosts." }
    if traits.framing == .notification && messageBytes > 0 {
      return "It carries no message: ask for 0 bytes to see what wakes the other side."
    }
    if !isLossAcceptable && (traits.delivery == .mayDrop || forms.contains(where: \.mayDrop)) {
      return "It may lose messages."
    }
    if let reason = entry.whyNot(variant, patternKind) { return reason }
    let most = min(
      entry.mechanism.largestMessageByteCount(variant),
      forms.compactMap(\.maximumMessageByteCount).max() ?? .max)
    if bytes > most { return "It carries at most \(most) bytes a message." }
    return nil
  }
}
