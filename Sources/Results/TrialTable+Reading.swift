import Glibc

extension TrialTable {
  /// Reads a `results.csv`, from this machine or mailed from another one. Columns are found by name, and columns
  /// that a later version added are ignored.
  ///
  /// - Throws: `missing`, `unreadable`, `foreign`, `malformed`, `empty` or `newerVersion`: one sentence, with the
  ///   line where there is one.
  public static func read(_ path: String) throws(ResultsError) -> TrialTable {
    let descriptor = try Files.open(path)
    defer { close(descriptor) }
    return try TidyReader.table(CSVReader(ByteWindow(descriptor: descriptor, path: path)))
  }

  /// - Parameters:
  ///   - bytes: what a `results.csv` holds.
  ///   - path: named in errors.
  public static func parse(_ bytes: [UInt8], path: String) throws(ResultsError) -> TrialTable {
    try TidyReader.table(CSVReader(ByteWindow(bytes, path: path)))
  }
}
