import Foundation

/// What SciPy, R and brute force say; `Fixtures/make-reference.py` and `make-reference.R` made it.
struct Reference: Decodable {
  static let scipy: Reference = decoded("reference.json")
  static let r: ReferenceOfR = decoded("reference-r.json")

  var signedRank: [SignedRank]
  var rankSum: [RankSum]
  var hodgesLehmann: [Location]
  var hodgesLehmannShift: [Shift]
  var cliffsDelta: [Delta]
  var holm: [Family]
  var kendallTau: [Ranking]
  var clopperPearson: [Proportion]
  var normalQuantile: [Quantile]
  var studentQuantile: [Quantile]
  var predictionInterval: [Prediction]
  var quantileInterval: [QuantileRanks]
  var geometricMean: [Bootstrap]

  struct SignedRank: Decodable {
    var differences: [Double]
    var statistic: Double
    var pValue: Double
    var isExact: Bool
    var source: String
  }

  struct RankSum: Decodable {
    var first: [Double]
    var second: [Double]
    var statistic: Double
    var pValue: Double
    var isExact: Bool
    var source: String
  }

  /// Bounds are missing where the confidence cannot be reached.
  struct Location: Decodable {
    var differences: [Double]
    var confidence: Double
    var estimate: Double
    var lower: Double?
    var upper: Double?
  }

  struct Shift: Decodable {
    var first: [Double]
    var second: [Double]
    var confidence: Double
    var estimate: Double
    var lower: Double?
    var upper: Double?
  }

  struct Delta: Decodable {
    var first: [Double]
    var second: [Double]
    var delta: Double
  }

  struct Family: Decodable {
    var pValues: [Double]
    var adjusted: [Double]
  }

  struct Ranking: Decodable {
    var first: [Double]
    var second: [Double]
    var tau: Double
  }

  struct Proportion: Decodable {
    var successes: Int
    var trials: Int
    var confidence: Double
    var lower: Double
    var upper: Double
    var oneSidedUpper: Double
  }

  struct Quantile: Decodable {
    var probability: Double
    var degreesOfFreedom: Double?
    var quantile: Double
  }

  struct Prediction: Decodable {
    var values: [Double]
    var confidence: Double
    var lower: Double
    var upper: Double
  }

  struct QuantileRanks: Decodable {
    var count: Int
    var probability: Double
    var confidence: Double
    var lowerRank: Int?
    var upperRank: Int?
    var coverage: Double
  }

  struct Bootstrap: Decodable {
    var groups: [[Double]]
    /// In words, because not every reader of JSON keeps 64 bits.
    var seed: String
    var resamples: Int
    var confidence: Double
    var estimate: Double
    var lower: Double
    var upper: Double
  }

  private static func decoded<T: Decodable>(_ name: String) -> T {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
    do {
      return try JSONDecoder().decode(T.self, from: Data(contentsOf: file))
    } catch {
      fatalError("\(file.path): \(error)")
    }
  }
}

/// R's tests and intervals, for samples without ties.
struct ReferenceOfR: Decodable {
  var paired: [Paired]
  var unpaired: [Unpaired]

  struct Paired: Decodable {
    var differences: [Double]
    var confidence: Double
    var statistic: Double
    var pValue: Double
    var estimate: Double
    var lower: Double?
    var upper: Double?
  }

  /// The shift is that of the first sample from the second.
  struct Unpaired: Decodable {
    var first: [Double]
    var second: [Double]
    var confidence: Double
    var statistic: Double
    var pValue: Double
    var estimate: Double
    var lower: Double?
    var upper: Double?
  }
}

/// Whether two numbers agree to so many parts of the larger one.
func agree(_ value: Double?, _ expected: Double, within tolerance: Double = 1e-12) -> Bool {
  guard let value else { return false }
  return value == expected || abs(value - expected) <= tolerance * max(abs(value), abs(expected))
}
