extension CaseIdentity {
  /// A file name for what belongs to the case, without extension: what it is, then what differs from a plain
  /// one-to-one case on one host: `round-trip_64B_unix-stream_block_cross-core_name_latency_rtt`.
  ///
  /// Only letters, digits, `.`, `_` and `-`, no longer than a file name may be, and different for different
  /// cases: where a character had to be replaced or the end cut off, a hash of the whole identity is added.
  public func fileName(_ suffix: String) -> String {
    var parts = [pattern, "\(messageBytes)B", mechanism]
    if !variant.isEmpty { parts.append(variant) }
    parts += [wait, placement, attach]
    if scope != "host" { parts.append(scope) }
    if producers != 1 || consumers != 1 { parts.append("\(producers)to\(consumers)") }
    if let rate = rateTargetPerSecond { parts.append("\(shortestDecimal(rate))per-s") }
    if touch != "all" { parts.append("touch-\(touch)") }
    parts.append(suffix)
    let wanted = parts.joined(separator: "_")
    let safe = String(wanted.map(Self.isSafe(_:)).prefix(Self.longest))
    let plain = safe == wanted && parts.dropLast().allSatisfy { !$0.contains("_") }
    let name = plain ? safe : safe + "_" + FNV1a.hex("\(self)\n\(suffix)")
    return name.hasPrefix(".") ? "_" + name : name
  }

  /// A name may have 255 bytes; this leaves room for the hash, an extension and a temporary one.
  private static let longest = 200

  private static func isSafe(_ character: Character) -> Character {
    character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
      ? character : "-"
  }
}
