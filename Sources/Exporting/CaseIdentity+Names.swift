import Results

extension CaseIdentity {
  /// The name of the case in other tools: what it is, then what differs from a plain one-to-one case on one
  /// host: `paced/pipe/64B/block/same-l3/inherit/rate:10000`.
  ///
  /// The first six parts are always there, so their place says what they are; the others name themselves.
  /// Different cases have different names, and a name never changes: tools find a case's history by it.
  public var benchmarkName: String {
    let id = mechanism.escaped(":") + (variant.isEmpty ? "" : ":\(variant.escaped())")
    let plain = [pattern.escaped(), id, "\(messageBytes)B"] + [wait, placement, attach].map { $0.escaped() }
    return (plain + particulars.map { "\($0.key):\($0.value)" }).joined(separator: "/")
  }

  /// What differs from a plain one-to-one case on one host, with every byte touched.
  var particulars: [(key: String, value: String)] {
    var list: [(key: String, value: String)] = []
    if scope != "host" { list.append(("scope", scope.escaped())) }
    if producers != 1 || consumers != 1 { list.append(("shape", "\(producers)to\(consumers)")) }
    if let rate = rateTargetPerSecond { list.append(("rate", shortestDecimal(rate))) }
    if touch != "all" { list.append(("touch", touch.escaped())) }
    return list
  }
}

extension String {
  /// Without what separates parts of names, columns or tags in any of the formats: everything but ASCII
  /// letters, digits and a few signs is percent-encoded (RFC 3986, section 2.1).
  ///
  /// - Parameter more: further characters to encode.
  func escaped(_ more: String = "") -> String {
    var text = ""
    for byte in utf8 {
      let character = Character(UnicodeScalar(byte))
      let isPlain = byte < 0x80 && (character.isLetter || character.isNumber || "._:+-".contains(character))
      if isPlain && !more.contains(character) {
        text.append(character)
      } else {
        text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    return text
  }
}
