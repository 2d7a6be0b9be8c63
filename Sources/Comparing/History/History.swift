import Results

/// What stored runs say over time: of every case and metric on every machine a series with one value for each run.
///
/// The trials of a run share what the machine was like in it, so a run is one observation however many trials it has.
/// Series of different machines, or of one machine before and after its kernel, processor or compiler changed, are
/// never joined.
public struct History: Sendable {
  /// What has to be the same for two runs to belong to one series.
  public struct Machine: Sendable, Hashable {
    public var hostID: String
    public var environmentHash: String

    public init(hostID: String, environmentHash: String) {
      self.hostID = hostID
      self.environmentHash = environmentHash
    }
  }

  /// What a run says of one case and metric.
  public struct Point: Sendable, Hashable {
    public var runID: String
    public var sessionID: String
    /// Of the tool's own source; empty when not known.
    public var gitCommit: String
    /// ISO 8601, UTC; from the id of the run.
    public var startedAt: String
    /// The median over the trials that count.
    public var value: Double
    public var trialCount: Int
    /// How fast the machine itself was around these trials, in the order of `MachineProbes.all`.
    public var probes: [Double?]

    public init(
      runID: String, sessionID: String = "", gitCommit: String = "", startedAt: String = "", value: Double,
      trialCount: Int = 1, probes: [Double?] = []
    ) {
      self.runID = runID
      self.sessionID = sessionID
      self.gitCommit = gitCommit
      self.startedAt = startedAt
      self.value = value
      self.trialCount = trialCount
      self.probes = probes
    }
  }

  public struct Series: Sendable, Hashable {
    public var machine: Machine
    public var identity: CaseIdentity
    public var metric: ComparedMetric
    /// In the order in which the runs were started.
    public var points: [Point]
    /// Whether the same host has gone on to measure the same case often enough in another environment: what the
    /// series ended with is then nobody's present.
    public var isSuperseded: Bool

    public init(
      machine: Machine, identity: CaseIdentity, metric: ComparedMetric, points: [Point],
      isSuperseded: Bool = false
    ) {
      self.machine = machine
      self.identity = identity
      self.metric = metric
      self.points = points
      self.isSuperseded = isSuperseded
    }
  }

  /// The folder or file, as the user named it.
  public var label: String
  /// By machine, case and metric.
  public var series: [Series]
  /// What is known of the environments, by hash.
  public var environments: [String: Environment] = [:]
  /// What the reader should know beside the series, one sentence each.
  public var notes: [String] = []

  public init(label: String, series: [Series]) {
    self.label = label
    self.series = series
  }

  /// Every machine that has a series, in their order.
  public var machines: [Machine] {
    series.reduce(into: []) { if $0.last != $1.machine { $0.append($1.machine) } }
  }
}

/// When a series is looked at, and what is called a change.
public struct HistoryCriteria: Sendable, Hashable {
  /// A level counts once this many runs have held it: a step with fewer runs after it is not yet certain.
  public var minimumPoints = 3
  /// Series of fewer runs are not looked at: as many as a stored baseline needs.
  public var minimumRuns = 8
  /// A change up to this share is nobody's business.
  public var threshold = 0.05
  /// The largest p-value of a change point; a verdict needs one that is as rare among all series together.
  public var pValue = 0.001
  /// How many runs Otava looks at together. One change among them it finds well; of several it may see none, so that
  /// an old regression, long repaired, hides a new one. Of new ones of 15 % with five runs, in made-up series with 1 and
  /// 3 % noise, its own 50 found 71 and 24 %, and 16 found 100 and 72 %; steady series are no more often taken for worse.
  public var window = 16

  public init() {}

  /// Change points smaller than this are not asked for: several of half the threshold may add up to it.
  public var smallestChange: Double { threshold / 2 }

  /// The p-value that each of several series is held to, so that looking at many finds no more by chance than
  /// looking at one (Bonferroni).
  public func pValue(forEachOf seriesCount: Int) -> Double { pValue / Double(max(seriesCount, 1)) }
}
