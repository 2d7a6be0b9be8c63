import Results

extension Doctor {
  static func processor(_ environment: Environment) -> [Finding] {
    let cpu = environment.cpu
    return [cpus(cpu), governor(cpu), boost(cpu), smt(cpu), isolation(environment), quota(environment)]
      + [clock(environment.clock), mitigations(environment.mitigations)]
  }

  private static func cpus(_ cpu: Environment.CPU) -> Finding {
    let effect = "Producer and consumer each want a CPU of their own."
    guard let count = cpu.logical else { return Finding("cpus", .unknown, "not known", effect: effect) }
    let value = counted(count, "CPU")
    if count == 1 {
      return Finding(
        "cpus", .warn, value,
        effect:
          "\(effect) On one CPU they take turns: every message costs a context switch, and spinning makes "
          + "no sense.", remedy: "Measure on a machine with at least two CPUs.")
    }
    if count < 4 {
      return Finding(
        "cpus", .info, value,
        effect: "\(effect) The rest of the system has to run on the same ones, which shows in the tails.",
        remedy: "Keep the machine idle while it measures.")
    }
    return Finding("cpus", .ok, value, effect: effect)
  }

  private static func governor(_ cpu: Environment.CPU) -> Finding {
    let effect =
      "With any governor but performance the clock frequency follows the load: a blocking mechanism runs "
      + "on slower CPUs than a spinning one, and a trial depends on what ran before it."
    guard let governor = cpu.governor else {
      return Finding(
        "governor", .unknown, "the kernel shows none", effect: effect,
        remedy:
          "On a virtual machine the host decides; on bare metal load the frequency driver of the processor.")
    }
    if governor == "performance" { return Finding("governor", .ok, governor, effect: effect) }
    return Finding(
      "governor", .warn, governor, effect: effect, remedy: "Set the performance governor.",
      command: "cpupower frequency-set -g performance",
      setting: Setting("/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor", "performance"))
  }

  private static func boost(_ cpu: Environment.CPU) -> Finding {
    let effect =
      "The boost frequency depends on temperature and on how many cores are busy, so that the same trial is "
      + "faster on a cool machine."
    guard let boost = cpu.boost else {
      return Finding("boost", .unknown, "the kernel does not say", effect: effect)
    }
    guard boost else { return Finding("boost", .ok, "off", effect: effect) }
    let isIntel = cpu.driver?.hasPrefix("intel") ?? false
    return Finding(
      "boost", .info, "on", effect: effect,
      remedy: "Turn it off to compare versions of a program; leave it on to learn what users will see.",
      setting: isIntel
        ? Setting("/sys/devices/system/cpu/intel_pstate/no_turbo", "1")
        : Setting("/sys/devices/system/cpu/cpufreq/boost", "0"))
  }

  private static func smt(_ cpu: Environment.CPU) -> Finding {
    let effect =
      "Two hardware threads of one core share its execution units and its nearest caches: placing both sides "
      + "there is a case of its own, and a neighbour's work shows in yours."
    guard let active = cpu.smtActive else {
      return Finding("smt", .unknown, "the kernel does not say", effect: effect)
    }
    guard active else { return Finding("smt", .ok, "off", effect: effect) }
    return Finding(
      "smt", .info, "on", effect: effect,
      remedy:
        "Placement takes different cores by itself; turn SMT off to keep other work off the sibling threads.",
      command: "echo off > /sys/devices/system/cpu/smt/control")
  }

  private static func isolation(_ environment: Environment) -> Finding {
    let isolation = environment.isolation
    let effect =
      "On CPUs that are not isolated, the scheduler's tick and other processes interrupt a trial; that is "
      + "most of what lies beyond p99."
    let parts = [
      isolation.isolated.map { "isolcpus \($0)" }, isolation.nohzFull.map { "nohz_full \($0)" },
    ].compactMap { $0 }
    if isolation.isolated != nil {
      return Finding("isolation", .ok, parts.joined(separator: ", "), effect: effect)
    }
    let value = parts.isEmpty ? "no isolated CPUs" : parts.joined(separator: ", ")
    guard let count = environment.cpu.logical, count >= 4 else {
      return Finding(
        "isolation", .info, value, effect: effect, remedy: "With so few CPUs there is none to spare.")
    }
    let last = "\(count - 2)-\(count - 1)"
    return Finding(
      "isolation", .info, value, effect: effect,
      remedy: "Boot with `isolcpus=\(last) nohz_full=\(last)` and run with `--pin \(count - 2),\(count - 1)`."
    )
  }

  private static func quota(_ environment: Environment) -> Finding {
    let effect =
      "A control group that may use less than two CPUs is stopped for milliseconds when its time is used up, "
      + "in the middle of a trial."
    guard let quota = environment.isolation.quotaCPUs else {
      return Finding("quota", .ok, "none", effect: effect)
    }
    let value = "\(Quantity.count(quota)) CPUs"
    if quota >= 3 { return Finding("quota", .ok, value, effect: effect) }
    return Finding(
      "quota", quota < 2 ? .warn : .info, value, effect: effect,
      remedy: "Give the container or service at least three CPUs, or no quota (`--cpus`, `CPUQuota=`).")
  }

  private static func clock(_ clock: Environment.Clock) -> Finding {
    let effect =
      "One-way latencies need one clock for both sides that costs little to read and does not stop; a slow "
      + "one is part of every small number."
    guard let name = clock.name else { return Finding("clock", .unknown, "not known", effect: effect) }
    let cost = clock.readCostNanoseconds.map { ", \(Quantity.roundTime(nanoseconds: $0)) a reading" } ?? ""
    let source = clock.source.map { ", kernel uses \($0)" } ?? ""
    let value = "\(name)\(cost)\(source)"
    let isSlow =
      (clock.readCostNanoseconds ?? 0) > 100 || ["hpet", "acpi_pm", "jiffies"].contains(clock.source ?? "")
    guard isSlow else { return Finding("clock", .ok, value, effect: effect) }
    return Finding(
      "clock", .warn, value, effect: effect,
      remedy:
        "Find out in the kernel's log why it does not trust the TSC; with good reason to trust it, boot with "
        + "`tsc=reliable`.")
  }

  private static func mitigations(_ mitigations: [String: String]) -> Finding {
    let effect =
      "Mitigations make entering the kernel dearer, and with it every mechanism that is not shared memory."
    if mitigations.isEmpty {
      return Finding("mitigations", .unknown, "the kernel does not say", effect: effect)
    }
    let active = mitigations.values.filter { $0.hasPrefix("Mitigation") }.count
    let open = mitigations.filter { $0.value.hasPrefix("Vulnerable") }.keys.sorted()
    let value = "\(active) active" + (open.isEmpty ? "" : ", open: \(open.joined(separator: ", "))")
    return Finding(
      "mitigations", .info, value, effect: effect,
      remedy: "Leave them as they are, and compare only machines that have the same.")
  }
}
