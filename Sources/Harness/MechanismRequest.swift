import IPCTransport
import LinuxIPC
import Measurement
import Results

extension [MechanismEntry] {
  /// The mechanism that an id means as it is typed, and its variants that are meant: one in `shared-memory:posix`, all
  /// in `pipe:*`. The id alone means the plain form where there is one, and every variant where there is none.
  public func named(_ name: String) throws(UsageError) -> (entry: MechanismEntry, variants: [String]) {
    let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
    guard let id = parts.first, let entry = first(where: { $0.mechanism.id == id }) else {
      throw unknown(name)
    }
    let known = entry.mechanism.variantNames
    let wanted = parts.count == 2 ? parts[1] : known.contains("") ? "" : "*"
    guard wanted == "*" || known.contains(wanted) else { throw unknown(name) }
    return (entry, wanted == "*" ? known : [wanted])
  }

  private func unknown(_ name: String) -> UsageError {
    let known = flatMap { entry in
      [entry.mechanism.id] + entry.mechanism.variantNames.map { entry.mechanism.id(of: $0) }
    }
    return UsageError(
      "Unknown mechanism '\(name)'; did you mean '\(nearest(to: name, in: known))'? "
        + "'ipcbench list' shows all of them.")
  }
}

// What is not offered on any machine: nil where it is, else a sentence.

extension MechanismEntry {
  public func whyNot(
    _ variant: String, wait: WaitKind, for pattern: PatternKind = .roundTrip
  ) -> String? {
    guard form(variant, wait, for: pattern) == nil else { return nil }
    let waits = forms(of: variant, for: pattern).map(\.wait.rawValue).joined(separator: ", ")
    let place = pattern.hasOwnForms ? " in a \(pattern.rawValue)" : ""
    return "\(mechanism.id(of: variant)) does not wait by '\(wait.rawValue)'\(place); it offers \(waits)."
  }

  /// What a mechanism cannot do by its nature.
  public func whyNot(_ variant: String, _ pattern: PatternKind) -> String? {
    let (id, traits) = (mechanism.id(of: variant), mechanism.traits(of: variant))
    if traits.framing == .notification && pattern.fillsTheChannel {
      return
        "\(id) is a notification: it carries no messages, so only its round trip, wake-up and connection are measured."
    }
    if pattern == .connect && !traits.deliversAcrossProcesses { return "\(id) connects nothing." }
    if pattern.isOneWay && !traits.deliversAcrossProcesses {
      return "\(id) sends nothing from one process to another, so there is nothing to time one way."
    }
    guard forms(of: variant, for: pattern).isEmpty else { return nil }
    return switch pattern {
    case .fanIn: "\(id) is for one producer: it has no fan-in."
    case .batchedStream: "\(id) sends one message at a time: it has no batches."
    default: "\(id) is for one consumer: it has no fan-out."
    }
  }

  /// The patterns that a mechanism can do.
  public func patterns(of variant: String) -> [PatternKind] {
    PatternKind.allCases.filter { whyNot(variant, $0) == nil }
  }
}

extension Mechanism {
  public func whyNot(_ variant: String, attach: Attach) -> String? {
    let offered = traits(of: variant).attach
    guard !offered.contains(attach) else { return nil }
    return "\(id(of: variant)) cannot be attached by '\(attach.rawValue)'; it offers "
      + "\(offered.map(\.rawValue).joined(separator: ", "))."
  }

  /// Why the sides cannot be on two machines.
  public func whyNotAcrossMachines(_ variant: String) -> String? {
    let traits = traits(of: variant)
    guard traits.reach == .network else {
      return "\(id(of: variant)) does not leave the host: give both sides a NAME instead of an address."
    }
    guard traits.meetsByAddressAlone else {
      return
        "\(id(of: variant)) needs more than an address, a file or a service that both sides share: give both sides a "
        + "NAME instead."
    }
    return nil
  }

  public func whyNot(_ variant: String, byteCount: Int) -> String? {
    let maximum = largestMessageByteCount(variant)
    guard byteCount > maximum else { return nil }
    return "\(id(of: variant)) carries at most \(Units.describe(byteCount: maximum)) here, "
      + "\(Units.describe(byteCount: byteCount)) were asked for."
  }

  /// Where only memory limits it, two rings and two sides' buffers must fit with ease.
  public func largestMessageByteCount(_ variant: String) -> Int {
    min(traits(of: variant).maximumMessageByteCount ?? .max, 256 << 20)
  }
}
