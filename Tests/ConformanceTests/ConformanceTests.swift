import IPCTransport
import LinuxIPC
import Measurement
import Mechanisms
import TestSupport
import Testing

/// Every form of every registered mechanism keeps the contract of `Transport`. A mechanism that is registered is
/// tested: nothing here names one.
struct ConformanceTests {
  struct Subject: CustomTestStringConvertible, Sendable {
    var id: String
    var wait: WaitKind
    var attach: Attach
    var testDescription: String { "\(id) \(wait.rawValue) \(attach.rawValue)" }
  }

  static let subjects: [Subject] = Registry.entries.flatMap { entry -> [Subject] in
    let mechanism = entry.mechanism
    return mechanism.variantNames.flatMap { variant -> [Subject] in
      let traits = mechanism.traits(of: variant)
      // What delivers nothing to another process has nothing to keep.
      guard traits.deliversAcrossProcesses else { return [] }
      return entry.forms(of: variant).flatMap { form in
        // One exchange behind three calls: how it came by its descriptors is tested with the other forms.
        (form.wait.isMultiplexed ? Array(traits.attach.prefix(1)) : traits.attach).map {
          Subject(id: mechanism.id(of: variant), wait: form.wait, attach: $0)
        }
      }
    }
  }

  @Test(arguments: subjects)
  func keepsTheContract(_ subject: Subject) throws {
    let result = try Programs.run(
      "ConformanceChecker", [subject.id, subject.wait.rawValue, subject.attach.rawValue])
    if result.exitCode == 77 {
      print("conformance of \(subject.testDescription) skipped: \(result.output)")
      return
    }
    #expect(result.exitCode == 0, "\(result.output)\(result.errors)")
    #expect(result.output.hasSuffix("done\n"))
  }
}
