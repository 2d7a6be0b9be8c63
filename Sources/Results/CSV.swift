/// Comma-separated values as RFC 4180 has them: a header line, CRLF after every record, quotes around fields
/// that need them, quotes doubled inside. `CSVReader` reads them.
public enum CSV {
  public static func line(_ fields: [String]) -> String { fields.map(quoted).joined(separator: ",") + "\r\n" }

  static func quoted(_ field: String) -> String {
    // By byte: Swift takes CR LF for one character, which is neither of the two.
    guard field.utf8.contains(where: special.contains) else { return field }
    let parts = field.split(separator: "\"", omittingEmptySubsequences: false)
    return "\"" + parts.joined(separator: "\"\"") + "\""
  }

  private static let special = Array("\",\r\n".utf8)
}
