import Testing

@testable import Results

@Suite struct CaseFilterTests {
  private let cases = [
    Sample.identity("pipe"), Sample.identity("pipe", bytes: 4_096),
    Sample.identity("shared-memory", variant: "posix"),
    Sample.identity("shared-memory", variant: "sysv"),
    Sample.identity("udp", pattern: "paced", rate: 10_000),
    Sample.identity("pipe", pattern: "stream"),
    Sample.identity("tcp"), Sample.identity("tcp", variant: "zerocopy", touch: "header"),
  ]

  private func chosen(_ terms: String...) throws -> [Int] {
    let filter = try CaseFilter(terms)
    return cases.indices.filter { filter.includes(cases[$0]) }
  }

  @Test func noTermsChooseEverything() throws {
    #expect(try chosen() == Array(cases.indices))
    #expect(cases.allSatisfy(CaseFilter().includes))
  }

  @Test func aMechanismIsChosenInAllItsVariantsOrInOne() throws {
    #expect(try chosen("mechanism:shared-memory") == [2, 3])
    #expect(try chosen("mechanism:shared-memory:*") == [2, 3])
    #expect(try chosen("mechanism:shared-memory:posix") == [2])
    #expect(try chosen("mechanism:shared-memory:posix,udp") == [2, 4])
    #expect(try chosen("variant:sysv,posix") == [2, 3])
    #expect(try chosen("mechanism:tcp", "variant:") == [6])
    #expect(try chosen("mechanism:shared") == [])
  }

  @Test func sizesAndRatesAreChosenAsTheyAreTyped() throws {
    #expect(try chosen("size:4KiB") == [1])
    #expect(try chosen("size:4096") == [1])
    #expect(try chosen("size:4k,8") == [1])
    #expect(try chosen("rate:10k") == [4])
    #expect(try chosen("rate:10000/s") == [4])
    #expect(try chosen("rate:!10k") == [0, 1, 2, 3, 5, 6, 7])
  }

  @Test func severalTermsMustAllHoldAndOfSeveralValuesOne() throws {
    #expect(try chosen("mechanism:pipe", "size:64") == [0, 5])
    #expect(try chosen("mechanism:pipe,tcp", "pattern:!stream", "touch:all") == [0, 1, 6])
    #expect(try chosen("mechanism:shared-memory,!shared-memory:sysv") == [2])
    #expect(try chosen("mechanism:!pipe,!tcp") == [2, 3, 4])
  }

  @Test(arguments: [
    "wait:block", "placement:same-l3", "attach:inherit", "scope:host", "producers:1", "consumers:1",
  ])
  func everyKeyOfACaseCanBeAskedFor(term: String) throws {
    #expect(try chosen(term).count == cases.count)
    #expect(try chosen(term.replacing(":", with: ":!")).isEmpty)
  }

  @Test(arguments: [
    ("mechanisms:pipe", "did you mean 'mechanism'?"), ("sise:64", "did you mean 'size'?"),
    ("pipe", "write it as key:value, such as mechanism:pipe"), ("", "key:value"),
    (
      "mechanisms:pipe",
      "mechanism, variant, pattern, wait, placement, attach, scope, size, rate, producers"
    ),
    ("size:big", "'big' in 'size:big' is not a value of 'size': write it like 64 or 4KiB"),
    ("size:", "'' in 'size:' is not a value"), ("size:64,", "'' in 'size:64,'"),
    ("rate:-5", "'-5' in 'rate:-5'"),
    ("producers:0", "'0' in 'producers:0'"), ("mechanism:", "write it like pipe"),
    ("wait:!", "'' in 'wait:!'"),
  ])
  func aTermThatCannotBeIsASentenceThatNamesIt(term: String, expected: String) {
    let error = #expect(throws: CaseFilterError.self) { try CaseFilter([term]) }
    #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    #expect(error?.description.hasSuffix(".") == true)
  }

  @Test func whyNothingIsChosenIsSaid() throws {
    #expect(try CaseFilter(["size:64"]).whyNone(of: cases) == nil)
    #expect(
      try CaseFilter(["mechanism:pype"]).whyNone(of: cases)?.description
        == "No case meets 'mechanism:pype'; of 'mechanism' there is pipe, shared-memory:posix, shared-memory:sysv, "
        + "tcp, tcp:zerocopy, udp.")
    #expect(
      try CaseFilter(["size:8"]).whyNone(of: cases)?.description
        == "No case meets 'size:8'; of 'size' there is 64, 4096.")
    #expect(
      try CaseFilter(["mechanism:udp", "size:4KiB"]).whyNone(of: cases)?.description
        == "No case meets 'mechanism:udp' and 'size:4KiB' at once: leave one of them out.")
  }
}
