import Analysis
import Testing

@Suite struct QuantileTests {
  @Test func theMedianOfAnEvenNumberOfValuesIsTheMeanOfTheMiddleTwo() {
    #expect(Statistics.median([4, 1, 3, 2]) == 2.5)
    #expect(Statistics.median([3, 1, 2]) == 2)
    #expect(Statistics.median([7]) == 7)
  }

  /// The reference values are R's: `quantile(c(1, 2, 4, 8, 16), p, type = 7)`.
  @Test(arguments: [(0.0, 1.0), (0.1, 1.4), (0.25, 2), (0.5, 4), (0.9, 12.8), (0.99, 15.68), (1, 16)])
  func quantilesFollowHyndmanAndFansDefinition7(probability: Double, expected: Double) throws {
    let quantile = try #require(Statistics.quantile(probability, of: [16, 1, 8, 2, 4]))
    #expect(abs(quantile - expected) < 1e-12)
  }

  @Test func aQuantileOfNothingOrOfWhatIsNotANumberIsNil() {
    #expect(Statistics.median([]) == nil)
    #expect(Statistics.median([1, .nan]) == nil)
    #expect(Statistics.quantile(-0.1, of: [1]) == nil)
    #expect(Statistics.quantile(1.1, of: [1]) == nil)
    #expect(Statistics.quantile(.nan, of: [1]) == nil)
  }

  @Test func aQuantileBetweenEqualInfinitiesIsThatInfinityAndNotANaN() {
    #expect(Statistics.quantile(0.75, of: [1, .infinity, .infinity, .infinity]) == .infinity)
    #expect(Statistics.quantile(1, of: [1, .infinity]) == .infinity)
  }

  @Test func theInterquartileMeanIgnoresTheOuterQuarters() {
    #expect(Statistics.interquartileMean(values: [1, 10, 20, 9000], counts: [1, 1, 1, 1]) == 15)
    #expect(Statistics.interquartileMean(values: [1, 2], counts: [1, 2]) == nil)
  }
}
