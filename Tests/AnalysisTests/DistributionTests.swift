import Testing

@testable import Analysis

@Suite struct NormalAndStudentQuantileTests {
  @Test func theNormalQuantileAgreesWithSciPyToFifteenFigures() {
    for expected in Reference.scipy.normalQuantile {
      let quantile = Statistics.normalQuantile(expected.probability)
      #expect(agree(quantile, expected.quantile, within: 2e-15), "\(quantile) \(expected)")
    }
  }

  @Test func theStudentQuantileAgreesWithSciPy() throws {
    for expected in Reference.scipy.studentQuantile {
      let degrees = try #require(expected.degreesOfFreedom)
      let quantile = Statistics.studentQuantile(expected.probability, degreesOfFreedom: degrees)
      #expect(agree(quantile, expected.quantile, within: 1e-12), "\(quantile) \(expected)")
    }
  }

  /// Fisher and Yates, Statistical Tables, table III: two-sided 5 % and 1 %.
  @Test(arguments: [
    (1.0, 12.706, 63.657), (5, 2.571, 4.032), (10, 2.228, 3.169), (23, 2.069, 2.807), (30, 2.042, 2.750),
    (Double.infinity, 1.960, 2.576),
  ])
  func theStudentQuantileIsThePublishedOne(degrees: Double, atFivePercent: Double, atOnePercent: Double) {
    #expect(abs(Statistics.studentQuantile(0.975, degreesOfFreedom: degrees) - atFivePercent) < 0.0005)
    #expect(abs(Statistics.studentQuantile(0.995, degreesOfFreedom: degrees) - atOnePercent) < 0.0005)
  }

  /// With one degree of freedom it is Cauchy's: 1 / tan(πp) in the tail.
  @Test func farTailsAreResolved() {
    let quantile = Statistics.studentQuantile(1e-100, degreesOfFreedom: 1)
    #expect(agree(quantile, -1e100 / Double.pi))
    #expect(Statistics.studentQuantile(1e-300, degreesOfFreedom: 1) == -.infinity)
  }

  @Test func bothAreOddAboutTheMiddleAndInfiniteAtTheEnds() {
    for p in [0.5, 0.25, 0.125, 0x1p-10, 0x1p-30, 0x1p-50] {
      #expect(Statistics.normalQuantile(1 - p) == -Statistics.normalQuantile(p))
      #expect(
        Statistics.studentQuantile(1 - p, degreesOfFreedom: 7)
          == -Statistics.studentQuantile(p, degreesOfFreedom: 7))
    }
    for (p, expected) in [(0.0, -Double.infinity), (1, .infinity)] {
      #expect(Statistics.normalQuantile(p) == expected)
      for degrees in [1, 30, 1e6, .infinity] {
        #expect(Statistics.studentQuantile(p, degreesOfFreedom: degrees) == expected)
      }
    }
  }

  @Test func whatIsNotAProbabilityHasNoQuantile() {
    for p in [-0.1, 1.1, Double.nan] {
      #expect(Statistics.normalQuantile(p).isNaN)
      #expect(Statistics.studentQuantile(p, degreesOfFreedom: 3).isNaN)
    }
    for degrees in [0, -1, Double.nan] {
      #expect(Statistics.studentQuantile(0.9, degreesOfFreedom: degrees).isNaN)
    }
  }
}

@Suite struct ClopperPearsonTests {
  @Test func theBoundsAgreeWithSciPyUpToABillionTrials() throws {
    for expected in Reference.scipy.clopperPearson {
      let (successes, trials, confidence) = (expected.successes, expected.trials, expected.confidence)
      let interval = try #require(
        Statistics.clopperPearson(successes: successes, of: trials, confidence: confidence))
      #expect(agree(interval.lowerBound, expected.lower, within: 1e-11), "\(interval) \(expected)")
      #expect(agree(interval.upperBound, expected.upper, within: 1e-11), "\(interval) \(expected)")
      let upper = Statistics.clopperPearsonUpper(successes: successes, of: trials, confidence: confidence)
      #expect(agree(upper, expected.oneSidedUpper, within: 1e-11), "\(expected)")
    }
  }

  /// With no success the bound is 1 − α^(1/n), about 3/n.
  @Test func noneOf299IsJustUnderOnePercent() throws {
    let bound = try #require(Statistics.clopperPearsonUpper(successes: 0, of: 299, confidence: 0.95))
    #expect(bound < 0.01 && bound > 0.0099)
    #expect(try #require(Statistics.clopperPearsonUpper(successes: 0, of: 298, confidence: 0.95)) > 0.01)
  }

  @Test func successesAndFailuresMirrorEachOther() throws {
    for (successes, trials) in [(0, 5), (1, 5), (2, 5), (17, 60), (30, 60), (999, 1_000)] {
      let interval = try #require(
        Statistics.clopperPearson(successes: successes, of: trials, confidence: 0.99))
      let mirrored = try #require(
        Statistics.clopperPearson(successes: trials - successes, of: trials, confidence: 0.99))
      #expect(abs(interval.lowerBound - (1 - mirrored.upperBound)) < 1e-15)
      #expect(abs(interval.upperBound - (1 - mirrored.lowerBound)) < 1e-15)
      #expect(interval.contains(Double(successes) / Double(trials)))
    }
  }

  /// Summed over all outcomes, for many true probabilities: what gives the interval its name.
  @Test func theCoverageIsNeverLessThanTheConfidence() throws {
    let intervals = try (0...20).map {
      try #require(Statistics.clopperPearson(successes: $0, of: 20, confidence: 0.95))
    }
    for p in stride(from: 0.005, to: 1, by: 0.005) {
      let coverage = intervals.enumerated().reduce(0) {
        $1.element.contains(p) ? $0 + Statistics.binomial($1.offset, of: 20, p) : $0
      }
      #expect(coverage >= 0.95)
    }
  }

  @Test func whatHasNoAnswerIsNil() {
    for (successes, trials) in [(0, 0), (-1, 5), (6, 5), (0, -1)] {
      #expect(Statistics.clopperPearson(successes: successes, of: trials, confidence: 0.95) == nil)
      #expect(Statistics.clopperPearsonUpper(successes: successes, of: trials, confidence: 0.95) == nil)
    }
    for confidence in [0, 1, Double.nan] {
      #expect(Statistics.clopperPearson(successes: 1, of: 5, confidence: confidence) == nil)
      #expect(Statistics.clopperPearsonUpper(successes: 1, of: 5, confidence: confidence) == nil)
    }
  }
}

@Suite struct DetectableShiftTests {
  /// Bloom's multipliers at 5 % two-sided: 2.80 for a power of 80 %, 3.24 for 90 %.
  @Test func theMultipliersAreBlooms() {
    let at80 = Statistics.minimumDetectableShift(standardError: 1, alpha: 0.05, power: 0.8)
    let at90 = Statistics.minimumDetectableShift(standardError: 1, alpha: 0.05, power: 0.9)
    #expect(abs(at80 - 2.80) < 0.005 && abs(at90 - 3.24) < 0.005)
    #expect(agree(Statistics.minimumDetectableShift(standardError: 0.5, alpha: 0.05, power: 0.8), at80 / 2))
  }

  @Test func aStandardErrorIsHalfTheWidthOverZ() {
    let z = Statistics.normalQuantile(0.995)
    let shift = ShiftEstimate(estimate: 1, lower: 1 - 0.2 * z, upper: 1 + 0.2 * z, confidence: 0.99)
    #expect(agree(Statistics.standardError(ofInterval: shift), 0.2))
  }

  @Test func withoutBoundsNothingCanBeDetected() {
    let shift = ShiftEstimate(estimate: 0, lower: -.infinity, upper: .infinity, confidence: 0.99)
    let error = Statistics.standardError(ofInterval: shift)
    #expect(error == .infinity)
    #expect(Statistics.minimumDetectableShift(standardError: error, alpha: 0.01, power: 0.8) == .infinity)
  }

  @Test func valuesOutOfRangeGiveWhatIsNotANumber() {
    for (error, alpha, power) in [
      (-1.0, 0.05, 0.8), (.nan, 0.05, 0.8), (1, 0, 0.8), (1, 1, 0.8), (1, .nan, 0.8), (1, 0.05, 0),
      (1, 0.05, 1), (1, 0.05, .nan),
    ] {
      let shift = Statistics.minimumDetectableShift(standardError: error, alpha: alpha, power: power)
      #expect(shift.isNaN)
    }
  }
}
