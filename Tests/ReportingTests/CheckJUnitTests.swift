import Comparing
import Foundation
import FoundationXML
import Results
import Testing

@testable import Reporting

/// That its consumers' reader understands it is checked by Tests/e2e/verify-check.py, on all of these checks.
@Suite struct CheckJUnitTests {
  private func parse(_ outcome: CheckOutcome) throws -> Element {
    let reader = Reader()
    let parser = XMLParser(data: Data(checkJUnit(outcome).utf8))
    parser.delegate = reader
    let isWellFormed = parser.parse()
    #expect(isWellFormed, "\(parser.parserError.map { "\($0)" } ?? "")")
    return try #require(reader.root)
  }

  private func cases(_ outcome: CheckOutcome) throws -> [Element] {
    try #require(try parse(outcome).children.first).children.filter { $0.name == "testcase" }
  }

  @Test func everyCaseIsATestCaseAndTheTotalsAreTheirs() throws {
    let root = try parse(MadeUpCheck.all)
    #expect(root.name == "testsuites")
    let suite = try #require(root.children.first)
    #expect(root.children.count == 1 && suite.name == "testsuite")
    #expect(
      suite.attributes
        == ["name": "ipcbench check", "tests": "9", "failures": "1", "errors": "1", "skipped": "5"])
    let results = try cases(MadeUpCheck.all).flatMap(\.children).map(\.name)
    #expect(
      results.filter { $0 != "system-out" }.sorted()
        == ["error", "failure", "skipped", "skipped", "skipped", "skipped", "skipped"])
  }

  @Test func aRegressionIsAFailureWithTheNumbersOfBothStages() throws {
    let failure = try #require(try cases(MadeUpCheck.outcome([MadeUpCheck.worse]))[0].children.first)
    #expect(failure.name == "failure")
    #expect(failure.attributes == ["type": "regression", "message": "worse: p50 +11.8 % (10.0 to 13.6 %)"])
    let lines = failure.text.split(separator: "\n").map(String.init)
    #expect(
      Array(lines.prefix(4)) == [
        "worse: p50 +11.8 % (10.0 to 13.6 %)", "p50: regression",
        "  stage 1: 9.20 → 10.2 µs, +11.2 % (9.2 to 13.2 %), 12 pairs, p = 0.0005, changes seen from 3.0 %",
        "  stage 2: 9.20 → 10.3 µs, +11.8 % (10.0 to 13.6 %), 24 pairs, p <0.0001, changes seen from 1.8 %",
      ])
    #expect(lines.contains { $0.hasPrefix("p99: not judged; 15.0 → 19.6 µs") })
  }

  @Test func whatCouldNotTellIsSkippedAndSaysThatItIsInconclusive() throws {
    let noisy = try #require(try cases(MadeUpCheck.outcome([MadeUpCheck.lessNoisy]))[0].children.first)
    #expect(noisy.name == "skipped")
    #expect(
      noisy.attributes["message"]
        == "inconclusive: CPU/msg: 12 pairs as noisy as these show changes from 7.1 % on only.")
    let stolen = try #require(try cases(MadeUpCheck.outcome([MadeUpCheck.stolen]))[0].children.first)
    #expect(stolen.attributes["message"]?.hasPrefix("inconclusive: the host gave 3.1 %") == true)
    let few = try #require(try cases(MadeUpCheck.outcome([MadeUpCheck.tooFew]))[0].children.first)
    #expect(few.text.hasSuffix("9.20 → 9.38 µs, +2.0 %, 6 pairs, p = 0.60, no change could be seen"))
  }

  @Test func failedIsAnErrorAndSkippedIsSkipped() throws {
    let found = try cases(MadeUpCheck.outcome([MadeUpCheck.failed, MadeUpCheck.skipped])).flatMap(\.children)
    #expect(found.map(\.name) == ["skipped", "error"])
    #expect(found[1].attributes["message"] == "The candidate failed: message 17 was corrupted.")
    #expect(found.map(\.text) == found.map { $0.attributes["message"] })
  }

  @Test func whatPassedHasItsNumbersTooAndOneWithoutAnyIsEmpty() throws {
    let passed = try cases(MadeUpCheck.outcome([MadeUpCheck.better]))[0]
    #expect(passed.children.map(\.name) == ["system-out"])
    #expect(passed.children[0].text.hasPrefix("p50: improvement; 10.9 → 8.94 µs, −18.0 %"))
    let stored = try #require(try cases(MadeUpCheck.storedSessions)[0].children.first)
    #expect(stored.text.contains("(stored sessions lie between −9.0 % and +10.0 %), 8 stored sessions, "))
    #expect(!stored.text.contains("p ="))
  }

  @Test func namesStayTheSameWhateverElseIsChecked() throws {
    var other = MadeUpCheck.unchanged
    other.identity = MadeUpCheck.identity("tcp", placement: "same-core", attach: "name", size: 65_536)
    (other.identity.scope, other.identity.consumers, other.identity.touch) = ("network", 2, "header")
    var paced = MadeUpCheck.unchanged
    paced.identity = MadeUpCheck.identity("pipe", pattern: "paced", rate: 0.5)
    for neighbours in [[], [MadeUpCheck.worse]] {
      let found = try cases(MadeUpCheck.outcome([other, paced] + neighbours)).map(\.attributes)
      #expect(
        found.contains([
          "classname": "ipcbench.round-trip/block/same-core/name/network/1-to-2/touch-header",
          "name": "tcp 65536 B",
        ]))
      #expect(
        found.contains(["classname": "ipcbench.paced/block/same-l3/inherit", "name": "pipe 64 B 0.5/s"]))
    }
  }

  @Test func theCriteriaAreProperties() throws {
    let suite = try #require(try parse(MadeUpCheck.all).children.first)
    let properties = try #require(suite.children.first { $0.name == "properties" }).children.map(\.attributes)
    for (name, value) in [
      ("answer", "regression"), ("baseline", "main (1a2b3c4d)"), ("threshold", "0.05"), ("pairs", "12"),
      ("confirmation_alpha", "0.001"),
      ("note_1", "The two programs differ in their compiler: 6.3.0 and 6.3.1."),
    ] { #expect(properties.contains(["name": name, "value": value])) }
  }

  @Test(arguments: MadeUpCheck.every.map(\.name))
  func itIsWellFormedHasUniqueNamesAndNoTimes(_ name: String) throws {
    let outcome = try #require(MadeUpCheck.every.first { $0.name == name }).outcome
    let found = try cases(outcome)
    #expect(found.count == outcome.cases.count)
    #expect(Set(found.map(\.attributes)).count == found.count)
    #expect(found.allSatisfy { $0.attributes["time"] == nil })
    #expect(
      !checkJUnit(outcome).unicodeScalars.contains {
        $0 != "\n" && ($0.properties.generalCategory == .control || $0.value == 0xFFFF)
      })
  }
}

/// An element as it was read.
private final class Element {
  let name: String
  let attributes: [String: String]
  var children: [Element] = []
  var text = ""

  init(_ name: String, _ attributes: [String: String]) { (self.name, self.attributes) = (name, attributes) }
}

private final class Reader: NSObject, XMLParserDelegate {
  var root: Element?
  private var open: [Element] = []

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    let element = Element(name, attributes)
    open.last?.children.append(element)
    if root == nil { root = element }
    open.append(element)
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) { open.removeLast() }

  func parser(_ parser: XMLParser, foundCharacters text: String) { open.last?.text += text }
}
