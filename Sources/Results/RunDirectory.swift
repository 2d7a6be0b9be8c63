import Foundation
import Glibc

/// The directory of a run: `results/<run-id>/`.
///
/// `plan.json` and `environment.json` are written once, when the run starts; `trials.jsonl` grows by a line per
/// trial and is what survives a crash; everything else is made from these three by `finish()` and can be made
/// again at any time.
public struct RunDirectory: Sendable {
  public let path: String
  private let log: TrialLog
  private let write: Files.Write

  private init(path: String, write: @escaping Files.Write) {
    self.path = path
    self.write = write
    log = TrialLog(path: "\(path)/\(Name.trials)", write: write)
  }

  /// The same directory with another way to write; for tests.
  func writing(_ write: @escaping Files.Write) -> RunDirectory { RunDirectory(path: path, write: write) }

  enum Name {
    static let plan = "plan.json"
    static let environment = "environment.json"
    static let trials = "trials.jsonl"
    static let results = "results.csv"
    static let summary = "summary.csv"
    static let histograms = "histograms"
    static let latest = "latest"
  }

  // MARK: Beginning

  /// Starts a run: makes the directory and those above it, and writes what was asked and where.
  ///
  /// - Throws: `alreadyExists` when there is a run already, `noSpace` or `notWritable`.
  public static func create(
    at path: String, plan: RunPlan, environment: Environment
  ) throws(ResultsError) -> RunDirectory {
    try create(at: path, plan: plan, environment: environment, write: Files.systemWrite)
  }

  static func create(
    at path: String, plan: RunPlan, environment: Environment, write: @escaping Files.Write
  ) throws(ResultsError) -> RunDirectory {
    let directory = RunDirectory(path: normalised(path), write: write)
    if [Name.plan, Name.trials].contains(where: { Files.exists(directory.file($0)) }) {
      throw ResultsError(
        .alreadyExists, path: directory.path,
        "\(directory.path) already holds a run: choose another directory with --out, "
          + "or go on with that run with --resume.")
    }
    try Files.createDirectory(directory.path)
    try directory.replace(Name.environment, try ResultsJSON.encode(environment, pretty: true))
    try directory.log.create()
    // Last, because it is what makes the directory a run.
    try directory.replace(Name.plan, try ResultsJSON.encode(plan, pretty: true))
    directory.pointLatestHere(runID: plan.runID)
    return directory
  }

  /// An existing run, to read it or to go on with it. A symbolic link such as `results/latest` is followed once,
  /// so that the path goes on meaning this run when the link moves.
  ///
  /// - Throws: `missing` when there is no run.
  public static func open(_ path: String) throws(ResultsError) -> RunDirectory {
    let given = normalised(path)
    let directory = RunDirectory(path: followed(path), write: Files.systemWrite)
    guard Files.exists(directory.file(Name.plan)) else {
      let state =
        Files.exists(directory.path) ? "is not a run directory: it has no plan.json" : "does not exist"
      throw ResultsError(
        .missing, path: given,
        "\(given) \(state); give the directory of a run, such as results/latest.")
    }
    return directory
  }

  // MARK: Going on

  /// Appends a trial; see `TrialLog`. On any error the file still holds every earlier trial, whole.
  ///
  /// - Parameter synchronise: also wait until the record is on the device.
  /// - Throws: `noSpace` or `notWritable`.
  public func append(_ record: TrialRecord, synchronise: Bool = false) throws(ResultsError) {
    try log.append(record, synchronise: synchronise)
  }

  /// Reads the run. A last record that was cut short is left out and named in `Run.warnings`.
  ///
  /// - Throws: `missing`, `unreadable`, `malformed` or `newerVersion`.
  public func load() throws(ResultsError) -> Run {
    let plan = try ResultsJSON.decode(
      RunPlan.self, from: try Files.read(file(Name.plan)), path: file(Name.plan),
      currentVersion: RunPlan.currentSchemaVersion)
    let environment = try ResultsJSON.decode(
      Environment.self, from: try Files.read(file(Name.environment)), path: file(Name.environment),
      currentVersion: Environment.currentSchemaVersion)
    let (trials, warnings) = try log.load()
    return Run(plan: plan, environment: environment, trials: trials, warnings: warnings, path: path)
  }

  /// Writes `results.csv`, `summary.csv` and the histograms from the trials, each file as a whole.
  ///
  /// - Throws: what `load()` throws, `noSpace` or `notWritable`.
  public func finish() throws(ResultsError) {
    let run = try load()
    let summaries = run.summaries
    try replace(Name.results, Data(ResultsCSV.tidy(run.trials).utf8))
    try replace(Name.summary, Data(ResultsCSV.summary(summaries, runID: run.plan.runID).utf8))
    let histograms = summaries.flatMap { summary in
      summary.histograms.map { (name: summary.identity.fileName($0.key), histogram: $0.value) }
    }
    if !histograms.isEmpty { try Files.createDirectory(file(Name.histograms)) }
    for (name, histogram) in histograms {
      // The format does not name its unit, so the file's name does.
      try replace("\(Name.histograms)/\(name)_ns.hgrm", Data(histogram.hgrmText().utf8))
    }
    pointLatestHere(runID: run.plan.runID)
  }

  // MARK: Paths

  private func file(_ name: String) -> String { "\(path)/\(name)" }

  private func replace(_ name: String, _ data: Data) throws(ResultsError) {
    try Files.replace(file(name), with: data, write: write)
  }

  /// What a path that is a symbolic link points at; any other path as it is, without slashes at its end.
  static func followed(_ path: String) -> String {
    let given = normalised(path)
    let parent = given.lastIndex(of: "/").map { String(given[...$0]) } ?? ""
    return Files.destination(ofLink: given).map { normalised($0.hasPrefix("/") ? $0 : parent + $0) } ?? given
  }

  private static func normalised(_ path: String) -> String {
    var path = path.isEmpty ? "." : path
    while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
    return path
  }

  /// Points `latest` beside the directory at it: a convenience, whose failure must not cost a run.
  ///
  /// Only where the directory is named after its run, as the ones in `results/` are: a run that was sent to
  /// `/tmp/x` has no business making `/tmp/latest`. Nothing but a symbolic link is ever replaced.
  private func pointLatestHere(runID: String) {
    let slash = path.lastIndex(of: "/")
    let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
    guard name == runID else { return }
    let link = (slash.map { String(path[...$0]) } ?? "") + Name.latest
    guard Files.destination(ofLink: link) != nil || !Files.exists(link) else { return }
    let temporary = "\(link).\(getpid()).tmp"
    unlink(temporary)
    guard symlink(String(name), temporary) == 0 else { return }
    if rename(temporary, link) != 0 { unlink(temporary) }
  }
}
