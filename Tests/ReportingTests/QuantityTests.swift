import Testing

@testable import Reporting

@Suite("Quantities")
struct QuantityTests {
  @Test(
    "times have three significant digits and the unit that suits them",
    arguments: [
      (0, "0 ns"), (0.42, "0.42 ns"), (4.4, "4.40 ns"), (9.996, "10.0 ns"), (38.2, "38.2 ns"),
      (237, "237 ns"),
      (999.4, "999 ns"), (999.6, "1.00 µs"), (11_800, "11.8 µs"), (99_960, "100 µs"),
      (1_250_000, "1.25 ms"), (59.96e9, "60.0 s"), (-237, "-237 ns"),
    ] as [(Double, String)])
  func timesHaveThreeSignificantDigits(nanoseconds: Double, text: String) {
    #expect(Quantity.time(nanoseconds: nanoseconds) == text)
  }

  @Test("rates scale by thousands")
  func ratesScaleByThousands() {
    #expect(Quantity.rate(perSecond: 950) == "950 /s")
    #expect(Quantity.rate(perSecond: 182_300_000) == "182 M/s")
    #expect(Quantity.rate(perSecond: 1.77e9) == "1.77 G/s")
  }

  @Test("goodput scales by 1024, and never has four digits before the point")
  func goodputScalesBy1024() {
    #expect(Quantity.goodput(bytesPerSecond: 4.02 * 1_073_741_824) == "4.02 GiB/s")
    #expect(Quantity.goodput(bytesPerSecond: 1010 * 1024) == "0.99 MiB/s")
  }

  @Test("what somebody chose keeps no needless zeros")
  func chosenNumbersKeepNoZeros() {
    #expect(Quantity.size(bytes: 64) == "64 B")
    #expect(Quantity.size(bytes: 1000) == "1000 B")
    #expect(Quantity.size(bytes: 4096) == "4 KiB")
    #expect(Quantity.size(bytes: 1_572_864) == "1.5 MiB")
    #expect(Quantity.load(perSecond: 10_000) == "10 k/s")
    #expect(Quantity.roundTime(nanoseconds: 1) == "1 ns")
    #expect(Quantity.roundTime(nanoseconds: 10.01) == "10 ns")
  }

  @Test("counts have commas, and a unit that is not known is kept")
  func countsHaveCommas() {
    #expect(Quantity.count(10_000) == "10,000")
    #expect(Quantity.count(0.25) == "0.25")
    #expect(Quantity.count(1_048_576) == "1.05 M")
    #expect(Quantity.grouped(-1_234_567) == "-1,234,567")
    #expect(Quantity.text(3, unit: "furlongs") == "3 furlongs")
    #expect(Quantity.text(237, unit: "ns/message") == "237 ns")
  }

  @Test("what is not a number is refused rather than printed")
  func notANumberIsRefused() {
    #expect(Quantity.time(nanoseconds: .nan) == Quantity.refused)
    #expect(Quantity.percent(.infinity) == Quantity.refused)
  }
}
