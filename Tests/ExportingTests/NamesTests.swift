import Results
import Testing

@testable import Exporting

@Suite struct NamesTests {
  @Test func aPlainCaseIsNamedByWhatItIs() {
    let identity = MadeUp.identity("shared-memory", variant: "posix")
    #expect(identity.benchmarkName == "round-trip/shared-memory:posix/64B/block/same-l3/inherit")
    #expect(
      identity.goName
        == "BenchmarkRoundTrip/mechanism=shared-memory:posix/size=64/wait=block/placement=same-l3/"
        + "attach=inherit-2")
  }

  @Test func whatDiffersFromAPlainCaseNamesItself() {
    let identity = CaseIdentity(
      mechanism: "tcp", variant: "", pattern: "paced-poisson:header", wait: "spin", placement: "unpinned",
      attach: "name", scope: "network", producers: 3, consumers: 1, messageBytes: 1024,
      rateTargetPerSecond: 12_500.5, touch: "header")
    #expect(
      identity.benchmarkName
        == "paced-poisson:header/tcp/1024B/spin/unpinned/name/scope:network/shape:3to1/rate:12500.5/touch:header"
    )
    #expect(
      identity.goName
        == "BenchmarkPacedPoisson/kind=header/mechanism=tcp/size=1024/wait=spin/placement=unpinned/attach=name"
        + "/scope=network/shape=3to1/rate=12500.5/touch=header-4")
  }

  /// Every field takes part, whatever somebody else's file has in it.
  @Test func differentCasesHaveDifferentNamesWithoutSeparators() {
    let words = ["a", "a-b", "aB", "a b", "a/b", "a,b", "a=b", "a%2Fb", "a:b", "é", "", "a-1", "a1", "x\ny"]
    var identities: Set<CaseIdentity> = [MadeUp.identity()]
    for word in words {
      for field in [
        \CaseIdentity.mechanism, \.variant, \.pattern, \.wait, \.placement, \.attach, \.scope, \.touch,
      ] {
        var identity = MadeUp.identity("a")
        identity[keyPath: field] = word
        identities.insert(identity)
      }
    }
    for number in [2, 12] {
      var identity = MadeUp.identity()
      identity.producers = number
      identities.insert(identity)
      identity = MadeUp.identity()
      identity.consumers = number
      identities.insert(identity)
      identities.insert(MadeUp.identity(bytes: number))
      identities.insert(MadeUp.identity(rate: Double(number)))
    }
    for names in [identities.map(\.benchmarkName), identities.map(\.goName)] {
      #expect(Set(names).count == identities.count)
      #expect(names.allSatisfy { !$0.contains { $0.isWhitespace || $0 == "," || !$0.isASCII } })
    }
    // The mechanism with its variant is one word, as it is typed; both spellings of it are not confused.
    #expect(MadeUp.identity("a:b").benchmarkName != MadeUp.identity("a", variant: "b").benchmarkName)
  }

  @Test func everyFormatCanBeTypedAndFitsItsLineOfTheHelp() {
    let names = Exports.all.map(\.name)
    #expect(Set(names).count == names.count)
    for format in Exports.all {
      #expect(format.name.allSatisfy { $0.isLowercase || $0 == "-" })
      // Two spaces, the longest name, two spaces, within 80 columns.
      #expect(format.summary.count <= 80 - 2 - names.map(\.count).max()! - 2, "\(format.name)")
    }
  }
}
