import Results

/// `12 %`, `3.4 %`: a share of one, in a sentence.
func percent(_ share: Double) -> String {
  let value = share * 100
  guard value.isFinite else { return "any" }
  let digits = value < 9.95 ? 10.0 : 1.0
  return "\(shortestDecimal((value * digits).rounded() / digits)) %"
}

/// `60 ns`, `4.6 µs`, `330 ms`: a time, in a sentence.
func time(_ nanoseconds: Double) -> String {
  var (value, unit) = (nanoseconds, "ns")
  for larger in ["µs", "ms", "s"] where value >= 999.5 { (value, unit) = (value / 1000, larger) }
  let digits = value < 9.95 && unit != "ns" ? 10.0 : 1.0
  return "\(shortestDecimal((value * digits).rounded() / digits)) \(unit)"
}

/// `1 trial`, `3 trials`, `13,227 trials`.
func counted(_ count: Int, _ noun: String) -> String { "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")" }

/// With commas between thousands.
private func grouped(_ count: Int) -> String {
  count < 1000 ? "\(count)" : grouped(count / 1000) + "," + "\(count % 1000 + 1000)".dropFirst()
}

/// `a`, `a and b`, `a, b and 4 more`.
func listed(_ words: [String], atMost limit: Int = 4) -> String {
  guard words.count > 1 else { return words.first ?? "" }
  if words.count > limit {
    return "\(words.prefix(limit - 1).joined(separator: ", ")) and \(words.count - limit + 1) more"
  }
  return "\(words.dropLast().joined(separator: ", ")) and \(words[words.count - 1])"
}

extension CaseIdentity {
  /// The case in a sentence: `pipe, round-trip, 64 B, block`.
  var inWords: String {
    var words = [id, pattern, "\(messageBytes) B"]
    if let rate = rateTargetPerSecond { words.append("\(shortestDecimal(rate)) messages/s") }
    if producers != 1 || consumers != 1 { words.append("\(producers) to \(consumers)") }
    return (words + [wait, placement, attach]).joined(separator: ", ")
  }
}
