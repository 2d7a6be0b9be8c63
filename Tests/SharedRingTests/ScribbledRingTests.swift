import TestSupport
import Testing

struct ScribbledRingTests {
  /// The same program runs under AddressSanitizer in `make test`; here it has the guard pages only.
  @Test func aPeerThatScribblesOverTheWholeRingCannotBreakThisSide() throws {
    let result = try Programs.run("RingScribbler", ["5000"])
    #expect(result.exitCode == 0, "\(result.output)\(result.errors)")
    #expect(result.output.contains("survived"))
  }
}
