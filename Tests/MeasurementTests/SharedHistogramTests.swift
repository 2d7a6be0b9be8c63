import Histogram
import LinuxIPC
import Testing

@testable import Measurement

struct SharedHistogramTests {
  private func make() throws -> SharedHistogram {
    SharedHistogram(at: try Mapping.anonymous(byteCount: SharedHistogram.byteCount).base)
  }

  @Test func indexingAgreesWithTheReferenceImplementation() throws {
    let histogram = try make()
    var reference = Histogram<UInt64>(
      lowestDiscernibleValue: 1, highestTrackableValue: SharedHistogram.highestTrackable,
      numberOfSignificantValueDigits: .three)
    var value: UInt64 = 1
    while value < SharedHistogram.highestTrackable {
      for offset: UInt64 in [0, 1, 7, 1023] {
        histogram.record(value + offset)
        reference.record(value + offset)
      }
      value = value * 5 / 4 + 1
    }
    let ours = histogram.snapshot()
    #expect(ours.totalCount == reference.totalCount)
    #expect(ours.values.allSatisfy { reference.valuesAreEquivalent($0, $0) })
    for (value, count) in zip(ours.values, ours.counts) {
      #expect(reference.countForValue(value) == count, "at \(value)")
    }
  }

  @Test func everyValueIsWithinAThousandthOfItsSlot() {
    var value: UInt64 = 1
    while value < SharedHistogram.highestTrackable {
      let lowest = SharedHistogram.value(at: SharedHistogram.index(of: value))
      #expect(lowest <= value && Double(value - lowest) <= Double(value) / 1000)
      value = value * 9 / 8 + 1
    }
  }

  @Test func theLargestValueHasASlot() {
    #expect(SharedHistogram.index(of: SharedHistogram.highestTrackable) < SharedHistogram.slotCount)
    #expect(SharedHistogram.index(of: .max) < SharedHistogram.slotCount)
  }

  @Test func extremesAndSumAreExact() throws {
    let histogram = try make()
    for value: UInt64 in [5000, 3, 123_457, 99_999_999_999] { histogram.record(value) }
    let snapshot = histogram.snapshot()
    #expect(snapshot.minimum == 3)
    #expect(snapshot.maximum == 99_999_999_999)
    #expect(snapshot.sum == 5000 + 3 + 123_457 + 99_999_999_999)
  }

  @Test func anEmptyHistogramHasNoExtremes() throws {
    #expect(try make().snapshot().totalCount == 0)
    #expect(try make().snapshot().maximum == 0)
  }
}
