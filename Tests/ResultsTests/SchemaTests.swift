import Foundation
import Testing

@testable import Results

/// What is documented in results/schema/ and what is written must not drift apart. That the files themselves
/// follow the schemas is checked by Tests/e2e/validate-schemas.py.
@Suite struct SchemaTests {
  private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("results/schema")

  private func schema(_ name: String) throws -> [String: Any] {
    let data = try Data(contentsOf: folder.appendingPathComponent(name))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func keys(_ value: some Encodable) throws -> Set<String> {
    let object = try JSONSerialization.jsonObject(with: try ResultsJSON.encode(value))
    return Set(try #require(object as? [String: Any]).keys)
  }

  private func properties(_ schema: [String: Any]) throws -> Set<String> {
    Set(try #require(schema["properties"] as? [String: Any]).keys)
  }

  /// The first column of the table under a heading of the README.
  private func documentedColumns(_ heading: String) throws -> [String] {
    let text = try String(contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)
    let section = try #require(text.components(separatedBy: "### \(heading)\n").dropFirst().first)
    return section.components(separatedBy: "\n### ")[0].split(separator: "\n").compactMap { line in
      line.hasPrefix("| `") ? line.split(separator: "`").dropFirst().first.map(String.init) : nil
    }
  }

  @Test func theColumnsAreDocumentedInTheirOrder() throws {
    #expect(try documentedColumns("results.csv") == TidyRow.columns)
    #expect(try documentedColumns("summary.csv") == ResultsCSV.fixedSummaryColumns)
  }

  @Test func everyFieldOfARecordIsInItsSchema() throws {
    var record = Sample.record(histograms: [Sample.histogram([1])])
    record.pairIndex = 1
    let schema = try schema("trial.schema.json")
    #expect(try properties(schema) == keys(record))
    let parts = try #require(schema["$defs"] as? [String: [String: Any]])
    #expect(try properties(parts["case"]!) == keys(Sample.identity(rate: 1)))
    #expect(try properties(parts["histogram"]!) == keys(record.histograms[0]))
    let measure = Measure("m", 1, unit: "ns", better: .lower, samples: 1, reason: "r")
    #expect(try properties(parts["measure"]!) == keys(measure))
  }

  @Test func everyFieldOfAPlanAndAnEnvironmentIsInItsSchema() throws {
    #expect(try properties(schema("plan.schema.json")) == keys(Sample.plan()))
    #expect(try properties(schema("environment.schema.json")) == keys(Sample.environment()))
  }

  @Test func aCaseIsDescribedAlikeInBothSchemas() throws {
    let cases = try ["trial.schema.json", "plan.schema.json"].map { name in
      try #require(try schema(name)["$defs"] as? [String: NSDictionary])["case"]
    }
    #expect(cases[0] != nil && cases[0] == cases[1])
  }

  @Test func theSchemasAreThoseOfTheCurrentVersions() throws {
    for (name, version) in [
      ("trial", TrialRecord.currentSchemaVersion), ("plan", RunPlan.currentSchemaVersion),
      ("environment", Environment.currentSchemaVersion),
    ] {
      let properties = try #require(try schema("\(name).schema.json")["properties"] as? [String: Any])
      #expect((properties["schema_version"] as? [String: Int])?["const"] == version, "\(name)")
    }
  }
}
