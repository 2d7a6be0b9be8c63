/// One side of a comparison: the trials that a run directory, a CSV file, or a directory of either holds.
public struct ResultsSet: Sendable {
  /// As the user named it.
  public var label: String
  public var table: TrialTable
  /// What is known of the machines, by environment hash; a CSV file alone brings none.
  public var environments: [String: Environment]
  /// Who started the consumers, as far as plans tell: the runs themselves, or somebody on a machine that is named.
  public var consumers: Set<String>
  /// What was tolerated while reading, one sentence each.
  public var warnings: [String]
  /// What the trials were read from: a `results.csv`, whatever its name, or the `trials.jsonl` of a run.
  public var files: [String]

  public init(
    label: String, table: TrialTable, environments: [String: Environment] = [:],
    consumers: Set<String> = [], warnings: [String] = [], files: [String] = []
  ) {
    self.consumers = consumers
    self.label = label
    self.table = table
    self.environments = environments
    self.warnings = warnings
    self.files = files
  }
}
