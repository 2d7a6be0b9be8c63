import Foundation
import TestSupport
import Testing

/// What the command says to a request that cannot be met: one sentence, the documented exit code, no files.
struct UsageTests {
  private func run(_ arguments: String) throws -> ProgramResult {
    try Programs.run("ipcbench", arguments.split(separator: " ").map(String.init))
  }

  @Test(arguments: [
    ("run -m pip", "did you mean 'pipe'"), ("run -m shared-memory:posx", "'shared-memory:posix'"),
    ("run -m pipe -s 0", "at least 1 byte"), ("run -m pipe -s 1GiB", "at most 256MiB"),
    ("run -m pipe --pin 0,999", "no CPU 999"), ("run -m pipe -p paced", "--rate"),
    ("run -m pipe -p stream --batch 257", "--batch"), ("run -m sysv-mq -p stream --batch 4", "no batches"),
    ("run -m pipe --memory node:9", "no NUMA node 9"), ("run --suite quik", "did you mean 'quick'"),
    ("run --suite missing.json", "Cannot read the suite file"),
    ("run -m pipe --wait block --attach name", "inherit"),
    ("run -m pipe --trials 0", "at least 1"), ("run -m pipe -s 4XB", "-s"), ("run -m pipe --pin 0", "--pin"),
    ("run -m pipe --duration 5", "--duration"), ("list --format csv", "text, json or md"),
    ("frobnicate", "frobnicate"),
  ])
  func anImpossibleRequestIsAUsageErrorThatSaysWhy(arguments: String, words: String) throws {
    let result = try run(arguments)
    #expect(result.exitCode == 64, "\(result.errors)")
    #expect(result.errors.contains(words), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  @Test func aDirectoryThatCannotBeWrittenIsNamed() throws {
    let result = try run("run -m pipe --trials 1 --messages 10 --out /proc/nowhere --quiet")
    #expect(result.exitCode == 1)
    #expect(result.errors.contains("/proc/nowhere"), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
  }

  @Test func aMissingRunIsNamed() throws {
    let result = try run("report results/there-is-no-such-run")
    #expect(result.exitCode == 1)
    #expect(result.errors.contains("there-is-no-such-run"))
  }

  @Test func helpAndVersionAreNoErrors() throws {
    #expect(try run("--help").exitCode == 0)
    #expect(try run("--version").exitCode == 0)
    #expect(try run("--help").output.contains("Exit codes"))
  }

  @Test func theListShowsEveryMechanismInEveryFormat() throws {
    let text = try run("list")
    let markdown = try run("list --format md")
    let json = try JSONSerialization.jsonObject(with: Data(try run("list --format json").output.utf8))
    let rows = try #require((json as? [String: Any])?["mechanisms"] as? [[String: Any]])
    for row in rows {
      let id = try #require(row["id"] as? String)
      #expect(text.output.contains(id) && markdown.output.contains(id))
    }
  }

  @Test func everyMechanismOfTheListIsExplained() throws {
    let json = try JSONSerialization.jsonObject(with: Data(try run("list --format json").output.utf8))
    let rows = try #require((json as? [String: Any])?["mechanisms"] as? [[String: Any]])
    for id in Set(rows.compactMap { $0["id"] as? String }) {
      for format in ["text", "md"] {
        let result = try run("explain \(id) --format \(format)")
        #expect(result.exitCode == 0)
        #expect(result.output.contains("Use it when") && result.output.contains("Limits"), "\(id)")
        let isWide = result.output.split(separator: "\n").contains { $0.count > 100 && !$0.contains(". ") }
        #expect(format == "md" || !isWide, "\(id)")
      }
    }
  }

  @Test func explainingAnUnknownMechanismNamesTheNearest() throws {
    let result = try run("explain pip")
    #expect(result.exitCode == 64)
    #expect(result.errors.contains("'pipe'"))
  }

  @Test func theReadmeHasTheTableOfTheList() throws {
    let readme = try String(
      contentsOf: Programs.packageRoot.appendingPathComponent("README.md"), encoding: .utf8)
    let table = try run("list --format md").output
    #expect(readme.contains(table), "paste the output of 'ipcbench list --format md' into README.md")
  }

  @Test func doctorGivesAnEffectForWhatItFinds() throws {
    let result = try run("doctor --format json")
    #expect(result.exitCode == 0)
    #expect(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) is [Any])
  }

  @Test func questionsAreListedAndUnknownOnesRefused() throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    let nothing = try Programs.run("ipcbench", ["answer", "4"], in: directory)
    #expect(nothing.exitCode == 5 && nothing.errors.contains("make bench"), "\(nothing.errors)")
    let unknown = try run("answer 99")
    #expect(unknown.exitCode == 64 && unknown.errors.contains("from 1 to 13"), "\(unknown.errors)")
    let measured = try Programs.run(
      "ipcbench",
      [
        "run", "-m", "unix-stream,tcp", "-s", "64", "--wait", "block", "--trials", "2", "--duration", "20ms",
        "--quiet",
        "--out", "results",
      ], in: directory)
    #expect(measured.exitCode == 0, "\(measured.errors)")
    let answered = try Programs.run("ipcbench", ["answer", "4"], in: directory)
    #expect(
      answered.exitCode == 0 && answered.output.contains("round trip p50"),
      "\(answered.output)\(answered.errors)")
    let missing = try Programs.run("ipcbench", ["answer", "9", "results/latest"], in: directory)
    #expect(missing.exitCode == 5 && missing.errors.contains("fan-in"), "\(missing.errors)")
    let list = try Programs.run("ipcbench", ["answer"], in: directory)
    #expect(list.output.contains("Unix socket or TCP?") && list.output.contains("not in these results"))
  }

  @Test func aDryRunMeasuresNothing() throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    let result = try Programs.run(
      "ipcbench", ["run", "-m", "pipe", "--dry-run", "--out", directory.path])
    #expect(result.output.contains("1 cases, 3 trials"), "\(result.output)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }
}
