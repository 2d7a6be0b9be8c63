import ArgumentParser
import Comparing
import Foundation
import Mechanisms
import Reporting
import Results

/// Says which cases of two or more runs differ, and how sure that is.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Says which cases of two or more runs differ, and how sure that is.",
    usage: "ipcbench compare BASELINE CANDIDATE... [FILTER...] [options]",
    discussion: """
      A side is a run directory, a results.csv, or a directory that holds several of either. Every further side is \
      compared with the first. FILTER chooses cases: mechanism:pipe size:64,4KiB pattern:!stream.

      What can be said follows from the files, and the first line names it: pairs of trials of one session are \
      compared pair by pair; sessions of one machine under the noise that sessions have by themselves; of two \
      machines only what carries over is said. Times are slower or faster, equivalent within the threshold, or \
      inconclusive with the difference that would have shown.

      Exit codes: 0 whatever the verdicts ('ipcbench check' decides by them), 1 the results cannot be read, 64 usage, \
      also when the sides have no case in common.
      """)

  @Argument(help: "Sides and filters.") var words: [String] = []
  @Option(
    name: .customLong("metric"),
    help: ArgumentHelp(
      "Metrics instead of the medians, CPU time and rates: latency_rtt_p99,cpu; p99 means that of every latency.",
      valueName: "name,..."))
  var metrics: CommaList<MetricName>?
  @Option(help: ArgumentHelp("The largest difference that does not matter.", valueName: "share"))
  var threshold: Share?
  @Option(
    help: ArgumentHelp(
      "What sessions of one machine differ by on their own, instead of measuring or assuming it.",
      valueName: "share"))
  var noiseFloor: Share?
  @Option(
    help: ArgumentHelp("Between machines: the mechanism that others are measured by.", valueName: "mechanism")
  )
  var reference: String?
  @Option(help: "text, md, json or csv.") var format: OutputFormat = .text
  @Flag(help: "List equivalent and inconclusive results too, and every row of long tables.") var all = false

  func run() throws {
    do {
      let (paths, terms) = pathsAndFilters
      let request = try request(terms)
      let sides = try load(paths)
      let comparison = try Comparison(sides, request)
      // The CSV has no place for them.
      if format == .csv { sides.flatMap(\.warnings).forEach { log.warning("\($0)") } }
      Terminal.data(text(comparison))
    } catch let error as ResultsError {
      throw Problem(.toolFailed, error.description)
    } catch let error as CaseFilterError {
      throw Problem(.usage, error.description)
    } catch let error as ComparisonError {
      throw Problem(error.code == .usage ? .usage : .toolFailed, error.description)
    }
  }

  private func text(_ comparison: Comparison) -> String {
    switch format {
    case .text: textReport(comparison, style: Terminal.style, showsAll: all)
    case .md: markdownReport(comparison)
    case .json: jsonText(comparison)
    case .csv: csvText(comparison)
    }
  }

  // MARK: What was asked

  /// A word with a colon is a filter, unless there is a file of that name.
  private var pathsAndFilters: (paths: [String], terms: [String]) {
    let isPath = { (word: String) in
      !word.contains(":") || FileManager.default.fileExists(atPath: word)
    }
    return (words.filter(isPath), words.filter { !isPath($0) })
  }

  private func request(_ terms: [String]) throws -> ComparisonRequest {
    var request = ComparisonRequest()
    request.filter = try CaseFilter(terms)
    request.metrics = MetricSelection(metrics?.elements.map(\.text) ?? [])
    if let threshold { request.criteria.threshold = threshold.value }
    request.noiseFloor = noiseFloor?.value
    request.reference = reference
    request.usualReference = Pipe.mechanism.id
    request.ownCost = Registry.ownCost
    request.context = [
      ContextMechanism(name: "round trip around nothing", id: Registry.ownCost),
      ContextMechanism(name: "round trip of a futex wake-up", id: FutexWord.mechanism.id),
    ]
    return request
  }

  /// Each path is read once, however often it is named: a run may be compared with itself.
  private func load(_ paths: [String]) throws -> [ResultsSet] {
    guard paths.count >= 2 else {
      throw Problem(
        .usage,
        paths.isEmpty
          ? "Name two sides, the baseline first: ipcbench compare results/A results/B."
          : "Name what to compare \(paths[0]) with: ipcbench compare \(paths[0]) results/latest.")
    }
    var loaded: [String: ResultsSet] = [:]
    return try paths.map { path in
      let set = try loaded[path] ?? ResultsSet.load(path)
      loaded[path] = set
      return set
    }
  }
}

/// A metric of the results; whether it exists is known when they are read.
struct MetricName: ParsedWord {
  var text: String
  init?(word: String) { text = word }
}
