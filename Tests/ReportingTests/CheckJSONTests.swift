import Comparing
import Foundation
import Results
import Testing

@testable import Reporting

/// That the JSON follows its schema is checked by Tests/e2e/verify-check.py, on all of these checks.
@Suite struct CheckJSONTests {
  private func object(_ outcome: CheckOutcome) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(checkJSON(outcome).utf8)) as? [String: Any])
  }

  private func cases(_ outcome: CheckOutcome) throws -> [[String: Any]] {
    try #require(try object(outcome)["cases"] as? [[String: Any]])
  }

  private func schema(_ name: String) throws -> [String: Any] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("results/schema")
    let data = try Data(contentsOf: folder.appendingPathComponent(name))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test func numbersArePlainAndTheAnswerIsAWord() throws {
    let check = try object(MadeUpCheck.outcome([MadeUpCheck.worse]))
    #expect(check["answer"] as? String == "regression")
    #expect(check["design"] as? String == "pairs")
    #expect((check["criteria"] as? [String: Any])?["threshold"] as? Double == 0.05)
    let metrics = try #require(
      try cases(MadeUpCheck.outcome([MadeUpCheck.worse]))[0]["metrics"] as? [[String: Any]])
    #expect(metrics.map { $0["metric"] as? String } == MadeUpCheck.worse.metrics.map(\.metric.name))
    #expect(metrics.map { $0["verdict"] as? String } == ["regression", "unchanged", nil, nil])
    let second = try #require(metrics[0]["second"] as? [String: Any])
    #expect(second["ratio"] as? Double == 1.118)
    #expect(second["count"] as? Int == 24)
    #expect(second["p_value"] as? Double == 0.00001)
    #expect(metrics[2]["second"] == nil)
  }

  @Test func whatIsNotFiniteIsNullAndWhatDoesNotExistIsAbsent() throws {
    let metrics = try #require(
      try cases(MadeUpCheck.outcome([MadeUpCheck.tooFew]))[0]["metrics"] as? [[String: Any]])
    let first = try #require(metrics[0]["first"] as? [String: Any])
    #expect(first["upper"] is NSNull && first["smallest_detectable_change"] is NSNull)
    #expect(first["lower"] as? Double == 0)
    let stored = try object(MadeUpCheck.storedSessions)
    #expect(stored["design"] as? String == "stored_sessions")
    #expect(!checkJSON(MadeUpCheck.storedSessions).contains("p_value"))
    let empty = try object(MadeUpCheck.outcome([]))
    #expect(empty["design"] == nil && empty["answer"] as? String == "inconclusive")
  }

  @Test func aNumberThatIsNoneIsNullToo() throws {
    var check = MadeUpCheck.unchanged
    check.metrics[0].first.ratio = .nan
    #expect(checkJSON(MadeUpCheck.outcome([check])).contains("\"ratio\" : null"))
  }

  @Test func casesAreCountedByVerdictAndStatus() throws {
    let counts = try #require(try object(MadeUpCheck.all)["counts"] as? [String: Int])
    #expect(
      counts == [
        "cases": 9, "regression": 1, "improvement": 1, "unchanged": 1, "inconclusive": 4, "failed": 1,
        "skipped": 1,
      ])
  }

  @Test func casesAreInTheOrderOfAllResults() throws {
    let mechanisms = try cases(MadeUpCheck.all).map {
      ($0["case"] as? [String: Any])?["mechanism"] as? String
    }
    #expect(mechanisms == MadeUpCheck.all.cases.map(\.identity).sorted().map(\.mechanism))
  }

  @Test func everyFieldIsInTheSchemaAndNoOther() throws {
    let schema = try schema("check.schema.json")
    let parts = try #require(schema["$defs"] as? [String: [String: Any]])
    func properties(_ part: [String: Any]?) throws -> Set<String> {
      Set(try #require(part?["properties"] as? [String: Any]).keys)
    }
    let check = try object(MadeUpCheck.all)
    #expect(try properties(schema) == Set(check.keys))
    #expect(try properties(parts["criteria"]) == Set(try #require(check["criteria"] as? [String: Any]).keys))
    let worse = try #require(try cases(MadeUpCheck.all).first { $0["verdict"] as? String == "regression" })
    #expect(try properties(parts["checked_case"]) == Set(worse.keys))
    let metric = try #require((worse["metrics"] as? [[String: Any]])?.first)
    #expect(try properties(parts["metric"]) == Set(metric.keys))
    #expect(try properties(parts["stage"]) == Set(try #require(metric["first"] as? [String: Any]).keys))
    let trial = try #require(try self.schema("trial.schema.json")["$defs"] as? [String: NSDictionary])
    #expect(parts["case"].map { NSDictionary(dictionary: $0) } == trial["case"])
  }
}
