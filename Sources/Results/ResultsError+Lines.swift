extension ResultsError {
  /// - Parameter text: what is wrong with the line, in a few words.
  static func malformedLine(_ line: Int, of path: String, _ text: String) -> ResultsError {
    ResultsError(
      .malformed, path: path,
      "Line \(line) of \(path) is not what ipcbench writes (\(text)): copy the file again from its run directory."
    )
  }

  /// Two lines, each of which is right by itself.
  ///
  /// - Parameter text: what both say, in a few words.
  static func conflict(_ line: Int, with other: Int, of path: String, _ text: String)
    -> ResultsError
  {
    ResultsError(
      .malformed, path: path,
      "Line \(max(line, other)) of \(path) contradicts line \(min(line, other)) (\(text)): "
        + "copy the file again from its run directory.")
  }

  static func repeats(_ line: Int, of other: Int, in path: String, _ text: String) -> ResultsError {
    ResultsError(
      .malformed, path: path,
      "Line \(max(line, other)) of \(path) repeats line \(min(line, other)) (\(text)): "
        + "copy the file again from its run directory.")
  }

  static func noTrials(_ path: String) -> ResultsError {
    ResultsError(
      .empty, path: path,
      "\(path) holds no trials, so there is nothing to compare: take a run that measured something."
    )
  }

  /// A file that is something else.
  static func foreign(_ path: String, _ text: String) -> ResultsError {
    ResultsError(
      .foreign, path: path,
      "\(path) is not an ipcbench results.csv (\(text)): take the results.csv of a run directory.")
  }
}
