/// What a terminal, or whatever reads standard output, can show.
public struct TextStyle: Sendable, Hashable {
  /// Columns of a line.
  public var width: Int
  /// Whether characters beyond ASCII arrive.
  public var isUnicode: Bool
  public var isColoured: Bool

  public init(width: Int = 80, isUnicode: Bool = true, isColoured: Bool = false) {
    self.width = width
    self.isUnicode = isUnicode
    self.isColoured = isColoured
  }

  /// The style that the environment's variables ask for: `NO_COLOR` (no-color.org), `TERM=dumb`, and the
  /// locale's character set.
  ///
  /// - Parameters:
  ///   - isTerminal: whether standard output is one.
  ///   - width: columns of the terminal; reports keep to 80 even where there are more.
  public init(isTerminal: Bool, width: Int = 80, variables: [String: String]) {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { variables[$0] }.first { !$0.isEmpty } ?? ""
    let characters = locale.lowercased()
    let plain = variables["NO_COLOR"].map { !$0.isEmpty } ?? false || variables["TERM"] == "dumb"
    self.init(
      width: width, isUnicode: characters.contains("utf-8") || characters.contains("utf8"),
      isColoured: isTerminal && !plain)
  }

  /// The text in the characters that arrive.
  func encoded(_ text: String) -> String {
    guard !isUnicode else { return text }
    let replacements: [Character: String] = [
      "µ": "u", "–": "-", "×": "x", "·": "|", "…": "...", "−": "-", "≤": "<=", "≥": ">=", "→": "->",
      "‘": "'", "’": "'", "“": "\"", "”": "\"", "¹": "1", "─": "-", "▲": "!", "✗": "x",
      "δ": "delta", "τ": "tau", "±": "+/-",
    ]
    return text.reduce(into: "") { result, character in
      result += character.isASCII ? String(character) : replacements[character] ?? "?"
    }
  }

  func coloured(_ text: String, _ emphasis: Table.Emphasis) -> String {
    let code: String? =
      switch emphasis {
      case .plain: nil
      case .faint: "2"
      case .strong: "1"
      case .bad: "31"
      }
    guard isColoured, let code else { return text }
    return "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }

  /// Breaks a sentence into lines that fit.
  ///
  /// - Parameters:
  ///   - first: what the first line starts with.
  ///   - rest: what the others start with.
  func wrapped(_ text: String, first: String = "", rest: String = "") -> [String] {
    var lines: [String] = []
    var line = first
    var isEmpty = true
    for word in Self.words(encoded(text)) {
      if !isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        (line, isEmpty) = (rest, true)
      }
      line += isEmpty ? word : " " + word
      isEmpty = false
    }
    return lines + [line]
  }

  /// What stays together on a line: a word, or a number and its unit.
  private static func words(_ text: String) -> [String] {
    var words: [String] = []
    for word in text.split(separator: " ").map(String.init) {
      let unit = String(word.prefix { $0.isLetter || $0 == "%" })
      if let last = words.last, units.contains(unit), last.last?.isNumber == true, !last.contains(" ") {
        words[words.count - 1] = "\(last) \(word)"
      } else {
        words.append(word)
      }
    }
    return words
  }

  private static let units: Set<String> = ["%", "ns", "µs", "us", "ms", "s", "B", "KiB", "MiB", "GiB"]
}
