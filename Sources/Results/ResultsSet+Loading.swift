import Foundation
import Glibc

extension ResultsSet {
  /// Reads one side of a comparison.
  ///
  /// - Parameter path: a run directory, a `results.csv`, or a directory that holds several of either.
  /// - Throws: `missing`, `unreadable`, `foreign`, `malformed`, `empty` or `newerVersion`.
  public static func load(_ path: String) throws(ResultsError) -> ResultsSet {
    try load([path], label: path)
  }

  /// Reads several paths as one side; for what each can be, see `load(_:)`.
  public static func load(_ paths: [String], label: String) throws(ResultsError) -> ResultsSet {
    var loader = ResultsLoader()
    for path in paths { try loader.take(path) }
    return try loader.finish(label: label)
  }
}

/// Finds the results below paths, and reads them.
///
/// - A run's `results.csv` is read where it holds everything its `trials.jsonl` does, since it is read faster.
/// - An `environment.json` is of use and not necessary: one that cannot be read costs a warning.
/// - In a directory that the user named, what is not ours is passed over; a file the user named has to be ours.
struct ResultsLoader {
  private var merger = TableMerger()
  private var environments: [String: Environment] = [:]
  private var consumers = Set<String>()
  private var warnings: [String] = []
  private var files: [String] = []
  /// Directories by what they are, so that links lead neither round in circles nor twice to the same.
  private var visited = Set<FileID>()
  private var entriesSeen = 0

  private struct FileID: Hashable {
    var device: dev_t
    var inode: ino_t
  }

  /// - Parameter path: as the user named it.
  mutating func take(_ path: String) throws(ResultsError) {
    guard Files.isDirectory(path) else { return try takeFile(path) }
    let directory = RunDirectory.followed(path)
    if Self.isRun(directory) {
      try takeRun(directory)
    } else {
      try takeDirectory(directory, depth: 0)
    }
  }

  consuming func finish(label: String) throws(ResultsError) -> ResultsSet {
    guard !merger.isEmpty else {
      throw ResultsError(
        .missing, path: label,
        "\(label) holds no results: give a run directory, such as results/latest, or a results.csv.")
    }
    let table = merger.finish()
    let hashes = Set(table.origins.map(\.environmentHash))
    return ResultsSet(
      label: label, table: table, environments: environments.filter { hashes.contains($0.key) },
      consumers: consumers, warnings: warnings, files: files)
  }

  // MARK: Files

  private mutating func takeFile(_ path: String) throws(ResultsError) {
    try add(try TrialTable.read(path), path)
    let slash = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    takeEnvironment(slash + RunDirectory.Name.environment)
    takeConsumer(slash + RunDirectory.Name.plan)
  }

  /// Plans are long, and nothing else of them matters here.
  private mutating func takeConsumer(_ path: String) {
    guard let data = try? Files.read(path) else { return }
    guard data.range(of: Data("\"peer\"".utf8)) != nil else {
      consumers.insert(PeerMachine.ownConsumer)
      return
    }
    guard
      let plan = try? ResultsJSON.decode(
        RunPlan.self, from: data, path: path, currentVersion: RunPlan.currentSchemaVersion)
    else { return }
    consumers.insert(plan.peer?.consumer ?? PeerMachine.ownConsumer)
  }

  private mutating func add(_ table: TrialTable, _ path: String) throws(ResultsError) {
    let repeated = try merger.add(table, path: path)
    if repeated < table.trials.count { files.append(path) }
    guard repeated > 0 else { return }
    warnings.append(
      "\(repeated) of the \(table.trials.count) trials of \(path) were read before: they count once."
    )
  }

  private mutating func takeEnvironment(_ path: String) {
    guard Files.exists(path) else { return }
    do throws(ResultsError) {
      let environment = try ResultsJSON.decode(
        Environment.self, from: try Files.read(path), path: path,
        currentVersion: Environment.currentSchemaVersion)
      environments[environment.hash] = environment
    } catch {
      warnings.append("What is known of the machine is left out: \(error.message)")
    }
  }

  // MARK: Runs

  private static func isRun(_ path: String) -> Bool {
    [RunDirectory.Name.results, RunDirectory.Name.trials, RunDirectory.Name.plan]
      .contains { Files.exists("\(path)/\($0)") }
  }

  private mutating func takeRun(_ path: String) throws(ResultsError) {
    guard visit(path) else { return }
    let (results, trials) = (
      "\(path)/\(RunDirectory.Name.results)", "\(path)/\(RunDirectory.Name.trials)"
    )
    if Files.exists(results) && !Files.isOlder(results, than: trials) {
      return try takeFile(results)
    }
    let run = try RunDirectory.open(path).load()
    warnings += run.warnings
    environments[run.environment.hash] = run.environment
    consumers.insert(run.plan.peer?.consumer ?? PeerMachine.ownConsumer)
    try add(try TrialTable.checking(run.trials, path: trials), trials)
  }

  // MARK: Directories of runs

  private mutating func takeDirectory(_ path: String, depth: Int) throws(ResultsError) {
    guard visit(path) else { return }
    let names = try Files.names(in: path)
    entriesSeen += names.count
    guard entriesSeen <= Self.mostEntries, depth <= Self.deepest else {
      throw ResultsError(
        .unreadable, path: path,
        "\(path) and what lies above it hold too much to look through: name the directories of the runs."
      )
    }
    for name in names where !name.hasPrefix(".") && !Self.passedOver.contains(name) {
      try takeEntry("\(path)/\(name)", depth: depth)
    }
  }

  private mutating func takeEntry(_ path: String, depth: Int) throws(ResultsError) {
    do throws(ResultsError) {
      if !Files.isDirectory(path) {
        if path.hasSuffix(".csv") { try takeFile(path) }
      } else if Self.isRun(path) {
        try takeRun(path)
      } else {
        try takeDirectory(path, depth: depth + 1)
      }
    } catch {
      guard [.empty, .foreign].contains(error.code) else { throw error }
      warnings.append("\(path) is left out: \(error.message)")
    }
  }

  /// - Returns: false when it was there before.
  private mutating func visit(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else { return true }
    return visited.insert(FileID(device: status.st_dev, inode: status.st_ino)).inserted
  }

  private static let passedOver = [
    RunDirectory.Name.latest, RunDirectory.Name.summary, RunDirectory.Name.histograms, "schema",
  ]

  /// More than anybody's results come to, and little enough not to walk through a whole disk.
  private static let (mostEntries, deepest) = (100_000, 16)
}
