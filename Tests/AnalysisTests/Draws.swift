import Foundation

@testable import Analysis

/// Seeded values for properties that hold for all samples.
struct Draws: RandomNumberGenerator {
  private var generator: SplitMix64

  init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  mutating func next() -> UInt64 { generator.next() }

  mutating func normal(_ count: Int) -> [Double] {
    (0..<count).map { _ in
      let radius = (-2 * log(Double.random(in: Double.leastNormalMagnitude...1, using: &self))).squareRoot()
      return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &self))
    }
  }

  /// Times as they are: skewed, with a long tail.
  mutating func skewed(_ count: Int) -> [Double] { normal(count).map { exp($0) } }

  /// Whole 1,024ths between −4 and 4, so that sums and shifts are exact; ties are common with many.
  mutating func dyadic(_ count: Int) -> [Double] {
    (0..<count).map { _ in Double(Int.random(in: -4_096...4_096, using: &self)) / 1_024 }
  }

  /// Whole numbers, most of them tied.
  mutating func tied(_ count: Int) -> [Double] {
    (0..<count).map { _ in Double(Int.random(in: -3...3, using: &self)) }
  }
}
