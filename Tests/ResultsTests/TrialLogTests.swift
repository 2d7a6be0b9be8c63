import Foundation
import Glibc
import Testing

@testable import Results

@Suite struct TrialLogTests {
  let temporary: TemporaryDirectory
  let log: TrialLog

  init() throws {
    temporary = try TemporaryDirectory()
    log = TrialLog(path: "\(temporary.path)/trials.jsonl")
    try log.create()
  }

  private func append(_ text: String) throws {
    let file = try #require(FileHandle(forWritingAtPath: log.path))
    try file.seekToEnd()
    try file.write(contentsOf: Data(text.utf8))
    try file.close()
  }

  @Test func whatIsAppendedIsReadBackInOrder() throws {
    let histogram = Sample.histogram([5, 5, 70_001])
    for trial in 0..<3 {
      try log.append(Sample.record(trial: trial, histograms: [histogram]), synchronise: trial == 2)
    }
    let (trials, warnings) = try log.load()
    #expect(trials.map(\.trial) == [0, 1, 2])
    #expect(trials[1].measures == Sample.record().measures)
    #expect(trials[1].histograms == [histogram])
    #expect(trials[1].identity == Sample.identity())
    #expect(warnings.isEmpty)
  }

  @Test func listsOfNumbersThatAreReadApartAreTheSame() throws {
    let histograms = [Sample.histogram([5, 5, 70_001]), Sample.histogram([1]), Sample.histogram([])]
    let record = Sample.record(status: .ok, reason: "[1,2] and \"[3]\\", histograms: histograms)
    let line = try ResultsJSON.encode(record)
    let apart = try #require(TrialRecord(apart: line))
    #expect(
      apart.histograms == histograms && apart.reason == record.reason && apart.measures == record.measures)
  }

  @Test(arguments: ["[1.5]", "[1,]", "[01]", "[1 2]", "[18446744073709551616]", "[1", "[1,-2]"])
  func whatIsNoListOfWholeNumbersIsLeftToAGeneralDecoder(text: String) {
    #expect(NumberLists(Data("{\"counts\":\(text)}".utf8)) == nil)
  }

  @Test func everyRecordIsOneLineWhateverItsReasonSays() throws {
    try log.append(
      Sample.record(status: .failed, reason: "one\ntwo\r\n\"three\" \u{2028}"), synchronise: false)
    #expect(try contents(log.path).utf8.count { $0 == UInt8(ascii: "\n") } == 1)
    #expect(try log.load().trials[0].reason == "one\ntwo\r\n\"three\" \u{2028}")
  }

  @Test func keysAreInSnakeCase() throws {
    try log.append(Sample.record(Sample.identity(rate: 1e5)), synchronise: false)
    let line = try contents(log.path)
    for key in ["run_id", "case", "message_bytes", "rate_target_per_second", "order_in_session", "host_id"] {
      #expect(line.contains("\"\(key)\":"), "\(key)")
    }
  }

  @Test func anEmptyLogIsARunWithoutTrials() throws {
    #expect(try log.load().trials.isEmpty)
  }

  // MARK: Damage

  @Test func aLastRecordThatIsCutShortIsLeftOutWithAWarning() throws {
    try log.append(Sample.record(trial: 0), synchronise: false)
    try append("{\"attempt\":0,\"case\":{\"attach\":\"inh")
    let (trials, warnings) = try log.load()
    #expect(trials.map(\.trial) == [0])
    #expect(warnings.count == 1)
    #expect(warnings[0].contains(log.path))
    #expect(warnings[0].contains("cut short"))
  }

  @Test func aRecordThatIsCutShortIsRemovedBeforeTheNextIsAppended() throws {
    try log.append(Sample.record(trial: 0), synchronise: false)
    try append(String(repeating: "x", count: 200_000))
    try log.append(Sample.record(trial: 1), synchronise: false)
    let (trials, warnings) = try log.load()
    #expect(trials.map(\.trial) == [0, 1])
    #expect(warnings.isEmpty)
  }

  @Test(arguments: ["garbage", "", "{}", "[1,2]", "{\"schema_version\":1}", "\u{0}\u{0}"])
  func garbageInTheMiddleIsAnErrorThatNamesTheLine(garbage: String) throws {
    try log.append(Sample.record(trial: 0), synchronise: false)
    try append(garbage + "\n")
    try log.append(Sample.record(trial: 1), synchronise: false)
    let error = #expect(throws: ResultsError.self) { try log.load() }
    #expect(error?.code == .malformed)
    #expect(error?.message.hasPrefix("Line 2 of \(log.path)") == true)
  }

  @Test(arguments: [true, false])
  func aNewerSchemaVersionIsAnErrorThatSaysWhoCanReadIt(keepsFields: Bool) throws {
    var record = Sample.record()
    record.schemaVersion = TrialRecord.currentSchemaVersion + 1
    if keepsFields {
      try log.append(record, synchronise: false)
    } else {
      try append("{\"schema_version\":\(record.schemaVersion),\"other\":true}\n")
    }
    let error = #expect(throws: ResultsError.self) { try log.load() }
    #expect(error?.code == .newerVersion)
    #expect(error?.message.contains("schema version 2") == true)
    #expect(error?.message.contains("update this one") == true)
  }

  @Test func aMissingFileIsAnErrorThatNamesIt() throws {
    unlink(log.path)
    let error = #expect(throws: ResultsError.self) { try log.load() }
    #expect(error?.code == .missing)
    #expect(error?.message.contains(log.path) == true)
  }

  @Test(arguments: [
    #"{"counts":[1],"maximum":5,"minimum":5,"name":"h","sum":5,"values":[5,6]}"#,
    #"{"counts":[1,1],"maximum":6,"minimum":5,"name":"h","sum":5,"values":[6,5]}"#,
    #"{"counts":[1],"maximum":18446744073709551615,"minimum":5,"name":"h","sum":5,"values":[5]}"#,
    #"{"counts":[1],"maximum":5,"minimum":5,"name":"h","sum":5,"values":[18446744073709551615]}"#,
    #"{"counts":[18446744073709551615,18446744073709551615],"maximum":6,"minimum":5,"name":"h","sum":5,"values":[5,6]}"#,
    #"{"counts":[1],"maximum":4,"minimum":5,"name":"h","sum":5,"values":[5]}"#,
  ])
  func aHistogramThatCannotBeIsAnErrorAndNotATrap(histogram: String) throws {
    let line = String(decoding: try ResultsJSON.encode(Sample.record()), as: UTF8.self)
    try append(
      line.replacingOccurrences(of: "\"histograms\":[]", with: "\"histograms\":[\(histogram)]") + "\n")
    let error = #expect(throws: ResultsError.self) { try log.load() }
    #expect(error?.code == .malformed)
  }

  // MARK: Numbers

  @Test func aMeasureThatIsNotAFiniteNumberCostsItsValueAndNotTheTrial() throws {
    for value in [Double.nan, .infinity, -.infinity] {
      try log.append(Sample.record(p50: value), synchronise: false)
    }
    for record in try log.load().trials {
      #expect(record.value("latency_rtt_p50") == nil)
      #expect(record.measures[0].reason?.contains("not a finite number") == true)
      #expect(record.value("message_rate") == 405_000.25)
    }
  }

  @Test func numbersSurviveToTheLastBit() throws {
    let numbers = [
      0.1, 1 / 3.0, 1e-300, 1.797e308, 123_456_789_012_345_680, -0.0, Double.leastNonzeroMagnitude,
    ]
    for number in numbers { try log.append(Sample.record(p50: number), synchronise: false) }
    let read = try log.load().trials.map { $0.value("latency_rtt_p50")?.bitPattern }
    #expect(read == numbers.map(\.bitPattern))
  }
}
