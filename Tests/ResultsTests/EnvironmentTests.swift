import Foundation
import Testing

@testable import Results

@Suite struct EnvironmentTests {
  private func capture(_ files: [String: String] = server) throws -> Environment {
    let (temporary, files) = try machine(files)
    defer { withExtendedLifetime(temporary) {} }
    return Environment.capture(clock: Sample.clock, command: ["ipcbench", "run"], files: files)
  }

  private func capture(changing name: String, to text: String?) throws -> Environment {
    var files = server
    files[name] = text
    return try capture(files)
  }

  @Test func theProcessorIsReadFromItsFirstEntry() throws {
    let cpu = try capture().cpu
    #expect(cpu.model == "AMD EPYC 9R14" && cpu.vendor == "AuthenticAMD" && cpu.family == "25")
    #expect(cpu.modelNumber == "17" && cpu.stepping == "1" && cpu.microcode == "0xa10113e")
    #expect(cpu.flags == ["avx2", "constant_tsc", "erms", "fsrm", "hypervisor", "nonstop_tsc"])
    #expect(cpu.megahertz == 3_400)
    #expect(cpu.governor == "performance" && cpu.driver == "intel_pstate" && cpu.boost == false)
  }

  @Test func coresAreCountedByPackageAndCoreAndNotByCPU() throws {
    let cpu = try capture().cpu
    #expect(cpu.logical == 4 && cpu.cores == 3 && cpu.sockets == 2)
    #expect(cpu.smtActive == true && cpu.smtControl == "on")
    #expect(
      cpu.caches == [Environment.Cache(level: 1, type: "Data", size: "32K", lineBytes: 64, sharedBy: "0-1")])
  }

  @Test func memoryIsInBytesAndNodesAreListed() throws {
    let environment = try capture()
    #expect(environment.memory.totalBytes == 24_684_084 * 1_024)
    #expect(environment.memory.swapUsedBytes == 600 * 1_024)
    #expect(environment.memory.hugePagesTotal == 8 && environment.memory.hugePagesFree == 3)
    #expect(environment.memory.transparentHugePages == "madvise")
    #expect(environment.memory.transparentHugePagesDefrag == "madvise")
    #expect(
      environment.numa == [
        Environment.Node(id: 0, cpus: "0-1", memoryBytes: 1 << 30), Environment.Node(id: 1),
      ])
  }

  @Test func limitsTellNoLimitFromNotKnown() throws {
    let limits = try capture().limits
    #expect(limits.openFiles == Environment.Limit(1_024))
    #expect(limits.lockedMemory == Environment.Limit(nil) && limits.lockedMemory?.unlimited == true)
    #expect(limits.messageQueueBytes == nil)
    #expect(limits.systemVSegmentBytes == "18446744073692774399")
    #expect(limits.systemVSemaphores == "32000 1024000000 500 32000")
    #expect(limits.pipeMaximumBytes == 1_048_576)
  }

  @Test func loadPressureAndStealAreRead() throws {
    let load = try capture().load
    #expect(load.oneMinute == 0.52 && load.fifteenMinutes == 0.59)
    #expect(load.cpuPressurePercent == 3.13)
    #expect(load.stealPercent == 5)
  }

  @Test func theTightestQuotaOnTheWayToTheRootApplies() throws {
    #expect(try capture().isolation.quotaCPUs == 1.5)
    #expect(try capture(changing: "sys/fs/cgroup/user.slice/cpu.max", to: nil).isolation.quotaCPUs == nil)
    var old = server
    old["proc/self/cgroup"] = "4:cpu,cpuacct:/box\n1:name=systemd:/\n"
    old["sys/fs/cgroup/cpu/box/cpu.cfs_quota_us"] = "50000\n"
    old["sys/fs/cgroup/cpu/box/cpu.cfs_period_us"] = "100000\n"
    old["sys/fs/cgroup/cpu/cpu.cfs_quota_us"] = "-1\n"
    #expect(try capture(old).isolation.quotaCPUs == 0.5)
    #expect(try capture(old).isolation.controlGroup == "/box")
  }

  @Test func isolationAndClockAreRead() throws {
    let environment = try capture()
    #expect(environment.isolation.isolated == "2-3" && environment.isolation.nohzFull == nil)
    #expect(environment.isolation.allowed == "0-1" && environment.isolation.allowedNodes == "0")
    #expect(environment.clock.source == "tsc")
    #expect(environment.clock.available == ["tsc", "hpet", "acpi_pm"])
    #expect(environment.clock.name == "tsc" && environment.clock.readCostNanoseconds == 9.5)
    #expect(environment.security.addressSpaceRandomisation == 2)
    #expect(environment.kernel.release == "6.12.9-amd64")
  }

  @Test(arguments: [
    (["sys/hypervisor/type": "xen"], "xen"),
    (["sys/class/dmi/id/sys_vendor": "VMware, Inc."], "vmware"),
    (["sys/class/dmi/id/product_name": "Virtual Machine"], "hyper-v"),
    (["sys/class/dmi/id/sys_vendor": "Amazon EC2"], "kvm"),
    (["sys/devices/system/clocksource/clocksource0/available_clocksource": "kvm-clock tsc"], "kvm"),
    (["proc/device-tree/hypervisor/compatible": "linux,kvm\0"], "kvm"), ([:], nil),
  ])
  func theHypervisorIsFoundByWhatItLeavesBehind(files: [String: String], expected: String?) throws {
    #expect(try capture(files).virtualisation.hypervisor == expected)
  }

  @Test(arguments: [
    (["run/systemd/container": "systemd-nspawn"], "systemd-nspawn"), ([".dockerenv": ""], "docker"),
    (["run/.containerenv": ""], "podman"), (["proc/1/environ": "PATH=/bin\0container=lxc\0"], "lxc"),
    ([:], nil),
  ])
  func theContainerIsFoundByItsMarks(files: [String: String], expected: String?) throws {
    #expect(try capture(files).virtualisation.container == expected)
  }

  // MARK: Absence

  @Test func whatIsAbsentIsNilAndLeavesNoKey() throws {
    let environment = try capture([:])
    #expect(environment.cpu.model == nil && environment.cpu.logical == nil && environment.cpu.caches == nil)
    #expect(environment.memory == Environment.Memory() && environment.load == Environment.Load())
    #expect(environment.limits == Environment.Limits() && environment.numa.isEmpty)
    let json = String(decoding: try ResultsJSON.encode(environment), as: UTF8.self)
    #expect(!json.contains("null") && !json.contains("governor") && !json.contains("unknown"))
  }

  @Test func garbageIsNilAndNotATrap() throws {
    let garbage = server.mapValues { _ in "\u{0}\u{FFFD}: ] [ -, 99999999999999999999 9-1 : :\n\n:" }
    let environment = try capture(garbage)
    #expect(environment.cpu.smtActive == nil && environment.load.stealPercent == nil)
    #expect(environment.isolation.quotaCPUs == nil && environment.memory.totalBytes == nil)
    _ = try ResultsJSON.encode(environment)
  }

  @Test func thisMachineIsReadWithoutTrouble() throws {
    let environment = Environment.capture(clock: Sample.clock, command: [])
    #expect(environment.kernel.release != nil && environment.host.hostID.count == 16)
    #expect(environment.toolchain.libc?.hasPrefix("glibc ") == true)
    #expect(environment.time.count == 20)
  }

  @Test func anEnvironmentIsReadBackAsItWasWritten() throws {
    let environment = try capture()
    let data = try ResultsJSON.encode(environment, pretty: true)
    let read = try ResultsJSON.decode(
      Environment.self, from: data, path: "environment.json", currentVersion: 1)
    #expect(read == environment)
    #expect(read.mitigations["spectre_v2"] == "Mitigation: Retpolines")
    let text = String(decoding: data, as: UTF8.self)
    for key in ["host_id", "quota_cpus", "spectre_v2", "resolution_nanoseconds", "system_v_segment_bytes"] {
      #expect(text.contains("\"\(key)\" :"), "\(key)")
    }
  }

  // MARK: Identity

  @Test(arguments: [
    ("proc/sys/kernel/hostname", "lab-8"), ("proc/loadavg", "9 9 9 1/1 1"),
    ("proc/stat", "cpu  1 1 1 1 1 1 1 9"),
    ("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1200000"),
    ("etc/machine-id", "ffffffffffffffffffffffffffffffff"),
    ("proc/meminfo", "MemTotal:       24684080 kB\nMemAvailable: 1 kB"),
  ])
  func theHashLeavesOutNameTimeAndLoad(name: String, text: String) throws {
    #expect(try capture(changing: name, to: text).hash == capture().hash)
  }

  @Test(arguments: [
    ("proc/sys/kernel/osrelease", "6.12.10-amd64"), ("sys/devices/system/cpu/online", "0-7"),
    ("proc/cpuinfo", "model name\t: other"),
    ("sys/devices/system/cpu/vulnerabilities/meltdown", "Vulnerable"),
    ("proc/meminfo", "MemTotal:       49368168 kB"), ("sys/devices/system/cpu/smt/active", "0"),
  ])
  func theHashCoversHardwareKernelAndMitigations(name: String, text: String) throws {
    #expect(try capture(changing: name, to: text).hash != capture().hash)
  }

  @Test func theHashCoversTheToolchain() throws {
    let before = try capture()
    var after = before
    after.toolchain.swift = "7.0"
    #expect(after.hash != before.hash)
    #expect(before.hash.count == 16 && before.hash.allSatisfy { $0.isHexDigit })
  }

  @Test func theHostIDTellsMachinesApartAndDoesNotShowTheMachineID() throws {
    let (one, other) = (
      try capture().host, try capture(changing: "etc/machine-id", to: "ffffffffffffffffffffffffffffffff").host
    )
    #expect(one.hostID != other.hostID && one.hostIDSource == "machine-id")
    let json = String(decoding: try ResultsJSON.encode(capture()), as: UTF8.self)
    #expect(!json.contains("0123456789abcdef"))
  }

  @Test(arguments: [nil, "", "uninitialized"])
  func withoutAMachineIDTheHostIDComesFromTheHardware(machineID: String?) throws {
    let host = try capture(changing: "etc/machine-id", to: machineID).host
    #expect(host.hostIDSource == "hardware" && host.hostID.count == 16)
    var other = server
    other["etc/machine-id"] = machineID
    other["sys/class/dmi/id/product_uuid"] = "4c4c4544"
    #expect(try capture(other).host.hostID != host.hostID)
  }
}
