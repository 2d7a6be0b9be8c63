import Foundation
import Results
import Testing

@testable import Reporting

@Suite("The doctor")
struct DoctorTests {
  private func finding(_ name: String, _ change: (inout Environment) -> Void) throws -> Doctor.Finding {
    var environment = Environment()
    change(&environment)
    return try #require(Doctor.findings(environment).first { $0.name == name })
  }

  @Test("a machine that says nothing has no warnings and is not called good")
  func nothingKnown() {
    let findings = Doctor.findings(Environment())
    #expect(!findings.contains { $0.state == .warn })
    #expect(findings.count { $0.state == .unknown } > 10)
  }

  @Test("every finding has an effect in whole sentences, and every remedy too")
  func wholeSentences() {
    for environment in [Environment(), MadeUpRun.environment, Self.noisy] {
      for finding in Doctor.findings(environment) {
        #expect(finding.effect.hasSuffix(".") && finding.effect.first?.isUppercase == true)
        #expect(finding.remedy.isEmpty || finding.remedy.hasSuffix("."))
        #expect(finding.state != .warn || !finding.remedy.isEmpty, "\(finding.name) has no remedy")
        #expect(!finding.value.isEmpty)
      }
    }
  }

  @Test("names are unique, so that scripts can refer to them")
  func namesAreUnique() {
    let names = Doctor.findings(Self.noisy).map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test("any governor but performance is a warning with the command that mends it")
  func governor() throws {
    let powersave = try finding("governor") { $0.cpu.governor = "powersave" }
    #expect(
      powersave.state == .warn
        && powersave.command == "cpupower frequency-set -g performance"
    )
    #expect(try finding("governor") { $0.cpu.governor = "performance" }.state == .ok)
    #expect(try finding("governor") { _ in }.state == .unknown)
  }

  @Test("boost is turned off where the driver has its switch")
  func boost() throws {
    let intel = try finding("boost") {
      $0.cpu.boost = true
      $0.cpu.driver = "intel_pstate"
    }
    #expect(intel.command?.contains("no_turbo") == true)
    let other = try finding("boost") {
      $0.cpu.boost = true
      $0.cpu.driver = "acpi-cpufreq"
    }
    #expect(other.command?.hasSuffix("cpufreq/boost") == true)
  }

  @Test("less than two CPUs of quota is a warning, none is fine")
  func quota() throws {
    #expect(try finding("quota") { $0.isolation.quotaCPUs = 1.5 }.state == .warn)
    #expect(try finding("quota") { $0.isolation.quotaCPUs = 2 }.state == .info)
    #expect(try finding("quota") { _ in }.state == .ok)
  }

  @Test("load is judged by the number of CPUs")
  func load() throws {
    #expect(
      try finding("load") {
        $0.load.oneMinute = 2
        $0.cpu.logical = 2
      }.state == .warn)
    #expect(
      try finding("load") {
        $0.load.oneMinute = 2
        $0.cpu.logical = 64
      }.state == .ok)
  }

  @Test("a clock that is slow to read, or not of the processor, is a warning")
  func clock() throws {
    #expect(
      try finding("clock") {
        $0.clock.name = "monotonic"
        $0.clock.readCostNanoseconds = 1200
        $0.clock.source = "hpet"
      }.state == .warn)
    #expect(
      try finding("clock") {
        $0.clock.name = "tsc"
        $0.clock.readCostNanoseconds = 18
        $0.clock.source = "tsc"
      }.state == .ok)
  }

  @Test("an unlimited limit is fine, a low one is worth knowing")
  func limits() throws {
    #expect(try finding("locked memory") { $0.limits.lockedMemory = Environment.Limit(nil) }.state == .ok)
    #expect(try finding("locked memory") { $0.limits.lockedMemory = Environment.Limit(65536) }.state == .info)
  }

  @Test("isolated CPUs are proposed from the end, and only where there are enough")
  func isolation() throws {
    #expect(try finding("isolation") { $0.cpu.logical = 8 }.remedy.contains("isolcpus=6-7"))
    #expect(!(try finding("isolation") { $0.cpu.logical = 2 }.remedy.contains("isolcpus")))
  }

  @Test("the text keeps to the width, warnings first, and JSON reads back")
  func forms() throws {
    let findings = Doctor.findings(Self.noisy)
    let text = Doctor.text(findings)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    #expect(text.hasPrefix("! "))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    #expect(try decoder.decode([Doctor.Finding].self, from: Data(Doctor.json(findings).utf8)) == findings)
    #expect(Doctor.markdown(findings).contains("| governor | warn | powersave |"))
  }

  private static var noisy: Environment {
    var environment = MadeUpRun.environment
    environment.cpu.governor = "powersave"
    environment.cpu.boost = true
    environment.cpu.smtActive = true
    environment.isolation.quotaCPUs = 1
    environment.load.oneMinute = 3
    environment.load.cpuPressurePercent = 40
    environment.load.stealPercent = 2
    environment.memory.transparentHugePages = "always"
    environment.memory.swapUsedBytes = 1 << 20
    environment.memory.numaBalancing = 1
    environment.memory.hugePagesFree = 0
    environment.numa = [Environment.Node(id: 0), Environment.Node(id: 1)]
    environment.security.addressSpaceRandomisation = 0
    environment.security.perfEventParanoid = 4
    environment.security.ptraceScope = 1
    environment.limits.pipeMaximumBytes = 65536
    environment.limits.openFiles = Environment.Limit(256)
    environment.toolchain.configuration = "debug"
    environment.clock.readCostNanoseconds = 700
    return environment
  }
}
