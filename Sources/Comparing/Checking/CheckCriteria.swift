import Analysis

/// What a check decides by, with the method's defaults.
public struct CheckCriteria: Sendable, Hashable, Codable {
  /// δ: a change up to this share of the baseline is nobody's business.
  public var threshold = 0.05
  /// Stage 1: every case is measured in this many pairs, and flagged below this p-value.
  public var pairs = 12
  public var alpha = 0.01
  /// Stage 2: a flagged case is measured in this many fresh pairs, and must then be below this p-value.
  public var confirmationPairs = 24
  public var confirmationAlpha = 0.001
  /// Of the intervals that are shown.
  public var confidence = 0.99
  /// The probability with which the smallest detectable change would have been found.
  public var power = 0.8
  /// Fewer usable pairs than this decide nothing.
  public var minimumPairs = 6
  /// CPU time that the host gave to others, as a share of the measured time, beyond which a case decides nothing.
  public var largestStealShare = 0.01
  /// Two probes that differ by more come from two different machines.
  public var probeTolerance = Statistics.probeTolerance
  /// Stored baselines: sessions that are needed, and false alarms allowed to a whole check.
  public var minimumSessions = 8
  public var falseAlarms = 0.01

  public init() {}
}
