import TestSupport
import Testing

/// What mechanisms with daemons promise beyond the contract of `Transport`, and the daemons
/// themselves: each check of ServiceChecker is a claim, which runs in a process of its own on daemons of its own.
struct ServiceTests {
  static let checks: [String] =
    (try? Programs.run("ServiceChecker", []))?.output.split(separator: "\n").map(String.init) ?? []

  @Test func thereAreChecks() { #expect(Self.checks.count > 50) }

  @Test(arguments: checks)
  func holds(_ check: String) throws {
    let result = try Programs.run("ServiceChecker", [check])
    if result.exitCode == 77 {
      print("'\(check)' skipped: \(result.output)")
      return
    }
    #expect(result.exitCode == 0, "\(check): \(result.output)\(result.errors)")
  }
}
