import Analysis
import Results

extension History {
  /// Makes the series.
  ///
  /// - Parameters:
  ///   - results: any number of runs, of any number of machines.
  ///   - firstRun: runs whose id sorts before it are left out.
  /// - Throws: `usage` for a metric that no run has, or that has no better direction.
  public init(
    _ results: ResultsSet, filter: CaseFilter = CaseFilter(),
    metrics selection: MetricSelection = MetricSelection(),
    since firstRun: String = "", criteria: HistoryCriteria = HistoryCriteria()
  ) throws(ComparisonError) {
    self.init(label: results.label, series: [])
    environments = results.environments
    notes = results.warnings
    let side = SideTrials(results, filter)
    let metrics = try selection.metrics(of: [results.table])
    let untimed = Set(side.origins.map(\.runID).filter { Self.startTime(ofRun: $0) == nil }).sorted()
    if !untimed.isEmpty {
      notes.append("\(listed(untimed)) left out: the id of a run begins with its time, 20260131T090500Z.")
    }
    let paired = Set(
      results.table.trials.filter { $0.pairIndex != nil }.map { results.table.origins[$0.origin].runID })
    if !paired.isEmpty {
      notes.append(
        "\(counted(paired.count, "side")) of checks left out: their trials are made for comparing pairs.")
    }
    for (identity, trials) in side.cases {
      let runs = Self.runs(of: trials, in: side).filter { $0.key.runID >= firstRun }
      for metric in metrics where selection.includes(metric, in: identity.pattern) {
        series += Self.series(metric, identity, runs, side.table)
      }
    }
    markSuperseded(criteria.minimumPoints)
    series.sort { $0.place < $1.place }
  }

  /// Where a point comes from.
  private struct RunOfMachine: Hashable {
    var machine: Machine
    var runID: String
  }

  /// The trials that count: those in which the machine stayed the same, or all of a run in which there is none.
  private static func runs(
    of trials: SideTrials.Case, in side: SideTrials
  ) -> [RunOfMachine: [TrialTable.Trial]] {
    func grouped(_ trials: [TrialTable.Trial]) -> [RunOfMachine: [TrialTable.Trial]] {
      Dictionary(grouping: trials.filter { $0.pairIndex == nil }) { trial in
        let origin = side.origin(of: trial)
        let machine = Machine(hostID: origin.hostID, environmentHash: origin.environmentHash)
        return RunOfMachine(machine: machine, runID: origin.runID)
      }
    }
    return grouped(trials.usable).merging(grouped(trials.unsteady)) { usable, _ in usable }
      .filter { startTime(ofRun: $0.key.runID) != nil }
  }

  private static func series(
    _ metric: ComparedMetric, _ identity: CaseIdentity, _ runs: [RunOfMachine: [TrialTable.Trial]],
    _ table: TrialTable
  ) -> [Series] {
    let (reader, probes) = (MetricReader(metric, in: table), MachineProbes(in: table))
    var points: [Machine: [Point]] = [:]
    for (run, trials) in runs {
      let values = trials.compactMap(reader.value)
      guard let median = Statistics.median(values), let last = trials.last else { continue }
      let origin = table.origins[last.origin]
      points[run.machine, default: []].append(
        Point(
          runID: run.runID, sessionID: origin.sessionID, gitCommit: origin.gitCommit,
          startedAt: startTime(ofRun: run.runID) ?? "", value: median, trialCount: values.count,
          probes: probes.medians(of: trials)))
    }
    return points.map { machine, points in
      Series(
        machine: machine, identity: identity, metric: metric, points: points.sorted { $0.runID < $1.runID })
    }
  }

  private mutating func markSuperseded(_ minimumPoints: Int) {
    struct Subject: Hashable { var hostID: String, identity: CaseIdentity, metric: ComparedMetric }
    let subjects = Dictionary(grouping: series.indices) {
      Subject(hostID: series[$0].machine.hostID, identity: series[$0].identity, metric: series[$0].metric)
    }
    for indices in subjects.values {
      for index in indices {
        let end = series[index].points.last?.runID ?? ""
        series[index].isSuperseded = indices.contains { other in
          other != index && series[other].points.count { $0.runID > end } >= minimumPoints
        }
      }
    }
  }

  /// `2026-01-31T09:05:00Z` from `20260131T090500Z-3f9a1c`; nil for an id that has no such time.
  static func startTime(ofRun id: String) -> String? {
    let time = Array(id.utf8.prefix(16))
    let form = Array("00000000T000000Z".utf8)
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard time.count == form.count,
      zip(time, form).allSatisfy({ $1 == UInt8(ascii: "0") ? digits.contains($0) : $0 == $1 })
    else { return nil }
    func part(_ range: Range<Int>) -> String { String(decoding: time[range], as: UTF8.self) }
    let (month, day) = (Int(part(4..<6)) ?? 0, Int(part(6..<8)) ?? 0)
    let (hour, minute, second) = (Int(part(9..<11)) ?? 0, Int(part(11..<13)) ?? 0, Int(part(13..<15)) ?? 0)
    guard 1...12 ~= month, 1...31 ~= day, hour < 24, minute < 60, second < 60 else { return nil }
    return "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(9..<11)):\(part(11..<13)):\(part(13..<15))Z"
  }
}

extension History.Series {
  fileprivate var place: Place { Place(machine: machine, identity: identity, metric: metric.name) }

  fileprivate struct Place: Comparable {
    var machine: History.Machine
    var identity: CaseIdentity
    var metric: String

    static func < (left: Place, right: Place) -> Bool {
      let (machine, other) = (left.machine, right.machine)
      if machine != other {
        return (machine.hostID, machine.environmentHash) < (other.hostID, other.environmentHash)
      }
      return left.identity == right.identity ? left.metric < right.metric : left.identity < right.identity
    }
  }
}
