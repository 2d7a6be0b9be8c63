import IPCTransport
import Mechanisms
import Testing

/// What is said about mechanisms is complete; nothing here names one.
struct ExplanationTests {
  @Test(arguments: Registry.entries.map(\.mechanism.id))
  func everyMechanismIsExplained(_ id: String) throws {
    let mechanism = try #require(Registry.entries.first { $0.mechanism.id == id }?.mechanism)
    // A mechanism whose every variant has a page leaves the calls to them.
    let pages = mechanism.variants.compactMap(\.explanation)
    let isOnPages = !pages.isEmpty && pages.count == mechanism.variants.count
    try check(mechanism.explanation, of: mechanism, hasSteps: !isOnPages)
    for page in pages { try check(page, of: mechanism, hasSteps: true) }
  }

  private func check(_ explanation: Explanation, of mechanism: Mechanism, hasSteps: Bool) throws {
    #expect(!explanation.text.isEmpty && !explanation.useWhen.isEmpty && !explanation.avoidWhen.isEmpty)
    #expect(!explanation.limits.isEmpty)
    guard hasSteps, mechanism.traits(of: mechanism.variantNames[0]).deliversAcrossProcesses else { return }
    #expect(explanation.producer.count >= 3, "steps of the producer")
    #expect(explanation.consumer.count >= 3, "steps of the consumer")
    #expect(!mechanism.manPages.isEmpty)
  }

  @Test func idsAreUniqueAndKebabCase() {
    let ids = Registry.entries.flatMap { entry in
      entry.mechanism.variantNames.map { entry.mechanism.id(of: $0) }
    }
    #expect(Set(ids).count == ids.count)
    for id in ids { #expect(id.wholeMatch(of: /[a-z0-9-]+(:[a-z0-9-]+)?/) != nil, "\(id)") }
  }

  @Test func aNotificationIsLabelledAndCarriesItsOwnPayloadOnly() {
    for entry in Registry.entries {
      for variant in entry.mechanism.variantNames {
        let traits = entry.mechanism.traits(of: variant)
        guard traits.framing == .notification else { continue }
        #expect(traits.minimumMessageByteCount == traits.maximumMessageByteCount)
        #expect(traits.minimumMessageByteCount <= 8)
      }
    }
  }
}
