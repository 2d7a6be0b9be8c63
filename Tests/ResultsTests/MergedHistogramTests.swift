import Testing

@testable import Results

@Suite struct MergedHistogramTests {
  /// The average of the two medians would be 500,500; the median of all samples is 1,000.
  @Test func mergingAddsCountsAndNeverAveragesPercentiles() throws {
    let many = Sample.histogram([UInt64](repeating: 1_000, count: 900))
    let few = Sample.histogram([UInt64](repeating: 1_000_000, count: 100))
    let merged = MergedHistogram([many, few])
    #expect(merged.totalCount == 1_000)
    #expect(merged.value(atPercentile: 50) == 1_000)
    #expect(merged.value(atPercentile: 90) == 1_000)
    #expect(try #require(merged.value(atPercentile: 95)) == 1_000_000)
  }

  @Test func theSummaryOfACaseMergesTheHistogramsOfItsTrials() throws {
    let trials = [
      Sample.record(trial: 0, p50: 100, histograms: [Sample.histogram([UInt64](repeating: 100, count: 90))]),
      Sample.record(trial: 1, p50: 900, histograms: [Sample.histogram([UInt64](repeating: 900, count: 10))]),
    ]
    let summary = try #require(summarise(trials).first)
    #expect(summary.histograms["latency_rtt"]?.value(atPercentile: 50) == 100)
    #expect(summary.metric("latency_rtt_p50")?.median == 500)
  }

  @Test func theOrderOfMergingDoesNotMatter() {
    let parts = [
      Sample.histogram([3, 5_000, 70_000]), Sample.histogram([1, 9]), Sample.histogram([60_000_000_000]),
    ]
    #expect(MergedHistogram(parts).histogram == MergedHistogram(parts.reversed()).histogram)
  }

  @Test func aPercentileWithTooFewSamplesIsRefusedWithTheReason() {
    let merged = MergedHistogram([Sample.histogram((1...999).map { $0 })])
    #expect(merged.value(atPercentile: 98) != nil)
    #expect(merged.value(atPercentile: 99) == nil)
    #expect(merged.refusal(ofPercentile: 99) == "p99 needs 1000 samples and has 999")
    #expect(merged.refusal(ofPercentile: 99.9) == "p99.9 needs 10000 samples and has 999")
    #expect(MergedHistogram([Sample.histogram((1...1_000).map { $0 })]).value(atPercentile: 99) == 990)
  }

  @Test(arguments: [100, 100.1, -1, Double.nan])
  func whatIsNotAPercentileIsRefused(percentile: Double) {
    let merged = MergedHistogram([Sample.histogram((1...1_000).map { $0 })])
    #expect(merged.value(atPercentile: percentile) == nil)
    #expect(merged.refusal(ofPercentile: percentile) != nil)
  }

  @Test func noPercentileExceedsTheLargestSample() throws {
    // 70,001 lies inside a bucket whose highest value is 70,015.
    let merged = MergedHistogram([Sample.histogram([UInt64](repeating: 70_001, count: 100))])
    #expect(merged.value(atPercentile: 90) == 70_001)
    #expect(merged.value(atPercentile: 0) == 70_001)
    #expect(merged.minimum == 70_001 && merged.maximum == 70_001)
    let spread = MergedHistogram([Sample.histogram([UInt64](repeating: 70_001, count: 50) + [9, 65_537])])
    #expect(spread.value(atPercentile: 75) == 70_001)
    #expect(spread.value(atPercentile: 0) == 9)
  }

  @Test func percentilesAreWithinThreeSignificantDigits() throws {
    let samples = (1...10_000).map { UInt64($0) * 977 }
    let merged = MergedHistogram([Sample.histogram(samples)])
    for percentile in [10, 50, 90, 99, 99.9] {
      let exact = Double(samples[Int((percentile / 100 * 10_000).rounded(.up)) - 1])
      let value = try #require(merged.value(atPercentile: percentile))
      #expect(abs(value - exact) / exact < 0.001, "p\(percentile)")
    }
    #expect(try #require(merged.mean) == 977 * 5_000.5)
  }

  @Test func nothingRecordedHasNoExtremesMeanOrPercentile() {
    let merged = MergedHistogram([Sample.histogram([])])
    #expect(merged.totalCount == 0)
    #expect(merged.minimum == nil && merged.maximum == nil && merged.mean == nil)
    #expect(merged.value(atPercentile: 50) == nil)
    #expect(merged.percentileSpectrum.isEmpty)
    #expect(!merged.hgrmText().contains("nan"))
  }

  @Test func impossibleCountsAndValuesDoNotTrap() {
    let odd = StoredHistogram(
      name: "h", values: [.max, 3], counts: [.max, .max, 1], minimum: .max, maximum: 0, sum: .nan)
    #expect(MergedHistogram([odd, odd]).histogram.totalCount > 0)
  }

  @Test func theSpectrumAscendsAndStopsWhereTheSamplesDo() throws {
    let spectrum = MergedHistogram([Sample.histogram((1...1_000).map { $0 })]).percentileSpectrum
    #expect(
      zip(spectrum, spectrum.dropFirst()).allSatisfy { $0.percentile < $1.percentile && $0.value <= $1.value }
    )
    let last = try #require(spectrum.last)
    #expect(last.percentile > 95 && last.percentile <= 99)
  }

  @Test func theTextFormatIsThatOfHdrHistogram() {
    let text = MergedHistogram([Sample.histogram((1...1_000).map { $0 * 1_000 })]).hgrmText(
      nanosecondsPerUnit: 1_000)
    let lines = text.split(separator: "\n")
    #expect(lines[0].split(separator: " ") == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"])
    let last = lines.last { !$0.hasPrefix("#") }?.split(separator: " ")
    #expect(last.map { $0[1...] } == ["1.000000000000", "1000"])
    #expect(lines.contains { $0.hasPrefix("#[Mean    =") })
    #expect(lines.contains { $0.hasPrefix("#[Max     =") && $0.hasSuffix("1000]") })
    #expect(lines.contains { $0.hasPrefix("#[Buckets =") })
  }
}
