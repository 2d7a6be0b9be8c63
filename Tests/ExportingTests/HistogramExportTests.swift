import Foundation
import Histogram
import Results
import Testing

@testable import Exporting

@Suite struct HistogramExportTests {
  private func records(_ run: String = MadeUp.runID) -> [TrialRecord] {
    [
      MadeUp.record(run: run, trial: 0, order: 0, histograms: [MadeUp.histogram([100, 100, 5_000])]),
      MadeUp.record(run: run, trial: 1, order: 1, histograms: [MadeUp.histogram([70_001])]),
      MadeUp.record(MadeUp.identity("vsock"), run: run, order: 2, status: .skipped, reason: "No loopback."),
    ]
  }

  @Test func theLogHasATaggedIntervalForEachCase() throws {
    let exported = try MadeUp.export(.hlog, records())
    let lines = exported.files[0].text.split(separator: "\n")
    #expect(
      lines[..<5] == [
        "#[Logged with ipcbench; values are nanoseconds]",
        "#[Histogram log format version 1.3]",
        "#[StartTime: 1769850300.000 (seconds since epoch), 2026-01-31T09:05:00Z]",
        "#[BaseTime: 1769850300.000 (seconds since epoch)]",
        #""StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram""#,
      ])
    #expect(lines.count == 6)
    #expect(
      lines[5].hasPrefix(
        "Tag=round-trip/pipe/64B/block/same-l3/inherit/latency_rtt,0.000,1.250,0.070001,HISTFAAA"))
    #expect(
      exported.notes == [
        "1 case was not measured, or not in every trial, and this format has no place for that:",
        "  round-trip/vsock/64B/block/same-l3/inherit: skipped: No loopback.",
      ])
  }

  @Test func percentileTextIsOneFilePerCaseInAFolderPerRun() throws {
    let one = try MadeUp.export(.hgrm, records())
    let name = "\(MadeUp.identity().fileName("latency_rtt"))_ns.hgrm"
    #expect(one.files.map(\.name) == [name])
    let merged = MergedHistogram([MadeUp.histogram([100, 100, 5_000, 70_001])])
    #expect(one.files[0].text == merged.hgrmText())
    let two = try MadeUp.export(.hgrm, records() + records("20260201T090500Z-3f9a1c"))
    #expect(two.files.map(\.name) == ["\(MadeUp.runID)/\(name)", "20260201T090500Z-3f9a1c/\(name)"])
  }

  @Test func aLatencyIsChosenByItsNameOrByOneOfItsPercentiles() throws {
    let record = MadeUp.record(histograms: [
      MadeUp.histogram([1], name: "latency_service"), MadeUp.histogram([2], name: "latency_response"),
    ])
    for pattern in ["latency_service", "latency_service_p99", "*service"] {
      let exported = try MadeUp.export(.hgrm, [record], metrics: [pattern])
      #expect(exported.files.map { $0.name.contains("latency_service") } == [true], "\(pattern)")
    }
    #expect(throws: ExportError.self) { try MadeUp.export(.hgrm, [record], metrics: ["latency_rtt"]) }
    #expect(throws: ExportError.self) { try MadeUp.export(.hlog, [record], filters: ["mechanism:fifo"]) }
  }
}

/// The wire format against what its specification says, byte by byte; `verify-exports.py` has it read by others.
@Suite struct HistogramWireFormatTests {
  @Test(
    arguments: [
      (Int64(0), [0x00]), (-1, [0x01]), (1, [0x02]), (63, [0x7e]), (64, [0x80, 0x01]), (-64, [0x7f]),
      (1 << 62, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]),
      (.min, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ] as [(Int64, [UInt8])])
  func numbersTakeSevenBitsAByteAndNoMoreThanNine(number: Int64, expected: [UInt8]) {
    var bytes: [UInt8] = []
    HistogramWireFormat.append(number, to: &bytes)
    #expect(bytes == expected)
  }

  @Test func aHistogramIsAHeaderAndItsCounts() {
    var histogram = Histogram<UInt64>(
      highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: .three)
    histogram.record(1, count: 2)
    histogram.record(5, count: 1)
    histogram.record(7, count: 300)
    #expect(
      HistogramWireFormat.encoded(histogram) == [
        0x1c, 0x84, 0x93, 0x13, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 3,  // cookie, length, offset, digits
        0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xd6, 0x93, 0xa4, 0x00,  // lowest and highest value
        0x3f, 0xf0, 0, 0, 0, 0, 0, 0,  // 1.0
        0x00,  // one zero
        0x04,  // 2
        0x05,  // three zeros
        0x02,  // 1
        0x00,  // one zero
        0xd8, 0x04,  // 300
      ])
  }

  /// The place of a value is that of the library, which walks through all of them in order.
  @Test(arguments: [SignificantDigits.one, .two, .three, .four], [UInt64(1), 1_000])
  func everyBucketHasTheIndexThatTheLibraryGivesIt(digits: SignificantDigits, lowest: UInt64) {
    let histogram = Histogram<UInt64>(
      lowestDiscernibleValue: lowest, highestTrackableValue: 1 << 32, numberOfSignificantValueDigits: digits)
    var index = 0
    for bucket in histogram.allValues() {
      if HistogramWireFormat.index(of: bucket.value, in: histogram) != index {
        Issue.record(
          "\(bucket.value) is at \(HistogramWireFormat.index(of: bucket.value, in: histogram)), not \(index)")
        return
      }
      index += 1
    }
    #expect(index > 100)
  }

  @Test func zlibStreamsAreStoredInBlocksWithTheirCheckSum() throws {
    // "Wikipedia" is the example that everybody has for this sum.
    #expect(Zlib.adler32(Array("Wikipedia".utf8)) == 0x11E6_0398)
    #expect(Zlib.stored([]) == [0x78, 0x01, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 1])
    #expect(
      Zlib.stored([0x61]) == [0x78, 0x01, 1, 1, 0, 0xfe, 0xff, 0x61, 0x00, 0x62, 0x00, 0x62])
    let long = [UInt8](repeating: 7, count: 65_536)
    let stream = Zlib.stored(long)
    #expect(stream.count == 2 + 5 + 65_535 + 5 + 1 + 4)
    #expect(stream[2..<7] == [0, 0xff, 0xff, 0, 0] && stream[65_542..<65_548] == [1, 1, 0, 0xfe, 0xff, 7])
  }
}
