import Results

/// Series as Apache Otava reads them: CSV files, and the configuration that names them.
///
/// Otava reads a time for every row of every file, which takes it longer than the analysis; so series of the same runs
/// share a file, with a column for each. A row must have all columns, which is why others have a file of their own.
/// (https://otava.apache.org/docs/csv; `otava analyze` in version 0.8.)
public struct OtavaInput: Sendable {
  /// What Otava calls a test: a file, and the series that are its columns.
  public struct Test: Sendable {
    public var name: String
    /// Indices into the series that were given, in the order of the columns.
    public var series: [Int]
    public var csv: String

    public var fileName: String { "\(name).csv" }
  }

  public var tests: [Test]
  /// The text of `otava.yaml`.
  public var configuration: String

  /// The name that means all tests.
  public static let group = "ipcbench"

  /// - Parameter series: any; those without points have no test.
  public init(_ series: [History.Series]) {
    struct Runs: Hashable { var machine: History.Machine, points: [String] }
    var (order, indices): ([Runs], [Runs: [Int]]) = ([], [:])
    for (index, one) in series.enumerated() where !one.points.isEmpty {
      let runs = Runs(machine: one.machine, points: one.points.map(\.runID))
      if indices[runs] == nil { order.append(runs) }
      indices[runs, default: []].append(index)
    }
    tests = order.enumerated().map { number, runs in
      let columns = indices[runs] ?? []
      return Test(name: "series-\(number + 1)", series: columns, csv: Self.csv(columns.map { series[$0] }))
    }
    configuration = Self.yaml(tests, series)
  }

  /// The name of a series' column: a file name's characters only, which neither CSV nor YAML minds.
  public static func column(_ series: History.Series) -> String {
    series.identity.fileName(series.metric.name)
  }

  private static let attributes = ["run", "session", "commit"]

  private static func csv(_ columns: [History.Series]) -> String {
    var text = CSV.line(["time"] + attributes + columns.map(column))
    for (row, point) in (columns.first?.points ?? []).enumerated() {
      let values = columns.map { shortestDecimal($0.points[row].value) }
      text += CSV.line([point.startedAt, point.runID, point.sessionID, point.gitCommit] + values)
    }
    return text
  }

  /// Names are quoted as in JSON, of which YAML is a superset.
  private static func yaml(_ tests: [Test], _ series: [History.Series]) -> String {
    var lines = ["tests:"]
    for test in tests {
      lines += [
        "  \"\(test.name)\":", "    type: csv", "    file: \"\(test.fileName)\"", "    time_column: time",
        "    attributes: [\(attributes.joined(separator: ", "))]", "    metrics:",
      ]
      lines += test.series.map { index in
        let direction = series[index].metric.better == .lower ? -1 : 1
        let name = column(series[index])
        return "      \"\(name)\": {column: \"\(name)\", direction: \(direction)}"
      }
    }
    let names = tests.map { "\"\($0.name)\"" }.joined(separator: ", ")
    return (lines + ["test_groups:", "  \(group): [\(names)]"]).joined(separator: "\n") + "\n"
  }
}
