import ArgumentParser
import Comparing
import Foundation
import Reporting
import Results

/// Finds change points in a series of runs.
struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Finds change points in a series of runs.",
    discussion: """
      Each run in the folder is one point of every case's series; machines and environments are kept apart. Apache \
      Otava (PyPI: apache-otava) finds the change points, and the exit code says whether what is measured now is \
      worse than the best it has been.

      Exit codes: 0 no regression, 2 regression, 5 no series is long enough, 6 inconclusive: a worsening too fresh to \
      be certain, or one that came with a change of the machine. 1 the tool or Otava failed, 64 usage.
      """)

  @Argument(help: "A folder with runs: results, or one with results.csv files of many runs.") var directory:
    String
  @Argument(help: "Only these cases: mechanism:pipe size:64,4KiB wait:!spin.") var filters: [String] = []
  @Option(
    help:
      "latency_rtt_p50, cpu, p99, …, comma-separated; by default every p50, CPU and rate that 'compare' shows."
  )
  var metric: CommaList<MechanismName>?
  @Option(help: "Leave out runs before this one: a run's id, its beginning, or a date.") var since: String?
  @Option(help: "A change up to this share is nobody's business.") var threshold = Share(argument: "5%")!
  @Option(
    name: .customLong("p-value"),
    help: "Of a change point; a regression needs one as rare among all series together.")
  var pValue = HistoryCriteria().pValue
  @Option(help: "Runs that must have held a new level before it is certain.")
  var minPoints = HistoryCriteria().minimumPoints
  @Option(help: "The program 'otava', where it is neither on the PATH nor a package of python3.") var otava:
    String?
  @Option(name: .customLong("out"), help: "Keep there what Otava was given and what it said.") var output:
    String?
  @Option(help: "Append Markdown there; by default to $GITHUB_STEP_SUMMARY, where that is set.") var summary:
    String?
  @Option(help: "What to print: text, json, md.") var format: OutputFormat = .text
  @Flag(help: "List every change point, also those that decide nothing any more.") var all = false

  mutating func validate() throws {
    guard pValue > 0, pValue < 1 else { throw ValidationError("--p-value must be between 0 and 1.") }
    guard minPoints >= 2 else {
      throw ValidationError("--min-points must be at least 2: one run is no level.")
    }
    guard format != .csv else { throw ValidationError("'history' prints text, json or md.") }
  }

  func run() throws {
    do {
      let outcome = try judge(try history())
      try report(outcome)
      Terminal.error(historyReason(outcome))
      throw ArgumentParser.ExitCode(exitCode(outcome.answer).rawValue)
    } catch let error as ResultsError {
      throw Problem(.toolFailed, error.description)
    } catch let error as ComparisonError {
      throw Problem(error.code == .usage ? .usage : .toolFailed, error.description)
    } catch let error as CaseFilterError {
      throw Problem(.usage, error.description)
    }
  }

  private var criteria: HistoryCriteria {
    var criteria = HistoryCriteria()
    (criteria.threshold, criteria.pValue, criteria.minimumPoints) = (threshold.value, pValue, minPoints)
    return criteria
  }

  private func history() throws -> History {
    let filter = try CaseFilter(filters)
    let results = try ResultsSet.load(directory)
    if let none = filter.whyNone(of: results.table.cases) { throw none }
    return try History(
      results, filter: filter, metrics: MetricSelection(metric?.elements.map(\.text) ?? []),
      since: try firstRun(), criteria: criteria)
  }

  /// Ids of runs sort by time and begin with it; a date is such a beginning without its hyphens.
  private func firstRun() throws -> String {
    guard let since else { return "" }
    let isDate = since.wholeMatch(of: /\d{4}-\d{2}(-\d{2})?/) != nil
    guard isDate || since.wholeMatch(of: /\d{4,8}|\d{8}T\d{1,6}|\d{8}T\d{6}Z.*/) != nil else {
      throw Problem(
        .usage, "--since takes a run's id, its beginning, or a date such as 2026-01-31, not '\(since)'.")
    }
    return isDate ? since.replacing("-", with: "") : since
  }

  // MARK: Asking Otava

  private func judge(_ history: History) throws -> HistoryOutcome {
    let usable = history.series.indices.filter { HistoryJudge(criteria).isUsable(history.series[$0]) }
    var found: [Int: [HistoryJudge.Found]] = [:]
    if !usable.isEmpty {
      let otava = try Otava(path: otava)
      let answer = try withWorkDirectory { directory in
        try otava.changes(of: usable.map { history.series[$0] }, criteria, directory: directory)
      }
      for (index, changes) in answer { found[usable[index]] = changes }
    }
    let judge = HistoryJudge(criteria, seriesCount: usable.count)
    return HistoryOutcome(
      history: history, criteria: criteria,
      judgements: history.series.indices.map { judge.judge(history.series[$0], found[$0] ?? []) },
      detector: usable.isEmpty ? "" : "Apache Otava")
  }

  private func withWorkDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    let files = FileManager.default
    let directory =
      output ?? files.temporaryDirectory.appendingPathComponent("ipcbench-\(UUID().uuidString)").path
    do {
      try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw Problem(.toolFailed, "Cannot make the folder \(directory): \(error.localizedDescription)")
    }
    defer { if output == nil { try? files.removeItem(atPath: directory) } }
    return try body(directory)
  }

  // MARK: Saying it

  private func report(_ outcome: HistoryOutcome) throws {
    switch format {
    case .json: Terminal.data(historyJSON(outcome))
    case .md: Terminal.data(historyMarkdown(outcome))
    default: Terminal.data(historyText(outcome, style: Terminal.style, showAll: all))
    }
    let stepSummary = ProcessInfo.processInfo.environment["GITHUB_STEP_SUMMARY"].flatMap {
      $0.isEmpty ? nil : $0
    }
    if let path = summary ?? stepSummary { try Output.append(historyMarkdown(outcome) + "\n", to: path) }
  }

  private func exitCode(_ answer: HistoryOutcome.Answer) -> ExitCode {
    switch answer {
    case .ok: .ok
    case .regression: .regression
    case .inconclusive: .inconclusive
    case .unusable: .noBaseline
    }
  }
}
