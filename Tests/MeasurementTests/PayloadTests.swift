import LinuxIPC
import Testing

@testable import Measurement

struct PayloadTests {
  static let sizes = [
    1, 2, 3, 7, 8, 9, 15, 16, 24, 31, 32, 33, 39, 40, 47, 63, 64, 65, 100, 1000, 4096, 65537,
  ]

  private func message(_ payload: Payload, _ sequence: UInt64) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xAA, count: payload.byteCount)
    bytes.withUnsafeMutableBytes { buffer in
      var span = MutableRawSpan(_unsafeBytes: buffer)
      payload.fill(&span, sequence, 77)
    }
    return bytes
  }

  private func matches(_ payload: Payload, _ bytes: [UInt8], _ sequence: UInt64) -> Bool {
    bytes.withUnsafeBytes { payload.matches(RawSpan(_unsafeBytes: $0), sequence) }
  }

  @Test(arguments: sizes)
  func aMessageMatchesItsOwnSequenceNumberOnly(_ size: Int) {
    let payload = Payload(byteCount: size, touch: .all)
    for sequence: UInt64 in [0, 1, 2, 255, 1 << 40] {
      let bytes = message(payload, sequence)
      #expect(matches(payload, bytes, sequence))
      #expect(!matches(payload, bytes, sequence + 1))
    }
  }

  @Test(arguments: sizes)
  func everyFlippedByteIsFound(_ size: Int) {
    let payload = Payload(byteCount: size, touch: .all)
    var bytes = message(payload, 12345)
    for index in stride(from: 0, to: size, by: max(1, size / 257)) {
      bytes[index] ^= 0x10
      #expect(!matches(payload, bytes, 12345), "byte \(index) of \(size)")
      bytes[index] ^= 0x10
    }
  }

  @Test func aMessageOfAnotherLengthDoesNotMatch() {
    let payload = Payload(byteCount: 64, touch: .all)
    #expect(!matches(payload, Array(message(payload, 5).dropLast()), 5))
  }

  @Test func headerTouchLeavesTheBodyAlone() {
    let payload = Payload(byteCount: 1000, touch: .header)
    var bytes = message(payload, 9)
    #expect(bytes[32...].allSatisfy { $0 == 0xAA })
    bytes[500] = 1
    #expect(matches(payload, bytes, 9))
    bytes[8] ^= 1
    #expect(!matches(payload, bytes, 9))
  }

  @Test func theSendTimeTravelsInTheStamp() {
    let payload = Payload(byteCount: 64, touch: .all)
    let bytes = message(payload, 3)
    let ticks = bytes.withUnsafeBytes { payload.sendTicks(RawSpan(_unsafeBytes: $0)) }
    #expect(ticks == 77)
  }
}

struct ScheduleTests {
  private let clock = Clock(source: .monotonic, ticksPerSecond: 1e9)

  @Test func constantArrivalsAreEquallySpaced() {
    var schedule = Schedule(rate: 1000, arrival: .constant, seed: 1, clock: clock)
    #expect((0..<4).map { _ in schedule.next() } == [0, 1_000_000, 2_000_000, 3_000_000])
  }

  @Test func poissonArrivalsHaveTheAskedMeanAndTheSameSeedGivesTheSameTimes() {
    var first = Schedule(rate: 1000, arrival: .poisson, seed: 42, clock: clock)
    var second = first
    var times: [UInt64] = []
    for _ in 0..<20_000 {
      times.append(first.next())
      #expect(second.next() == times.last)
    }
    let mean = Double(times.last!) / Double(times.count - 1)
    #expect(abs(mean - 1_000_000) < 30_000)
    let gaps = zip(times.dropFirst(), times).map { Double($0 - $1) }
    let variance = gaps.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(gaps.count)
    // An exponential distribution's deviation is its mean.
    #expect(abs(variance.squareRoot() / mean - 1) < 0.05)
  }
}
