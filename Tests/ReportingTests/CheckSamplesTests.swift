import Foundation
import Testing

@testable import Reporting

/// Hands every made-up check to the programs that read such files: Tests/e2e/run asks for them and runs
/// Tests/e2e/verify-check.py on what is written.
@Suite struct CheckSamplesTests {
  private static let folder = ProcessInfo.processInfo.environment["IPCBENCH_CHECK_SAMPLES"]

  @Test(.enabled(if: folder != nil, "IPCBENCH_CHECK_SAMPLES names no folder"))
  func everyMadeUpCheckIsWrittenWhereItIsAskedFor() throws {
    let folder = URL(fileURLWithPath: try #require(Self.folder))
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, outcome) in MadeUpCheck.every {
      let file = folder.appendingPathComponent(name)
      try Data(checkJSON(outcome).utf8).write(to: file.appendingPathExtension("json"))
      try Data(checkJUnit(outcome).utf8).write(to: file.appendingPathExtension("xml"))
      try Data(checkMarkdown(outcome).utf8).write(to: file.appendingPathExtension("md"))
    }
    let written = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(written.count >= 3 * MadeUpCheck.every.count)
  }
}
