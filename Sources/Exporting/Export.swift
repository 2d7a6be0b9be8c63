import Results

/// A format of another tool.
public struct Export: Sendable {
  /// As it is typed: `google-benchmark`.
  public var name: String
  /// What it is and who reads it, in one line.
  public var summary: String
  /// Whether one export may be several files, which then need a directory.
  public var makesSeveralFiles: Bool
  public var maker: Maker

  /// What a format is made from, which decides what has to be read.
  public enum Maker: Sendable {
    /// The numbers of the trials: any results will do.
    case trials(@Sendable (Selection) throws(ExportError) -> Exported)
    /// The distributions, which only a run directory holds.
    case histograms(@Sendable (HistogramSelection) throws(ExportError) -> Exported)
    /// The CSV files as they are, by their paths.
    case files(@Sendable ([String]) throws(ExportError) -> Exported)
  }

  public init(name: String, summary: String, makesSeveralFiles: Bool = false, maker: Maker) {
    self.name = name
    self.summary = summary
    self.makesSeveralFiles = makesSeveralFiles
    self.maker = maker
  }
}

/// What an export produced; nothing is written by this module.
public struct Exported: Sendable, Equatable {
  public struct File: Sendable, Equatable {
    /// A name for it, perhaps with directories: what `--out DIR` calls it.
    public var name: String
    public var text: String

    public init(name: String, text: String) {
      self.name = name
      self.text = text
    }
  }

  public var files: [File]
  /// What the user should know beside the files, such as what the format has no place for; a sentence each.
  public var notes: [String]

  public init(_ files: [File], notes: [String] = []) {
    self.files = files
    self.notes = notes
  }
}

/// A request that cannot be met: always one of usage, never of the files.
public struct ExportError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence that says what to do.
  public var description: String
  public init(_ description: String) { self.description = description }
}
