import Results

extension RunPlan {
  /// What to type to do the run again, in the same order: the command as it was typed, with its seed.
  var reproducingCommand: String {
    var words = command
    if !words.contains(where: { $0 == "--seed" || $0.hasPrefix("--seed=") }) {
      words += ["--seed", "\(seed)"]
    }
    return words.map(shellWord).joined(separator: " ")
  }
}

/// A word as a POSIX shell reads it back.
func shellWord(_ word: String) -> String {
  let isSafe = { (byte: UInt8) in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "-_./:,=+@%".utf8.contains(byte)
    }
  }
  if !word.isEmpty, word.utf8.allSatisfy(isSafe) { return word }
  return "'" + word.replacing("'", with: "'\\''") + "'"
}
