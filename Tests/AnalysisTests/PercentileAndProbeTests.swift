import Analysis
import Testing

@Suite struct RequiredSamplesTests {
  @Test(arguments: [
    (0.0, 10), (50, 20), (90, 100), (99, 1_000), (99.9, 10_000), (99.99, 100_000), (99.999, 1_000_000),
    (75, 40),
    (66.6, 30),
  ])
  func aPercentileNeedsTenSamplesBeyondIt(percentile: Double, samples: Int) {
    #expect(Statistics.requiredSamples(forPercentile: percentile) == samples)
  }

  @Test(arguments: [100, 101, Double.nan, .infinity])
  func noNumberOfSamplesIsEnoughForTheHundredthPercentile(percentile: Double) {
    #expect(Statistics.requiredSamples(forPercentile: percentile) == .max)
  }

  @Test func aPercentileVeryCloseToAHundredDoesNotOverflow() {
    #expect(Statistics.requiredSamples(forPercentile: 100.0.nextDown) > 1_000_000)
  }
}

@Suite struct ProbeAgreementTests {
  @Test func theRelativeDifferenceDoesNotDependOnWhichCameFirst() {
    #expect(Statistics.relativeDifference(100, 125) == 0.25)
    #expect(Statistics.relativeDifference(125, 100) == 0.25)
    #expect(Statistics.relativeDifference(0, 0) == 0)
    #expect(Statistics.relativeDifference(0, 1) == .infinity)
    #expect(Statistics.relativeDifference(-1, 1) == .infinity)
    #expect(Statistics.relativeDifference(.nan, .nan).isNaN)
  }

  /// The two states of one pair of virtual CPUs that were measured: 38 ns and 210 to 255 ns.
  @Test func probesFromTheTwoStatesOfAVirtualMachineDisagree() {
    #expect(Statistics.probesAgree(before: 210, after: 255, tolerance: 0.25))
    #expect(!Statistics.probesAgree(before: 38, after: 210, tolerance: 0.25))
    #expect(!Statistics.probesAgree(before: 210, after: 38, tolerance: 0.25))
  }

  @Test func aProbeThatFailedVouchesForNothing() {
    #expect(!Statistics.probesAgree(before: .nan, after: .nan, tolerance: 0.25))
    #expect(!Statistics.probesAgree(before: 100, after: .nan, tolerance: 0.25))
  }

  @Test func everyProbeHasToAgree() {
    #expect(Statistics.probesAgree(before: [100, 50], after: [110, 50], tolerance: 0.25))
    #expect(!Statistics.probesAgree(before: [100, 50], after: [110, 90], tolerance: 0.25))
    #expect(!Statistics.probesAgree(before: [100, 50], after: [110], tolerance: 0.25))
  }
}
