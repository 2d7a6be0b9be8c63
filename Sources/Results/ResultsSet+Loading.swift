import Foundation

extension ResultsSet {
  /// Reads one side of a comparison.
  ///
  /// - Parameter path: a run directory, a `results.csv`, or a directory that holds several of either.
  /// - Throws: `missing`, `unreadable`, `malformed` or `newerVersion`.
  public static func load(_ path: String) throws(ResultsError) -> ResultsSet {
    try load([path], label: path)
  }

  /// Reads several paths as one side.
  public static func load(_ paths: [String], label: String) throws(ResultsError) -> ResultsSet {
    var tables: [TrialTable] = []
    var all = ResultsSet(label: label, table: TrialTable())
    for path in paths { try all.collect(path, &tables) }
    guard !tables.isEmpty else {
      throw ResultsError(
        .missing, path: label,
        "\(label) holds no results: give a run directory, such as results/latest, or a results.csv.")
    }
    all.table = TrialTable.merging(tables)
    let known = Set(all.table.origins.map(\.environmentHash))
    all.environments = all.environments.filter { known.contains($0.key) }
    return all
  }

  private mutating func collect(_ path: String, _ tables: inout [TrialTable]) throws(ResultsError) {
    guard Files.isDirectory(path) else {
      tables.append(try TrialTable.read(path))
      files.append(path)
      let slash = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
      takeEnvironment("\(slash)environment.json")
      return
    }
    if Files.exists("\(path)/results.csv") {
      tables.append(try TrialTable.read("\(path)/results.csv"))
      files.append("\(path)/results.csv")
      takeEnvironment("\(path)/environment.json")
    } else if Files.exists("\(path)/plan.json") {
      let run = try RunDirectory.open(path).load()
      tables.append(TrialTable(run.trials))
      environments[run.environment.hash] = run.environment
      warnings += run.warnings
      files.append("\(path)/trials.jsonl")
    } else {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      for name in names.sorted() where name != "latest" && name != "schema" {
        let inner = "\(path)/\(name)"
        if Files.isDirectory(inner) || name.hasSuffix(".csv") { try collect(inner, &tables) }
      }
    }
  }

  private mutating func takeEnvironment(_ path: String) {
    guard let data = try? Files.read(path),
      let environment = try? ResultsJSON.decode(
        Environment.self, from: data, path: path, currentVersion: Environment.currentSchemaVersion)
    else { return }
    environments[environment.hash] = environment
  }
}
