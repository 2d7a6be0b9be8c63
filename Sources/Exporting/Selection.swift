import Analysis
import Results

/// What is exported: the runs, cases and metrics that were chosen, and of each case the trials that count.
///
/// The same rule as in `summarise`: of several attempts at a trial the last one counts; values come from the
/// measured trials whose probes agree, or from all measured ones where none agree.
public struct Selection: Sendable {
  public struct Run: Sendable {
    /// Of its first session.
    public var origin: TrialTable.Origin
    /// What is known of its machine; a CSV file alone brings nothing.
    public var environment: Environment?
    /// In the order in which people compare.
    public var cases: [Case]
  }

  public struct Case: Sendable {
    public var identity: CaseIdentity
    /// The trials whose values are exported.
    public var trials: [TrialTable.Trial]
    /// Measured trials that are left out because their probes disagree.
    public var disturbedTrials: Int
    /// What became of trials that were not measured; nil when all were.
    public var loss: Loss?
  }

  /// Trials of a case that were not measured.
  public struct Loss: Sendable, Hashable {
    /// `failed` or `skipped`.
    public var status: Status
    /// `2 of 3 trials failed: …`, without a period.
    public var reason: String
  }

  /// Everything that was read, chosen or not.
  public let table: TrialTable
  /// In the order of their ids, which is that of time.
  public let runs: [Run]
  /// The metrics asked for, in that order; nil: each format's own choice.
  public let metrics: [String]?
  private let cases: Set<Int>
  private let metricIndices: [String: Int]

  /// - Parameter metrics: names; `*` stands for any characters. None: each format's own choice.
  /// - Throws: when nothing is left, or a metric is not there.
  public init(
    _ set: ResultsSet, cases filter: CaseFilter = CaseFilter(), metrics: [String] = []
  ) throws(ExportError) {
    table = set.table
    cases = try Self.chosenCases(set, filter)
    metricIndices = Dictionary(
      table.metrics.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first }
    )
    self.metrics = metrics.isEmpty ? nil : try Self.names(matching: metrics, in: table, set.label)
    runs = Self.runs(set, cases)
  }

  private static func chosenCases(_ set: ResultsSet, _ filter: CaseFilter) throws(ExportError) -> Set<Int> {
    if let reason = filter.whyNone(of: set.table.cases) { throw ExportError(reason.description) }
    return Set(set.table.cases.indices.filter { filter.includes(set.table.cases[$0]) })
  }

  private static func names(
    matching patterns: [String], in table: TrialTable, _ label: String
  ) throws(ExportError) -> [String] {
    let stored = table.metrics.map(\.name)
    let known = stored + (DerivedMetric.cpuParts.allSatisfy(stored.contains) ? [DerivedMetric.cpu.name] : [])
    var names: [String] = []
    for pattern in patterns {
      let matching = known.filter { matches(Array($0.utf8)[...], Array(pattern.utf8)[...]) }
      guard !matching.isEmpty else {
        throw ExportError(
          "\(label) has no metric '\(pattern)'; did you mean '\(nearest(to: pattern, in: known))'?")
      }
      names += matching.filter { !names.contains($0) }
    }
    return names
  }

  /// Whether a name is what a pattern describes, in which `*` stands for any characters.
  static func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    if first == UInt8(ascii: "*") {
      let rest = pattern.dropFirst()
      return matches(name, rest) || (!name.isEmpty && matches(name.dropFirst(), pattern))
    }
    return name.first == first && matches(name.dropFirst(), pattern.dropFirst())
  }

  // MARK: Runs

  /// What makes trials belong together: a run that was resumed elsewhere is two.
  private struct RunKey: Hashable {
    var run: String
    var host: String
    var environment: String

    init(_ origin: TrialTable.Origin) {
      (run, host, environment) = (origin.runID, origin.hostID, origin.environmentHash)
    }
  }

  private static func runs(_ set: ResultsSet, _ cases: Set<Int>) -> [Run] {
    let table = set.table
    var keys: [RunKey] = []
    var trials: [RunKey: [Int: [TrialTable.Trial]]] = [:]
    var origins: [RunKey: TrialTable.Origin] = [:]
    for trial in table.finalTrials where cases.contains(trial.caseIndex) {
      let origin = table.origins[trial.origin]
      let key = RunKey(origin)
      if origins[key] == nil {
        origins[key] = origin
        keys.append(key)
      }
      trials[key, default: [:]][trial.caseIndex, default: []].append(trial)
    }
    return keys.sorted { $0.run < $1.run }.map { key in
      let own = trials[key, default: [:]].map { (table.cases[$0.key], $0.value) }.sorted { $0.0 < $1.0 }
      return Run(
        origin: origins[key]!, environment: set.environments[key.environment],
        cases: own.map { Case($0.0, $0.1) })
    }
  }

  // MARK: Values

  /// Every trial and attempt of the chosen cases, in the order in which each run went.
  public var allTrials: [TrialTable.Trial] {
    table.trials.filter { cases.contains($0.caseIndex) }
      .sorted { ($0.origin, $0.orderInSession) < ($1.origin, $1.orderInSession) }
  }

  /// What is known of a metric; nil when the results have none of that name.
  public func metric(_ name: String) -> TrialTable.Metric? {
    name == DerivedMetric.cpu.name ? DerivedMetric.cpu : metricIndices[name].map { table.metrics[$0] }
  }

  /// A number of a trial, stored or derived.
  public func value(_ metric: String, of trial: TrialTable.Trial) -> Double? {
    guard metric == DerivedMetric.cpu.name else { return metricIndices[metric].flatMap { trial.value($0) } }
    let parts = DerivedMetric.cpuParts.compactMap { value($0, of: trial) }
    // A sum with a missing part would pass for a cheap mechanism.
    return parts.count == DerivedMetric.cpuParts.count ? parts.reduce(0, +) : nil
  }

  /// The per-trial numbers of a case, in the order of the trials.
  public func values(_ metric: String, of chosen: Case) -> [Double] {
    chosen.trials.compactMap { value(metric, of: $0) }
  }

  /// The metrics of a case to export: those asked for, or else the ones people compare; without those that
  /// no trial of it has.
  public func metrics(of chosen: Case) -> [TrialTable.Metric] {
    (metrics ?? DerivedMetric.headlines).compactMap(metric(_:))
      .filter { metric in chosen.trials.contains { value(metric.name, of: $0) != nil } }
  }

  /// The latency that a case is about, without its percentile: `latency_rtt`. Nil for one that has none, as
  /// a stream. A paced case has two; what its users wait for is the response time. A connection has three; it is about
  /// how long it takes to come.
  public func latency(of chosen: Case) -> String? {
    ["latency_rtt", "latency_response", "latency_service", "latency_wake_up", "latency_set_up"].first {
      name in
      chosen.trials.contains { value("\(name)_p50", of: $0) != nil }
    }
  }

  /// How many samples a trial's numbers rest on: the number of messages, where nothing else says.
  public func samples(of trial: TrialTable.Trial, _ metrics: [TrialTable.Metric]) -> Int {
    let own = metrics.lazy.compactMap { metric in
      metricIndices[metric.name].flatMap { index in trial.values.first { $0.metric == index }?.samples }
    }.first
    return own ?? value("messages", of: trial).flatMap { $0 >= 1 && $0 < 9e15 ? Int($0) : nil } ?? 1
  }
}

/// Metrics that are computed from stored ones, and which ones matter most.
enum DerivedMetric {
  /// CPU time that a message costs, user and system, both sides together.
  static let cpu = TrialTable.Metric(name: "cpu", unit: "ns/message", better: .lower)
  static let cpuParts = CPUTime.parts()

  /// What is exported where nothing was asked for, the most important first.
  static let headlines = [
    "latency_rtt_p50", "latency_response_p50", "latency_service_p50", "latency_wake_up_p50",
    "latency_set_up_p50",
    "latency_first_message_p50", "latency_tear_down_p50", "latency_rtt_p99", "latency_response_p99",
    "latency_service_p99", "latency_wake_up_p99", "message_rate", "goodput", "achieved_rate", cpu.name,
  ]
}

extension Selection.Case {
  /// - Parameter trials: those that count, in the order of their rounds.
  fileprivate init(_ identity: CaseIdentity, _ trials: [TrialTable.Trial]) {
    let measured = trials.filter { $0.status == .ok }
    let agreeing = measured.filter(\.probesAgree)
    self.identity = identity
    self.trials = agreeing.isEmpty ? measured : agreeing
    disturbedTrials = measured.count - self.trials.count
    for status in [Status.failed, .skipped] {
      let lost = trials.filter { $0.status == status }
      guard let first = lost.first else { continue }
      let count = trials.count == 1 ? "" : "\(lost.count) of \(trials.count) trials "
      loss = Selection.Loss(status: status, reason: "\(count)\(status): \(first.reason.withoutPeriod)")
      return
    }
  }
}

extension String {
  /// To go on in a sentence, on one line.
  var withoutPeriod: String {
    let line = map { $0.isNewline ? " " : String($0) }.joined()
    return line.hasSuffix(".") ? String(line.dropLast()) : line
  }
}
