import Results
import Testing

@testable import Reporting

@Suite("The knee of a load sweep")
struct KneeTests {
  private static let loads = [1e3, 1e4, 1e5, 1e6, 1e7]

  private func view(_ change: (inout TrialRecord) -> Void = { _ in }) -> RunView {
    var made = MadeUpRun(seed: 1)
    made.samples = 2000
    made.waits = ["block"]
    made.loads = Self.loads
    var run = made.make()
    for index in run.trials.indices where run.trials[index].identity.pattern == "paced" {
      change(&run.trials[index])
    }
    return RunView(run, ownCost: "null")
  }

  private func knee(_ view: RunView) throws -> Knee? {
    Knee(try #require(view.series("paced").first { $0.identity.mechanism == "pipe" }), size: 64)
  }

  /// Scales the time that messages wait at some loads.
  private func delayed(_ record: inout TrialRecord, by factor: Double) {
    for index in record.histograms.indices where record.histograms[index].name == "latency_response" {
      let name = record.histograms[index].name
      let values = record.histograms[index].values.map { _ in UInt64(1000 * factor) }
      record.histograms[index] = StoredHistogram(
        name: name, values: [values[0]], counts: [record.histograms[index].totalCount], minimum: values[0],
        maximum: values[0], sum: Double(values[0]))
    }
  }

  @Test("the last load before the response time grows tenfold")
  func theResponseTimeDecides() throws {
    let knee = try #require(
      try knee(view { delayed(&$0, by: ($0.identity.rateTargetPerSecond ?? 0) > 1e5 ? 10.2 : 1) }))
    #expect(knee.carried.identity.rateTargetPerSecond == 1e5)
    #expect(knee.notCarried?.identity.rateTargetPerSecond == 1e6)
    #expect(knee.load == "100 k/s")
  }

  @Test("a load of which less than 99 % arrive is not carried, and no higher one either")
  func whatDoesNotArriveDecides() throws {
    let view = view { record in
      delayed(&record, by: 1)
      guard let load = record.identity.rateTargetPerSecond, load == 1e4 else { return }
      for index in record.measures.indices where record.measures[index].metric == "achieved_rate" {
        record.measures[index].value = 0.98 * load
      }
    }
    let knee = try #require(try knee(view))
    #expect(knee.carried.identity.rateTargetPerSecond == 1e3)
  }

  @Test("where all loads are carried the knee lies beyond them")
  func theKneeMayLieBeyond() throws {
    let knee = try #require(try knee(view { delayed(&$0, by: 1) }))
    #expect(knee.notCarried == nil && knee.load == "≥ 10 M/s")
  }

  @Test("a sweep has a table of its own, few loads have none")
  func aSweepHasATable() throws {
    let table = try #require(view().saturation("paced", size: 64))
    #expect(table.rows.count == view().series("paced").count)
    var made = MadeUpRun(seed: 1)
    made.samples = 500
    made.loads = [1e4, 5e4]
    #expect(RunView(made.make(), ownCost: "null").saturation("paced", size: 64) == nil)
  }
}
