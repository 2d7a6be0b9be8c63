import Foundation
import TestSupport
import Testing

/// A machine of files, whose settings are changed and put back.
struct DoctorTests {
  private let machine: URL

  init() throws {
    machine = try temporaryDirectory()
    for cpu in 0...1 { try write("schedutil\n", "sys/devices/system/cpu/cpu\(cpu)/cpufreq/scaling_governor") }
    try write("0-1\n", "sys/devices/system/cpu/online")
    try write("[always] madvise never\n", "sys/kernel/mm/transparent_hugepage/enabled")
    try write("HugePages_Total: 2\nHugePages_Free: 0\n", "proc/meminfo")
    try write("2\n", "proc/sys/vm/nr_hugepages")
  }

  private func write(_ text: String, _ path: String) throws {
    let url = machine.appendingPathComponent(path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: url, atomically: true, encoding: .utf8)
  }

  private static let governor = "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor"

  private func read(_ path: String) throws -> String {
    try String(contentsOf: machine.appendingPathComponent(path), encoding: .utf8).trimmingCharacters(
      in: .whitespacesAndNewlines)
  }

  private func arguments(_ rest: String...) -> [String] {
    ["doctor", "--apply", "--root", machine.path] + rest
  }

  @Test func settingsHoldWhileTheCommandRunsAndItsExitCodeIsKept() throws {
    let script = "cd \(machine.path); cat \(Self.governor) proc/sys/vm/nr_hugepages; exit 7"
    let result = try Programs.run("ipcbench", arguments("--", "sh", "-c", script))
    #expect(result.exitCode == 7)
    #expect(result.output == "performance\n66\n")
    #expect(result.errors.contains("governor: performance on 2 CPUs, was schedutil"), "\(result.errors)")
    #expect(result.errors.contains("transparent huge pages: madvise, was always"))
    #expect(result.errors.hasSuffix("Everything was put back.\n"))
    #expect(try read(Self.governor) == "schedutil" && read("proc/sys/vm/nr_hugepages") == "2")
    #expect(try read("sys/kernel/mm/transparent_hugepage/enabled") == "always")
  }

  @Test func onlyWhatIsNamedIsSet() throws {
    let script = "cd \(machine.path); cat \(Self.governor) proc/sys/vm/nr_hugepages"
    let result = try Programs.run("ipcbench", arguments("--only", "huge pages", "--", "sh", "-c", script))
    #expect(result.exitCode == 0 && result.output == "schedutil\n66\n")
    let unknown = try Programs.run("ipcbench", arguments("--only", "gouvernor"))
    #expect(unknown.exitCode == 64 && unknown.errors.contains("did you mean 'governor'"))
  }

  @Test func withoutACommandItHoldsUntilItIsStopped() throws {
    let program = try Programs.start("ipcbench", arguments())
    #expect(eventually(within: 20) { try! read(Self.governor) == "performance" })
    program.signal(SIGINT)
    #expect(program.wait().exitCode == 0)
    #expect(try read(Self.governor) == "schedutil")
  }

  @Test func whatAKilledOneHasSetTheNextRunPutsBack() throws {
    let program = try Programs.start("ipcbench", arguments())
    #expect(eventually(within: 20) { try! read("proc/sys/vm/nr_hugepages") == "66" })
    program.signal(SIGKILL)
    _ = program.wait()
    #expect(try read(Self.governor) == "performance")
    let workspace = try Workspace()
    let next = try workspace.run("-m null --trials 1 --messages 50 --quiet")
    #expect(next.exitCode == 0, "\(next.errors)")
    #expect(try read(Self.governor) == "schedutil" && read("proc/sys/vm/nr_hugepages") == "2")
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test func whatCannotBeSetIsSaidAndNothingIsLeft() throws {
    let path = machine.appendingPathComponent("proc/sys/vm/nr_hugepages")
    try FileManager.default.removeItem(at: path)
    try FileManager.default.createDirectory(at: path, withIntermediateDirectories: false)
    let result = try Programs.run("ipcbench", arguments("--", "cat", machine.path + "/" + Self.governor))
    #expect(result.exitCode == 0 && result.output == "performance\n")
    #expect(result.errors.contains("huge pages was not set:"), "\(result.errors)")
    let nothing = try Programs.run("ipcbench", arguments("--only", "huge pages", "--", "true"))
    #expect(nothing.exitCode == 1 && nothing.errors.contains("run it as root"), "\(nothing.errors)")
    let missing = try Programs.run("ipcbench", arguments("--", "/no/such/program"))
    #expect(missing.exitCode == 127)
    #expect(try read(Self.governor) == "schedutil")
    #expect(Traces.all.isEmpty, "\(Traces.all)")
  }

  @Test func aCommandWithoutApplyIsAUsageError() throws {
    let result = try Programs.run("ipcbench", ["doctor", "--", "true"])
    #expect(result.exitCode == 64 && result.errors.contains("--apply"))
  }
}
