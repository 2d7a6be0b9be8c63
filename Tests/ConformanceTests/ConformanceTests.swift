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
    // What delivers nothing to another process has nothing to keep.
    guard entry.mechanism.traits.deliversAcrossProcesses else { return [] }
    let variants = entry.mechanism.variants.map { ":\($0.name)" }
    return (variants.isEmpty ? [""] : variants).flatMap { variant in
      entry.forms.flatMap { form in
        entry.mechanism.traits.attach.map { attach in
          Subject(id: entry.mechanism.id + variant, wait: form.wait, attach: attach)
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
    #expect(result.output.split(separator: "\n").count { $0.hasPrefix("ok ") } == 10)
  }
}
