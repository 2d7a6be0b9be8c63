import ArgumentParser
import Exporting
import Foundation
import Results

/// Writes results in the format of another tool.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Writes results in the format of another tool.",
    usage: "ipcbench export FORMAT RUN... [FILTER...] [--metric NAME] [--out PATH]",
    discussion: """
      Formats:
      \(formatList)

      RUN is a run directory, a results.csv, or a directory that holds several of either. FILTER chooses cases: \
      mechanism:pipe size:64,4KiB pattern:!stream. Only trials that count are exported: of several attempts the last \
      one, measured, and not disturbed; what is missing is said on standard error. docs/exports.md shows each format \
      with the command that reads it.

      Exit codes: 0 exported, 1 the results cannot be read or the file cannot be written, 64 usage, also when \
      nothing is left to export.
      """)

  @Argument(help: "The format, then runs and filters.") var words: [String] = []
  @Option(
    name: .customLong("metric"),
    help: ArgumentHelp(
      "Only this metric; may be repeated, and '*' stands for anything: 'latency_*'.", valueName: "name"))
  var metrics: [String] = []
  @Option(
    name: .customLong("out"),
    help: ArgumentHelp(
      "A file, or a directory for formats of several files; else standard output.", valueName: "path"))
  var path: String?

  func run() throws {
    guard let name = words.first else {
      return Terminal.data("Formats:\n\(Self.formatList)\n\n\(Self.howToGoOn)")
    }
    guard let format = Exports.named(name) else {
      let known = Exports.all.map(\.name)
      throw Problem(
        .usage,
        "There is no format '\(name)'; did you mean '\(nearest(to: name, in: known))'? There are "
          + "\(known.joined(separator: ", ")).")
    }
    do {
      let exported = try make(format)
      try write(exported, of: format)
      exported.notes.forEach(Terminal.note)
    } catch let error as ResultsError {
      throw Problem(.toolFailed, error.description)
    } catch let error as ExportError {
      throw Problem(.usage, error.description)
    } catch let error as CaseFilterError {
      throw Problem(.usage, error.description)
    }
  }

  private static let howToGoOn =
    "For example: ipcbench export go results/latest mechanism:pipe; 'ipcbench export --help' says more."

  private static var formatList: String {
    let width = Exports.all.map(\.name.count).max() ?? 0
    return Exports.all.map { format in
      "  \(format.name.padding(toLength: width + 2, withPad: " ", startingAt: 0))\(format.summary)"
    }.joined(separator: "\n")
  }

  // MARK: Reading

  private func make(_ format: Export) throws -> Exported {
    let (paths, terms) = pathsAndFilters
    guard !paths.isEmpty else {
      throw Problem(.usage, "Name what to export: ipcbench export \(format.name) results/latest.")
    }
    let filter = try CaseFilter(terms)
    let set = try ResultsSet.load(paths, label: paths.joined(separator: ", "))
    set.warnings.forEach { log.warning("\($0)") }
    switch format.maker {
    case .trials(let make): return try make(Selection(set, cases: filter, metrics: metrics))
    case .histograms(let make):
      return try make(HistogramSelection(try runs(of: set), cases: filter, metrics: metrics))
    case .files(let make):
      guard terms.isEmpty && metrics.isEmpty else {
        throw ExportError(
          "'\(format.name)' takes whole files: filter in SQL with WHERE, or export the part as csv first.")
      }
      return try make(csvFiles(of: set))
    }
  }

  /// A word with a colon is a filter, unless there is a file of that name.
  private var pathsAndFilters: (paths: [String], terms: [String]) {
    let words = words.dropFirst()
    let isPath = { (word: String) in
      !word.contains(":") || FileManager.default.fileExists(atPath: word)
    }
    return (words.filter(isPath).map(Self.withoutSlashes), words.filter { !isPath($0) })
  }

  /// As a shell completes a directory, `results/latest/`, it would stand in the names of its files.
  private static func withoutSlashes(_ path: String) -> String {
    var path = path[...]
    while path.count > 1 && path.hasSuffix("/") { path = path.dropLast() }
    return String(path)
  }

  /// The runs whose files were read.
  private func runs(of set: ResultsSet) throws -> [Run] {
    try set.files.map { file in
      let directory = URL(fileURLWithPath: file).deletingLastPathComponent().path
      guard FileManager.default.fileExists(atPath: "\(directory)/plan.json") else {
        throw ExportError(
          "\(file) has no distributions, which only run directories hold: give the directory of the run.")
      }
      return try RunDirectory.open(directory).load()
    }
  }

  /// Of a run whose `results.csv` is older than its trials, the CSV is not the run.
  private func csvFiles(of set: ResultsSet) throws -> [String] {
    let files = set.files.filter { !$0.hasSuffix(".jsonl") }
    let unfinished = set.files.filter { $0.hasSuffix(".jsonl") }
    let reason = "its run has no results.csv of all its trials; finish it with 'ipcbench run --resume'"
    guard !files.isEmpty else {
      throw ExportError("\(unfinished[0]) cannot be given to DuckDB: \(reason), or export it as csv.")
    }
    unfinished.forEach { log.warning("\($0) is left out: \(reason).") }
    return files
  }

  // MARK: Writing

  private func write(_ exported: Exported, of format: Export) throws {
    if let path, format.makesSeveralFiles || isDirectory(path) {
      for file in exported.files { try write(file, in: path) }
      Terminal.note("\(exported.files.count) file\(exported.files.count == 1 ? "" : "s") in \(path).")
      return
    }
    guard exported.files.count == 1, let file = exported.files.first else {
      throw Problem(
        .usage,
        "'\(format.name)' makes \(exported.files.count) files of this: add --out DIR, or choose less.")
    }
    if let path { try Output.write(file.text, to: path) } else { Terminal.data(file.text) }
  }

  private func isDirectory(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
  }

  private func write(_ file: Exported.File, in directory: String) throws {
    let url = URL(fileURLWithPath: "\(directory)/\(file.name)")
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    } catch {
      throw Problem(.toolFailed, "Cannot make the directory for \(url.path): \(error.localizedDescription)")
    }
    try Output.write(file.text, to: url.path)
  }
}
