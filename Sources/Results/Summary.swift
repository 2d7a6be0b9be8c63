import Analysis

/// A metric of a case over its trials: the per-trial values summarised, one value per trial.
public struct MetricSummary: Sendable, Hashable {
  public var metric: String
  /// As in `Measure.unit`.
  public var unit: String
  public var better: Direction
  /// Over per-trial values; nil when no trial has one, and `reason` then says why.
  public var median: Double?
  public var minimum: Double?
  public var maximum: Double?
  /// How many trials gave a value.
  public var trials: Int
  /// The sum of their samples; 0 where samples have no meaning.
  public var samples: Int
  public var reason: String?
  /// The per-trial values, in the order of the trials.
  public var values: [Double]

  public init(
    metric: String, unit: String, better: Direction, values: [Double], samples: Int = 0,
    reason: String? = nil
  ) {
    self.metric = metric
    self.unit = unit
    self.better = better
    self.values = values
    self.median = Statistics.median(values)
    self.minimum = values.min()
    self.maximum = values.max()
    self.trials = values.count
    self.samples = samples
    self.reason = reason
  }

  /// The order-statistic interval of the median at the given confidence; nil with too few trials.
  public func medianInterval(confidence: Double = 0.95) -> QuantileInterval? {
    Statistics.medianInterval(values, confidence: confidence)
  }
}

/// A case over its trials.
public struct CaseSummary: Sendable {
  public var identity: CaseIdentity
  /// `failed` when any trial ended failed, else `ok` when any was measured, else `skipped`.
  public var status: Status
  /// One sentence; empty when there is nothing to say.
  public var reason: String
  /// Trials by how their last attempt ended.
  public var okTrials: Int
  public var failedTrials: Int
  public var skippedTrials: Int
  /// Attempts that were made because the probes of the one before disagreed.
  public var repeatedTrials: Int
  /// In the order in which the trials first name them.
  public var metrics: [MetricSummary]
  /// By name: `latency_rtt`.
  public var histograms: [String: MergedHistogram]

  public init(
    identity: CaseIdentity, status: Status, reason: String = "", okTrials: Int = 0, failedTrials: Int = 0,
    skippedTrials: Int = 0, repeatedTrials: Int = 0, metrics: [MetricSummary] = [],
    histograms: [String: MergedHistogram] = [:]
  ) {
    self.identity = identity
    self.status = status
    self.reason = reason
    self.okTrials = okTrials
    self.failedTrials = failedTrials
    self.skippedTrials = skippedTrials
    self.repeatedTrials = repeatedTrials
    self.metrics = metrics
    self.histograms = histograms
  }

  public func metric(_ name: String) -> MetricSummary? { metrics.first { $0.metric == name } }
}
