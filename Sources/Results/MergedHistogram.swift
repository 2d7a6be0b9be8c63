import Analysis
import Histogram

/// The histograms of several trials of one case, added up bucket by bucket.
///
/// Merging is the only way from several trials to one percentile: an average of percentiles is not a
/// percentile of anything. Values are nanoseconds.
public struct MergedHistogram: Sendable {
  /// The merged counts: three significant digits, from 1 ns to 60 s, wider when a stored value needs it.
  public private(set) var histogram: Histogram<UInt64>
  /// Exact extremes of what was recorded, in nanoseconds; nil while nothing is.
  public private(set) var minimum: UInt64?
  public private(set) var maximum: UInt64?
  private var sum: Double = 0

  /// An empty histogram.
  public init() {
    histogram = Histogram(highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)
    histogram.autoResize = true
  }

  /// The sum of several stored histograms.
  public init(_ stored: some Sequence<StoredHistogram>) {
    self.init()
    for histogram in stored { add(histogram) }
  }

  public var totalCount: UInt64 { histogram.totalCount }

  /// Arithmetic mean in nanoseconds, from the exact sum; nil while nothing is recorded.
  public var mean: Double? { totalCount > 0 ? sum / Double(totalCount) : nil }

  /// What a stored value or count may not exceed: 2⁵³, up to which doubles are exact. As nanoseconds it is
  /// a hundred days.
  static let largestValue: UInt64 = 1 << 53

  /// Adds a trial's counts.
  ///
  /// The outermost buckets are recorded at the exact extremes instead of their lowest values, so that no
  /// percentile is reported beyond the largest sample.
  public mutating func add(_ stored: StoredHistogram) {
    let buckets = zip(stored.values, stored.counts).filter { $0.1 > 0 }
    guard let first = buckets.first, let last = buckets.last else { return }
    record(exact(stored.minimum, in: first.0), first.1)
    for (value, count) in buckets.dropFirst() { record(value, count) }
    // A count of zero still moves the library's own maximum.
    record(exact(stored.maximum, in: last.0), 0)
    minimum = min(minimum ?? .max, stored.minimum)
    maximum = max(maximum ?? 0, stored.maximum)
    sum += stored.sum
  }

  /// The extreme where it lies in the bucket it should lie in, else the bucket's own value.
  private func exact(_ extreme: UInt64, in bucket: UInt64) -> UInt64 {
    let known = min(extreme, Self.largestValue)
    return histogram.valuesAreEquivalent(bucket, known) ? known : bucket
  }

  private mutating func record(_ value: UInt64, _ count: UInt64) {
    histogram.record(min(value, Self.largestValue), count: count)
  }

  /// The value at a percentile, in nanoseconds, by nearest rank: the largest value of the bucket that holds
  /// the sample of rank ⌈percentile · n⌉.
  ///
  /// - Parameter percentile: in per cent, from 0 up to but not including 100, such as 99.9.
  /// - Returns: nil with fewer than 10 / (1 − X) samples; `refusal(ofPercentile:)` then gives the reason.
  public func value(atPercentile percentile: Double) -> Double? {
    guard refusal(ofPercentile: percentile) == nil else { return nil }
    return Double(histogram.valueAtPercentile(percentile))
  }

  /// Why a percentile is not given; nil when it is.
  public func refusal(ofPercentile percentile: Double) -> String? {
    guard percentile >= 0, percentile < 100 else {
      return "p\(shortestDecimal(percentile)) is not a percentile from 0 to below 100"
    }
    let required = Statistics.requiredSamples(forPercentile: percentile)
    guard totalCount < UInt64(required) else { return nil }
    return "p\(shortestDecimal(percentile)) needs \(required) samples and has \(totalCount)"
  }

  /// A point of the spectrum: a percentile and the value it has, in nanoseconds.
  public struct Point: Sendable, Hashable {
    public var percentile: Double
    public var value: Double
  }

  /// The distribution by percentile for plotting: five points for every halving of the distance to 100 %, as
  /// far as the number of samples carries.
  public var percentileSpectrum: [Point] {
    guard totalCount > 0 else { return [] }
    return histogram.percentiles(ticksPerHalfDistance: 5)
      .filter { refusal(ofPercentile: $0.percentileLevelIteratedTo) == nil }
      .map { Point(percentile: $0.percentileLevelIteratedTo, value: Double($0.value)) }
  }

  /// The distribution in HdrHistogram's percentile text format (`.hgrm`), which its plotters read.
  ///
  /// - Parameter nanosecondsPerUnit: what the values are divided by: 1 for nanoseconds, 1,000 for
  ///   microseconds. The text does not name its unit; whoever stores it has to.
  public func hgrmText(nanosecondsPerUnit: Double = 1) -> String {
    var text = ""
    histogram.outputPercentileDistribution(to: &text, outputValueUnitScalingRatio: nanosecondsPerUnit)
    return text
  }
}
